"""How errors end: one line, once, the right exit code, and no rank left waiting. Usage: guard.py PROGRAM mpiexec -n N"""
import subprocess
import sys

program, launcher = sys.argv[1], sys.argv[2:]
# how it fails, exit code, the lines of ours
EXPECTED = {
    "none": (85, []),
    "all": (4, ["two lines"]),
    "unknown": (3, ["internal error: odd"]),
    "one": (5, ["rank 1: only here"]),
}
wrong = []
for how, (code, lines) in EXPECTED.items():
    done = subprocess.run(launcher + [program, how], capture_output=True, timeout=60, text=True)
    ours = [line for line in done.stderr.splitlines() if any(word in line for word in ("two", "lines", "odd", "only here"))]
    if done.returncode != code or ours != lines:
        wrong.append(f"{how}: exit code {done.returncode} instead of {code}, {ours} instead of {lines}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
