"""F19: the Krylov iterations of standard cases must not creep up. Shipped cases on 32 cells along each axis (the channel's walls and the
stretching as they are), five steps on 2 ranks with the multigrid: mean and largest number of iterations of the pressure solves.
Argument: the folder of the cases"""
import os

from harness import ARGUMENTS, expect, finish, folder, run, settings, summary

# Bounds: one iteration above what was measured when they were written (mean 5.2, 4.9, 6.5, 5.0, 4.1, 4.6; most 6, 6, 7, 6, 6, 6).
BOUNDS = {"cavity2d": (6.2, 7), "cavity3d": (5.9, 7), "channel": (7.5, 8), "kovasznay": (6.0, 7), "heated_cavity": (5.2, 7),
          "taylor_green_3d": (5.7, 7)}

with folder() as place:
    for name, (mean, most) in BOUNDS.items():
        case, where = os.path.join(ARGUMENTS[0], name, "case.toml"), os.path.join(place, name)
        with open(case, encoding="utf-8") as text:
            depth = {"grid__z__cells": 32} if "\nz " in text.read() else {}
        outcome = run("run", case, "--output", where, *settings(grid__x__cells=32, grid__y__cells=32, **depth, time__max_steps=5,
                                                                solver__pressure__method="boxmg"))
        if expect(outcome.code == 0, f"{name}: {outcome}"):
            solves = summary(where)["solves"]["pressure"]
            print(f"{name}: mean {solves['mean_iterations']:.2f}, most {solves['max_iterations']}")
            expect(solves["mean_iterations"] <= mean and solves["max_iterations"] <= most,
                   f"{name}: {solves} where at most {mean} in the mean and {most} at once are allowed")
finish()
