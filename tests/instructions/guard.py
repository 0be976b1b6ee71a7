"""guard.py BUILD [--update]: builds instruction_steps for x86-64-v3 in BUILD, counts instructions per cell and step of
three small flows with callgrind, and fails where one is more than 5 % above its stored value (or below: store it anew,
with --update). Ends with 77 where valgrind is not installed."""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STORED = os.path.join(HERE, "stored.json")
CASES = ("taylor_green_32", "channel_32", "cavity_32")
FIRST, LAST = 3, 8  # counts over these numbers of steps differ by the steps between: what starts up cancels
ALLOWED = 0.05


def build(folder):
    os.makedirs(folder, exist_ok=True)
    for command in (["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                     "-DKOLMO_ARCH=x86-64-v3"],
                    ["cmake", "--build", folder, "--parallel", "2", "--target", "instruction_steps"]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stdout[-4000:])
    return os.path.join(folder, "tests", "instructions", "instruction_steps")


def count(program, case, steps):
    """Instructions of the whole program, and its cells."""
    # One process alone, no daemon beside it; the same kernels of BLAS whatever valgrind says of the processor.
    environment = dict(os.environ, OMPI_MCA_ess_singleton_isolated="1", OPENBLAS_NUM_THREADS="1",
                       OPENBLAS_CORETYPE="Haswell")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, case, str(steps)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    cells = re.search(r"(\d+) cells", done.stdout)
    if done.returncode != 0 or not found or not cells:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"[-4000:])
    return int(found.group(1)), int(cells.group(1))


def main():
    if not shutil.which("valgrind"):
        print("valgrind is not installed: nothing was counted")
        sys.exit(77)
    program = build(sys.argv[1])
    counted = {}
    for case in CASES:
        few, cells = count(program, case, FIRST)
        many, _ = count(program, case, LAST)
        counted[case] = round((many - few) / ((LAST - FIRST) * cells), 1)
    if "--update" in sys.argv:
        with open(STORED, "w", encoding="utf-8") as file:
            json.dump(counted, file, indent=2)
            file.write("\n")
    with open(STORED, encoding="utf-8") as file:
        stored = json.load(file)
    failed = False
    for case, value in counted.items():
        ratio = value / stored[case]
        wrong = abs(ratio - 1) > ALLOWED
        failed = failed or wrong
        print(f"{case}: {value} instructions per cell and step, stored {stored[case]}: x {ratio:.3f}"
              + (" FAILED" if wrong else ""))
    if failed:
        sys.exit("more than 5 % off; if that is meant, run: tests/instructions/guard.py build/portable --update")


if __name__ == "__main__":
    main()
