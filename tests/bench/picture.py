"""The picture of docs/performance.md: whole steps, solves and densities, each beside its peers."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

INK, PALE, PEER, TARGET = "#1f4e79", "#8fb4d9", "#b8b8b8", "#b3402e"
STYLE = {"font.family": "serif", "font.serif": ["STIXGeneral", "DejaVu Serif"], "mathtext.fontset": "stix",
         "font.size": 10, "axes.titlesize": 11, "axes.linewidth": 0.7, "legend.frameon": False, "legend.fontsize": 9,
         "axes.spines.top": False, "axes.spines.right": False, "ytick.left": False, "xtick.direction": "in"}
FLOWS = [("channel_128", r"channel $128\times64\times128$"), ("taylor_green_128", "Taylor\N{EN DASH}Green $128^3$"),
         ("cavity_128", "cavity $128^3$"), ("cavity_clustered_64", "cavity $64^3$,\nclustered x, y, z")]
SOLVES = [("tensor/symmetric_128", "direct, symmetric grid", None), ("tensor/any_128", "direct, any grid", None),
          ("boxmg/constant_128", "multigrid, constant", "constant_128"),
          ("boxmg/one_clustered_128", "multigrid, one axis clustered", None),
          ("boxmg/three_clustered_128", "multigrid, three clustered", None),
          ("boxmg/constant_64", "multigrid, constant, $64^3$", "constant_64"),
          ("boxmg/drop_64", "multigrid, drop 1000 : 1, $64^3$", "drop_64"),
          ("boxmg/bubble_64", "multigrid, bubble 1 : 1000, $64^3$", "bubble_64")]
# Seconds that ASGarD took on one thread, and the error it had by then.
ASGARD = {"d2": [(1.1, "1.1e-3")], "d3": [(49, "7.5e-3")], "d4": [(4.6, "2.4e-1"), (194, "4.6e-2")]}


def rows(axes, labels):
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def steps(axes, run, cans):
    """Bars: CaNS behind, Kolmo on one rank and on two before it."""
    for row, (name, _) in enumerate(FLOWS):
        peer = cans.get(name)
        if peer:
            axes.barh(row, peer[0], 0.62, color="#e4e4e4", label="CaNS, one rank" if row == 0 else None)
            axes.barh(row, peer[2], 0.62, color=PEER, label="the same, page faults tuned away" if row == 0 else None)
        for ranks, shift, colour in ((1, -0.16, INK), (2, 0.16, PALE)):
            value = run.get(f"flow/{name}/k4", "ns", ranks)
            if not value:
                continue
            axes.barh(row + shift, value, 0.28, color=colour,
                      label=f"Kolmo, {('one rank', 'two ranks')[ranks - 1]}" if row == 0 else None)
            axes.annotate(f"{value:.0f}", (value, row + shift), (3, 0), textcoords="offset points", va="center", fontsize=8)
    rows(axes, [text for _, text in FLOWS])
    axes.set_xlabel("ns per cell and step")
    axes.set_title("Whole time steps", loc="left")
    axes.legend(loc="lower right", ncols=2, fontsize=8, columnspacing=1.0)


def solves(axes, run, targets, peers):
    """Points on a line: Kolmo, its target, PETSc's own multigrids on the same problem in the same run."""
    seen = set()

    def once(label):
        return None if label in seen else seen.add(label) or label

    for row, (name, _, problem) in enumerate(SOLVES):
        others = [run.get(f"petsc/{kind}/{problem}") for kind in peers] if problem else []
        others = [value for value in others if value]
        value, target = run.get(name), targets.get(name)
        if not value:
            continue
        if others:
            axes.plot([value, min(others)], [row, row], color=PEER, lw=0.8, zorder=1)
            axes.plot(others, [row] * len(others), "o", ms=5, color=PEER, label=once("PETSc's multigrids"))
            axes.annotate(rf"$\times${min(others) / value:.0f}", ((value * min(others)) ** 0.5, row), (0, 3),
                          textcoords="offset points", ha="center", fontsize=8)
        if target:
            axes.plot([target] * 2, [row - 0.3, row + 0.3], color=TARGET, lw=1.2, label=once("target"))
        axes.plot(value, row, "o", ms=7, color=INK, label=once("Kolmo"))
    rows(axes, [text for _, text, _ in SOLVES])
    axes.set_xscale("log")
    axes.set_xlabel("ns per unknown, one rank")
    axes.set_title("Poisson, to $10^{-6}$ or directly", loc="left")
    axes.legend(loc="upper right")


def densities(axes, run, yardstick):
    """Seconds to the wanted error, d = 2, 3, 4."""
    for row, (name, _, _, wanted, _) in enumerate(yardstick):
        for flux, colour, label in (("fitted4", INK, "Kolmo, fourth order"), ("fitted", PALE, "Kolmo, second order")):
            value = run.get(f"density/yardstick/{name}/{flux}", "seconds")
            if value:
                axes.plot(value, row, "o", ms=7, color=colour, label=label if row == 0 else None)
        for seconds, error in ASGARD[name]:
            axes.plot(seconds, row, "s", ms=5, color=PEER, label="ASGarD, error beside it" if row == 0 else None)
            axes.annotate(error, (seconds, row), (0, 5), textcoords="offset points", ha="center", fontsize=7)
    rows(axes, [f"${text}$, error {wanted:g}" for _, text, _, wanted, _ in yardstick])
    axes.set_xscale("log")
    axes.set_xlabel("seconds, one core")
    axes.set_title("Ornstein\N{EN DASH}Uhlenbeck density in $d$ variables", loc="left")
    axes.set_ylim(len(yardstick) - 0.5, -1.0)
    axes.legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1.0, handletextpad=0.2)


def draw(run, path, cans, targets, peers, yardstick):
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 6))
        grid = figure.add_gridspec(2, 2, height_ratios=(3, 2), hspace=0.42, wspace=0.5)
        steps(figure.add_subplot(grid[0, 0]), run, cans)
        densities(figure.add_subplot(grid[1, 0]), run, yardstick)
        solves(figure.add_subplot(grid[:, 1]), run, targets, peers)
        figure.savefig(path, dpi=120, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)
