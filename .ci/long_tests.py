"""long_tests.py BUILD SECONDS: runs as many tests labelled long as are sure to fit.

A test is started only if its TIMEOUT fits into the time that is left, so that none is ever cut short and a failure is
always a failure. Tests end well before their timeouts: what did not fit at first is looked at again after each batch.
"""

import json
import os
import re
import subprocess
import sys
import time

SELECT = ["-L", "^long$"]


def read_tests(build):
    """Names and timeouts of the long tests, the shortest timeout first."""
    command = ["ctest", "--test-dir", build, *SELECT, "--show-only=json-v1"]
    listing = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    tests = []
    for test in listing["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        tests.append((float(properties.get("TIMEOUT", 1500)), test["name"]))
    return sorted(tests)


def take_batch(tests, seconds):
    """Splits off the tests that end within `seconds` even if each takes its whole timeout, one after the other."""
    batch = []
    while tests and tests[0][0] <= seconds:
        timeout, name = tests.pop(0)
        seconds -= timeout
        batch.append(name)
    return batch


def run_batch(build, names):
    pattern = "^(" + "|".join(re.sub(r"([.+])", r"\\\1", name) for name in names) + ")$"
    jobs = str(len(os.sched_getaffinity(0)))
    command = ["ctest", "--test-dir", build, *SELECT, "-R", pattern, "-j", jobs, "--output-on-failure", "--no-tests=error"]
    return subprocess.run(command).returncode == 0


def main():
    build, deadline = sys.argv[1], time.monotonic() + float(sys.argv[2])
    tests = read_tests(build)
    total, passed = len(tests), True
    while batch := take_batch(tests, deadline - time.monotonic()):
        passed = run_batch(build, batch) and passed
        sys.stdout.flush()
    print(f"long tests: {total - len(tests)} of {total} run, {'none failed' if passed else 'SOME FAILED'}")
    for timeout, name in tests:
        print(f"  no time left for {name} (may take {timeout:.0f} s)")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
