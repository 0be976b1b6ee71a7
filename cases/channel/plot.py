#!/usr/bin/env python3
"""Draws the mean profile of a channel run over Moser, Kim & Mansour (1999), and prints how far they are.

    cases/channel/plot.py DIR [FILE.png]

Reads DIR/statistics.csv and DIR/run.toml. Units are those of the case: half heights, friction velocities.
"""

import os
import sys
from pathlib import Path

try:
    import matplotlib
    import numpy as np
except ImportError as missing:
    debian = "/usr/bin/python3"
    if os.path.exists(debian) and os.path.realpath(sys.executable) != os.path.realpath(debian):
        os.execv(debian, [debian, *sys.argv])
    sys.exit(f"plot.py: {missing}; install python3-numpy and python3-matplotlib")

import tomllib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def folded(y, values, sign=1.0):
    """Mean of both halves over the distance from the wall."""
    half = len(y) // 2
    return 1.0 + y[:half], 0.5 * (values[:half] + sign * values[::-1][:half])


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "profile.png"
    if not (folder / "statistics.csv").exists():
        print(f"plot.py: {folder}/statistics.csv: not there; it is written at the end of a run", file=sys.stderr)
        return 2
    with open(folder / "run.toml", "rb") as file:
        re_tau = tomllib.load(file)["parameters"]["Re_tau"]
    table = np.genfromtxt(folder / "statistics.csv", delimiter=",", names=True, deletechars="")
    columns = {name.split("[")[0].strip().rstrip("_"): table[name] for name in table.dtype.names}
    reference = np.genfromtxt(Path(__file__).parent / "reference.csv", delimiter=",", names=True)
    y, u = folded(columns["y"], columns["u"])
    u_centre = np.interp(1.0, y, u, right=u[-1])
    nodes = np.concatenate(([0.0], 0.5 * (y[1:] + y[:-1]), [1.0]))
    bulk = np.sum(u * np.diff(nodes))
    at = np.interp(y, reference["y_over_delta"], reference["U_plus"])
    print(f"U_centre+ {u_centre:.3f} (18.30)   U_bulk+ {bulk:.3f} (15.68)   max |U+ - reference| {np.max(np.abs(u - at)):.3f}")
    figure, axes = plt.subplots(figsize=(6.0, 4.2), constrained_layout=True)
    wall = np.logspace(-0.5, 1.1)
    axes.semilogx(wall, wall, ":", color="0.6", lw=1)
    log = np.logspace(1.0, np.log10(re_tau))
    axes.semilogx(log, np.log(log) / 0.41 + 5.2, ":", color="0.6", lw=1, label="$y^+$,  $\\ln y^+ / 0.41 + 5.2$")
    axes.semilogx(reference["y_plus"][1:], reference["U_plus"][1:], "o", color="#c0392b", mfc="white", ms=4, label="Moser, Kim & Mansour (1999)")
    axes.semilogx(y * re_tau, u, "-", color="#1f4e79", label="Kolmo")
    axes.set_xlabel("$y^+$")
    axes.set_ylabel("$U^+$")
    axes.set_ylim(0, 21)
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(output, dpi=200)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
