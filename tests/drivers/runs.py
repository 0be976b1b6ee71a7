"""Whole runs of the program: output, restart, signals, failures. Usage: runs.py KOLMO [LAUNCHER...] (a launcher takes a number of ranks next)"""
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from cases import VORTICES  # noqa: E402

KOLMO = os.path.abspath(sys.argv[1])
LAUNCHER = sys.argv[2:]
wrong = []

CASE = VORTICES + """[time]
end = 10.0
max_steps = 24
SCHEME
[output]
series = { every_steps = 1 }
fields = { every_steps = 8, names = ["velocity", "pressure", "vorticity", "dye"], precision = "float64" }
checkpoint = { every_steps = 8 }
lines = [ { name = "middle", from = [1.0, 0.0], to = [1.0, 1.0] } ]
averages = { over = ["x"], start = 0.0 }
"""


def expect(condition, what):
    if not condition:
        wrong.append(what)


def command(*arguments, ranks=1):
    return (LAUNCHER + [str(ranks)] if LAUNCHER and ranks > 1 else []) + [KOLMO, *arguments]


def run(*arguments, ranks=1):
    done = subprocess.run(command(*arguments, ranks=ranks), capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def rows(folder):
    with open(os.path.join(folder, "diagnostics.csv"), newline="") as file:
        return list(csv.reader(file))


def write_case(folder, scheme):
    path = os.path.join(folder, "case.toml")
    with open(path, "w") as file:
        file.write(CASE.replace("SCHEME", scheme))
    return path


def check_files(folder):
    for name in ("run.toml", "fields.xdmf", "diagnostics.csv", "summary.json", "fields/grid.h5", "fields/000000.h5", "fields/000024.h5",
                 "lines/middle.csv", "checkpoint/000016.h5", "checkpoint/000024.h5"):
        expect(os.path.exists(os.path.join(folder, name)), f"{name} is missing")
    expect(not os.path.exists(os.path.join(folder, "checkpoint/000008.h5")), "more than the last two checkpoints are kept")
    summary = json.loads(read(folder, "summary.json"))
    expect(summary["status"] == "done" and summary["exit_code"] == 0 and summary["steps"] == 24, f"summary: {summary}")
    expect(summary["max_divergence"] < 1e-10, f"max_divergence {summary['max_divergence']}")


def check_restart(folder, scheme):
    """A run broken after 13 steps, its last checkpoint at 13 or 8, ends in the same bits as one that went through."""
    case = write_case(folder, scheme)
    whole, broken = os.path.join(folder, "whole"), os.path.join(folder, "broken")
    code, out, err = run("run", case, "--output", whole)
    expect(code == 0 and not err, f"run: {code} {err}")
    check_files(whole)
    code, out, err = run("run", case, "--output", broken, "--set", "time.max_steps=13")
    expect(code == 0, f"first leg: {code} {err}")
    code, out, err = run("run", case, "--output", broken, "--restart", "auto")
    expect(code == 0 and "restart from" in out, f"second leg: {code} {err}")
    expect(rows(whole) == rows(broken), f"{scheme}: diagnostics differ after a restart")
    for name in ("lines/middle.csv", "statistics.csv", "fields/000024.h5"):
        expect(read(whole, name) == read(broken, name), f"{scheme}: {name} differs after a restart")
    return whole


def check_other_ranks(folder, whole):
    case = os.path.join(folder, "case.toml")
    other = os.path.join(folder, "other")
    expect(run("run", case, "--output", other, "--set", "time.max_steps=13")[0] == 0, "first leg before other ranks")
    code, out, err = run("run", case, "--output", other, "--restart", "auto", ranks=3)
    expect(code == 0, f"restart on 3 ranks: {code} {err}")
    for a, b in zip(rows(whole)[1:], rows(other)[1:]):
        for x, y in zip(a, b):
            expect(abs(float(x) - float(y)) <= 1e-9 * max(1.0, abs(float(x))), f"restart on 3 ranks: {x} and {y}")


def check_restart_command(folder):
    """run.toml is a case to go on with, lists of tables included."""
    case = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cases", "cavity2d", "case.toml")
    place = os.path.join(folder, "cavity")
    code, out, err = run("run", case, "--output", place, "--set", "time.max_steps=4", "--set", "output.checkpoint.every_steps=2")
    expect(code == 0 and "u along u_centre against reference_u.csv" in out, f"cavity2d: {code} {err}")
    code, out, err = run("restart", place, "--set", "time.max_steps=6")
    expect(code == 0 and "restart from" in out, f"restart: {code} {err}")
    expect(json.loads(read(place, "summary.json"))["steps"] == 6, "restart did not go on")


def check_refusals(folder, whole):
    case = os.path.join(folder, "case.toml")
    before = read(whole, "summary.json")
    code, out, err = run("run", case, "--output", whole)
    expect(code == 2 and err.count("\n") == 1, f"an existing run: {code} {err}")
    expect(read(whole, "summary.json") == before, "a refused run touched the old one")
    code, out, err = run("run", case, "--output", whole, "--restart", "auto", "--set", "fluid.kinematic_viscosity=2e-2")
    expect(code == 5 and err.count("\n") == 1, f"restart of another case: {code} {err}")


def check_failures(folder):
    case = os.path.join(folder, "case.toml")
    failed = os.path.join(folder, "failed")
    code, out, err = run("run", case, "--output", failed, "--set", "solver.pressure.method=boxmg", "-pressure_ksp_max_it", "1")
    expect(code == 3 and "pressure" in err and err.count("\n") == 1, f"a solve that cannot converge: {code} {err}")
    expect(not os.path.exists(failed), "a run that failed before its first step left something")
    code, out, err = run("run", case, "--output", os.path.join(folder, "wild"), "--set", "time.step=1.0")
    expect(code == 3 and "stability" in err and err.count("\n") == 1, f"a step beyond the limit: {code} {err}")


def check_signal(folder, ranks):
    case = os.path.join(folder, "case.toml")
    stopped = os.path.join(folder, f"stopped{ranks}")
    process = subprocess.Popen(command("run", case, "--output", stopped, "--set", "time.max_steps=1000000", "--set", "time.end=1e6"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not os.path.exists(os.path.join(stopped, "checkpoint/000008.h5")) and time.time() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    expect(process.returncode == 85, f"SIGTERM: {process.returncode} {err}")
    summary = json.loads(read(stopped, "summary.json"))
    expect(summary["status"] == "stopped", f"SIGTERM: {summary}")
    expect(os.path.exists(os.path.join(stopped, f"checkpoint/{summary['steps']:06d}.h5")), "SIGTERM: no checkpoint of the last step")
    code, out, err = run("status", stopped)
    expect(code == 0 and "stopped" in out, f"status: {code} {err}")


REST = """
[case]
kind = "flow"
[grid]
x = { from = 0.0, to = 1.0, cells = 4 }
y = { from = 0.0, to = 1.0, cells = 8 }
[fluid]
kinematic_viscosity = 0.1
[boundary]
default = { type = "periodic" }
"""
ACCELERATED = REST + """
[force]
body = ["2*t", "0"]
[time]
end = 1.0
step = 0.01
[output]
averages = { start = 0.5, over = ["x"] }
"""
DIFFUSING = REST + """
y_min = { type = "no-slip" }
y_max = { type = "no-slip" }
[scalars.c]
diffusivity = 0.1
initial = "sin(pi*y)"
exact = "exp(-0.1*pi^2*t)*sin(pi*y)"
[scalars.c.boundary]
y_min = { type = "fixed-value", value = 0.0 }
y_max = { type = "fixed-value", value = 0.0 }
[time]
end = 50.0
cfl = 0.8
steady_tolerance = 1e-2
[output]
series = { every_steps = 1 }
checkpoint = { every_steps = 10 }
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def check_averages(folder):
    """The mean of t^2 over 0.5 to 1, by the trapezoidal rule: its error is h^2 / 6."""
    case = write(folder, "accelerated.toml", ACCELERATED)
    for every in (1, 5):
        place = os.path.join(folder, f"averages{every}")
        expect(run("run", case, "--output", place, "--set", f"output.averages.every_steps={every}")[0] == 0, "averages")
        with open(os.path.join(place, "statistics.csv"), newline="") as file:
            table = list(csv.reader(file))
        mean = float(table[1][table[0].index("u [m/s]")])
        expect(abs(mean - 7 / 12) <= 1.01 * (0.01 * every)**2 / 6, f"mean of t^2, sampled every {every} steps: {mean}")


def check_steady(folder):
    """A flow at rest is not steady while a scalar changes, has its error reported, and does not go on once it has ended."""
    case, place = write(folder, "diffusing.toml", DIFFUSING), os.path.join(folder, "diffusing")
    expect(run("run", case, "--output", place)[0] == 0, "diffusing")
    summary, table = json.loads(read(place, "summary.json")), read(place, "diagnostics.csv")
    # max |dc/dt| is 0.1 pi^2 exp(-0.1 pi^2 t), and a little less on eight cells.
    expect(summary["steady"] and 4.4 < summary["time"] < 5.2, f"steady at t = {summary['time']}")
    expect(1e-6 < summary["errors"]["c_max"] < 1e-2 and summary["errors"]["c_l2"] < summary["errors"]["c_max"], f"errors: {summary['errors']}")
    expect(run("restart", place)[0] == 0, "restart of a run that is steady")
    expect(json.loads(read(place, "summary.json"))["steps"] == summary["steps"] and read(place, "diagnostics.csv") == table,
           "a restart of a run that is steady changes it")
    code, _, err = run("run", case, "--output", place, "--overwrite", "--set", "time.cfl=", "--set", "time.step=10.0")
    expect(code == 3 and "stability limit" in err, f"a step beyond the limit: {code} {err}")
    expect(read(place, "diagnostics.csv") == table, "the old run was removed for a step that is refused")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for scheme in ("", 'scheme = "rk3"', 'scheme = "rk3-cn"', 'scheme = "cn-ab2"'):
            place = os.path.join(folder, scheme[10:-1] or "k4")
            os.mkdir(place)
            whole = check_restart(place, scheme)
            if not scheme:
                if LAUNCHER:
                    check_other_ranks(place, whole)
                check_restart_command(place)
                check_refusals(place, whole)
                check_failures(place)
                check_signal(place, 1)
        check_averages(folder)
        check_steady(folder)
    for line in wrong:
        print("FAILED:", line)
    return 1 if wrong else 0


sys.exit(main())
