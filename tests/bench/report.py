"""Tables and the picture of docs/performance.md from one run of the benchmarks."""

import json
import os
import re

FLOWS = [("channel_128", "channel 128x64x128, stretched", 55, 1800), ("taylor_green_128", "Taylor-Green 128^3", 60, 1900),
         ("cavity_128", "cavity 128^3", 60, 1900),
         ("cavity_clustered_64", "cavity 64^3, clustered in x, y, z", 60, 1900)]
# CaNS on a quiet machine of this kind, ns per cell and step: as built on one and two ranks, its page faults tuned away.
CANS = {"channel_128": (224, 126, 178, 103), "taylor_green_128": (324, 182, 246, 133), "cavity_128": (275, 139, 223, 114)}
# name, what it says, ns per unknown, iterations
LINEAR = [("tensor/symmetric_128", "tensor, mirror-symmetric, 128^3", 10, None),
          ("tensor/any_128", "tensor, any grid and boundary mix, 128^3", 17, None),
          ("tensor/periodic_128", "tensor, periodic, 128^3", None, None),
          ("tensor/walls_128", "tensor, uniform between walls, 128^3", None, None),
          ("tensor/symmetric_64", "tensor, mirror-symmetric, 64^3", None, None)]
for _n in (64, 128):
    LINEAR += [(f"boxmg/constant_{_n}", f"boxmg, constant coefficients, {_n}^3", 60, 6),
               (f"boxmg/one_clustered_{_n}", f"boxmg, one direction clustered (ratio 38), {_n}^3", 70, 8),
               (f"boxmg/three_clustered_{_n}", f"boxmg, three directions clustered, {_n}^3", 150, None),
               (f"boxmg/drop_{_n}", f"boxmg, drop, density ratio 1000, {_n}^3", 80, 8),
               (f"boxmg/bubble_{_n}", f"boxmg, bubble, density ratio 1000, {_n}^3", 80, 8)]
# Name, what it says, target in seconds, error to reach, ASGarD's measured points for that dimension (single thread).
YARDSTICK = [("d2", "d = 2", 0.1, 1e-3, "1.1e-3 after 1.1 s"), ("d3", "d = 3", 0.5, 1e-2, "7.5e-3 after 49 s (adaptive)"),
             ("d4", "d = 4", 5, 1e-2, "2.4e-1 after 4.6 s; 4.6e-2 after 194 s (adaptive)")]
FLUXES = [("fitted4", "fourth order"), ("fitted", "second order")]
DENSITY_STEPS = [("ssp-rk2", "ssp-rk2"), ("ssp-rk3", "ssp-rk3"), ("backward-euler", "backward Euler, factors kept"),
                 ("tr-bdf2", "tr-bdf2, factors kept"), ("splitting", "splitting, SDIRK2 on lines")]
PCMG = ["constant_64", "constant_128", "drop_64", "bubble_64"]
PETSC = ["mg_rediscretised", "mg_galerkin", "gamg", "hypre"]
# Doubles a sweep must read and write per cell, those it writes counted twice where they are not read (write-allocate).
SWEEPS = [("convection_viscosity", "convection + viscosity into another register", 3 + 6),
          ("stage_in_place", "the same added to the register", 3 + 6),
          ("stage_two_pressures", "stage with extrapolated pressure", 3 + 2 + 6)]


class Run:
    """One run's figures by name and ranks; None where there is none."""

    def __init__(self, run):
        self.facts = run
        self.results = run["results"]

    def get(self, name, counter="ns", ranks=1):
        return self.results.get(name, {}).get(str(ranks), {}).get(counter)

    def ratio(self, name, other, ranks=1, counter="ns"):
        a, b = self.get(name, counter, ranks), self.get(other, counter, ranks)
        return a / b if a and b else None

    def triad(self, ranks):
        """The best seen in the whole run, GB/s."""
        return max((entry[str(ranks)]["triad"] for entry in self.results.values() if "triad" in entry.get(str(ranks), {})),
                   default=None)


def number(value, digits=3):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def verdict(value, target, at_most=True):
    if value is None or target is None:
        return ""
    met = value <= target if at_most else value >= target
    if met:
        return "met"
    return f"missed by {100 * abs(value / target - 1):.0f} %"


def stable_steps(root):
    path = os.path.join(root, "tests", "bench", "results", "stable_steps.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def flow_rows(run):
    rows = []
    for name, text, target, target_bytes in FLOWS:
        ns, size = run.get(f"flow/{name}/k4"), run.get(f"flow/{name}/k4", "bytes")
        peer = CANS.get(name)
        rows.append([text, number(ns), f"<= {target}", verdict(ns, target), number(size), f"<= {target_bytes}",
                     verdict(size, target_bytes), number(run.get(f"flow/{name}/k4", "cpu_ns")),
                     f"{peer[0]} / {peer[2]}" if peer else "cannot"])
    return table(["whole step, k4, one rank", "ns per cell", "target", "", "bytes", "target", "", "processor ns",
                  "CaNS as built / tuned, ns"], rows)


def rank_rows(run):
    triad = [run.triad(ranks) for ranks in (1, 2)]
    triad_ratio = triad[1] / triad[0] if all(triad) else None
    target = min(1.8, 1.1 * triad_ratio) if triad_ratio else None
    rows = []
    for name, text, _, _ in FLOWS:
        one, two = (run.get(f"flow/{name}/k4", "ns", ranks) for ranks in (1, 2))
        gain = one / two if one and two else None
        peer = CANS.get(name)
        rows.append([text, number(one), number(two), number(gain), f">= {number(target)}", verdict(gain, target, False),
                     f"{peer[1]} / {peer[3]}" if peer else "cannot"])
    one, two = (run.get("flow/weak/k4", "ns", ranks) for ranks in (1, 2))
    rows.append(["Taylor-Green, 96^3 per rank (weak)", number(one), number(two), number(one / two if one and two else None),
                 "", "", ""])
    rows.append(["STREAM triad, GB/s", number(triad[0]), number(triad[1]), number(triad_ratio), "", "", ""])
    return table(["whole step, k4", "one rank", "two ranks", "gain", "target", "", "CaNS on two, ns"], rows)


def time_rows(run, root):
    rows = []
    for name, text, _, _ in FLOWS:
        steps = stable_steps(root).get(name)
        if not steps:
            continue
        k4, rk3 = run.get(f"flow/{name}/k4"), run.get(f"flow/{name}/rk3")
        largest = [steps[s]["largest_step"] for s in ("k4", "rk3")]
        errors = [steps[s]["time_error_at_0.8"] for s in ("k4", "rk3")]
        granted = [steps[s]["granted_step"] for s in ("k4", "rk3")]
        gain, granted_gain = ((rk3 / pair[1]) / (k4 / pair[0]) if k4 and rk3 else None for pair in (largest, granted))
        rows.append([text, number(k4), number(rk3), number(largest[0]), number(largest[1]),
                     number(largest[0] / largest[1]), f"{errors[0]:.1e} / {errors[1]:.1e}", number(gain), ">= 1.5",
                     verdict(gain, 1.5, False), number(granted_gain)])
    return table(["per unit of simulated time", "k4, ns", "rk3, ns", "largest step of k4", "of rk3", "ratio",
                  "time error at 0.8 of it, k4 / rk3", "k4 faster by", "target", "",
                  "at the same time.cfl"], rows)


def linear_rows(run):
    rows = []
    for name, text, target, most in LINEAR:
        ns, iterations = run.get(name), run.get(name, "solver_iterations")
        rows.append([text, number(ns), f"<= {target}" if target else "", verdict(ns, target),
                     number(iterations) if iterations else "", f"<= {most}" if most else "",
                     number(run.get(name, "bytes")), number(run.get(name, "cpu_ns")), number(run.get(name, "ns", 2))])
    return table(["solve, one rank", "ns per unknown", "target", "", "iterations", "target", "bytes", "processor ns",
                  "ns on two ranks"], rows)


def pcmg_rows(run):
    """The fastest of PETSc's own, and the smallest."""
    rows = []
    for name in PCMG:
        own = [kind for kind in PETSC if run.get(f"petsc/{kind}/{name}")]
        if not own:
            continue
        kind = min(own, key=lambda k: run.get(f"petsc/{k}/{name}"))
        gain = run.ratio(f"petsc/{kind}/{name}", f"boxmg/{name}")
        setup = run.ratio(f"setup/petsc/{kind}/{name}", f"setup/boxmg/{name}")
        least = min((m for k in own if (m := run.get(f"memory/petsc/{k}/{name}", "memory"))), default=None)
        memory = run.get(f"memory/boxmg/{name}", "memory")
        share = memory / least if memory and least else None
        others = ", ".join(f"{k} {number(run.get(f'petsc/{k}/{name}'))}" for k in own if k != kind)
        rows.append([name, number(run.get(f"boxmg/{name}")), kind, number(run.get(f"petsc/{kind}/{name}")),
                     number(run.get(f"petsc/{kind}/{name}", "solver_iterations")), number(gain), verdict(gain, 6, False),
                     number(setup), number(memory), number(least), verdict(share, 1 / 3), others,
                     number(run.get(f"pcmg/{name}"))])
    return table(["against PETSc's assembled multigrids", "boxmg, ns", "its fastest", "ns", "its iterations", "faster by",
                  ">= 6", "set-up faster by", "boxmg, B per unknown", "its least B", "<= 1/3", "others, ns",
                  "on our coarse matrices, ns"], rows)


def memory_rows(run):
    rows = [[text, number(run.get(f"memory/flow/{name}", "memory")), "<= 120" if "128^3" in text else "",
             verdict(run.get(f"memory/flow/{name}", "memory"), 120) if "128^3" in text else ""]
            for name, text, _, _ in FLOWS]
    return table(["memory of a run, one rank", "B per cell", "target", ""], rows)


def sweep_rows(run):
    rows = []
    for sweep, text, words in SWEEPS:
        for flow in ("taylor_green_128", "channel_128"):
            name = f"sweep/{sweep}/{flow}"
            ns, triad = run.get(name), run.get(name, "triad")
            # The triad's 24 bytes are 32 on the bus: the same count on both sides.
            fraction = 8 * words / (ns * triad * 4 / 3) if ns and triad else None
            target = 4 if sweep == "convection_viscosity" else None
            rows.append([text, flow, 8 * words, number(ns), f"<= {target}" if target else "", verdict(ns, target),
                         number(run.get(name, "bytes")), number(fraction, 2)])
    for flow in ("taylor_green_128", "channel_128"):
        name = f"sweep/ghosts_of_velocity/{flow}"
        rows.append(["ghosts of the velocity", flow, "", number(run.get(name)), "", "", number(run.get(name, "bytes")), ""])
    return table(["sweep, three components, one rank", "case", "B needed", "ns per cell", "target", "",
                  "triad-equivalent B", "of the triad's speed"], rows)


def phase_rows(run):
    phases = sorted({key for entry in run.results.values() for one in entry.values() for key in one
                     if key.startswith("phase ")})
    rows = [[text] + [number(run.get(f"flow/{name}/k4", phase)) for phase in phases] +
            [number(run.get(f"flow/{name}/k4", "page_faults"))] for name, text, _, _ in FLOWS]
    return table(["k4, ns per cell and step"] + [phase[6:] for phase in phases] + ["page faults per step"], rows)


def yardstick_rows(run):
    rows = []
    for name, text, target, wanted, peer in YARDSTICK:
        for flux, order in FLUXES:
            key = f"density/yardstick/{name}/{flux}"
            seconds, error = run.get(key, "seconds"), run.get(key, "error")
            both = verdict(seconds, target) if error is not None and error <= wanted else "error not reached"
            rows.append([text, order, f"{error:.1e}" if error else "-", f"<= {wanted:.0e}", number(seconds),
                         f"<= {target}", both if seconds else "", number(run.get(key, "seconds", 2)),
                         number(run.get(key, "error_seconds")), peer])
    return table(["product Ornstein-Uhlenbeck to t = 0.5, one rank", "fluxes", "relative L2", "wanted", "seconds", "target",
                  "", "on two ranks", "to find the error", "ASGarD"], rows)


def density_step_rows(run):
    rows = [[text] + [number(run.get(f"density/step_256/{name}", what, ranks))
                      for what, ranks in (("ns", 1), ("cpu_ns", 1), ("bytes", 1), ("ns", 2))]
            for name, text in DENSITY_STEPS]
    return table(["step of a density, 2-D, 256^2, three modes", "ns per cell", "processor ns", "triad-equivalent B",
                  "ns on two ranks"], rows)


def further_rows(run):
    """Whatever else there is: benchmarks of other rooms need no line here."""
    known = ("flow/", "tensor/", "boxmg/", "pcmg/", "petsc/", "memory/", "sweep/", "density/")
    rows = [[name, ranks, number(one.get("ns")), number(one.get("cpu_ns")), number(one.get("bytes"))]
            for name, entry in run.results.items() if not name.startswith(known) for ranks, one in entry.items()]
    return table(["further", "ranks", "ns", "processor ns", "triad-equivalent B"], rows) if rows else []


def sections(run, root):
    facts = run.facts
    machine = facts["machine"]
    text = [f"Machine class `{machine['class']}`: {machine['processor']} (family and model {machine['family and model']}),"
            f" {machine['cores']} cores, GCC {machine['compiler']}; commit {facts['commit']}, {facts['date']};"
            f" load {facts['load_before']} before the start, {facts['seconds']} s in all.",
            "" if facts["load_before"] < 0.5 else
            "**The machine was not quiet: wall times are too high; processor times are nearer the truth.**"]
    parts = [flow_rows(run), rank_rows(run), time_rows(run, root), linear_rows(run), pcmg_rows(run), memory_rows(run),
             sweep_rows(run), phase_rows(run), yardstick_rows(run), density_step_rows(run), further_rows(run)]
    for part in parts:
        text += [""] + part if part else []
    return text


def print_table(run):
    for name, entry in Run(run).results.items():
        for ranks, one in entry.items():
            values = "  ".join(f"{key} {number(value, 4)}" for key, value in one.items())
            print(f"  {name:<48} {ranks} rank(s)  {values}")


def write(facts, root):
    """Puts tables and picture between the markers of docs/performance.md."""
    import picture  # matplotlib only where something is drawn

    run = Run(facts)
    os.makedirs(os.path.join(root, "docs", "images"), exist_ok=True)
    picture.draw(run, os.path.join(root, "docs", "images", "performance.png"), CANS,
                 {name: target for name, _, target, _ in LINEAR}, PETSC, YARDSTICK)
    path = os.path.join(root, "docs", "performance.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    block = "\n".join(["<!-- bench:begin, written by scripts/bench -->", *sections(run, root), "",
                       "![Speed](images/performance.png)", "<!-- bench:end -->"])
    new, count = re.subn(r"<!-- bench:begin.*?<!-- bench:end -->", lambda _: block, text, flags=re.S)
    if count != 1:
        raise SystemExit("docs/performance.md: the markers bench:begin and bench:end are not there once")
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)
