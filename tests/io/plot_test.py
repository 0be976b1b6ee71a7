"""Runs scripts/plot.py on small run folders and looks at what it draws: plot_test.py PATH/TO/plot.py"""

import contextlib
import importlib.util
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py
    import matplotlib.image
    import numpy as np
except ImportError:
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3"):
        sys.exit(77)  # skipped
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location("plot", sys.argv.pop(1))
SCRIPT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCRIPT)


def write_run(folder, cells, step=7, fields=("velocity", "vorticity")):
    """A vortex, in the layout of a run folder. cells: x, y(, z)."""
    (folder / "fields").mkdir(parents=True)
    (folder / "lines").mkdir()
    nodes = [np.linspace(-1.0, 1.0, n + 1) ** 3 for n in cells]
    with h5py.File(folder / "fields/grid.h5", "w") as file:
        file.attrs["dimension"] = len(cells)
        for axis, values in zip("xyz", nodes):
            file[axis] = values
    centres = np.meshgrid(*[0.5 * (n[1:] + n[:-1]) for n in nodes[::-1]], indexing="ij")[::-1]
    x, y = centres[:2]
    swirl = np.exp(-(x**2 + y**2))
    velocity = np.stack([-y * swirl, x * swirl, 0 * x], axis=-1)
    vorticity = (2 - 2 * (x**2 + y**2)) * swirl
    if len(cells) == 3:
        vorticity = np.stack([0 * x, 0 * x, vorticity], axis=-1)
    with h5py.File(folder / f"fields/{step:06}.h5", "w") as file:
        file.attrs["time"] = 0.5
        for name, values in (("velocity", velocity), ("vorticity", vorticity), ("pressure", -swirl)):
            if name in fields:
                file[name] = values.astype("f4")
                file[name].attrs["unit"] = np.bytes_("m/s")


class Plot(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="kolmo plot ü ")
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name) / "run"

    def plot(self, *options):
        """Exit code, standard output, standard error."""
        sys.argv[1:] = [str(self.folder), *options]
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = SCRIPT.main()
        return code, out.getvalue(), err.getvalue()

    def picture(self, *options):
        code, out, err = self.plot(*options)
        self.assertEqual(code, 0, err)
        return matplotlib.image.imread(out.strip())

    def test_plane_with_reference(self):
        write_run(self.folder, (24, 20))
        (self.folder / "run.toml").write_text('[case]\ntitle = "A vortex"\n')
        (self.folder / "lines/mid.csv").write_text("x [m],y [m],u [m/s]\n0,-1,0.3\n0,0,0\n0,1,-0.3\n")
        alone = self.picture()
        (self.folder / "lines/mid_u_reference.csv").write_text("y [m],reference [m/s],u [m/s]\n-1,0.3,0.31\n1,-0.3,-0.3\n")
        compared = self.picture("--output", str(self.folder / "b.png"))
        self.assertGreater(len(np.unique(compared.reshape(-1, compared.shape[-1]), axis=0)), 500)
        red = lambda p: np.sum((p[..., 0] > 0.6) & (p[..., 1] < 0.35) & (p[..., 2] < 0.3))  # noqa: E731
        half = compared.shape[1] * 2 // 3  # the profiles are on the right
        self.assertGreater(red(compared[:, half:]), red(alone[:, half:]) + 20)

    def test_middle_planes_of_a_box(self):
        write_run(self.folder, (12, 9, 8))
        self.assertGreater(self.picture("--plane", "y").size, 10**6)

    def test_named_field_and_step(self):
        write_run(self.folder, (12, 9), fields=("pressure",))
        self.picture("--field", "pressure", "--step", "7")
        self.assertTrue((self.folder / "plot.png").exists())

    def test_errors_are_one_line(self):
        for options, reason in ((), "no such folder"), (("--step", "8"), "no output of step 8"), (("--field", "T"), "no field 'T'"):
            if options and not self.folder.exists():
                write_run(self.folder, (8, 8))
            code, _, err = self.plot(*options)
            self.assertEqual(code, 2)
            self.assertIn(reason, err)
            self.assertEqual(err.count("\n"), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
