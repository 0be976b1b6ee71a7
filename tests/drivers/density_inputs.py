"""Bad inputs of kind "density": name -> text of the case, start of the line, key, part of the reason (see bad_inputs.py)."""

GOOD = """[case]
kind = "density"
[problem]
variables = ["x", "y"]
drift = ["-x", "-y"]
noise = 1.0
initial = { type = "gaussian", mean = [0.5, 0.5], variance = [0.2, 0.2] }
[grid]
x = { from = -6.0, to = 6.0, cells = 16 }
y = { from = -6.0, to = 6.0, cells = 16 }
[boundary]
default = { type = "no-flux" }
[time]
step = 0.1
end = 0.2
"""


def changed(*pairs):
    """The good case with pieces of its text replaced, each of which must be there."""
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def value(old, new, key, reason):
    """One key of the good case with another value: the message must name its line and key."""
    return changed((old, new)), f"case.toml:{GOOD[: GOOD.index(old)].count(chr(10)) + 1}:", f"{key}: ", reason


def dimension(count, reason):
    return value("[problem]", f"[problem]\ndimension = {count}", "problem.dimension", reason)[0], "case.toml:4:", "problem.dimension: ", reason


NAMES, DRIFT, NOISE, WALL = 'variables = ["x", "y"]', 'drift = ["-x", "-y"]', "noise = 1.0", 'default = { type = "no-flux" }'
START = 'type = "gaussian", mean = [0.5, 0.5], variance = [0.2, 0.2]'
MIXTURE = 'type = "mixture", components = [{ weight = %s, mean = [0, 0], variance = [1, 1] }, { weight = %s, mean = [1, 0], variance = [1, 1] }]'
SIX = (NAMES, 'variables = ["x1", "x2", "x3", "x4", "x5", "x6"]')
STEP, AXIS = "step = 0.1", "cells = 16"
SEVEN = ", ".join(['"x"', '"y"'] + [f'"z{i}"' for i in range(5)])

SLICE = '[output]\nslices = [{ name = "%s", variables = %s, at = %s }]\n[boundary]'
THREE = ((NAMES, 'variables = ["x", "y", "z"]'), (DRIFT, 'drift = ["-x", "-y", "-z"]'), ("[0.5, 0.5], variance = [0.2, 0.2]", "[0, 0, 0], variance = [1, 1, 1]"),
         ("[boundary]", "z = { from = -6, to = 6, cells = 8 }\n[boundary]"))


def slice_of(name, variables, at, key, reason):
    return changed(*THREE, ("[boundary]", SLICE % (name, variables, at))), "case.toml:13:", f"output.slices[0].{key}: ", reason


FOURTH = ("[time]", '[engine]\nflux = "fitted4"\n[time]')


def fourth(reason, *changes, line=14):
    return changed(FOURTH, *changes), f"case.toml:{line}:", "engine.flux: ", reason


# Known from the values in the cells only: check finds these too.
CHECKED = ("start without mass", "start of next to no mass", "start below zero", "explicit step above the limit")

# For three ranks.
TOGETHER = {
    "fitted4 on too many ranks": (changed(FOURTH, (AXIS, "cells = 8")), "case.toml:8:", "grid: ", "fitted4 needs at least 4 cells per rank along"),
    "fitted4 on given ranks": (
        changed(FOURTH, (AXIS, "cells = 8"), ("[grid]", "[grid]\nprocesses = [3, 1]")), "case.toml:9:", "grid.processes: ", "per rank along x (8 cells on 3 ranks)"),
    "transport on too many ranks": (changed((NOISE, "noise = [1, 0]"), (AXIS, "cells = 5")), "case.toml:8:", "grid: ", "a limited flux needs at least 2 cells per rank"),
}

CASES = {
    "slice of one variable": slice_of("s", '["x"]', "[0, 0]", "variables", "two or three different variables"),
    "slice of all variables": slice_of("s", '["x", "y", "z"]', "[]", "variables", "fewer than the 3"),
    "slice of the same variable twice": slice_of("s", '["x", "x"]', "[0]", "variables", "two or three different variables"),
    "slice of an unknown variable": slice_of("s", '["x", "q"]', "[0]", "variables", 'unknown variable "q"'),
    "slice with too many values": slice_of("s", '["x", "y"]', "[0, 1]", "at", "expected 1 values"),
    "slice outside of the grid": slice_of("s", '["x", "y"]', "[7]", "at", "z = 7 is not in -6 .. 6"),
    "slice named like a path": slice_of("../s", '["x", "y"]', "[0]", "name", "letters, digits"),
    "dimension 0": dimension(0, "1 <= value <= 100 (given 0)"),
    "dimension < 0": dimension(-3, "1 <= value <= 100 (given -3)"),
    "dimension > 100": dimension(101, "1 <= value <= 100 (given 101)"),
    "drift of the wrong length": value(DRIFT, 'drift = ["-x"]', "problem.drift", "expected 2 entries"),
    "diffusion of the wrong shape": value(NOISE, "diffusion = [[1, 0], [0, 1], [0, 0]]", "problem.diffusion", "expected 2 rows of 2"),
    "diffusion not symmetric": value(NOISE, "diffusion = [[1, 0.5], [0.2, 1]]", "problem.diffusion", "not symmetric"),
    "diffusion indefinite at a point": value(NOISE, 'diffusion = [[1, "x"], ["x", 1]]', "problem.diffusion", "is indefinite: its smallest eigenvalue is -"),
    "diffusion negative at a point": value(NOISE, 'diffusion = "1 - x^2"', "problem.diffusion", "must be >= 0"),
    "diffusion zero everywhere": value(NOISE, 'diffusion = [0, "0*x"]', "problem.diffusion", "zero everywhere"),
    "noise and diffusion": (changed((NOISE, NOISE + "\ndiffusion = 1.0")), "case.toml:7:", "problem.diffusion: ", "exactly one"),
    "neither noise nor diffusion": (changed((NOISE, "")), "case.toml:3:", "problem.noise: ", "exactly one"),
    "unknown variable x7 in 6-D": (
        changed(SIX, (DRIFT, 'drift = ["x7", 0, 0, 0, 0, 0]')), "case.toml:5:", "problem.drift: ", 'unknown name "x7" (variables: x1, x2, x3, x4, x5, x6, t;'),
    "covariance not positive definite": value(
        START, 'type = "gaussian", mean = [0, 0], covariance = [[1, 2], [2, 1]]', "problem.initial.covariance", "not positive definite"),
    "variance 0": value("variance = [0.2, 0.2]", "variance = [0.2, 0]", "problem.initial.variance", "must be > 0 (given 0)"),
    "mixture weight negative": value(START, MIXTURE % ("-1", "2"), "problem.initial.components[0].weight", ">= 0 (given -1)"),
    "mixture weights of sum 0": value(START, MIXTURE % ("0", "0"), "problem.initial.components", "positive sum"),
    "mass outside of the box": value("variance = [0.2, 0.2]", "variance = [5, 5]", "problem.initial", "lies outside of the box"),
    "closed form that does not solve": (
        changed((NOISE, NOISE + '\nexact = { stationary = "exp(-x^2-2*y^2)" }')), "case.toml:7:", "problem.exact: ", "does not solve the equation"),
    "closed form that is not known": (changed((NOISE, NOISE + '\nexact = "gausian"')), "case.toml:7:", "problem.exact: ", 'did you mean "gaussian"?'),
    "drift nan on the grid": value(DRIFT, 'drift = ["sqrt(x)", "-y"]', "problem.drift", "nan at x = -6"),
    "start < 0 on the grid": value(START, 'type = "expression", density = "x"', "problem.initial.density", "must be >= 0"),
    "axis of no variable": (changed(("[grid]", "[grid]\nz = { from = 0, to = 1, cells = 2 }")), "case.toml:9:", "grid.z: ", "no such variable"),
    "variable without an axis": (changed(("y = { from", "x7 = { from")), "case.toml:10:", "grid.x7: ", "no such variable"),
    "unknown boundary": value(WALL, 'default = { type = "reflecting" }', "boundary.default.type", "allowed: "),
    "face of no variable": (changed((WALL, WALL + '\nz_min = { type = "absorbing" }')), "case.toml:13:", "boundary.z_min: ", "no such face"),
    "periodic on one side": (
        changed((WALL, WALL + '\nx_min = { type = "periodic" }')), "case.toml:13:", "boundary.x_min.type: ", "one side only: x_max is no-flux"),
    "absorbing with stationary": (
        changed((WALL, 'default = { type = "absorbing" }'), (STEP + "\nend = 0.2", "stationary = true")),
        "case.toml:12:", "boundary.default.type: ", "needs all mass to stay"),
    "stationary and time-dependent": (
        changed((DRIFT, 'drift = ["-x + sin(t)", "-y"]'), (STEP + "\nend = 0.2", "stationary = true")), "case.toml:14:", "time.stationary: ", "depends on t"),
    "grid engine in 7-D": (
        changed((NAMES, f"variables = [{SEVEN}]"), (DRIFT, "drift = [0, 0, 0, 0, 0, 0, 0]")), "case.toml:4:", "problem.variables: ", "up to 6 dimensions (given 7)"),
    "grid beyond memory": (changed((AXIS, "cells = 1000000")), "case.toml:8:", "grid: ", "2.4e+13 bytes"),
    "unknown engine": (changed(("[time]", '[engine]\nname = "particles"\n[time]')), "case.toml:14:", "engine.name: ", 'unknown value "particles"'),
    "unknown scheme": value(STEP, 'scheme = "euler"', "time.scheme", "allowed: "),
    "limited flux with an implicit scheme": (
        changed(("[time]", '[engine]\nflux = "limited"\n[time]')), "case.toml:14:", "engine.flux: ", "explicit schemes"),
    "fitted4 of coupled directions": fourth("needs a drift and a diffusion of each direction", (DRIFT, 'drift = ["-x + y", "-y"]')),
    "fitted4 without noise": fourth("needs noise in y", (NOISE, "noise = [1, 0]")),
    "fitted4 on too few cells": (changed(FOURTH, ("y = { from = -6.0, to = 6.0, cells = 16", "y = { from = -6.0, to = 6.0, cells = 4")), "case.toml:10:",
                                 "grid.y.cells: ", "at least 5 cells (given 4)"),
    "fitted4 with a potential": fourth("problem.potential", (NOISE, NOISE + '\npotential = "x^2 + y^2"'), line=15),
    "fitted4 stationary": fourth("a stationary solve takes fitted", (STEP + "\nend = 0.2", "stationary = true")),
    "fitted4 split with long lines": fourth("lines of up to 1024 cells (x has 1030)", (STEP, 'scheme = "splitting"\n' + STEP), ("6.0, cells = 16 }\ny", "6.0, cells = 1030 }\ny")),
    "fitted4 split, few lines that change": fourth(
        "at least 224 lines along x (there are 16)", (STEP, 'scheme = "splitting"\n' + STEP), (DRIFT, 'drift = ["-x + sin(t)", "-y"]')),
    "fitted4 split, inflow that changes": fourth(
        "at least 224 lines along x (there are 16)", (STEP, 'scheme = "splitting"\n' + STEP), (WALL, 'default = { type = "inflow", density = "t" }')),
    "crank-nicolson without a step": value(STEP, 'scheme = "crank-nicolson"', "time.scheme", "give time.step"),
    "crank-nicolson without noise": (
        changed((NOISE, "noise = [1, 0]"), (STEP, 'scheme = "crank-nicolson"\n' + STEP)), "case.toml:14:", "time.scheme: ", "limited transport of y"),
    "boxmg for a density": (changed(("[time]", '[solver]\nmethod = "boxmg"\n[time]')), "case.toml:14:", "solver.method: ", "take gmres or aij"),
    "start without mass": value(START, 'type = "expression", density = "0*x"', "problem.initial", "integrates to 0"),
    "start of next to no mass": value(START, 'type = "expression", density = "1e-320"', "problem.initial", "integrates to 1.4"),
    "start below zero": value(START, 'type = "expression", density = "-1"', "problem.initial", "integrates to -144"),
    "closed form of zero": (changed((NOISE, NOISE + '\nexact = { density = "0" }')), "case.toml:7:", "problem.exact: ", "is no density"),
    "closed form below zero": (
        changed((NOISE, NOISE + '\nexact = { stationary = "-exp(-x^2-y^2)" }')), "case.toml:7:", "problem.exact: ", "is no density: it is -"),
    "explicit step above the limit": value(STEP, 'scheme = "ssp-rk2"\nstep = 5', "time.step", "far above the limit of the explicit scheme")[:1]
    + ("case.toml:15:", "time.step: ", "far above the limit of the explicit scheme"),
    "step that moves no clock": value(STEP, "step = 1e-300", "time.step", "is nothing beside the length of the run"),
    "stationary without a unique answer": (
        changed((DRIFT, 'drift = ["x - x^3", "-y"]'), (NOISE, 'noise = ["x", 1]'), (STEP + "\nend = 0.2", "stationary = true")),
        "case.toml:14:", "time.stationary: ", "is not unique"),
    "step of a single file": value(START, 'type = "file", file = "good.toml", step = 3', "problem.initial.step", "give its folder"),
    "time of a single file": value(START, 'type = "file", file = "good.toml", time = 0.5', "problem.initial.time", "give its folder"),
    "start from an empty folder": value(START, 'type = "file", file = "folder"', "problem.initial.file", "no density of a run"),
    "key of another kind (density)": (GOOD + "[fluid]\ndensity = 1\n", "case.toml:16:", "fluid: ", 'a key of kind "flow"'),
}
