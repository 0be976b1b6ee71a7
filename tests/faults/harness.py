"""Starts the program under mpirun, disturbs it, and looks at what it left. Every test of this folder is called with
KOLMO MPIEXEC NUMPROC_FLAG and its own arguments."""
import atexit
import csv
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from cases import TURNING, VORTICES  # noqa: E402

KOLMO = os.path.abspath(sys.argv[1])
LAUNCHER = sys.argv[2:4]
ARGUMENTS = sys.argv[4:]
PATIENCE = 120  # seconds; longer is a hang
wrong = []

# OpenMPI leaves its shared memory behind where ranks are killed: here it is cleared away.
SEGMENTS = tempfile.mkdtemp(prefix="kolmo-ranks-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
os.environ["OMPI_MCA_btl_vader_backing_directory"] = SEGMENTS
atexit.register(shutil.rmtree, SEGMENTS, True)

# What mpirun itself says of a job that fails.
MPIRUN = (r"-{20}|Primary job|a non-zero exit code|mpi(run|exec) |the job to be terminated|  Process name|  Exit code|MPI_ABORT|with errorcode|NOTE: |"
          r"You may or may not|exactly when|\[[\w.-]+:\d+\]")

CASE = VORTICES + """[time]
end = 1e6
max_steps = 20
[output]
series = { every_steps = 1 }
fields = { every_steps = 5, names = ["velocity", "pressure", "dye"], precision = "float64" }
checkpoint = { every_steps = 5 }
points = [ { name = "probe", at = [1.0, 0.5] } ]
averages = { over = ["x"], start = 0.0 }
"""

DENSITY = TURNING + """[time]
step = 0.001
end = 1e6
max_steps = 20
[output]
marginals = [["q"], ["v"]]
series = { every_steps = 1 }
fields = { every_steps = 5, names = ["density", "flux"], precision = "float64" }
checkpoint = { every_steps = 5 }
"""


def expect(condition, what):
    if not condition:
        wrong.append(what)
        print("FAILED:", what, flush=True)
    return condition


def finish():
    print(f"{len(wrong)} complaints")
    sys.exit(1 if wrong else 0)


def write_case(folder, text=CASE, name="case.toml"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def changed(*pairs, text=CASE):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def settings(**values):
    """--set arguments: time__end=1 becomes --set time.end=1."""
    return [word for key, value in values.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]


def command(arguments, ranks):
    return (LAUNCHER + [str(ranks)] if ranks > 1 else []) + [KOLMO, *arguments]


class Outcome:
    """Exit code, standard output, and the lines of standard error that are not mpirun's own."""

    def __init__(self, code, out, err):
        self.code, self.out = code, out
        self.err = [line for line in err.splitlines() if line.strip()]
        self.said = "\n".join(line for line in self.err if not re.match(MPIRUN, line))

    def __str__(self):
        return f"exit code {self.code}, said: {self.said or self.err[-3:]}"


def run(*arguments, ranks=2, **options):
    done = subprocess.run(command(arguments, ranks), capture_output=True, text=True, timeout=PATIENCE, **options)
    return Outcome(done.returncode, done.stdout, done.stderr)


def children(process):
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


class Job:
    """A run in the background; its ranks are known by their process numbers."""

    def __init__(self, *arguments, ranks=2, **options):
        self.ranks = ranks
        self.process = subprocess.Popen(command(arguments, ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        **options)

    def pids(self):
        """Of the ranks, once they are there."""
        if self.ranks == 1:
            return [self.process.pid]
        deadline = time.time() + PATIENCE
        while time.time() < deadline and self.alive():
            found = [pid for pid in children(self.process.pid) if self.is_program(pid)]
            if len(found) == self.ranks:
                return found
            time.sleep(0.005)
        return []

    @staticmethod
    def is_program(pid):
        try:
            return os.path.samefile(os.readlink(f"/proc/{pid}/exe"), KOLMO)
        except OSError:
            return False

    def alive(self):
        return self.process.poll() is None

    def wait_for(self, condition, what):
        deadline = time.time() + PATIENCE
        while self.alive() and time.time() < deadline:
            if condition():
                return True
            time.sleep(0.005)
        return expect(condition(), f"{what} did not come about")

    def kill_all(self):
        """What a node that fails does: nobody has time for anything."""
        victims = [pid for pid in children(self.process.pid)] + [self.process.pid]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.communicate(timeout=PATIENCE)
        deadline = time.time() + PATIENCE
        while any(self.is_program(pid) for pid in victims) and time.time() < deadline:
            time.sleep(0.005)

    def end(self):
        try:
            out, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            expect(False, "the run hangs")
            self.kill_all()
            return Outcome(-1, "", "")
        return Outcome(self.process.returncode, out, err)


def checkpoints(folder):
    """Steps of the published checkpoints, ascending."""
    return sorted(int(os.path.basename(path)[:-3]) for path in glob.glob(os.path.join(folder, "checkpoint", "[0-9]*.h5")))


def checkpoint(folder, step):
    return os.path.join(folder, "checkpoint", f"{step:06d}.h5")


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def rows(folder):
    with open(os.path.join(folder, "diagnostics.csv"), newline="", encoding="ascii") as file:
        return list(csv.reader(file))


def summary(folder):
    with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
        return json.load(file)


def results(folder):
    """Every file that a run leaves, but what tells of hours, paths and legs."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if name not in ("run.toml", "summary.json", ".lock", "progress.json", "latest") and "checkpoint" not in root:
                found[os.path.relpath(path, folder)] = read(path)
    return found


def expect_same_results(a, b, what):
    one, other = results(a), results(b)
    for name in sorted(set(one) | set(other)):
        expect(one.get(name) == other.get(name), f"{what}: {name} differs or is missing in one of two runs")


def folder():
    """In memory where that can be: what is tested is not the disk, and a checkpoint per step would wait for it. The name has a
    space and an umlaut on purpose."""
    memory = "/dev/shm"
    here = memory if os.access(memory, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="kolmo fällt ", dir=here)
