#!/usr/bin/env python3
"""What a time step of a flow sends and what it should cost on many ranks: the model of docs/scaling.md.

    scripts/scaling/model.py [--machine NAME=VALUE ...] [--cells 64] [--csv FILE]

prints predictions of a weak and a strong series for the tensor and boxmg pressure solvers. The counts are exact for boxes of
n^3 cells, periodic, three cut directions or fewer, scheme k4 (the test scaling.model compares them with instrumented runs);
seconds are estimates from a few figures of the machine.
"""
import argparse
import csv
import math
from dataclasses import dataclass, fields

FIELDS = 20  # exchanged per step of k4: three velocities after each of four stages and two corrections, two pressures
PRESSURES = 2  # of them; where z alone is cut, the step goes by planes and exchanges these as before, and instead of the others
PLANES = 12  # whole planes at both ends of the box
HIGH_PLANES = 2  # and planes at its high end alone
SOLVES = 2
GATHER_CELLS = 8192  # levels of the multigrid with no more cells than this are held whole by every rank
SWEEPS = 24  # half sweeps of a level in one cycle V(6,6): each is followed by an exchange; levels below the finest are visited twice


@dataclass
class Machine:
    """One rank on one core. Cell costs: the quiet figures of docs/performance.md; bandwidth and latency: assumed."""

    latency: float = 1.5e-6  # s per message between nodes
    bandwidth: float = 4e8  # bytes/s of one rank while all of its node send: 25 GB/s over 64 cores
    step_ns: float = 27.3  # per cell and step, without the pressure solves: Taylor-Green 128^3, docs/performance.md
    transform_ns: float = 2.0  # per cell and solve, of the tensor solver's sweeps and copies
    fft_ns: float = 0.5  # per cell, solve and doubling of the line, each of two directions
    flops: float = 2.0e10  # of a dense transform (stretched lines of the tensor solver)
    cycle_ns: float = 17.6  # per cell and iteration of boxmg with conjugate gradients: cycle 12.8, product 2.3, vectors (docs/performance.md)
    iterations: float = 2.0  # of boxmg per solve
    scan_ns: float = 2.0  # per rank of the whole run and move between pencils: empty parts are looked at too


@dataclass
class Counts:
    """Per rank and step."""

    messages: int = 0  # point to point, started one by one
    message_bytes: int = 0
    exchanges: int = 0  # all-to-all collectives
    moves: int = 0  # of them between pencils, in the communicator of all ranks; the others run along the cut lines of one direction
    exchange_bytes: float = 0.0  # upper bound: as if nothing stayed
    partners: int = 0  # ranks that get something in all exchanges together
    reductions: int = 0
    gathers: int = 0
    gather_bytes: int = 0  # that arrive
    requests: int = 0  # persistent ones that are started: sends and receives
    request_bytes: int = 0  # sent by them


def ghosts(n, cuts):
    """Messages and doubles of one exchange of a field with one layer of ghosts: faces, edges, corners, and what wraps around."""
    messages = 3**3 - 3 ** (3 - cuts)
    return messages, (n + 2) ** 3 - n**cuts * (n + 2) ** (3 - cuts)


def levels(n, grid):
    """Edges of the distributed levels' boxes, and the cells of the level that is gathered: cells of two ranks never merge, an odd
    one is left over, and boxes of one cell are as coarse as it gets."""
    ranks, edges = math.prod(grid), [n]
    while edges[-1] > 1 and ranks * ((edges[-1] + 1) // 2) ** 3 > GATHER_CELLS:
        edges.append((edges[-1] + 1) // 2)
    return edges, ranks * ((edges[-1] + 1) // 2) ** 3


def pencils(n, grid):
    """Moves of the tensor solver one way, and into how many parts the lines of the direction it sweeps along (z) are cut then: every
    other cut direction is made whole by a move that gives its ranks to the remaining direction."""
    parts, moves = list(grid), 0
    for d in (1, 0):
        if grid[d] == 1:
            continue
        target = 1 - d if n * grid[1 - d] // parts[1 - d] >= parts[d] else 2
        parts[target] *= parts[d]
        parts[d] = 1
        moves += 1
    return moves, parts[2]


def count(n, grid, method, iterations):
    """grid: ranks along each axis; iterations: of the step's solves together."""
    ranks, cuts = math.prod(grid), sum(p > 1 for p in grid)
    if ranks == 1:
        return Counts()
    messages, doubles = ghosts(n, cuts)
    c = Counts(messages=FIELDS * messages, message_bytes=8 * FIELDS * doubles, reductions=1)
    if grid[0] == grid[1] == 1:
        planes = 2 * PLANES + HIGH_PLANES
        c.messages, c.message_bytes = PRESSURES * messages + planes, 8 * (PRESSURES * doubles + planes * n**2)
    if method == "tensor":
        moves, parts = pencils(n, grid)
        c.moves = 2 * SOLVES * moves
        c.exchange_bytes = 8.0 * n**3 * c.moves
        c.partners = 2 * SOLVES * sum(p - 1 for p in grid[:2])
        c.exchanges = c.moves
        if parts > 1:  # two numbers per mode and rank to the rank that has a share of the modes, two back; the singular mode to all
            modes = n**3 * ranks // (n * grid[2]) * parts // ranks
            c.exchanges += 2 * SOLVES
            c.exchange_bytes += 8 * 4 * SOLVES * (parts - 1) * -(-modes // parts)
            c.partners += 2 * SOLVES * (parts - 1)
            c.gathers, c.gather_bytes = SOLVES, 8 * SOLVES * n * grid[2]
        return c
    c.messages += 2 * cuts * (SOLVES + iterations)  # the operator of the conjugate gradients, on face neighbours
    c.message_bytes += 8 * 2 * cuts * n**2 * (SOLVES + iterations)
    c.reductions += 6 * SOLVES + 5 * iterations
    edges, gathered = levels(n, grid)
    # Between the two cycles of the second level, a residual.
    exchanges = [SWEEPS if l == 0 else 2 * SWEEPS + (l == 1) for l in range(len(edges))]
    c.requests = sum(exchanges) * 4 * cuts * iterations
    c.request_bytes = 4 * iterations * 2 * cuts * sum(k * e**2 for k, e in zip(exchanges, edges))  # single precision
    c.gathers = iterations * (2 if len(edges) > 1 else 1)
    c.gather_bytes = 4 * gathered * c.gathers
    return c


def transform_seconds(m, n, grid, stretched):
    """Two directions are transformed (forth and back), the third is solved; `stretched` of the two are dense."""
    cells, seconds = n**3, m.transform_ns * 1e-9
    for d in range(2):
        line = n * grid[d]
        seconds += 2.0 * 2.0 * (line / 2.0) / m.flops if d < stretched else m.fft_ns * 1e-9 * math.log2(line)
    return cells * seconds


def seconds(m, n, grid, method, stretched=0):
    """Parts of a step: work, messages (latency), volume (bandwidth), collectives."""
    ranks = math.prod(grid)
    tensor = method == "tensor"
    iterations = 0 if tensor else round(SOLVES * m.iterations)
    c = count(n, grid, method, iterations)
    work = n**3 * m.step_ns * 1e-9
    work += SOLVES * transform_seconds(m, n, grid, stretched) if tensor else n**3 * iterations * m.cycle_ns * 1e-9
    depth = math.log2(ranks) if ranks > 1 else 0.0
    messages = m.latency * (c.messages + c.partners + 0.5 * c.requests)
    volume = (c.message_bytes + c.exchange_bytes + c.request_bytes) / m.bandwidth
    collective = 2.0 * m.latency * depth * c.reductions + c.gathers * m.latency * depth + c.gather_bytes / m.bandwidth
    collective += c.moves * ranks * m.scan_ns * 1e-9
    if not tensor and ranks > 1:  # every rank solves what is gathered
        gathered = c.gather_bytes / 4 / max(iterations, 1)
        work += gathered * iterations * m.cycle_ns * 1e-9
    return {"work": work, "messages": messages, "volume": volume, "collective": collective}


def split(ranks):
    """Three factors, as equal as can be."""
    best = (1, 1, ranks)
    for a in range(1, round(ranks ** (1 / 3)) + 1):
        if ranks % a:
            continue
        for b in range(a, math.isqrt(ranks // a) + 1):
            if (ranks // a) % b == 0 and a + b + ranks // a // b < sum(best):
                best = (a, b, ranks // a // b)
    return best


VARIANTS = {"tensor, uniform": ("tensor", 0), "tensor, stretched": ("tensor", 2), "boxmg": ("boxmg", 0)}


def series(machine, kind, cells, all_ranks):
    """Rows of a weak (cells^3 on each rank) or a strong series (cells^3 on each of the fewest ranks)."""
    for ranks in all_ranks:
        grid = split(ranks)
        n = cells if kind == "weak" else round(cells * (all_ranks[0] / ranks) ** (1 / 3))
        for name, (method, stretched) in VARIANTS.items():
            parts = seconds(machine, n, grid, method, stretched)
            alone = seconds(machine, n, (1, 1, 1), method, 0)["work"]
            total = sum(parts.values())
            yield {"series": kind, "solver": name, "ranks": ranks, "cells_per_rank": n**3, "seconds_per_step": total,
                   **{f"{k}_share": v / total for k, v in parts.items()}, "efficiency": alone / total}


def crossover(machine, name, grid, share=0.5):
    """The smallest edge of a rank's box at which work is at least that share of the step."""
    method, stretched = VARIANTS[name]
    for n in range(4, 513, 4):
        parts = seconds(machine, n, grid, method, stretched)
        if parts["work"] >= share * sum(parts.values()):
            return n
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", metavar="NAME=VALUE", nargs="*", default=[],
                        help="figures of the machine: " + ", ".join(f"{f.name}={f.default:g}" for f in fields(Machine)))
    parser.add_argument("--cells", type=int, default=64, help="edge of a rank's box (64); of the strong series at 100 ranks twice that")
    parser.add_argument("--csv", help="also writes this table")
    options = parser.parse_args()
    machine = Machine(**{name: float(value) for name, value in (entry.split("=") for entry in options.machine)})
    ranks = [100, 1000, 10000, 100000]
    rows = [*series(machine, "weak", options.cells, ranks), *series(machine, "strong", 2 * options.cells, ranks)]
    print(f"{'series':7}{'solver':19}{'ranks':>7}{'cells/rank':>12}{'ms/step':>10}{'work':>7}{'messages':>10}{'volume':>8}{'coll.':>7}{'eff.':>7}")
    for r in rows:
        print(f"{r['series']:7}{r['solver']:19}{r['ranks']:7}{r['cells_per_rank']:12}{1e3 * r['seconds_per_step']:10.2f}"
              f"{r['work_share']:7.2f}{r['messages_share']:10.2f}{r['volume_share']:8.2f}{r['collective_share']:7.2f}{r['efficiency']:7.2f}")
    print("\nsmallest edge of a rank's box at which half of a step is work:")
    for name in VARIANTS:
        print(f"  {name:19}" + "  ".join(f"{p} ranks: {crossover(machine, name, split(p)) or '-'}" for p in ranks))
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
