"""Jobs on a real SLURM, as users meet them: several nodes, sweeps, chains, stopped, queued again, a node lost.
Usage: jobs.py KOLMO SOURCE [SCENARIO...]      (all but limit and scaling, which take minutes)
"""
import concurrent.futures
import csv
import json
import os
import shutil
import sys
import tempfile
import time

import cluster as slurm

KOLMO, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
TOOLS = os.path.join(SOURCE, "scripts", "slurm")
STEPS = 120

CASE = """
[case]
kind = "flow"
title = "vortices"
[grid]
x = { from = 0.0, to = "2*pi", cells = 384 }
y = { from = 0.0, to = "2*pi", cells = 384 }
[fluid]
kinematic_viscosity = 1e-2
[boundary]
default = { type = "periodic" }
[initial]
name = "taylor-green"
[time]
step = 1e-3
end = 1e3
max_steps = %d
[output]
fields = { every_steps = %d, names = ["velocity", "pressure"], precision = "float64" }
series = { every_steps = 5 }
checkpoint = { every_steps = 10 }
""" % (STEPS, STEPS)

SMALL = ["--set", "grid.x.cells=16", "--set", "grid.y.cells=16"]


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def text(*path):
    return read(*path).decode(errors="replace")


def last_step(folder):
    """The step of the last complete row of the series, or -1."""
    try:
        rows = text(folder, "diagnostics.csv").splitlines(keepends=True)
    except OSError:
        return -1
    steps = [row.split(",")[0] for row in rows[1:] if row.endswith("\n")]
    return int(steps[-1]) if steps else -1


class Jobs:
    """What every scenario needs. Each writes into folders of its own."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.seen_waiting = 0
        self.case = os.path.join(folder, "vortices.toml")
        with open(self.case, "w") as file:
            file.write(CASE)
        self.environment = {"KOLMO": KOLMO, "KOLMO_TOOLS": TOOLS, "KOLMO_CASE": self.case}

    def place(self, name):
        return os.path.join(self.folder, name)

    def submit(self, name, nodes, ranks, *options, case=None, time="10"):
        """Through kolmo-submit; returns the number of the job and the folder of the run."""
        out = self.cluster.call(os.path.join(TOOLS, "kolmo-submit"), case or self.case, "--nodes", str(nodes), "--ntasks-per-node",
                                str(ranks), "--time", time, "--output", self.place(name), *options, environment=self.environment)
        lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
        for word in ("batch script", "job", "results", "log", "how far", "stop it", "end it"):
            expect(word in lines, f"kolmo-submit does not say '{word}': {out}")
        return int(lines["job"].split()[1]), self.place(name)

    def log(self, folder):
        return "".join(text(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".log"))

    def finish(self, job, folder, state="COMPLETED", seconds=100):
        found = self.cluster.wait(job, seconds)
        expect(found == state, f"job {job} is {found} instead of {state}:\n{self.log(folder)[-3000:]}")

    def wait_for_step(self, folder, step, seconds=60):
        deadline = time.monotonic() + seconds
        while last_step(folder) < step:
            expect(time.monotonic() < deadline, f"{folder} did not get to step {step}:\n{self.log(folder)[-3000:]}")
            time.sleep(0.05)

    def warn(self, job):
        """What the scheduler does before the time limit, now."""
        self.cluster.call("scancel", "--batch", "--signal=USR1", str(job))

    def expect_waiting(self, job, folder, state):
        """What `kolmo status` says of a run whose job is in the queue again."""
        said = self.cluster.call(KOLMO, "status", folder)
        deadline = time.monotonic() + 30
        while "running" in said and self.cluster.state(job) == "PENDING":  # its ranks may take a moment to let go
            expect(time.monotonic() < deadline, f"the run of a job that waits is still at work: {said}")
            time.sleep(0.1)
            said = self.cluster.call(KOLMO, "status", folder)
        if self.cluster.state(job) == "PENDING":  # else it was too quick for us
            expect(" waits to go on with it (PENDING" in said and f"job {job} " in said and state in said, f"status of a run that waits: {said}")
            self.seen_waiting += 1

    def same(self, folder):
        """In the same bits as the run that went through."""
        whole = self.place("single")
        deadline = time.monotonic() + 100
        while not os.path.exists(os.path.join(whole, "summary.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        expect(json.loads(read(folder, "summary.json"))["steps"] == STEPS, f"{folder} did not come to its end")
        for name in (f"fields/{STEPS:06d}.h5", "diagnostics.csv"):
            expect(read(folder, name) == read(whole, name), f"{folder}/{name} differs from that of the unbroken run")
        expect(not os.path.exists(os.path.join(folder, "STOP")), "STOP was left behind")


# --- scenarios --------------------------------------------------------------------------------------------------------


def single(jobs):
    """One node, two ranks, unbroken: what the others are compared with."""
    job, folder = jobs.submit("single", 1, 2)
    jobs.finish(job, folder)
    expect("leg 1 of job" in jobs.log(folder), "the log does not name the leg")
    expect(json.loads(read(folder, "summary.json"))["ranks"] == 2, "not on two ranks")


def two_nodes(jobs):
    """srun and mpirun across nodes: the same numbers as on one node."""
    submitted = [jobs.submit(f"nodes_{launcher}", 2, 1, "--launcher", launcher, "--", "--set", "time.max_steps=10")
                 for launcher in ("srun", "mpirun")]
    for job, folder in submitted:
        jobs.finish(job, folder)
        expect(jobs.cluster.show(job)["NumNodes"] == "2", "not on two nodes")
        jobs.wait_for_step(jobs.place("single"), 10)
        rows = list(csv.reader(text(folder, "diagnostics.csv").splitlines()))
        whole = list(csv.reader(text(jobs.place("single"), "diagnostics.csv").splitlines()))
        expect(len(rows) == 4 and rows == whole[:4], f"{folder}: the series differs from that of one node")


def sweep(jobs):
    """Three lines, one of them beyond its limits: two runs done, and that task alone has failed. Names are as odd as
    they may be, and the table comes from a spreadsheet."""
    odd = jobs.place("it's a \"sweep\" & 50% of $HOME")
    os.mkdir(odd)
    table = os.path.join(odd, "the table.txt")
    with open(table, "wb") as file:
        file.write(b"\xef\xbb\xbf# viscosity\r\n\r\n  # and more\r\nfluid.kinematic_viscosity=2e-2 case.title='thick and $(slow)'\r\n"
                   b"case.title=\"no #3\" fluid.kinematic_viscosity=3e-2 # it's thin\r\ntime.step=50.0")
    case = shutil.copy(jobs.case, os.path.join(odd, "my case.toml"))
    job, folder = jobs.submit(os.path.join(odd, "out"), 1, 1, "--array", table, "--at-most", "2", "--", *SMALL, case=case, time="0-00:02")
    for task, value in ((1, "0.02"), (2, "0.03")):
        jobs.finish(f"{job}_{task}", folder)
        expect(f"kinematic_viscosity = {value}" in text(folder, str(task), "run.toml"), f"task {task} did not take its line")
    expect("thick and $(slow)" in text(folder, "1", "run.toml"), "a quoted word was not taken as it is")
    expect("no #3" in text(folder, "2", "run.toml"), "a # in quotes was taken for a comment")
    jobs.finish(f"{job}_3", folder, "FAILED")
    expect(jobs.cluster.show(f"{job}_3")["ExitCode"] == "3:0", "numerics do not end with 3")
    expect("stability limit" in jobs.log(folder), "the log does not say what was wrong")


def chain(jobs):
    """A leg that is stopped submits the next, which waits until it has ended well: three of them."""
    job, folder = jobs.submit("chain", 1, 2, "--chain")
    step = 0
    for leg in (2, 3):
        jobs.wait_for_step(folder, step + 5)
        jobs.warn(job)
        jobs.finish(job, folder)
        said = text(folder, f"job-{job}.log")
        expect("goes on in job " in said, f"no next leg:\n{said[-2000:]}")
        job = int(said.split("goes on in job ")[1].split()[0])
        step = max(last_step(folder), step)
        deadline = time.monotonic() + 30
        while f"leg {leg} of job {job}" not in jobs.log(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        expect(f"leg {leg} of job {job}" in jobs.log(folder), "the next leg does not count")
    jobs.finish(job, folder)
    jobs.same(folder)


def broken_chain(jobs):
    """What waits for a job that fails is cancelled, not left waiting."""
    job, folder = jobs.submit("broken", 1, 1, "--", "--set", "time.cfl=", *SMALL, "--set", "time.step=50.0")
    waiting = jobs.cluster.sbatch(f"--dependency=afterok:{job}", "--kill-on-invalid-dep=yes", "--output=/dev/null", "--wrap", "true")
    jobs.finish(job, folder, "FAILED")
    expect(jobs.cluster.show(job)["ExitCode"] == "3:0", f"numerics do not end with 3: {jobs.log(folder)}")
    expect(jobs.cluster.wait(waiting) == "CANCELLED", "a job that can never start was not cancelled")


def requeue(jobs, launcher):
    """Warned twice, queued again twice, done in the third leg."""
    job, folder = jobs.submit(f"requeue_{launcher}", 1, 2, "--launcher", launcher)
    step = 0
    for leg in (1, 2):
        jobs.wait_for_step(folder, step + 5)
        jobs.warn(job)
        found = jobs.cluster.wait(job, 30, until=("PENDING", "COMPLETED", "FAILED", "CANCELLED"))
        expect(found == "PENDING", f"leg {leg} ended as {found}:\n{jobs.log(folder)[-3000:]}")
        summary = json.loads(read(folder, "summary.json"))
        expect(summary["status"] == "stopped" and summary["exit_code"] == 85, f"leg {leg}: {summary}")
        step = summary["steps"]
        expect(os.path.exists(os.path.join(folder, "checkpoint", f"{step:06d}.h5")), f"leg {leg} left no checkpoint of step {step}")
        jobs.expect_waiting(job, folder, "stopped")
    jobs.finish(job, folder)
    expect(jobs.cluster.show(job)["Restarts"] == "2", "not queued again twice")
    expect("leg 3 of job" in jobs.log(folder) and "restart from" in jobs.log(folder), "the log does not tell of the legs")
    jobs.same(folder)


def node_failure(jobs):
    """SLURM takes a node away under the job, queues it again by itself, and the run goes on from its last checkpoint."""
    job, folder = jobs.submit("failure", 1, 2, "--sbatch=--partition=fragile")
    jobs.wait_for_step(folder, 25)
    jobs.cluster.call("scontrol", "update", "NodeName=kn3", "State=DOWN", "Reason=test")
    found = jobs.cluster.wait(job, 30, until=("PENDING", "COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL"))
    expect(found == "PENDING", f"the job is {found} after its node was lost:\n{jobs.log(folder)[-3000:]}")
    jobs.expect_waiting(job, folder, "")
    jobs.cluster.wait_for_end_of_steps(job)
    jobs.cluster.call("scontrol", "update", "NodeName=kn3", "State=RESUME", check=False)
    jobs.finish(job, folder)
    expect(int(jobs.cluster.show(job)["Restarts"]) >= 1, "not queued again")
    expect("restart from" in jobs.log(folder), "it began anew")
    jobs.same(folder)


def cancelled(jobs):
    """scancel ends a job for good, and leaves a valid checkpoint."""
    job, folder = jobs.submit("cancelled", 1, 2)
    jobs.wait_for_step(folder, 15)
    jobs.cluster.call("scancel", str(job))
    jobs.finish(job, folder, "CANCELLED")
    time.sleep(2.0)
    expect(jobs.cluster.state(job) == "CANCELLED", "it came back")
    status = jobs.cluster.call(KOLMO, "status", folder)
    expect("checkpoints" in status and "running" not in status, status)
    done = jobs.cluster.call(KOLMO, "restart", folder, "--set", "time.max_steps=1")
    expect("restart from" in done, f"it cannot be continued: {done}")


def by_hand(jobs):
    """The shipped batch scripts, as they are, with a small case."""
    small = jobs.place("small.toml")
    with open(small, "w") as file:
        file.write(CASE.replace("384", "16").replace(f"max_steps = {STEPS}", "max_steps = 4"))
    submitted = []
    for name in ("flow", "density", "chain", "sweep-array"):
        folder = jobs.place(f"hand_{name}")
        os.mkdir(folder)
        with open(os.path.join(folder, "sweep.txt"), "w") as file:
            file.write("fluid.kinematic_viscosity=1e-2\nfluid.kinematic_viscosity=1e-3\n")
        results = os.path.join(folder, "results")
        environment = {**jobs.environment, "KOLMO_CASE": small, "KOLMO_RESULTS": results}
        job = jobs.cluster.sbatch("--export=ALL", os.path.join(TOOLS, name + ".sbatch"), environment=environment, cwd=folder)
        submitted += [(f"{job}_{task}", folder, os.path.join(results, str(task))) for task in (1, 2)] if name == "sweep-array" else [
            (job, folder, results)]
    for job, folder, results in submitted:
        jobs.finish(job, folder)
        expect(json.loads(read(results, "summary.json"))["steps"] == 4, f"{results} did not come to its end")


def crashed_start(jobs):
    """Ranks that crash before the run has begun are started again, twice and no more; what crashes or refuses later is not."""
    once = 'mkdir "$PLACE/{0}-$SLURM_PROCID" 2>/dev/null && kill -{0} $$\n'
    programs = {
        "recovers": (once.format("SEGV") + once.format("ABRT") + f'exec "{KOLMO}" "$@"', "COMPLETED", "0:0", 2),
        "never": ("kill -SEGV $$", "FAILED", None, 2),
        "later": ('mkdir -p "$PLACE/results"; touch "$PLACE/results/.lock"; kill -SEGV $$', "FAILED", None, 0),
        "refuses": (f'exec "{KOLMO}" --wrong', "FAILED", "2:0", 0),
    }
    submitted = []
    for name, (program, *expected) in programs.items():
        place = jobs.place("start_" + name)
        os.mkdir(place)
        wrapper = os.path.join(place, "kolmo")
        with open(wrapper, "w") as file:
            # SLURM sometimes loses a step whose ranks are gone before all of them are launched.
            file.write("#!/bin/sh\nsleep 1\n" + program + "\n")
        os.chmod(wrapper, 0o755)
        command = f"exec '{TOOLS}/kolmo-job' run '{jobs.case}' --output '{place}/results' {' '.join(SMALL)} --set time.max_steps=4"
        job = jobs.cluster.sbatch("--nodes=1", "--ntasks=2", "--time=2", "--output", os.path.join(place, "log"), "--wrap", command,
                                  environment={**jobs.environment, "KOLMO": wrapper, "PLACE": place})
        submitted.append((name, place, job, *expected))
    for name, place, job, state, code, again in submitted:
        found = jobs.cluster.wait(job)
        said = text(place, "log")
        expect(found == state, f"{name}: {found} instead of {state}:\n{said[-2000:]}")
        expect(code is None or jobs.cluster.show(job)["ExitCode"] == code, f"{name}: ended with {jobs.cluster.show(job)['ExitCode']}")
        expect(said.count("they are started again") == again, f"{name}: not started again {again} times:\n{said[-2000:]}")


def refusals(jobs):
    """A mistake is met before anything is in the queue."""
    submit = os.path.join(TOOLS, "kolmo-submit")
    wrong = jobs.place("wrong.toml")
    with open(wrong, "w") as file:
        file.write(CASE.replace("kinematic_viscosity", "kinematic_viscosty"))
    empty = jobs.place("empty.txt")
    with open(empty, "w") as file:
        file.write("# nothing\n\n")
    sweeps = {"mistaken": "case.title=one\nfluid.densty=7\n", "no_pair": "time.cfl 0.3\n", "quotes": "case.title='open\n"}
    for name, lines in sweeps.items():
        with open(jobs.place(name + ".txt"), "w") as file:
            file.write(lines)
    good = ["--nodes", "1", "--ntasks-per-node", "1", "--time", "5"]
    for arguments in ([wrong, *good], [jobs.case, *good[:4]], [jobs.case, *good, "--array", "nowhere.txt"],
                      [jobs.case, *good, "--array", empty], *([jobs.case, *good, "--array", jobs.place(name + ".txt")] for name in sweeps),
                      [jobs.case, *good, "--launcher", "prun"], [jobs.case, *good, "--nods", "2"], [jobs.case, *good, "--warning", "300"],
                      [jobs.place("absent.toml"), *good]):
        out = jobs.cluster.call("sh", "-c", '"$@"; echo "code $?"', "sh", submit, *arguments, "--output", jobs.place("refused"),
                                environment=jobs.environment)
        expect(out.endswith("code 2") and len(out.splitlines()) == 2, f"{arguments}: {out}")
    expect(not os.path.exists(jobs.place("refused")), "a refused job wrote something")
    for time_limit, warning in (("2", "30"), ("0-01", "120"), ("8:04", "120"), ("1:00:00", "120"), ("1-0:0:1", "120")):
        jobs.cluster.call(submit, jobs.case, *good[:4], "--time", time_limit, "--dry-run", "--output", jobs.place("dry"), environment=jobs.environment)
        expect(f"B:USR1@{warning}\n" in text(jobs.place("dry"), "job.sbatch"), f"--time {time_limit} is not warned of {warning} s before")


def limit(jobs):
    """A real time limit of a minute: warned by SLURM itself, stopped, queued again until it is done, in the same bits."""
    job, folder = jobs.submit("measured", 1, 2)
    jobs.finish(job, folder)
    # So many steps that one leg cannot do them, and three can.
    steps = int(60.0 * STEPS / json.loads(read(folder, "summary.json"))["wall_seconds"])
    steps -= steps % 5
    longer = ["--set", f"time.max_steps={steps}", "--set", "output.checkpoint.every_steps=1000000", "--set",
              f"output.fields.every_steps={steps}"]
    whole_job, whole = jobs.submit("whole", 1, 2, "--", *longer)
    job, folder = jobs.submit("limited", 1, 2, "--warning", "20", "--", *longer, time="1")
    jobs.finish(job, folder, seconds=500)
    jobs.finish(whole_job, whole, seconds=300)
    legs = 1 + int(jobs.cluster.show(job)["Restarts"])
    print(f"       {steps} steps in {legs} legs")
    expect(legs >= 2 and "kolmo-job: warned" in jobs.log(folder), f"no leg was stopped by the limit:\n{jobs.log(folder)[-2000:]}")
    for name in (f"fields/{steps:06d}.h5", "diagnostics.csv"):
        expect(read(folder, name) == read(whole, name), f"{name} differs from that of the unbroken run")


def scaling(jobs):
    """The scaling job: a table and a picture for each solver and kind."""
    results = jobs.place("scaling")
    environment = {**jobs.environment, "KOLMO_SCALING": os.path.join(SOURCE, "scripts", "scaling"), "KOLMO_RESULTS": results, "KOLMO_CELLS": "12"}
    job = jobs.cluster.sbatch("--partition=fragile", "--output=scaling.log", os.path.join(SOURCE, "scripts", "scaling", "scaling.sbatch"),
                              environment=environment, cwd=jobs.folder)
    jobs.finish(job, jobs.folder, seconds=200)
    for method in ("tensor", "boxmg"):
        for kind in ("weak", "strong"):
            rows = list(csv.DictReader(text(results, method, kind + ".csv").splitlines()))
            expect([row["ranks"] for row in rows] == ["1", "2"], f"{method} {kind}: {rows}")
            expect(int(rows[1]["cells"]) == 12**3 * (2 if kind == "weak" else 1), f"{method} {kind}: {rows[1]}")
            expect(os.path.exists(os.path.join(results, method, kind + ".png")), f"no picture of {method} {kind}")


SCENARIOS = {
    "two_nodes": two_nodes, "sweep": sweep, "chain": chain, "broken_chain": broken_chain,
    "requeue_srun": lambda jobs: requeue(jobs, "srun"), "requeue_mpirun": lambda jobs: requeue(jobs, "mpirun"),
    "node_failure": node_failure, "cancelled": cancelled, "by_hand": by_hand, "crashed_start": crashed_start,
    "refusals": refusals,
}


def attempt(name, scenario, jobs):
    began = time.monotonic()
    try:
        scenario(jobs)
        return name, "", time.monotonic() - began
    except (Failed, RuntimeError, OSError, ValueError, KeyError, IndexError) as failure:
        return name, f"{type(failure).__name__}: {failure}", time.monotonic() - began


def main():
    if reason := slurm.missing():
        print(f"skipped: {reason}")
        return slurm.SKIPPED
    everything = {"single": single, **SCENARIOS, "limit": limit, "scaling": scaling}
    names = sys.argv[3:] or ["single", *SCENARIOS]  # most compare with the single one
    scenarios = {name: everything[name] for name in names}
    folder = tempfile.mkdtemp(prefix="kolmo-jobs-")
    failures = 0
    try:
        with slurm.Cluster() as cluster, concurrent.futures.ThreadPoolExecutor(12) as pool:
            jobs = Jobs(cluster, folder)
            work = [pool.submit(attempt, name, scenario, jobs) for name, scenario in scenarios.items()]
            for done in concurrent.futures.as_completed(work):
                name, failure, seconds = done.result()
                print(f"{'FAILED' if failure else 'ok':6} {name} ({seconds:.0f} s) {failure}", flush=True)
                failures += bool(failure)
            # SLURM lets a job that is queued again wait for a while: some of them are seen so.
            if not failures and any(name.startswith("requeue") for name in names) and not jobs.seen_waiting:
                failures += 1
                print("FAILED: no job was seen to wait in the queue")
            if failures:
                print(cluster.logs())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
