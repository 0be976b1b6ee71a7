"""F9 to F12: numbers that are none, steps that are too long, solves that do not converge, a rank that dies. All ranks end, the exit
code tells, and what was good before stays."""
import os
import shutil
import signal
import subprocess

from harness import (ARGUMENTS, CASE, DENSITY, Job, changed, checkpoint, checkpoints, expect, finish, folder, rows, run, settings, summary,
                     write_case)

# What turns to nan (0/0) or inf for a step after t = 0.5, in a corner that one of the two ranks holds; the name to be blamed. Always
# so would be found before the first step.
POISONS = {
    "force, nan": (("[time]", '[force]\nbody = ["(t > 0.5 && t < 0.56 && x > 1.9 && y > 0.9) ? 0/0 : 0", "0"]\n[time]'), "velocity_"),
    "force, inf": (("[time]", '[force]\nbody = ["(t > 0.5 && t < 0.56 && x > 1.9 && y > 0.9) ? 1/0 : 0", "0"]\n[time]'), "velocity_"),
    "boundary": (('(1+0.2*sin(3*t))"', '(1+0.2*sin(3*t)) + ((t > 0.5 && t < 0.56 && y > 0.9) ? 0/0 : 0)"'), ""),
    "source": (('initial = "exp(', 'source = "(t > 0.5 && t < 0.56 && x > 1.9 && y > 0.9) ? 0/0 : 0"\ninitial = "exp('), "dye"),
    "viscosity": (("kinematic_viscosity = 1e-2", 'kinematic_viscosity = "(t > 0.5 && t < 0.56 && x > 1.9 && y > 0.9) ? 0/0 : 1e-2"'), ""),
}


def check_poison(place):
    """F9: every rank stops within a step; the field and a cell are named; nothing that is not a number has been written."""
    for what, (change, blamed) in POISONS.items():
        where = os.path.join(place, what)
        case = write_case(place, changed(change, ("every_steps = 5 }\npoints", "every_steps = 1 }\npoints")), "poison.toml")
        outcome = run("run", case, "--output", where)
        expect(outcome.code == 3 and outcome.said.count("\n") == 0 and blamed in outcome.said, f"{what}: {outcome}")
        if blamed:
            expect("is not finite in cell (" in outcome.said, f"{what}: no cell is named: {outcome}")
        last = rows(where)[-1]
        if what != "viscosity":  # which shows in the dissipation before it has moved anything
            expect("nan" not in " ".join(last) and "inf" not in " ".join(last), f"{what}: written: {last}")
        expect(float(last[1]) < 0.56, f"{what}: it went on to t = {last[1]}")
        expect(summary(where)["status"] == "failed" and summary(where)["exit_code"] == 3, f"{what}: summary")
        good = checkpoints(where)
        expect(len(good) == 2 and good[-1] == int(last[0]), f"{what}: checkpoints {good}, last record {last[0]}")
        still = run("restart", where, "--set", f"time.max_steps={good[-1]}", ranks=1)
        expect(still.code == 0, f"{what}: the last checkpoint is not good: {still}")


def check_state_poison(place):
    """F9: a number that is none in the state itself, in a cell near the end, which one of the two ranks holds."""
    for kind, text, arrays in (("flow", CASE, {"velocity_x": "velocity_", "pressure": ""}), ("density", DENSITY, {"density": "density"})):
        first = os.path.join(place, kind)
        expect(run("run", write_case(place, text, kind + ".toml"), "--output", first).code == 0, f"{kind}: the first run")
        for array, blamed in arrays.items():
            for value in ("nan", "inf"):
                where = os.path.join(place, f"{array} {value}")
                shutil.copytree(first, where)
                newest = checkpoints(where)[-1]
                subprocess.run([*ARGUMENTS, checkpoint(where, newest), array, "-30", value], check=True)
                outcome = run("restart", where, *settings(time__max_steps=newest + 3))
                expect(outcome.code == 3 and outcome.said.count("\n") == 0 and blamed in outcome.said, f"{value} in {array}: {outcome}")
                expect(checkpoints(where)[-1] == newest, f"{value} in {array}: a checkpoint of it was written")
                os.remove(checkpoint(where, newest))
                again = run("restart", where, *settings(time__max_steps=newest))
                expect(again.code == 0, f"{value} in {array}: the older checkpoint: {again}")


def check_density(place):
    """F9, F11 of a density: a drift that is none for a while, a solver capped at one iteration."""
    where = os.path.join(place, "drift")
    poison = changed(('"-q + 2*v"', '"-q + 2*v + ((t > 0.0105 && t < 0.013 && q > 3.2 && v > 3.2) ? 0/0 : 0)"'), text=DENSITY)
    outcome = run("run", write_case(place, poison, "drift.toml"), "--output", where)
    expect(outcome.code == 3 and outcome.said.count("\n") == 0, f"a drift that is none: {outcome}")
    expect("nan" not in " ".join(rows(where)[-1]), f"a drift that is none: written: {rows(where)[-1]}")
    expect(checkpoints(where)[-1] == 10, f"a drift that is none: checkpoints {checkpoints(where)}")
    where = os.path.join(place, "capped")
    capped = run("run", write_case(place, DENSITY, "capped.toml"), "--output", where, "--set", "solver.max_iterations=1")
    expect(capped.code == 3 and "density" in capped.said and "DIVERGED_ITS" in capped.said and capped.said.count("\n") == 0,
           f"a density's solver at one iteration: {capped}")
    expect(not checkpoints(where), "a density's solver at one iteration: a checkpoint was written")


def check_step_limit(place):
    """F10: a fixed step of 2, 10 and 1000 times the stable one, which is 0.042."""
    case = write_case(place)
    for step in (0.12, 0.42, 42.0):
        outcome = run("run", case, "--output", os.path.join(place, f"step {step}"), *settings(time__step=step))
        expect(outcome.code == 3 and "stability limit" in outcome.said and outcome.said.count("\n") == 0, f"step {step}: {outcome}")


def check_solver(place):
    """F11: capped at one iteration, and a matrix-free method that is given nothing to work with."""
    case = write_case(place)
    for what, words in {"boxmg": ["--set", "solver.pressure.method=boxmg", "-pressure_ksp_max_it", "1"],
                        "cg": ["--set", "solver.pressure.method=aij", "-pressure_ksp_type", "cg", "-pressure_pc_type", "jacobi",
                               "-pressure_ksp_max_it", "1"],
                        "key": ["--set", "solver.pressure.method=boxmg", "--set", "solver.pressure.max_iterations=1"]}.items():
        where = os.path.join(place, what)
        outcome = run("run", case, "--output", where, *words)
        expect(outcome.code == 3 and "pressure" in outcome.said and "DIVERGED_ITS" in outcome.said and outcome.said.count("\n") == 0,
               f"one iteration of {what}: {outcome}")
        expect(not os.path.exists(where), f"one iteration of {what}: something was written")


def check_death(place):
    """F12: one rank is killed, one aborts: the job ends, with a code that is not 0, and goes on from the last checkpoint."""
    for number in (signal.SIGKILL, signal.SIGABRT):
        where = os.path.join(place, number.name)
        job = Job("run", write_case(place), "--output", where, *settings(time__max_steps=100000000))
        job.wait_for(lambda: len(checkpoints(where)) == 2, "two checkpoints")
        os.kill(job.pids()[1], number)
        expect(job.end().code not in (0, 85), f"{number.name} to a rank says all is well")
        end = checkpoints(where)[-1] + 2
        again = run("restart", where, *settings(time__max_steps=end))
        expect(again.code == 0 and "warning" not in again.said, f"{number.name}: restart: {again}")


for check in (check_poison, check_state_poison, check_density, check_step_limit, check_solver, check_death):
    with folder() as at:
        check(at)
finish()
