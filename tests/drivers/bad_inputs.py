"""Runs the program on every kind of bad input: exit code 2, one line on standard error that names the place and the reason,
nothing on standard output, nothing written. Usage: bad_inputs.py KOLMO [mpiexec -n N]"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import density_inputs

GOOD = """[case]
kind = "flow"
[grid]
x = { from = 0.0, to = 1.0, cells = 8 }
y = { from = 0.0, to = 1.0, cells = 8 }
[fluid]
density = 1.0
kinematic_viscosity = 0.1
[boundary]
default = { type = "no-slip" }
[time]
step = 0.01
end = 0.02
[solver]
pressure = { method = "auto", tolerance = 1e-8 }
[output]
fields = { every_time = 0.01, names = ["velocity"] }
"""


def changed(*pairs):
    """The good case with pieces of its text replaced, each of which must be there."""
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def place(old):
    """The line on which a piece of the good case stands."""
    return GOOD[: GOOD.index(old)].count("\n") + 1


def value(old, new, key, reason):
    """One key of the good case with another value: the message must name its line and key."""
    return changed((old, new)), f"case.toml:{place(old)}:", f"{key}: ", reason


STEP, END, CELLS, GRID = "step = 0.01", "end = 0.02", "x = { from = 0.0, to = 1.0, cells = 8 }", "[grid]"
NU, RHO, WALL, TIME = "kinematic_viscosity = 0.1", "density = 1.0", 'default = { type = "no-slip" }', "[time]"
FIELDS, SOLVER = "fields = { every_time = 0.01", 'method = "auto"'
INLET = 'x_min = { type = "inlet", velocity = ["1", "0"] }'

# text, start of the line, key, part of the reason
CASES = {
    "dt 0": value(STEP, "step = 0", "time.step", "must be > 0 (given 0)"),
    "dt < 0": value(STEP, "step = -1", "time.step", "must be > 0 (given -1)"),
    "dt nan": value(STEP, "step = nan", "time.step", "finite"),
    "dt text": value(STEP, 'step = "fast"', "time.step", 'unknown name "fast"'),
    "end < start": value(END, "end = -1", "time.end", "above start"),
    "output interval 0": value(FIELDS, "fields = { every_time = 0", "output.fields.every_time", "> 0"),
    "output interval < 0": value(FIELDS, "fields = { every_steps = -3", "output.fields.every_steps", ">= 1"),
    "cfl 0": value(STEP, "cfl = 0", "time.cfl", "0 < value <= 1"),
    "cfl above the limit": value(STEP, "cfl = 1.1", "time.cfl", "0 < value <= 1"),
    "unknown key": value(RHO, "colour = 1", "fluid.colour", "unknown key"),
    "misspelt key": value(NU, "kinematic_viscosty = 1", "fluid.kinematic_viscosty", "did you mean fluid.kinematic_viscosity?"),
    "misspelt value": value(WALL, 'default = { type = "noslip" }', "boundary.default.type", 'did you mean "no-slip"?'),
    "key twice": (changed((RHO, RHO + "\n" + RHO)), "case.toml:8:", "fluid.density: ", "given twice"),
    "missing bracket": (changed((GRID, "[grid")), "case.toml:3:", "TOML syntax: ", ""),
    "empty file": ("", "case.toml:1:1:", "case.kind: ", "missing"),
    "random bytes": (bytes(range(128, 256)) + bytes(range(32)), "case.toml:1:", "TOML syntax: ", ""),
    "key of another kind": (GOOD + "[problem]\ndrift = 1\n", "case.toml:", "problem: ", "unknown key"),
    "unknown kind": value('kind = "flow"', 'kind = "flo"', "case.kind", 'did you mean "flow"?'),
    "viscosity < 0": value(NU, "kinematic_viscosity = -0.1", "fluid.kinematic_viscosity", ">= 0"),
    "viscosity nan": value(NU, "kinematic_viscosity = nan", "fluid.kinematic_viscosity", "finite"),
    "viscosity missing": (changed((NU + "\n", "")), "case.toml:6:", "fluid.kinematic_viscosity: ", "missing"),
    "both viscosities": (changed((NU, NU + "\ndynamic_viscosity = 1")), "case.toml:9:", "fluid.dynamic_viscosity: ", "exactly one"),
    "density 0": value(RHO, "density = 0.0", "fluid.density", "> 0"),
    "density < 0": value(RHO, "density = -1", "fluid.density", "> 0"),
    "expression that does not parse": value(NU, 'kinematic_viscosity = "1 + "', "fluid.kinematic_viscosity", "ends too early"),
    "unknown variable": value(NU, 'kinematic_viscosity = "1 + q"', "fluid.kinematic_viscosity", 'unknown name "q"'),
    "expression nan on the grid": value(NU, 'kinematic_viscosity = "sqrt(x - 0.5)"', "fluid.kinematic_viscosity", "nan at x = 0"),
    "expression inf on the grid": value(NU, 'kinematic_viscosity = "1/x"', "fluid.kinematic_viscosity", "inf at x = 0"),
    "unknown solver": value(SOLVER, 'method = "magic"', "solver.pressure.method", "allowed: "),
    "tolerance < 0": value("tolerance = 1e-8", "tolerance = -1", "solver.pressure.tolerance", "0 < value < 1"),
    "iteration limit 0": value("tolerance = 1e-8", "max_iterations = 0", "solver.pressure.max_iterations", "1 <= value"),
    "unknown scheme": value(STEP, 'scheme = "rk9"\n' + STEP, "time.scheme", "allowed: "),
    "tensor where not separable": (
        changed((NU, 'kinematic_viscosity = "1 + x"'), ("[solver]", '[solver]\nmomentum = { method = "tensor" }')),
        "case.toml:15:", "solver.momentum.method: ", "separable"),
    "face missing": (changed((WALL, 'x_min = { type = "no-slip" }')), "case.toml:9:", "boundary.x_max: ", "missing"),
    "unknown boundary type": value(WALL, 'default = { type = "lava" }', "boundary.default.type", "allowed: "),
    "face that is not there": (changed((WALL, WALL + '\nz_min = { type = "no-slip" }')), "case.toml:11:", "boundary.z_min: ", "no such face"),
    "inf boundary value": value(WALL, 'default = { type = "no-slip", velocity = [inf, 0] }', "boundary.default.velocity", "finite"),
    "too few components": value(WALL, 'default = { type = "no-slip", velocity = [0] }', "boundary.default.velocity", "expected 2 entries"),
    "net flux into a closed box": (
        changed((WALL, WALL + "\n" + INLET + '\nx_max = { type = "inlet", velocity = ["0.5", "0"] }')),
        "case.toml:11:", "boundary.x_min.velocity: ", "net flux"),
    "inflow with no way out": (changed((WALL, WALL + "\n" + INLET)), "case.toml:11:", "boundary.x_min.velocity: ", "no way out"),
    "periodic on one side": (changed((WALL, WALL + '\ny_min = { type = "periodic" }')), "case.toml:11:", "boundary.y_min.type: ", "one side only"),
    "two conditions on one face": (
        changed((WALL, WALL + '\ny_min = { type = "no-slip" }\ny_min = { type = "outflow" }')), "case.toml:12:", "boundary.y_min: ", "given twice"),
    "pressure with nothing to fix it": value(WALL, 'default = { type = "pressure" }', "boundary.default.pressure", "missing"),
    "0 cells": value(CELLS, CELLS.replace("8", "0"), "grid.x.cells", "1 <= value"),
    "< 0 cells": value(CELLS, CELLS.replace("8", "-8"), "grid.x.cells", "1 <= value"),
    "more cells than indices": value(CELLS, CELLS.replace("8", "99999999999"), "grid.x.cells", "value <="),
    "more cells than indices in all": (changed(("cells = 8", "cells = 100000")), "case.toml:3:", "grid: ", "2.147e+09"),
    "inverted box": value(CELLS, CELLS.replace("1.0", "-1.0"), "grid.x.to", "above from"),
    "grid missing": (changed((GRID, "[parameters]"), (CELLS, ""), ("y = { from = 0.0, to = 1.0, cells = 8 }", "")), "case.toml:1:1:", "grid: ", "missing"),
    "coordinates not increasing": value(CELLS, "x = { nodes = [0, 0.5, 0.4, 1] }", "grid.x.nodes", ""),
    "stretching out of range": value(CELLS, CELLS.replace("}", ', spacing = "tanh", strength = 99 }'), "grid.x.strength", "0 < value <= 10"),
    "more ranks than given": (changed((GRID, GRID + "\nprocesses = [3, 5]")), "case.toml:4:", "grid.processes: ", ""),
    "unknown field": value('"velocity"', '"velocitie"', "output.fields.names", 'did you mean "velocity"?'),
}

# arguments, start of the line
COMMAND_LINES = {
    "missing file": (["run", "absent.toml"], "absent.toml: cannot be opened"),
    "folder as case": (["run", "folder"], "folder: is a folder"),
    "misspelt option": (["run", "good.toml", "--overwrit"], "kolmo run: unknown option --overwrit (did you mean --overwrite?)"),
    "misspelt command": (["rnu", "good.toml"], "kolmo: unknown command rnu (did you mean run?)"),
    "no case": (["run"], "kolmo run: CASE is required"),
    "two cases": (["run", "good.toml", "good2.toml"], "kolmo run: unexpected good2.toml"),
    "bad wall limit": (["run", "good.toml", "--wall-limit", "soon"], "--wall-limit: expected a time"),
    "bad --set": (["run", "good.toml", "--set", "fluid.densty=1"], "--set fluid.densty=1: fluid.densty: unknown key (did you mean fluid.density?)"),
    "bad --set value": (["check", "good.toml", "--set", "fluid.density=-1"], "--set fluid.density=-1: fluid.density: must be > 0"),
    "--set without =": (["check", "good.toml", "--set", "fluid"], "--set fluid: expected --set table.key=value"),
    "unknown shipped case": (["new", "cavty2d"], "kolmo new: unknown case cavty2d (did you mean cavity2d?)"),
    "unknown kind": (["keys", "gas"], "kolmo keys: unknown kind gas"),
    "output is a file": (["run", "good.toml", "--output", "good.toml"], ""),
}


def files_below(folder):
    return sorted(os.path.join(root, name) for root, folders, names in os.walk(folder) for name in folders + names)


def complaints(command, text, expected, name):
    """Runs a command in a folder of its own that holds case.toml; what is wrong with the outcome."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "folder"))
        for file_name, content in (("good.toml", GOOD), ("good2.toml", GOOD), ("case.toml", text)):
            with open(os.path.join(folder, file_name), "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        before = files_below(folder)
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=100)
        after = files_below(folder)
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    if command[1] == "-n":  # under a launcher, whose own remarks on a failed job are not ours
        lines = [line for line in lines if line.startswith(("case.toml", "rank", "internal"))]
    wrong = []
    if done.returncode != 2:
        wrong.append(f"exit code {done.returncode}")
    if len(lines) != 1:
        wrong.append(f"{len(lines)} lines on standard error: {lines[:4]}")
    elif not lines[0].startswith(expected[0]) or not all(part in lines[0] for part in expected[1:]):
        wrong.append(f"expected {expected}, got: {lines[0]}")
    if done.stdout.strip():
        wrong.append(f"standard output: {done.stdout[:200]}")
    if after != before:
        wrong.append(f"written: {sorted(set(after) - set(before))}")
    return [f"{name}: {what}" for what in wrong]


def main():
    kolmo, launcher = sys.argv[1], sys.argv[2:]
    jobs = []
    together = density_inputs.TOGETHER if launcher else {}
    for name, (text, start, key, reason) in {**CASES, **density_inputs.CASES, **together}.items():
        # Together it is the agreement of the ranks that counts: a few inputs show it.
        if not launcher or name in together or name in ("dt 0", "misspelt key", "random bytes", "net flux into a closed box", "diffusion indefinite at a point"):
            jobs.append((launcher + [kolmo, "run", "case.toml"], text, (start, key, reason), name))
        if not launcher and name in density_inputs.CHECKED:
            jobs.append(([kolmo, "check", "case.toml"], text, (start, key, reason), "check: " + name))
    for name, (arguments, start) in COMMAND_LINES.items() if not launcher else []:
        jobs.append(([kolmo] + arguments, GOOD, (start,), name))
    # Most of the time of a short run is spent waiting in the start of MPI.
    with concurrent.futures.ThreadPoolExecutor(1 if launcher else 4) as pool:
        wrong = [line for lines in pool.map(lambda job: complaints(*job), jobs) for line in lines]
    for line in wrong:
        print(line)
    print(f"{len(jobs)} bad inputs, {len(wrong)} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
