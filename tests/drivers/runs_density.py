"""Whole density runs of the program: shipped cases, output, restart, starts from files. Usage: runs_density.py KOLMO SOURCE [LAUNCHER...] (a
launcher takes a number of ranks next)"""
import concurrent.futures
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import tomllib

import h5py
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from cases import TURNING  # noqa: E402

KOLMO, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LAUNCHER = sys.argv[3:]
wrong = []

PLANE = TURNING.replace("[grid]", 'exact = "auto"\n[grid]') + """[time]
TIME
end = 0.4
[output]
marginals = [["q"], ["v"], ["q", "v"]]
fields = { every_time = 0.2, names = ["density", "flux", "score", "log_density"], precision = "float64" }
checkpoint = { every_steps = 4 }
"""

# Three variables through absorbing faces, nothing known.
SPACE = """
[case]
kind = "density"
[problem]
variables = ["x", "y", "z"]
drift = ["1 - y", "0.5*sin(z)", "-z + 0.3*x*y"]
diffusion = [0.4, 0.3, "0.2 + 0.1*x^2"]
initial = { type = "gaussian", mean = [0.0, 0.0, 0.0], variance = [0.08, 0.08, 0.08] }
[grid]
x = { from = -1.5, to = 1.5, cells = 16 }
y = { from = -1.5, to = 1.5, cells = 14 }
z = { from = -1.5, to = 1.5, cells = 12 }
[boundary]
default = { type = "no-flux" }
x_max = { type = "absorbing" }
[time]
TIME
end = 0.4
[output]
marginals = [["x"], ["y", "z"]]
fields = { every_time = 0.2, precision = "float64" }
checkpoint = { every_steps = 4 }
"""


def expect(condition, what):
    if not condition:
        wrong.append(what)


def run(*arguments, ranks=1):
    launcher = LAUNCHER + [str(ranks)] if LAUNCHER and ranks > 1 else []
    done = subprocess.run(launcher + [KOLMO, *arguments], capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout, done.stderr


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def summary(folder):
    return json.loads(read(folder, "summary.json"))


def table(path):
    """Columns by name."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {name.split(" [")[0]: [float(row[i]) for row in rows[1:]] for i, name in enumerate(rows[0])}


def write_case(folder, text, time):
    path = os.path.join(folder, "case.toml")
    with open(path, "w") as file:
        file.write(text.replace("TIME", time))
    return path


def check_plane(folder):
    """Every file and number of a run whose density is known."""
    case, out = write_case(folder, PLANE, "step = 0.02"), os.path.join(folder, "plane")
    code, text, err = run("run", case, "--output", out)
    expect(code == 0 and not err, f"plane: {code} {err}")
    for name in ("run.toml", "fields.xdmf", "fields/grid.h5", "fields/000000.h5", "fields/000010.h5", "fields/000020.h5", "marginals/q.csv",
                 "marginals/v_000010.csv", "marginals/q_v/fields.xdmf", "marginals/q_v/fields/000020.h5", "checkpoint/000020.h5"):
        expect(os.path.exists(os.path.join(out, name)), f"plane: {name} is missing")
    result = summary(out)
    expect(result["status"] == "done" and result["kind"] == "density" and result["steps"] == 20, f"plane: summary {result}")
    expect(result["mass_error"] < 1e-12 and abs(result["mass"] - 1.0) < 1e-6, f"plane: mass error {result['mass_error']}")
    expect(result["negative_mass"] < 1e-6, f"plane: negative mass {result['negative_mass']}")
    expect(result["solves"]["density"]["count"] > 0, "plane: no solves counted")
    bounds = {"rel_l1": 3e-2, "rel_l2": 3e-2, "cell_rel_l1": 3e-2, "cell_rel_l2": 3e-2, "kl": 1e-3, "score": 6e-2}
    for name, bound in bounds.items():
        value = result["errors"][name]
        expect(0.0 < value < bound, f"plane: error {name} is {value}")
    series = table(os.path.join(out, "diagnostics.csv"))
    expect(len(series["step"]) == 21, f"plane: {len(series['step'])} records")
    for name in ("mass", "mass_error", "escaped", "negative_mass", "min_density", "entropy", "mean_q", "mean_v", "variance_q", "covariance_q_v",
                 "variance_v", "cell_rel_l1", "kl", "max_flux", "entropy_production", "fallbacks", "repairs", "dropped_mass", "mass_correction"):
        expect(name in series, f"plane: no column {name}")
    expect(abs(series["kl"][-1] - result["errors"]["kl"]) < 1e-15, "plane: kl of the last record differs from the summary")
    expect(max(series["mass_error"]) < 1e-12, f"plane: largest mass error {max(series['mass_error'])}")
    # The mean turns and shrinks: (q, v) = 0.8 exp(-t) (cos 2t, -sin 2t).
    t = 0.4
    expect(abs(series["mean_q"][-1] - 0.8 * math.exp(-t) * math.cos(2 * t)) < 1e-2, f"plane: mean_q {series['mean_q'][-1]}")
    expect(abs(series["mean_v"][-1] + 0.8 * math.exp(-t) * math.sin(2 * t)) < 1e-2, f"plane: mean_v {series['mean_v'][-1]}")
    for name in ("q", "v"):
        marginal = table(os.path.join(out, "marginals", name + ".csv"))
        largest = max(abs(a - b) for a, b in zip(marginal["density"], marginal["exact"]))
        expect(largest < 3e-2 * max(marginal["exact"]), f"plane: marginal {name} is off by {largest}")
        width = marginal[name][1] - marginal[name][0]
        expect(abs(width * sum(marginal["density"]) - result["mass"]) < 1e-12, f"plane: marginal {name} has another mass")
    code, text, err = run("status", out)
    expect(code == 0 and "done" in text, f"plane: status says {text} {err}")
    # The bounds above are what this coarse grid leaves: a quarter of it on twice the cells and steps.
    fine = os.path.join(folder, "fine")
    code, text, err = run("run", case, "--output", fine, "--set", "grid.q.cells=80", "--set", "grid.v.cells=72", "--set", "time.step=0.01")
    expect(code == 0, f"fine plane: {code} {err}")
    for name in ("rel_l1", "rel_l2", "score"):
        ratio = result["errors"][name] / summary(fine)["errors"][name]
        expect(3.6 < ratio < 4.4, f"plane: error {name} falls by {ratio} on half the widths")
    return out


def memory_case(variables, cells, drift, noise, time, more=()):
    lines = ["[case]", 'kind = "density"', "[problem]", f"variables = {variables}", f"drift = {drift}", f"noise = {noise}",
             f'initial = {{ type = "gaussian", mean = {[0.0] * len(variables)}, variance = {[0.3] * len(variables)} }}', "[grid]"]
    return "\n".join(lines + [f"{v} = {{ from = -4, to = 4, cells = {cells} }}" for v in variables] + ["[time]", *time, *more])


def check_memory(folder):
    """What `kolmo check` says a run takes, against what it takes beyond the same run on a tiny grid."""
    letters = ["a", "b", "c", "d", "g", "h"]

    def pulled(n):
        return [f"-{letters[i]} + 0.2*sin({letters[(i + 1) % n]})" for i in range(n)]

    steps = ["step = 0.01", "end = 1.0", "max_steps = 3"]
    everything = ["-a + 0.1*" + "*".join(f"cos({v})" for v in letters[:4]), "-b - 0.1*" + "*".join(f"cos({v})" for v in letters[:4]), "-c", "-d"]
    cases = {
        "tr-bdf2, factors, 2-D": memory_case(letters[:2], "CELLS", pulled(2), 1.0, ['scheme = "tr-bdf2"', *steps]).replace("CELLS", "400"),
        "tr-bdf2, Krylov, 2-D": memory_case(letters[:2], "CELLS", pulled(2), 1.0, ['scheme = "tr-bdf2"', *steps]).replace("CELLS", "900"),
        "backward Euler, 3-D": memory_case(letters[:3], 80, pulled(3), 1.0, ['scheme = "backward-euler"', *steps]),
        "splitting, 4-D": memory_case(letters[:4], 36, pulled(4), 1.0, ['scheme = "splitting"', *steps]),
        "splitting, 4-D, all of all": memory_case(letters[:4], 30, everything, 1.0, ['scheme = "splitting"', *steps]),
        "splitting, 6-D": memory_case(letters[:6], 12, pulled(6), 1.0, ['scheme = "splitting"', *steps]),
        "compared, 4-D, 2 ranks": memory_case(letters[:4], 36, [f"-{v}" for v in letters[:4]], 1.0, steps).replace("[grid]", 'exact = "auto"\n[grid]'),
        "stationary, 2-D": memory_case(letters[:2], 300, pulled(2), 1.0, ["stationary = true"]),
    }
    for name, text in cases.items():
        case, out, ranks = write_case(folder, text, ""), os.path.join(folder, "memory"), 2 if "2 ranks" in name else 1
        tiny = [word for v in letters if f"\n{v} = " in text for word in ("--set", f"grid.{v}.cells=6")]
        peaks = []
        for change in (tiny, []):
            code, said, err = run("run", case, "--output", out, "--overwrite", *change, ranks=ranks)
            expect(code == 0, f"memory, {name}: {code} {err}")
            if code:
                return
            peaks.append(summary(out)["peak_rss_bytes"])
        said = run("check", case, ranks=ranks)[1].split("memory: about ")[1].split(" in all")[0].split()
        estimate = float(said[0]) * {"MB": 1e6, "GB": 1e9}[said[1]]
        grown, cells = peaks[1] - peaks[0], summary(out)["cells"]
        print(f"memory, {name}: {estimate / 1e6:.0f} MB estimated, {grown / 1e6:.0f} MB measured, {grown / cells / 8:.1f} vectors")
        expect(0.8 < estimate / grown < 1.25, f"memory, {name}: {estimate / 1e6:.0f} MB estimated, {grown / 1e6:.0f} MB taken")


def check_restart(folder, name, text, time, ranks):
    """A run broken after 6 steps, its last checkpoint off schedule, ends in the same bits as one that went through."""
    folder = os.path.join(folder, name.replace(" ", "_"))
    os.mkdir(folder)
    case = write_case(folder, text, time)
    whole, broken = os.path.join(folder, "whole"), os.path.join(folder, "broken")
    code, out, err = run("run", case, "--output", whole, ranks=ranks)
    expect(code == 0, f"{name}: {code} {err}")
    code, out, err = run("run", case, "--output", broken, "--set", "time.max_steps=6", ranks=ranks)
    expect(code == 0, f"{name}: first leg: {code} {err}")
    code, out, err = run("run", case, "--output", broken, "--restart", "auto", ranks=ranks)
    expect(code == 0 and "restart from" in out, f"{name}: second leg: {code} {err}")
    files = ["diagnostics.csv"] + [os.path.join("marginals", file) for file in os.listdir(os.path.join(whole, "marginals")) if file.endswith(".csv")]
    last = max(file for file in os.listdir(os.path.join(whole, "fields")) if file[0].isdigit())
    for file in files + [os.path.join("fields", last)]:
        expect(os.path.exists(os.path.join(broken, file)) and read(whole, file) == read(broken, file), f"{name}: {file} differs after a restart")
    result = summary(whole)
    expect(result["mass_error"] < 1e-12, f"{name}: mass error {result['mass_error']}")
    return case, whole


def check_other_ranks(folder, case, whole, bound):
    other = os.path.join(os.path.dirname(whole), "other")
    expect(run("run", case, "--output", other, "--set", "time.max_steps=6")[0] == 0, "first leg before other ranks")
    code, out, err = run("restart", other, "--set", "time.max_steps=100000", ranks=2)
    expect(code == 0, f"restart on 2 ranks: {code} {err}")
    here, there = table(os.path.join(whole, "diagnostics.csv")), table(os.path.join(other, "diagnostics.csv"))
    for name, column in here.items():
        largest = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(column, there[name], strict=True))
        expect(largest <= bound or name == "fallbacks", f"restart of {case} on 2 ranks: {name} differs by {largest}")


def check_start_from_series(folder, plane):
    """A start from the folder of a run: its last density, or the one of a step or a time."""
    text = PLANE.replace('{ type = "gaussian", mean = [0.8, 0.0], variance = [0.1, 0.2] }', 'INITIAL').replace('exact = "auto"\n', "")
    before = table(os.path.join(plane, "diagnostics.csv"))
    for which, record in (("", 20), (", step = 10", 10), (", time = 0.2", 10), (", time = 0.0", 0)):
        inside = os.path.join(folder, f"series_{which.strip(', ').replace(' = ', '_')}")
        os.mkdir(inside)
        case = write_case(inside, text.replace("INITIAL", f'{{ type = "file", file = "{plane}"{which} }}'), "step = 0.02\nmax_steps = 1")
        code, said, err = run("run", case, "--output", os.path.join(inside, "out"))
        expect(code == 0, f"start from a folder{which}: {code} {err}")
        if code == 0:
            after = table(os.path.join(inside, "out", "diagnostics.csv"))
            for column in ("mean_q", "variance_q"):
                expect(abs(before[column][record] - after[column][0]) < 1e-12, f"start from a folder{which}: {column} is {after[column][0]}")
    # Fields in single precision, as they are by default: the checkpoint of a step goes before them, and steps without one are as they are.
    plain, single = PLANE.replace(', precision = "float64"', "").replace("every_steps = 4", "every_steps = 5"), os.path.join(folder, "single")
    code, said, err = run("run", write_case(folder, plain, "step = 0.02"), "--output", single, "--set", "output.checkpoint.keep=1")
    expect(code == 0, f"fields in single precision: {code} {err}")
    for which, file, said_single in (("", "checkpoint/000020.h5", False), (", time = 0.4", "checkpoint/000020.h5", False), (", step = 10", "fields/000010.h5", True)):
        inside = os.path.join(folder, f"single_{which.strip(', ').replace(' = ', '_')}")
        os.mkdir(inside)
        case = write_case(inside, text.replace("INITIAL", f'{{ type = "file", file = "{single}"{which} }}'), "step = 0.02\nmax_steps = 1")
        code, said, err = run("run", case, "--output", os.path.join(inside, "out"), ranks=2)
        expect(code == 0 and file in said and ("single precision" in said) == said_single, f"start from single precision{which}: {code} {said} {err}")
        code, said, err = run("check", case)
        expect(code == 0 and file in said, f"check of a start from single precision{which}: {code} {said} {err}")
    for which, reason in ((", step = 11", "no step 11"), (", time = 0.11", "no time 0.11"), (", step = 10, time = 0.2", "either step or time")):
        case = write_case(folder, text.replace("INITIAL", f'{{ type = "file", file = "{plane}"{which} }}'), "step = 0.02")
        code, said, err = run("run", case, "--output", os.path.join(folder, "nowhere"))
        key = f"problem.initial.{which.split()[-3]}: "
        expect(code == 2 and key in err and reason in err and len(err.splitlines()) == 1, f"start from a folder{which}: {code} {err}")
        expect(err.startswith(case + ":"), f"start from a folder{which}: no place in {err}")


def check_slices(folder):
    """A plane and a space through four dimensions, against the exact density; the series by simulated time."""
    names = ["a", "b", "c", "d"]
    lines = ["[case]", 'kind = "density"', "[problem]", f"variables = {names}", "drift = " + str([f"-{n}" for n in names]), "noise = 1.0",
             'initial = { type = "gaussian", mean = [0.3, 0.2, 0.1, 0.0], variance = [0.4, 0.4, 0.5, 0.5] }', 'exact = "auto"', "[grid]"]
    lines += [f"{n} = {{ from = -4, to = 4, cells = {20 + 2 * i} }}" for i, n in enumerate(names)]
    lines += ["[time]", "step = 0.1", "end = 0.3", "[output]", "series = { every_time = 0.15 }", "fields = { every_time = 0.15 }", "[[output.slices]]",
              'name = "ca"', 'variables = ["c", "a"]', "at = [0.25, -0.1]", "[[output.slices]]", 'name = "bcd"', 'variables = ["b", "c", "d"]', "at = [0.0]"]
    inside = os.path.join(folder, "slices")
    os.mkdir(inside)
    case, out = write_case(inside, "\n".join(lines), ""), os.path.join(inside, "out")
    code, text, err = run("run", case, "--output", out, ranks=2)
    expect(code == 0, f"slices: {code} {err}")
    times = table(os.path.join(out, "diagnostics.csv"))["time"]
    expect(numpy.allclose(times, [0.0, 0.15, 0.3], atol=1e-12), f"slices: records at {times}")
    for name, shape in (("ca", (20, 24)), ("bcd", (26, 24, 22))):
        for step, when in zip(("000000", "000002", "000004"), (0.0, 0.15, 0.3)):
            path = os.path.join(out, "slices", name, "fields", step + ".h5")
            expect(os.path.exists(path), f"slices: {path} is missing")
            with h5py.File(path) as file:
                density, exact = file["density"][:], file["exact"][:]
            expect(density.shape == shape == exact.shape, f"slices: {name} has {density.shape}")
            centres = [-4 + 8 * (numpy.arange(n) + 0.5) / n for n in (20, 22, 24, 26)]
            decay = numpy.exp(-when)

            def law(d, x):
                mean, variance = (0.3, 0.2, 0.1, 0.0)[d] * decay, 0.5 + ((0.4, 0.4, 0.5, 0.5)[d] - 0.5) * decay**2
                return numpy.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)

            if name == "ca":  # [a][c], c fastest
                expected = numpy.outer(law(0, centres[0]), law(2, centres[2])) * law(1, 0.25) * law(3, -0.1)
            else:
                expected = numpy.einsum("d,c,b->dcb", law(3, centres[3]), law(2, centres[2]), law(1, centres[1])) * law(0, 0.0)
            top = expected.max()
            expect(abs(exact - expected).max() < 3e-2 * top, f"slices: {name} at {when}: exact off by {abs(exact - expected).max() / top}")
            expect(abs(density - exact).max() < 3e-2 * top, f"slices: {name} at {when}: density off by {abs(density - exact).max() / top}")
        xml = read(out, "slices", name, "fields.xdmf").decode()
        expect(xml.count("<Time ") == 3 and 'Name="density"' in xml, f"slices: {name}: {xml[:300]}")
    code, text, err = run("check", case)
    expect(code == 0 and "slice ca" in text, f"slices: check says {text} {err}")


def check_start_from_file(folder, plane):
    """Another leg from the density of a finished run, on the same grid and on another."""
    text = PLANE.replace('{ type = "gaussian", mean = [0.8, 0.0], variance = [0.1, 0.2] }', 'INITIAL').replace('exact = "auto"\n', "")
    other = [("q = { from = -3.5, to = 3.5, cells = 40 }", "q = { from = -4, to = 4, cells = 51 }")]
    for name, file, changes in (("same", "checkpoint/000020.h5", []), ("finer", "checkpoint/000020.h5", other), ("fields", "fields/000020.h5", other)):
        inside = os.path.join(folder, "from_" + name)
        os.mkdir(inside)
        changed = text.replace("INITIAL", f'{{ type = "file", file = "{os.path.join(plane, file)}" }}')
        for old, new in changes:
            assert old in changed
            changed = changed.replace(old, new)
        out = os.path.join(inside, "out")
        code, said, err = run("run", write_case(inside, changed, "step = 0.02\nmax_steps = 1"), "--output", out)
        expect(code == 0, f"start from file, {name}: {code} {err}")
        if code == 0:
            before, after = table(os.path.join(plane, "diagnostics.csv")), table(os.path.join(out, "diagnostics.csv"))
            bound = 1e-12 if name == "same" else 1e-3
            for column in ("mass", "mean_q", "mean_v", "variance_q", "covariance_q_v"):
                difference = abs(before[column][-1] - after[column][0])
                expect(difference < (1e-12 if column == "mass" else bound), f"start from file, {name}: {column} differs by {difference}")
    code, said, err = run("run", write_case(inside, PLANE, 'scheme = "splitting"\nstep = 0.1'), "--output", os.path.join(inside, "named"))
    expect(code == 0 and "sdirk2 q" in said and "sdirk2 v" in said, f"the splitting names its directions: {code} {said} {err}")
    last = max(name for name in os.listdir(os.path.join(plane, "fields")) if name[0].isdigit())
    for file in (plane, os.path.join(plane, "fields", last)):  # a checkpoint, a field file
        swapped = text.replace("INITIAL", f'{{ type = "file", file = "{file}" }}').replace('variables = ["q", "v"]', 'variables = ["v", "q"]')
        code, said, err = run("run", write_case(inside, swapped, "step = 0.1"), "--output", os.path.join(inside, "none"))
        expect(code == 2 and "its variables are q,v" in err and not os.path.exists(os.path.join(inside, "none")),
               f"start with variables swapped, {file}: {code} {err}")
    code, said, err = run("run", write_case(inside, text.replace("INITIAL", '{ type = "file", file = "absent.h5" }'), "step = 0.1"),
                          "--output", os.path.join(inside, "none"))
    expect(code in (2, 4) and "absent.h5" in err and not os.path.exists(os.path.join(inside, "none")), f"start from a missing file: {code} {err}")


# Without noise along x: what moves in from a face, on more ranks along x than there are lines of cells.
FEW_LINES = """
[case]
kind = "density"
[problem]
variables = ["x", "y"]
drift = ["1", "-y"]
noise = ["0", "1"]
initial = { type = "gaussian", mean = [2.0, 0.0], variance = [0.2, 0.4] }
[grid]
x = { from = 0.0, to = 8.0, cells = 64 }
y = { from = -3.0, to = 3.0, cells = 3 }
[boundary]
default = { type = "no-flux" }
x_min = { type = "inflow", density = "0.1" }
x_max = { type = "absorbing" }
[time]
scheme = "splitting"
step = 0.1
end = 0.5
"""

# A known potential beside a direction without noise: metrics of the ratio form vary across the lines of that direction.
BESIDE_POTENTIAL = """
[case]
kind = "density"
[problem]
variables = ["theta", "x"]
drift = ["1", "-x"]
noise = ["0", "sqrt(2)"]
potential = "x^2/2"
initial = { type = "expression", density = "(1+0.5*cos(theta))*exp(-(x-1)^2)" }
[grid]
theta = { from = 0.0, to = "2*pi", cells = 32 }
x = { from = -6.0, to = 6.0, cells = 48 }
[boundary]
default = { type = "no-flux" }
theta_min = { type = "periodic" }
theta_max = { type = "periodic" }
[time]
scheme = "tr-bdf2"
step = 0.02
end = 0.2
"""


def check_equal_on_ranks(folder, name, text, ranks, cut):
    os.makedirs(os.path.join(folder, name))
    case = write_case(os.path.join(folder, name), text, "")
    outs = {count: os.path.join(folder, name, str(count)) for count in (1, ranks)}
    for count, out in outs.items():
        code, said, err = run("run", case, "--output", out, *(["--set", f"grid.processes={cut}"] if count > 1 else []), ranks=count)
        expect(code == 0, f"{name} on {count} ranks: {code} {err}")
    one, many = (table(os.path.join(out, "diagnostics.csv")) for out in outs.values())
    for column, values in one.items():
        largest = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(values, many[column], strict=True))
        expect(largest <= 1e-9, f"{name}: {column} differs by {largest} between 1 and {ranks} ranks")


def check_refusals(folder):
    """An explicit step beyond its limit, and a grid that takes more memory than there is, by what the engine would hold."""
    case = write_case(folder, PLANE, 'scheme = "ssp-rk2"\nstep = 0.5')
    code, said, err = run("run", case, "--output", os.path.join(folder, "wild"))
    expect(code == 2 and "explicit scheme" in err, f"explicit step above its limit: {code} {err}")
    chain = os.path.join(SOURCE, "cases", "double_well_chain", "case.toml")
    words = [word for n in ("x1", "x2", "x3") for word in ("--set", f"grid.{n}.cells=1000")]
    code, said, err = run("check", chain, "--set", "time.scheme=tr-bdf2", *words)
    expect(code == 2 and " grid: " in err and len(err.splitlines()) == 1, f"check of too large a grid: {code} {err}")
    code, said, err = run("check", chain, "--elsewhere", "--set", "time.scheme=tr-bdf2", *words)
    expect(code == 0, f"the same for other machines: {code} {err}")


def check_many_dimensions(folder):
    names = ["a", "b", "c", "d"]
    lines = ["[case]", 'kind = "density"', "[problem]", f"variables = {names}", "drift = " + str([f"-{n}" for n in names]), "noise = 1.0",
             'initial = { type = "gaussian", mean = [0.5, 0.5, 0.5, 0.5], variance = [0.25, 0.25, 0.25, 0.25] }', 'exact = "auto"', "[grid]"]
    lines += [f"{n} = {{ from = -4, to = 4, cells = {10 + i} }}" for i, n in enumerate(names)]
    lines += ["[time]", "step = 0.1", "end = 0.3", "[output]", 'marginals = [["b"], ["a", "d"]]', 'fields = { precision = "float64" }',
              "checkpoint = { every_steps = 2 }"]
    case, out = write_case(folder, "\n".join(lines), ""), os.path.join(folder, "four")
    code, text, err = run("run", case, "--output", out, ranks=2)
    expect(code == 0, f"four dimensions: {code} {err}")
    result = summary(out)
    expect(result["negative_mass"] == 0.0 and result["min_density"] >= 0.0 and result["mass_error"] < 1e-13, f"four dimensions: {result}")
    expect(result["errors"]["cell_rel_l1"] < 0.1 and len(result["mean"]) == 4, f"four dimensions: {result['errors']}")
    for name in ("fields/grid.h5", "fields/000003.h5", "marginals/b.csv", "marginals/a_d/fields.xdmf"):
        expect(os.path.exists(os.path.join(out, name)), f"four dimensions: {name} is missing")


def shorten(name):
    """A shipped case on a small grid for two steps, on 1 and 2 ranks."""
    path = os.path.join(SOURCE, "cases", name, "case.toml")
    with open(path, "rb") as file:
        case = tomllib.load(file)
    if case["case"]["kind"] != "density":
        return []
    variables = [n for n in case["grid"] if n != "processes"]
    cells = {1: 96, 2: 32, 3: 16, 4: 9, 5: 7, 6: 6}[len(variables)]
    settings = [] if case["time"].get("stationary") else ["time.max_steps=2"]
    settings += [f"grid.{n}.cells={cells}" for n in variables if "cells" in case["grid"][n]]
    options = [word for setting in settings for word in ("--set", setting)]
    found, results = [], []
    for ranks in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            code, text, err = run("run", path, "--output", out, *options, ranks=ranks)
            lines = [line for line in err.splitlines() if not line.startswith("warning: ")]
            if code != 0 or lines:
                return [f"{name} on {ranks} ranks: {code} {err}"]
            results.append(summary(out))
            if results[-1]["mass_error"] > 1e-12:
                found.append(f"{name}: mass error {results[-1]['mass_error']}")
            if not os.path.exists(os.path.join(SOURCE, "cases", name, "README.md")):
                found.append(f"{name}: no README.md")
    for key, value in results[0].get("errors", {}).items():
        if isinstance(value, str):
            continue
        if abs(value - results[1]["errors"][key]) > 1e-8 * max(1.0, abs(value)):
            found.append(f"{name}: {key} is {value} on one rank, {results[1]['errors'][key]} on two")
    return found


def check_shipped():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(shorten, sorted(os.listdir(os.path.join(SOURCE, "cases")))):
            wrong.extend(found)


def main():
    with tempfile.TemporaryDirectory() as folder:
        plane = check_plane(folder)
        check_restart(folder, "tr-bdf2 by error control", PLANE, "tolerance = 1e-3", 2)
        check_other_ranks(folder, *check_restart(folder, "tr-bdf2", PLANE, "step = 0.02", 1), 1e-9)
        check_other_ranks(folder, *check_restart(folder, "splitting", SPACE, "step = 0.02", 1), 1e-12)
        check_restart(folder, "ssp-rk3", SPACE.replace("[time]", '[engine]\nflux = "limited"\n[time]'), 'scheme = "ssp-rk3"', 2)
        check_start_from_file(folder, plane)
        check_start_from_series(folder, plane)
        check_slices(folder)
        check_memory(folder)
        check_many_dimensions(folder)
        check_equal_on_ranks(folder, "few_lines", FEW_LINES, 4, [4, 1])
        check_equal_on_ranks(folder, "beside_potential", BESIDE_POTENTIAL, 2, [1, 2])
        check_refusals(folder)
    check_shipped()
    print("\n".join(wrong))
    print(f"{len(wrong)} complaints")
    return 1 if wrong else 0


sys.exit(main())
