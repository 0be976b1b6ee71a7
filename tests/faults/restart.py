"""F3 to F7: what a restart takes, and what it refuses; on other numbers of ranks; the same bits on the same."""
import os
import random
import shutil

from harness import (ARGUMENTS, CASE, DENSITY, changed, checkpoint, checkpoints, expect, expect_same_results, finish, folder, read, rows, run, settings,
                     write_case)


def spoilt(path, spoil):
    data = bytearray(read(path))
    data = spoil(data) or data
    with open(path, "wb") as file:
        file.write(data)


def flip(data, draw):
    bit = draw.randrange(8 * len(data))
    data[bit // 8] ^= 1 << (bit % 8)


def zero(data):
    data[len(data) // 2:len(data) // 2 + 4096] = bytes(4096)


DAMAGES = {
    "a flipped bit": lambda data: flip(data, random.Random(7)),
    "cut short": lambda data: data[:len(data) // 3],
    "empty": lambda data: bytearray(1)[:0] or b"",
    "4 KiB of zeros": zero,
    "another file": lambda data: bytes(range(256)) * (len(data) // 256),
}


def check_damage(place, first):
    """F3, F4: the newest is passed over aloud; where none is left, the restart is refused and nothing is touched."""
    for what, spoil in DAMAGES.items():
        where = os.path.join(place, what)
        shutil.copytree(first, where)
        newest, older = checkpoints(where)[-1], checkpoints(where)[-2]
        spoilt(checkpoint(where, newest), spoil)
        if what == "empty":
            open(checkpoint(where, newest), "wb").close()
        again = run("restart", where, ranks=1)
        expect(again.code == 0 and f"{newest:06d}.h5" in again.said and again.said.startswith("warning: ") and f"(step {older}," in again.out,
               f"{what}: {again} {again.out[:200]}")
        expect_same_results(first, where, f"{what}: after falling back")
    where = os.path.join(place, "odd files")
    shutil.copytree(first, where)
    for name in ("diagnostics.csv", "progress.json", "summary.json"):
        write_case(where, "", name)
    os.mkfifo(checkpoint(where, 1000000))  # nobody will ever write it
    os.mkdir(checkpoint(where, 1000001))
    said = run("status", where, ranks=1)
    expect(said.code == 0 and said.out.count("unreadable") == 3 and "checkpoints" in said.out
           and any(line.split() == ["status", "unknown"] for line in said.out.splitlines()), f"status of damaged files: {said} {said.out}")
    again = run("restart", where, *settings(time__max_steps=22), ranks=1)
    expect(again.code == 0 and not again.said and len(rows(where)) == 3, f"an empty series, a pipe and a folder among checkpoints: {again}")
    where = os.path.join(place, "both")
    shutil.copytree(first, where)
    for step in checkpoints(where):
        spoilt(checkpoint(where, step), zero)
    before = {name: os.path.getmtime(os.path.join(where, name)) for name in os.listdir(where)}
    again = run("restart", where)
    expect(again.code == 5 and "no usable checkpoint" in again.said and again.said.count("\n") == 0, f"both damaged: {again}")
    expect(before == {name: os.path.getmtime(os.path.join(where, name)) for name in os.listdir(where)}, "both damaged: something was touched")


def check_other_case(place, first):
    """F4: other dimensions, another fluid, another physics: refused with the key."""
    for what, old, new, key in (("dimensions", "cells = 24", "cells = 26", "grid.x.cells: 24 -> 26"),
                                ("fluid", "kinematic_viscosity = 1e-2", "kinematic_viscosity = 2e-2", "fluid.kinematic_viscosity: "),
                                ("physics", "[scalars.dye", "[scalars.ink", "scalars.dye.diffusivity: "),
                                ("boundary", 'default = { type = "no-slip" }', 'default = { type = "free-slip" }', "boundary.default.type: ")):
        text = changed((old, new), text=CASE.replace('"dye"', '"ink"') if what == "physics" else CASE)
        again = run("run", write_case(place, text, "other.toml"), "--output", first, "--restart", "auto", ranks=1)
        expect(again.code == 5 and key in again.said and again.said.count("\n") == 0, f"another {what}: {again}")
    # Killed before its first checkpoint, and still another case's: not cleared.
    where = os.path.join(place, "killed early")
    shutil.copytree(first, where)
    shutil.rmtree(os.path.join(where, "checkpoint"))
    os.remove(os.path.join(where, "summary.json"))
    case = write_case(place, changed(("kinematic_viscosity = 1e-2", "kinematic_viscosity = 2e-2")), "other.toml")
    again = run("run", case, "--output", where, "--restart", "auto", ranks=1)
    expect(again.code != 0 and os.path.exists(os.path.join(where, "diagnostics.csv")), f"another case killed early: {again}")
    for name in ("run.toml", "000020.h5"):  # run.toml lost: the hash in the checkpoint still tells
        where = os.path.join(place, "without " + name)
        shutil.copytree(first, where)
        os.remove(os.path.join(where, name if name == "run.toml" else "checkpoint/" + name))
        case = write_case(place, changed(("kinematic_viscosity = 1e-2", "kinematic_viscosity = 2e-2")), "other.toml")
        again = run("run", case, "--output", where, "--restart", "auto", ranks=1)
        expect(again.code == 5 and again.said, f"another fluid without {name}: {again}")


def close(one, other, bound):
    worst = 0.0
    for a, b in zip(one[1:], other[1:]):
        for x, y in zip(a, b):
            worst = max(worst, abs(float(x) - float(y)) / max(1.0, abs(float(x))))
    return len(one) == len(other) and worst <= bound, worst


def check_ranks(place, case):
    """F5: the fields are those that were written, bit by bit, on any number of ranks; what follows agrees to the solver's
    tolerance. F7: twice the same on the same ranks, and close on others."""
    runs = {}
    for ranks in (1, 2, 4):
        runs[ranks] = os.path.join(place, f"on {ranks}")
        expect(run("run", case, "--output", runs[ranks], ranks=ranks).code == 0, f"a run on {ranks} ranks")
    again = os.path.join(place, "again")
    expect(run("run", case, "--output", again).code == 0, "a second run")
    expect_same_results(runs[2], again, "twice on 2 ranks")
    for ranks in (2, 4):
        good, worst = close(rows(runs[1]), rows(runs[ranks]), 1e-9)
        expect(good, f"1 and {ranks} ranks differ by {worst}")
    for before, after in ((1, 2), (2, 1), (2, 3), (4, 2)):
        where = os.path.join(place, f"{before} to {after}")
        shutil.copytree(runs[before], where)
        os.remove(checkpoint(where, 20))
        still = run("restart", where, *settings(time__max_steps=15), ranks=after)
        expect(still.code == 0 and "(step 15," in still.out, f"{before} to {after} ranks: {still}")
        expect(read(where, "fields/000015.h5") == read(runs[before], "fields/000015.h5"), f"{before} to {after} ranks: fields read differ")
        on = run("restart", where, *settings(time__max_steps=20), ranks=after)
        good, worst = close(rows(runs[before]), rows(where), 1e-9)
        expect(on.code == 0 and good, f"{before} to {after} ranks: {on}, differ by {worst}")


def check_density_ranks(place):
    """F5 of a density: as a flow."""
    case = write_case(place, DENSITY, "density.toml")
    for before, after in ((1, 2), (2, 3), (4, 2)):
        whole, where = os.path.join(place, f"density {before} {after}"), os.path.join(place, f"density {before} to {after}")
        expect(run("run", case, "--output", whole, ranks=before).code == 0, f"a density on {before} ranks")
        shutil.copytree(whole, where)
        os.remove(checkpoint(where, 20))
        still = run("restart", where, *settings(time__max_steps=15), ranks=after)
        expect(still.code == 0 and "(step 15," in still.out, f"density, {before} to {after} ranks: {still}")
        expect(read(where, "fields/000015.h5") == read(whole, "fields/000015.h5"), f"density, {before} to {after} ranks: fields read differ")
        on = run("restart", where, *settings(time__max_steps=20), ranks=after)
        good, worst = close(rows(whole), rows(where), 1e-9)
        expect(on.code == 0 and good, f"density, {before} to {after} ranks: {on}, differ by {worst}")


def check_schemes(place):
    """F6: from a checkpoint after an odd step, the very next row and all that follows are the same bits, on 2 ranks."""
    for scheme in ("k4", "rk3", "rk3-cn", "cn-ab2"):
        case = write_case(place, changed(("[output]", f'scheme = "{scheme}"\n[output]')), scheme + ".toml")
        whole, broken = os.path.join(place, scheme), os.path.join(place, scheme + " broken")
        expect(run("run", case, "--output", whole).code == 0, scheme)
        expect(run("run", case, "--output", broken, *settings(time__max_steps=7)).code == 0, f"{scheme}: first leg")
        again = run("run", case, "--output", broken, "--restart", "auto")
        expect(again.code == 0 and "(step 7," in again.out, f"{scheme}: second leg: {again}")
        expect_same_results(whole, broken, scheme)


BUDGETS = """
[case]
kind = "flow"
[grid]
x = { from = 0.0, to = 1.0, cells = 17 }
y = { from = 0.0, to = 1.0, cells = 16, spacing = "tanh", strength = 1.2 }
z = { from = 0.0, to = 2.0, cells = 18, spacing = "tanh", strength = 1.1 }
[fluid]
kinematic_viscosity = 1e-2
[boundary]
default = { type = "no-slip" }
y_max = { type = "no-slip", velocity = ["1", "0", "0.3"] }
[time]
end = 1e6
max_steps = 20
steady_tolerance = 1e-12
[output]
series = { every_steps = 10, budgets = true }
fields = { every_steps = 10, names = ["velocity", "pressure"], precision = "float64" }
checkpoint = { every_steps = 7 }
"""


def check_budgets(place):
    """Which steps a budget looks at depends on where a leg ends; the flow must not."""
    for scheme in ("k4", "rk3"):
        case = write_case(place, BUDGETS.replace("[time]", f'[time]\nscheme = "{scheme}"'), f"budgets_{scheme}.toml")
        whole, broken = os.path.join(place, "budgets " + scheme), os.path.join(place, "budgets broken " + scheme)
        expect(run("run", case, "--output", whole).code == 0, f"budgets, {scheme}")
        expect(run("run", case, "--output", broken, *settings(time__max_steps=7)).code == 0, f"budgets, {scheme}: first leg")
        expect(run("run", case, "--output", broken, "--restart", "auto").code == 0, f"budgets, {scheme}: second leg")
        expect_same_results(whole, broken, f"budgets, {scheme}")


with folder() as at:
    path = write_case(at)
    if ARGUMENTS[0] == "damage":
        one = os.path.join(at, "first")
        expect(run("run", path, "--output", one, ranks=1).code == 0, "the first run")
        check_damage(at, one)
        check_other_case(at, one)
    elif ARGUMENTS[0] == "ranks":
        check_ranks(at, path)
        check_density_ranks(at)
    else:
        check_schemes(at)
        check_budgets(at)
finish()
