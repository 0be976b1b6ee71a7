"""Draws runs with the state scripts on a display of its own, and looks at the pictures.
Usage: pictures.py KOLMO SOURCE [KEEP]        (exit code 77 where ParaView or Xvfb is missing; KEEP: a folder for the pictures)
"""
import os
import shutil
import subprocess
import sys
import tempfile

KOLMO, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SCRIPTS = os.path.join(SOURCE, "scripts", "paraview")
for tool in ("pvbatch", "Xvfb"):
    if not shutil.which(tool):
        print(f"skipped: {tool} is not installed (scripts/setup installs python3-paraview and xvfb)")
        sys.exit(77)
try:
    import h5py
    import matplotlib.image
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def call(*command, environment=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def flow_run(folder, case, cells, **settings):
    """A few steps of a shipped case."""
    changes = {"output.fields.every_time": "", "output.fields.every_steps": "20", "time.max_steps": "20", **settings}
    changes.update({f"grid.{axis}.cells": cells for axis in "xyz"[:int(case[-2])]})
    words = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    call(KOLMO, "run", os.path.join(SOURCE, "cases", case, "case.toml"), "--output", folder, *words)


def density_run(folder, dimension):
    """A ring of probability with a current around it, in the files that a run writes; the program adds the XML."""
    os.makedirs(os.path.join(folder, "fields"))
    axes = {"xyz"[d]: np.linspace(-2.0, 2.0, 33) for d in range(dimension)}
    with h5py.File(os.path.join(folder, "fields", "grid.h5"), "w") as file:
        for key, value in dict(dimension=dimension, format="kolmo grid", length_unit="-", git="", version="").items():
            file.attrs[key] = np.bytes_(value) if isinstance(value, str) else value
        for name, nodes in axes.items():
            file[name] = nodes
    centres = [0.5 * (n[1:] + n[:-1]) for n in axes.values()]
    x = np.meshgrid(*reversed(centres), indexing="ij")[::-1]
    radius = np.hypot(x[0], x[1])
    density = np.exp(-4.0 * (radius - 1.0) ** 2 - (2.0 * x[2] ** 2 if dimension == 3 else 0.0))
    flux = np.stack([density * x[1], -density * x[0], 0.0 * density], axis=-1)
    for step in (0, 10):
        with h5py.File(os.path.join(folder, "fields", f"{step:06d}.h5"), "w") as file:
            text = dict(format="kolmo fields", grid="grid.h5", location="cells", time_unit="s", git="", version="")
            for key, value in text.items():
                file.attrs[key] = np.bytes_(value)
            file.attrs["dimension"], file.attrs["step"], file.attrs["time"] = dimension, step, 0.1 * step
            for name, values in (("density", density), ("flux", flux)):
                file[name] = values.astype(np.float32)
                file[name].attrs["unit"] = np.bytes_("")
    open(os.path.join(folder, "run.toml"), "w").close()
    call(KOLMO, "xdmf", folder)


class Display:
    """An X server without a screen. xvfb-run does not wait until it is there, and without -noreset it starts anew when its last
    client leaves, which the next one may meet."""

    def __enter__(self):
        end, given = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(given), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"],
                                        pass_fds=[given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(given)
        with os.fdopen(end) as pipe:
            self.number = pipe.readline().strip()
        if not self.number:
            raise RuntimeError("Xvfb did not start")
        return {"DISPLAY": f":{self.number}", "LIBGL_ALWAYS_SOFTWARE": "1"}

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def complaints(name, path):
    """Is there something to be seen, in more than a few colours, where it belongs?"""
    picture = matplotlib.image.imread(path)[..., :3]
    height, width = picture.shape[:2]
    middle = picture[height // 4:3 * height // 4, width // 4:3 * width // 4]
    painted = np.mean(np.min(middle, axis=-1) < 0.9)
    colours = len(np.unique((middle * 31).astype(int).reshape(-1, 3), axis=0))
    red = np.mean((middle[..., 0] > middle[..., 1] + 0.2) & (middle[..., 0] > middle[..., 2] + 0.2))
    print(f"{name}: {100 * painted:.0f} % painted, {colours} colours, {100 * red:.1f} % red")
    if painted < 0.3 or colours < 50:
        yield f"{name}: there is little to be seen"
    if red < 0.001:  # vortices of a flow, arrows of a flux
        yield f"{name}: neither vortices nor arrows"


def draw(script, folder, picture, state):
    """A display that goes away under ParaView, as happens on busy machines, is no fault of the pictures: one more try."""
    command = ("pvbatch", script, folder, "--output", picture, "--size", "480x360", "--state", state)
    for last in (False, True):
        try:
            with Display() as display:
                return call(*command, environment=display)
        except RuntimeError as error:
            if last or "CreateAWindow" not in str(error):
                raise
            print("no display for ParaView; once more")


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        place = lambda name: os.path.join(folder, name)
        flow_run(place("flow3"), "taylor_green_3d", 24)
        flow_run(place("flow2"), "taylor_green_2d", 48)
        density_run(place("density3"), 3)
        density_run(place("density2"), 2)
        keep = sys.argv[3] if len(sys.argv) > 3 else folder
        for name in ("flow3", "flow2", "density3", "density2"):
            picture = os.path.join(keep, name + ".png")
            said = draw(os.path.join(SCRIPTS, name[:-1] + ".py"), place(name), picture, place(name + ".pvsm"))
            wrong += complaints(name, picture)
            if "ERR|" in said or not os.path.exists(place(name + ".pvsm")):
                wrong.append(f"{name}: {said[-1000:]}")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
