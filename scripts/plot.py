#!/usr/bin/env python3
"""Draws a run folder: the vorticity (or speed) of an output step, and line probes against their references; of a density
the field with its probability flux, and the marginals against the exact ones.

    scripts/plot.py DIR [--output FILE.png] [--field NAME] [--step N] [--plane x|y|z]

Reads DIR/fields/*.h5, DIR/lines/*.csv or DIR/marginals, and DIR/run.toml. In 3-D the plane through the middle of the
domain is drawn; of a density in more or less than two variables, the first marginal of two.
Needs numpy, h5py and matplotlib; no display.
"""

import argparse
import os
import re
import sys
from pathlib import Path

try:
    import h5py
    import matplotlib
    import numpy as np
except ImportError as missing:
    # Debian's packages belong to Debian's Python, which another one may hide.
    debian = "/usr/bin/python3"
    if os.path.exists(debian) and os.path.realpath(sys.executable) != os.path.realpath(debian):
        os.execv(debian, [debian, *sys.argv])
    sys.exit(f"plot.py: {missing}; install python3-numpy, python3-h5py and python3-matplotlib")

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

AXES = "xyz"
STYLE = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.linewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.3,
}


class PlotError(Exception):
    """Something the user can mend; shown as one line."""


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


# --- reading ----------------------------------------------------------------------------------------------------------


class Step:
    """One output: centres and nodes by axis name, arrays by name, all indexed [z][y][x](component)."""

    def __init__(self, folder, number=None):
        files = {int(p.stem): p for p in (folder / "fields").glob("*.h5") if p.stem.isdigit()}
        if not files:
            raise PlotError(f"{folder}: no field output in fields/")
        self.number = max(files) if number is None else number
        if self.number not in files:
            raise PlotError(f"{folder}: no output of step {self.number} (there are {', '.join(map(str, sorted(files)))})")
        with h5py.File(folder / "fields" / "grid.h5", "r") as grid:
            dimension = int(grid.attrs["dimension"])
            self.nodes = {a: grid[a][:] for a in AXES[:dimension]}
            self.length_unit = text(grid.attrs.get("length_unit", "m"))
        self.names = {}  # of the axes, where they have others
        self.centres = {a: 0.5 * (n[1:] + n[:-1]) for a, n in self.nodes.items()}
        if dimension < 2:
            raise PlotError(f"{folder}: a line has no field to draw")
        with h5py.File(files[self.number], "r") as file:
            self.time = float(file.attrs["time"])
            self.arrays = {name: file[name][:].astype(float) for name in file}
            self.units = {name: text(file[name].attrs.get("unit", "")) for name in file}

    @property
    def dimension(self):
        return len(self.nodes)

    def is_vector(self, name):
        return self.arrays[name].ndim > self.dimension


def read_table(path):
    """Columns of a CSV file by name, and their units."""
    with open(path, encoding="utf-8-sig") as file:
        lines = [line.strip() for line in file if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise PlotError(f"{path}: empty")
    columns, units = [], {}
    for cell in lines[0].split(","):
        name, unit = re.fullmatch(r"\s*(.*?)\s*(?:\[(.*)\])?\s*", cell).groups()
        columns.append(name)
        units[name] = unit or ""
    try:
        rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]], dtype=float)
    except ValueError as error:
        raise PlotError(f"{path}: {error}") from error
    if rows.size == 0 or rows.shape[1] != len(columns):
        raise PlotError(f"{path}: no complete rows")
    return {name: rows[:, i] for i, name in enumerate(columns)}, units


def read_case(folder):
    """run.toml as a dictionary; empty where there is none."""
    try:
        import tomllib  # Python 3.11

        with open(folder / "run.toml", "rb") as file:
            return tomllib.load(file)
    except (ImportError, OSError, ValueError):
        return {}


# --- profiles ---------------------------------------------------------------------------------------------------------


class Profile:
    """A quantity along a line, with a reference where there is one."""

    def __init__(self, axis, quantity, unit):
        self.axis, self.quantity, self.unit = axis, quantity, unit
        self.curve = self.reference = self.distance = None
        self.label = "reference"


def axis_of(table):
    present = [a for a in AXES if a in table]
    return max(present, key=lambda a: np.ptp(table[a]))


def written_comparisons(folder):
    """Those the run wrote itself: lines/NAME_QUANTITY_reference.csv with the field at the reference's own points."""
    for path in sorted((folder / "lines").glob("*_reference.csv")):
        table, units = read_table(path)
        axis, _, quantity = list(table)[:3]
        line = path.name[: -len(f"_{quantity}_reference.csv")]
        yield line, quantity, axis, table[axis], table["reference"], table[quantity], units[quantity]


def named_references(folder, case):
    """Those run.toml names, and DIR/reference*.csv whose columns are a coordinate and a quantity."""
    entries = case.get("reference", [])
    if isinstance(entries, dict):
        entries = entries.get("reference", [])
    for entry in entries:
        path = Path(entry["file"])
        path = path if path.is_absolute() else folder / path
        if not path.exists():
            continue
        table, _ = read_table(path)
        names = list(table)
        yield entry["line"], entry["quantity"], table[entry.get("coordinate", names[0])], table[entry.get("value", names[1])]
    for path in sorted(folder.glob("reference*.csv")):
        table, _ = read_table(path)
        axis, quantity = list(table)[:2]
        for line in sorted((folder / "lines").glob("*.csv")):
            probe, _ = read_table(line)
            if axis in probe and quantity in probe and axis_of(probe) == axis:
                yield line.stem, quantity, table[axis], table[quantity]


def profiles_of(folder, case):
    result, seen = [], set()

    def make(line, quantity, axis, unit):
        seen.add((line, quantity))
        profile = Profile(axis, quantity, unit)
        path = folder / "lines" / f"{line}.csv"
        if path.exists():
            table, units = read_table(path)
            profile.curve = (table[axis], table[quantity])
            profile.unit = units[quantity]
        result.append(profile)
        return profile

    for line, quantity, axis, at, reference, computed, unit in written_comparisons(folder):
        profile = make(line, quantity, axis, unit)
        profile.reference = (at, reference)
        profile.distance = np.max(np.abs(computed - reference))
    for line, quantity, at, reference in named_references(folder, case):
        path = folder / "lines" / f"{line}.csv"
        if (line, quantity) in seen or not path.exists():
            continue
        table, units = read_table(path)
        if quantity in table:
            make(line, quantity, axis_of(table), units[quantity]).reference = (at, reference)
    if not result:
        for path in sorted((folder / "lines").glob("*.csv")):
            if re.search(r"_\d{6,}$", path.stem):
                continue
            table, units = read_table(path)
            quantities = [q for q in table if q not in AXES]
            quantity = max(quantities, key=lambda q: np.ptp(table[q]) if q in "uvw" else -1.0)
            make(path.stem, quantity, axis_of(table), units[quantity])
    for profile in result:
        profile.label = reference_label(case)
    return result


def reference_label(case):
    names = set()
    entries = case.get("reference", [])
    for entry in entries.get("reference", []) if isinstance(entries, dict) else entries:
        found = re.search(r"(botella|ghia|albensoeder|moser|mkm)\w*?((?:19|20)\d\d)", Path(entry["file"]).stem)
        if found:
            people = {"botella": "Botella & Peyret", "ghia": "Ghia et al.", "albensoeder": "Albensoeder & Kuhlmann"}
            names.add(f"{people.get(found[1], 'Moser, Kim & Mansour')} ({found[2]})")
    return names.pop() if len(names) == 1 else "reference"


def draw_profile(axes, profile):
    upright = profile.axis != "x"  # a vertical line is drawn upright, as it lies in the domain

    def plot(at, values, *style, **options):
        axes.plot(*((values, at) if upright else (at, values)), *style, **options)

    if profile.curve is not None:
        plot(*profile.curve, "-", color="#1f4e79", label="Kolmo")
    if profile.reference is not None:
        plot(*profile.reference, "o", color="#c0392b", mfc="white", mew=1.0, ms=4.5, label=profile.label)
    unit = f" [{profile.unit}]" if profile.unit not in ("", "-") else ""
    value, at = f"${profile.quantity}$" if len(profile.quantity) == 1 else profile.quantity, f"${profile.axis}$"
    axes.set_xlabel(value + unit if upright else at)
    axes.set_ylabel(at if upright else value + unit)
    (axes.axvline if upright else axes.axhline)(0.0, color="0.75", lw=0.6, zorder=0)
    if profile.distance is not None:
        axes.set_title(f"largest distance {profile.distance:.1e}{unit}", color="0.3")
    if profile.curve is not None and profile.reference is not None:
        axes.legend(loc="best")


# --- fields -----------------------------------------------------------------------------------------------------------


def plane_of(step, normal):
    """The axes drawn, and a function that cuts an array [z][y][x](c) to [second][first](c)."""
    if step.dimension == 2:
        return "x", "y", lambda array: array
    first, second = [a for a in AXES if a != normal]
    at = AXES[::-1].index(normal)
    n = len(step.centres[normal])

    def cut(array):  # the middle plane: a cell layer, or halfway between two
        return 0.5 * (array.take((n - 1) // 2, axis=at) + array.take(n // 2, axis=at))

    return first, second, cut


def chosen_field(step, name, normal):
    """Label, unit and values [z][y][x] of what is drawn."""
    if name is None:
        name = next((n for n in ("vorticity", "velocity", "density") if n in step.arrays), None)
        name = name or next(iter(step.arrays), None)
    if name not in step.arrays:
        raise PlotError(f"no field '{name}' in step {step.number} (there are {', '.join(step.arrays)})")
    values = step.arrays[name]
    if not step.is_vector(name):
        return name, step.units[name], values
    if name == "vorticity":
        label = "vorticity" if step.dimension == 2 else f"vorticity, {normal} component"
        return label, step.units[name], values[..., AXES.index(normal)]
    return ("speed" if name == "velocity" else f"|{name}|"), step.units[name], np.linalg.norm(values, axis=-1)


def resampled(array, second, first, uniform_second, uniform_first):
    """Linear interpolation of [second][first] onto uniform coordinates, which streamplot wants."""
    rows = np.array([np.interp(uniform_first, first, row) for row in array])
    return np.array([np.interp(uniform_second, second, column) for column in rows.T]).T


def draw_streamlines(axes, step, first, second, cut, name="velocity"):
    velocity = cut(step.arrays[name])
    if not np.any(np.abs(velocity) > 0.0):
        return
    a = np.linspace(*step.centres[first][[0, -1]], 160)
    b = np.linspace(*step.centres[second][[0, -1]], 160)
    u, v = (
        resampled(velocity[..., AXES.index(c)], step.centres[second], step.centres[first], b, a) for c in (first, second)
    )
    if name == "velocity":
        axes.streamplot(a, b, u, v, density=1.3, color=(0.1, 0.1, 0.1, 0.45), linewidth=0.5, arrowsize=0.5)
        return
    # A flux fades away with the density: lines as wide as it is large, none where there is next to nothing.
    size = np.hypot(u, v)
    u[size < 1e-2 * size.max()] = np.nan
    axes.streamplot(a, b, u, v, density=1.3, color="white", linewidth=0.3 + 1.2 * size / size.max(), arrowsize=0.8)


def draw_field(figure, axes, step, name, normal):
    first, second, cut = plane_of(step, normal)
    label, unit, values = chosen_field(step, name, normal)
    values = cut(values)
    if not np.all(np.isfinite(values)):
        raise PlotError(f"the field '{label}' of step {step.number} is not finite")
    signed = values.min() < 0.0 < values.max()
    if label == "density" and values.min() > -1e-3 * values.max():
        signed, values = False, np.maximum(values, 0.0)  # what schemes that are not positive leave in the tails
    # Boundary layers reach far beyond the rest: the colours follow the bulk, and the bar's arrows say so.
    top = np.percentile(np.abs(values), 96.0 if signed else 99.8)
    top = top if top > 0.0 else max(np.abs(values).max(), 1e-300)
    low = -top if signed else min(values.min(), 0.0 if values.min() >= 0.0 else values.min())
    high = top if signed else max(np.percentile(values, 99.8), low + 1e-300)
    # Smooth between the centres; the half cells at the ends keep the value of the last centre.
    ends = [np.concatenate((step.nodes[a][:1], step.centres[a], step.nodes[a][-1:])) for a in (first, second)]
    image = axes.pcolormesh(
        *ends, np.pad(values, 1, mode="edge"), cmap="RdBu_r" if signed else "viridis", vmin=low, vmax=high,
        shading="gouraud", rasterized=True,
    )  # fmt: skip
    for vector in ("velocity", "flux"):
        if vector in step.arrays:
            draw_streamlines(axes, step, first, second, cut, vector)
    beyond = (values.min() < low, values.max() > high)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    unit = f" [{unit}]" if unit not in ("", "-") else ""
    flat = np.ptp(step.nodes[second]) < 0.6 * np.ptp(step.nodes[first])
    place = {"orientation": "horizontal", "shrink": 0.5, "aspect": 40} if flat else {"shrink": 0.85, "aspect": 28}
    bar = figure.colorbar(image, ax=axes, pad=0.02, extend=extend, **place)
    bar.set_label(label + unit)
    bar.outline.set_linewidth(0.6)
    axes.set_aspect("equal")
    axes.set_xlim(*step.nodes[first][[0, -1]])
    axes.set_ylim(*step.nodes[second][[0, -1]])
    unit = f" [{step.length_unit}]" if step.length_unit not in ("", "-") else ""
    names = {a: f"${step.names.get(a, a)}$" for a in (first, second)}
    axes.set_xlabel(names[first] + unit)
    axes.set_ylabel(names[second] + unit)
    where = "" if step.dimension == 2 else f", ${normal}$ = {0.5 * np.sum(step.nodes[normal][[0, -1]]):.4g}"
    axes.set_title(f"$t$ = {step.time:.6g}{where}")


# --- densities --------------------------------------------------------------------------------------------------------


def draw_marginal(axes, name, table, label):
    if "exact" in table:
        axes.plot(table[name], table["exact"], "-", color="#c0392b", lw=3.0, alpha=0.4, label=label)
    axes.plot(table[name], table["density"], "-", color="#1f4e79", label="Kolmo")
    axes.set_xlabel(f"${name}$")
    axes.set_ylabel(f"$p({name})$")
    axes.set_xlim(table[name][0], table[name][-1])
    axes.set_ylim(bottom=min(0.0, table["density"].min()))
    if "exact" in table:
        axes.set_title(f"largest distance {np.max(np.abs(table['density'] - table['exact'])):.1e}", color="0.3")
        axes.legend(loc="best")


def density_plane(folder, number, normal):
    """What is drawn as a picture: the density of two variables, or a marginal of two; None if there is neither."""
    try:
        with h5py.File(folder / "fields" / "grid.h5", "r") as grid:
            if int(grid.attrs["dimension"]) == 2:
                return Step(folder, number)
    except OSError:
        pass
    for path in sorted((folder / "marginals").glob("*/fields.xdmf")):
        step = Step(path.parent, number)
        step.names = dict(zip("xy", path.parent.name.split("_")))
        return step
    return None


def draw_density(folder, output, field, number, normal, case):
    step = density_plane(folder, number, normal)
    suffix = "" if number is None else f"_{number:06d}"
    tables = {p.stem.removesuffix(suffix): read_table(p)[0] for p in sorted((folder / "marginals").glob(f"*{suffix}.csv"))}
    tables = {name: table for name, table in tables.items() if name in table}
    if step is None and not tables:
        raise PlotError(f"{folder}: neither a field of two variables nor marginals to draw")
    if step is not None:
        variables = case.get("problem", {}).get("variables", [])
        if not step.names and len(variables) == 2:
            step.names = dict(zip("xy", variables))
    shown = list(tables.items())[:4]
    exact = case.get("problem", {}).get("exact")
    label = "exact, $t \\to \\infty$" if exact == "potential" or (isinstance(exact, dict) and "stationary" in exact) else "exact"
    rows = max(len(shown), 1)
    with plt.rc_context(STYLE):
        width = (5.6 if step else 0.0) + (3.4 if step and shown else 5.0 if shown else 0.0)
        figure = plt.figure(figsize=(width, max(4.9 if step else 2.6, 2.4 * rows)), constrained_layout=True)
        ratios = [5.6, 3.4] if step and shown else [1.0]
        grid = figure.add_gridspec(rows, len(ratios), width_ratios=ratios)
        if step:
            draw_field(figure, figure.add_subplot(grid[:, 0]), step, field, normal)
        for i, (name, table) in enumerate(shown):
            draw_marginal(figure.add_subplot(grid[i, len(ratios) - 1]), name, table, label)
        title = case.get("case", {}).get("title", "")
        if title:
            figure.suptitle(title, fontsize=12)
        figure.savefig(output, dpi=200, bbox_inches="tight", pad_inches=0.08)
        plt.close(figure)


# --- the figure -------------------------------------------------------------------------------------------------------


def draw(folder, output, field, number, normal):
    case = read_case(folder)
    if case.get("case", {}).get("kind") == "density":
        draw_density(folder, output, field, number, normal, case)
        return
    step = Step(folder, number)
    profiles = profiles_of(folder, case)[:4] if number is None else []
    first, second, _ = plane_of(step, normal)
    ratio = np.clip(np.ptp(step.nodes[second]) / np.ptp(step.nodes[first]), 0.1, 2.0)
    with plt.rc_context(STYLE):
        rows = max(len(profiles), 1)
        wide = ratio < 0.6  # a long domain goes above its profiles, any other beside them
        if wide and profiles:
            figure = plt.figure(figsize=(8.0, 8.0 * ratio + 1.7 + 2.8), constrained_layout=True)
            grid = figure.add_gridspec(2, rows, height_ratios=[8.0 * ratio + 1.5, 2.8])
            main, others = figure.add_subplot(grid[0, :]), [grid[1, i] for i in range(len(profiles))]
        else:
            width = 5.6 + (3.4 if profiles else 0.0)
            figure = plt.figure(figsize=(width, max(4.9 * min(ratio, 1.4) + 0.5, 2.6 * rows)), constrained_layout=True)
            grid = figure.add_gridspec(rows, 2 if profiles else 1, width_ratios=[5.6, 3.4] if profiles else None)
            main, others = figure.add_subplot(grid[:, 0]), [grid[i, 1] for i in range(len(profiles))]
        draw_field(figure, main, step, field, normal)
        for profile, place in zip(profiles, others):
            draw_profile(figure.add_subplot(place), profile)
        title = case.get("case", {}).get("title", "")
        if title:
            figure.suptitle(title, fontsize=12)
        figure.savefig(output, dpi=200, bbox_inches="tight", pad_inches=0.08)
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of a run")
    parser.add_argument("--output", metavar="FILE", type=Path, help="picture to write (DIR/plot.png)")
    parser.add_argument("--field", metavar="NAME", help="field to draw: vorticity, else speed, where left out")
    parser.add_argument("--step", metavar="N", type=int, help="output step to draw; the last where left out")
    parser.add_argument("--plane", choices=list(AXES), default="z", help="normal of the plane drawn in 3-D")
    options = parser.parse_args()
    output = options.output or options.folder / "plot.png"
    try:
        if not options.folder.is_dir():
            raise PlotError(f"{options.folder}: no such folder")
        draw(options.folder, output, options.field, options.step, options.plane)
    except (PlotError, OSError, KeyError, ValueError) as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 2
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
