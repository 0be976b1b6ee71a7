"""Opens what a run wrote with both XDMF readers of ParaView, and compares it with the fields that it must hold.
Usage: pvpython read_fields.py KOLMO FOLDER      (runs of the program are made in FOLDER; no display is needed)
"""
import math
import os
import re
import subprocess
import sys
import time

import numpy as np
from paraview import simple
from vtkmodules.util.numpy_support import vtk_to_numpy

KOLMO, FOLDER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
READERS = {"XDMFReader": simple.XDMFReader, "Xdmf3ReaderS": simple.Xdmf3ReaderS}
wrong = []

BOX = """
[case]
kind = "flow"
title = "through a box"
[grid]
x = { from = 0.0, to = "2*pi", cells = 12 }
y = { from = 0.0, to = "4*pi", cells = 24 }
z = { from = 0.0, to = 1.0, cells = 10, spacing = "tanh", strength = 1.5 }
[fluid]
kinematic_viscosity = 1e-2
[boundary]
default = { type = "periodic" }
z_min = { type = "inlet", velocity = ["sin(x)*cos(y)", "-cos(x)*sin(y)", "1+0.3*sin(x)*sin(y)"] }
z_max = { type = "outflow" }
[initial]
velocity = ["sin(x)*cos(y)", "-cos(x)*sin(y)", "1+0.3*sin(x)*sin(y)"]
[scalars.dye]
diffusivity = 1e-2
initial = "x+2*y+4*z"
[scalars.dye.boundary]
default = { type = "periodic" }
z_min = { type = "adiabatic" }
z_max = { type = "outflow" }
[time]
end = 100.0
max_steps = 4
[output]
fields = { every_steps = 2, names = ["velocity", "pressure", "vorticity", "dye"], precision = "PRECISION" }
series = { every_steps = 1 }
"""


def expect(condition, what):
    if not condition:
        wrong.append(what)


def kolmo(*arguments):
    done = subprocess.run([KOLMO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    if done.returncode != 0:
        raise RuntimeError(f"kolmo {' '.join(arguments)}: {done.returncode}\n{done.stdout}")


def write_case(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, "w") as file:
        file.write(text)
    return path


class Step:
    """One time of a file as ParaView sees it: cell arrays indexed [z][y][x](component), nodes of each axis."""

    def __init__(self, reader, moment):
        reader.UpdatePipeline(moment)
        # servermanager.Fetch gives stale copies of rectilinear grids.
        data = reader.GetClientSideObject().GetOutputDataObject(0)
        while data.IsA("vtkMultiBlockDataSet"):
            data = data.GetBlock(0)
        self.kind = data.GetClassName()
        self.nodes = [vtk_to_numpy(axis()) for axis in (data.GetXCoordinates, data.GetYCoordinates, data.GetZCoordinates)]
        shape = [max(n - 1, 1) for n in reversed(data.GetDimensions())]
        arrays = data.GetCellData()
        self.arrays = {}
        for i in range(arrays.GetNumberOfArrays()):
            values = vtk_to_numpy(arrays.GetArray(i))
            self.arrays[arrays.GetArrayName(i)] = values.reshape(shape + list(values.shape[1:]))
        centres = [0.5 * (n[1:] + n[:-1]) if len(n) > 1 else n for n in self.nodes]
        self.z, self.y, self.x = np.meshgrid(*reversed(centres), indexing="ij")


def times_of(reader):
    """A single time comes as a number, not as a list."""
    return list(np.atleast_1d(reader.TimestepValues))


def open_run(make_reader, folder):
    reader = make_reader(FileName=[os.path.join(folder, "fields.xdmf")]) if make_reader is simple.Xdmf3ReaderS else make_reader(
        FileNames=[os.path.join(folder, "fields.xdmf")])
    reader.UpdatePipelineInformation()
    return reader, times_of(reader)


def times_in_xml(folder):
    with open(os.path.join(folder, "fields.xdmf")) as file:
        return [float(value) for value in re.findall(r'<Time Value="([^"]+)"', file.read())]


def close(name, values, expected, tolerance):
    distance = np.max(np.abs(values - expected)) if values.shape == expected.shape else math.inf
    expect(distance <= tolerance, f"{name}: {values.shape} against {expected.shape}, distance {distance:.3g} above {tolerance:.1g}")


def check_box(precision, tolerance):
    """The state at the start is known on every cell: the mean of the two faces of sin is sin times cos(h/2)."""
    folder = os.path.join(FOLDER, precision)
    kolmo("run", write_case(f"{precision}.toml", BOX.replace("PRECISION", precision)), "--output", folder)
    half = math.cos(math.pi / 12.0)
    for name, make in READERS.items():
        reader, times = open_run(make, folder)
        expect(len(times) == 3 and np.allclose(times, times_in_xml(folder), rtol=1e-12), f"{name}: times {times}")
        step = Step(reader, times[0])
        label = f"{name} {precision}"
        close(f"{label} x", step.nodes[0], np.linspace(0.0, 2.0 * math.pi, 13), 1e-12)
        close(f"{label} y", step.nodes[1], np.linspace(0.0, 4.0 * math.pi, 25), 1e-12)
        stretched = 0.5 * (1.0 + np.tanh(1.5 * (2.0 * np.arange(11) / 10 - 1.0)) / math.tanh(1.5))
        close(f"{label} z", step.nodes[2], stretched, 1e-12)
        x, y, z = step.x, step.y, step.z
        velocity = np.stack([np.sin(x) * np.cos(y) * half, -np.cos(x) * np.sin(y) * half, 1.0 + 0.3 * np.sin(x) * np.sin(y)], axis=-1)
        close(f"{label} velocity", step.arrays["velocity"], velocity, tolerance)
        close(f"{label} dye", step.arrays["dye"], x + 2.0 * y + 4.0 * z, 30.0 * tolerance)
        expect(set(step.arrays) == {"velocity", "pressure", "vorticity", "dye"}, f"{label}: arrays {sorted(step.arrays)}")
        expect(step.arrays["vorticity"].shape == (10, 24, 12, 3), f"{label}: vorticity {step.arrays['vorticity'].shape}")
        last = Step(reader, times[-1])
        expect(np.max(np.abs(last.arrays["dye"] - step.arrays["dye"])) > 1e-3, f"{label}: the last time shows the first one's values")


def check_plane():
    """Two dimensions, against the exact solution at every time: vectors have three components, the third is 0."""
    case = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cases", "taylor_green_2d", "case.toml")
    folder = os.path.join(FOLDER, "plane")
    kolmo("run", case, "--output", folder, "--set", "grid.x.cells=48", "--set", "grid.y.cells=48", "--set", "time.end=1",
          "--set", "output.fields.every_time=0.25", "--set", 'output.fields.precision="float64"')
    for name, make in READERS.items():
        reader, times = open_run(make, folder)
        expect(np.allclose(times, [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-12), f"{name}: times {times}")
        for moment in times:
            step = Step(reader, moment)
            decay = math.exp(-0.02 * moment)
            exact = np.stack([np.sin(step.x) * np.cos(step.y), -np.cos(step.x) * np.sin(step.y), 0.0 * step.x], axis=-1) * decay
            velocity = step.arrays["velocity"]
            distance = np.max(np.abs(velocity - exact))  # second order in the width of 0.13
            expect(velocity.shape == (1, 48, 48, 3) and distance < 5e-3, f"{name} at t = {moment}: velocity {velocity.shape} off by {distance:.3g}")
            expect(np.all(velocity[..., 2] == 0.0), f"{name}: a third component in a plane")
            expect(step.arrays["pressure"].shape == (1, 48, 48), f"{name}: pressure {step.arrays['pressure'].shape}")
        expect(np.ptp(step.nodes[0]) == np.ptp(step.nodes[1]) > 6.28, f"{name}: bounds {[np.ptp(n) for n in step.nodes]}")


SLICED = """
[case]
kind = "density"
[problem]
variables = ["a", "b", "c", "d"]
drift = ["-a", "-b", "-c", "-d"]
noise = 1.0
initial = { type = "gaussian", mean = [0.3, 0.2, 0.1, 0.0], variance = [0.4, 0.4, 0.5, 0.5] }
exact = "auto"
[grid]
a = { from = -5, to = 5, cells = 36 }
b = { from = -5, to = 5, cells = 32 }
c = { from = -5, to = 5, cells = 28 }
d = { from = -5, to = 5, cells = 24 }
[time]
step = 0.1
end = 0.2
[output]
fields = { every_time = 0.1 }
slices = [{ name = "plane", variables = ["c", "a"], at = [0.25, -0.1] }, { name = "space", variables = ["a", "b", "d"], at = [0.0] }]
"""


def check_slices():
    """Planes and spaces through a density in four dimensions, with the exact density beside it."""
    folder = os.path.join(FOLDER, "sliced")
    kolmo("run", write_case("sliced.toml", SLICED), "--output", folder)
    law = [lambda x, m=m, s=s: np.exp(-((x - m) ** 2) / (2 * s)) / math.sqrt(2 * math.pi * s)
           for m, s in ((0.3, 0.4), (0.2, 0.4), (0.1, 0.5), (0.0, 0.5))]
    for name, make in READERS.items():
        for slice_name in ("plane", "space"):
            reader, times = open_run(make, os.path.join(folder, "slices", slice_name))
            expect(np.allclose(times, [0.0, 0.1, 0.2], atol=1e-12), f"{name} slice {slice_name}: times {times}")
            step = Step(reader, times[0])
            if slice_name == "plane":
                exact, shape = law[2](step.x) * law[0](step.y) * law[1](0.25) * law[3](-0.1), (1, 36, 28)
            else:
                exact, shape = law[0](step.x) * law[1](step.y) * law[3](step.z) * law[2](0.0), (24, 32, 36)
            expect(step.arrays["density"].shape == shape, f"{name} slice {slice_name}: {step.arrays['density'].shape}")
            for array in ("density", "exact"):  # averages over cells that are as wide as the density's deviation
                close(f"{name} slice {slice_name} {array}", step.arrays[array], exact, 0.08 * exact.max())
            close(f"{name} slice {slice_name}", step.arrays["density"], step.arrays["exact"], 0.03 * exact.max())


def check_growing_and_killed(watcher):
    """A series is readable while it grows; after kill -9 every step that the XML names opens, to the last."""
    folder = os.path.join(FOLDER, f"growing_{watcher}")
    case = write_case("growing.toml", BOX.replace("PRECISION", "float32").replace("max_steps = 4", "max_steps = 1000000")
                      .replace("every_steps = 2", "every_steps = 1").replace("end = 100.0", "end = 1e6"))
    run = subprocess.Popen([KOLMO, "run", case, "--output", folder], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not os.path.exists(os.path.join(folder, "fields.xdmf")) and time.monotonic() < deadline:
            time.sleep(0.02)
        reader, seen = open_run(READERS[watcher], folder)
        lengths = [len(seen)]
        while len(lengths) < 4 and time.monotonic() < deadline:
            simple.ReloadFiles(reader)
            reader.UpdatePipelineInformation()
            if len(times_of(reader)) > lengths[-1]:
                lengths.append(len(times_of(reader)))
                step = Step(reader, times_of(reader)[-1])
                expect(np.all(np.isfinite(step.arrays["velocity"])), "a step of the growing series is not whole")
        expect(len(lengths) == 4, f"the series does not grow: {lengths}")
    finally:
        run.kill()
        run.wait()
    for name, make in READERS.items():
        reader, times = open_run(make, folder)
        expect(len(times) == len(times_in_xml(folder)) >= 3, f"{name}: {len(times)} times after the kill")
        for moment in times[-3:]:
            step = Step(reader, moment)
            expect(np.all(np.isfinite(step.arrays["velocity"])) and np.max(step.arrays["velocity"]) > 1.0, f"{name}: step {moment} after the kill")


check_box("float64", 1e-12)
check_box("float32", 2e-7)
check_plane()
check_slices()
for reader_name in READERS:
    check_growing_and_killed(reader_name)
print("\n".join(wrong))
print(f"{len(wrong)} complaints")
sys.stdout.flush()
os._exit(1 if wrong else 0)  # some of ParaView's own threads outlive sys.exit
