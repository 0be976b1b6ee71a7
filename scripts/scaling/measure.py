#!/usr/bin/env python3
"""Runs a case on more and more ranks and writes what a step costs: DIR/weak.csv and .png, or DIR/strong.csv and .png.

    scripts/scaling/measure.py weak --ranks 1,2,4,8 [--cells 64] [--output DIR] [--launcher srun|mpirun] [-- what kolmo run takes besides]
    sbatch scripts/scaling/scaling.sbatch                         the same inside a SLURM job

weak: cells^3 on each rank; strong: cells^3 in all. Rank counts take turns (1 2 4 1 2 4 ...), so that a slow spell hits all; the
best of the repetitions counts. The case is periodic and uniform (cases/taylor_green_3d); series and fields are not written.
"""
import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import model  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("weak", "strong"))
    parser.add_argument("--ranks", required=True, help="such as 1,2,4,8")
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--method", choices=("tensor", "boxmg"), default="tensor", help="of the pressure solver")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", default="out/scaling", type=Path)
    parser.add_argument("--launcher", default="srun" if "SLURM_JOB_ID" in os.environ else "mpirun", help="srun, mpirun, or a command line")
    parser.add_argument("--kolmo", default=os.environ.get("KOLMO", str(HERE / "../../build/bin/kolmo")))
    parser.add_argument("--case", default=str(HERE / "../../cases/taylor_green_3d/case.toml"))
    parser.add_argument("more", nargs="*", help="behind --: more for kolmo run")
    return parser.parse_args()


def run(options, ranks):
    """The summary of one run."""
    grid = model.split(ranks)
    cells = [options.cells * (p if options.kind == "weak" else 1) for p in grid]
    folder = options.output / f"{options.kind}_{ranks}"
    launch = {"srun": ["srun", "--mpi=" + os.environ.get("KOLMO_SRUN_MPI", "pmix")], "mpirun": ["mpirun"]}.get(options.launcher, shlex.split(options.launcher))
    sets = {"time.max_steps": options.steps, "output.fields": "", "output.series": "", "solver.pressure.method": options.method}
    for axis, n, p in zip("xyz", cells, grid):
        sets[f"grid.{axis}.cells"] = n
        sets[f"grid.{axis}.to"] = json.dumps(f"{2 * (p if options.kind == 'weak' else 1)}*pi")
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    words += ["--set", "grid.processes=[" + ", ".join(map(str, grid)) + "]"]
    command = [*launch, "-n", str(ranks), options.kolmo, "run", options.case, "--output", str(folder), "--overwrite", *words, *options.more]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}: exit code {done.returncode}\n{done.stdout}")
    with open(folder / "summary.json") as file:
        return json.load(file)


def rows_of(options, all_ranks, summaries):
    first = None
    for ranks in all_ranks:
        best = min(summaries[ranks], key=lambda s: s["wall_seconds"])
        seconds = best["wall_seconds"] / best["steps"]
        first = first or (ranks, seconds)
        ideal = first[1] if options.kind == "weak" else first[1] * first[0] / ranks
        solves = best["solves"].get("pressure", {})
        yield {"ranks": ranks, "cells": best["cells"], "seconds_per_step": seconds, "ns_per_cell_step": best["ns_per_cell_step"],
               "efficiency": ideal / seconds, "iterations_per_solve": solves.get("mean_iterations", 0),
               "worst_seconds_per_step": max(s["wall_seconds"] / s["steps"] for s in summaries[ranks]), "repetitions": len(summaries[ranks])}


def draw(options, rows, path):
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ranks = [r["ranks"] for r in rows]
    figure, axes = plt.subplots(figsize=(5.0, 3.6), constrained_layout=True)
    axes.plot(ranks, [r["seconds_per_step"] for r in rows], "o-", color="black", label="measured")
    ideal = [rows[0]["seconds_per_step"] * (1.0 if options.kind == "weak" else ranks[0] / p) for p in ranks]
    axes.plot(ranks, ideal, "--", color="grey", label="ideal")
    axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel="seconds per step", xticks=ranks, xticklabels=ranks)
    axes.minorticks_off()
    size = f"{options.cells}$^3$ cells " + ("on each rank" if options.kind == "weak" else "in all")
    axes.set_title(f"{options.kind} scaling, {options.method}, {size}", fontsize=10)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    print(path)


def main():
    options = arguments()
    all_ranks = sorted({int(word) for word in options.ranks.split(",")})
    options.output.mkdir(parents=True, exist_ok=True)
    summaries = {ranks: [] for ranks in all_ranks}
    for _ in range(options.repeat):
        for ranks in all_ranks:
            summaries[ranks].append(run(options, ranks))
    rows = list(rows_of(options, all_ranks, summaries))
    table = options.output / f"{options.kind}.csv"
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(f"{row['ranks']:7} ranks: {1e3 * row['seconds_per_step']:9.2f} ms a step, efficiency {row['efficiency']:.2f}")
    print(table)
    draw(options, rows, options.output / f"{options.kind}.png")


if __name__ == "__main__":
    main()
