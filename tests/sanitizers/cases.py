"""Every shipped case, small and short, on 2 ranks of a sanitized program: two steps, a checkpoint, a restart, two more. A report of a
sanitizer ends the program with another code than 0. Usage: cases.py KOLMO MPIEXEC NUMPROC_FLAG CASES"""
import os
import re
import subprocess
import sys
import tempfile

KOLMO, LAUNCHER, CASES = os.path.abspath(sys.argv[1]), sys.argv[2:4], os.path.abspath(sys.argv[4])
CELLS = {1: 32, 2: 16, 3: 8}
failed = []


def run(*arguments):
    done = subprocess.run(LAUNCHER + ["2", KOLMO, *arguments], capture_output=True, text=True, timeout=600)
    if done.returncode != 0 or "Sanitizer" in done.stderr or "runtime error" in done.stderr:
        failed.append(arguments)
        print(f"FAILED ({done.returncode}): kolmo {' '.join(arguments)}\n{done.stderr[-6000:]}", flush=True)


def small(text):
    """--set for fewer cells along the axes that are given by their number, and few steps."""
    axes = re.findall(r"^(\w+) = \{ from\b.*\bcells\b", text, re.MULTILINE)
    words = [f"grid.{axis}.cells={CELLS.get(len(axes), 4)}" for axis in axes]
    if re.search(r'^kind *= *"flow"', text, re.MULTILINE):
        words += ["output.checkpoint.every_time=", "output.checkpoint.every_steps=2", "output.series.every_steps=1"]
    return [word for setting in words for word in ("--set", setting)]


with tempfile.TemporaryDirectory() as place:
    names = sorted(name for name in os.listdir(CASES) if os.path.exists(os.path.join(CASES, name, "case.toml")))
    for name in names:
        path, where = os.path.join(CASES, name, "case.toml"), os.path.join(place, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        stationary = re.search(r"^stationary *= *true", text, re.MULTILINE)  # takes no steps
        run("run", path, "--output", where, *small(text), *([] if stationary else ["--set", "time.max_steps=2"]))
        if os.path.isdir(os.path.join(where, "checkpoint")):
            run("restart", where, "--set", "time.max_steps=4")
print(f"{len(names)} cases, {len(failed)} failures")
sys.exit(1 if failed else 0)
