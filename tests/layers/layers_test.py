"""Checks layers.py itself on made-up trees: it must find each kind of violation, and nothing in a sound tree."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("layers.py")
SOUND = {
    "CMakeLists.txt": "kolmo_room(base FLOOR 1 PUBLIC fmt::fmt)\n"
                      "# kolmo_room(cellar FLOOR 0)\n"
                      "kolmo_room(grid FLOOR 2\n           PUBLIC kolmo::base)\n"
                      "kolmo_room(time FLOOR 2 PUBLIC kolmo::base)\n"
                      "kolmo_room(flow FLOOR 5 PRIVATE kolmo::time PUBLIC kolmo::grid)\n",
    "include/kolmo/base/error.hpp": "#include <string>\n",
    "include/kolmo/grid/axis.hpp": '#include "kolmo/base/error.hpp"\n',
    "include/kolmo/grid/grid.hpp": '#include "kolmo/grid/axis.hpp"\n',
    "include/kolmo/time/clock.hpp": "",
    "include/kolmo/flow/model.hpp": '#include "kolmo/grid/grid.hpp"\n#include "kolmo/time/clock.hpp"\n',
    "src/grid/axis.cpp": '#include "kolmo/grid/axis.hpp"\n#include "parts.hpp"\n',
    "src/grid/parts.hpp": '#include "kolmo/grid/axis.hpp"\n',
}


def verdict(changes):
    """Exit code and output of layers.py on the sound tree with the given files replaced or added."""
    with tempfile.TemporaryDirectory(prefix="kolmo layers ") as folder:
        for name, text in {**SOUND, **changes}.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, SCRIPT, folder], stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout


class LayersTest(unittest.TestCase):
    def refuses(self, changes, *expected):
        code, output = verdict(changes)
        self.assertEqual(code, 1, output)
        self.assertIn(", 1 violations", output)
        for text in expected:
            self.assertIn(text, output)

    def test_sound_tree(self):
        code, output = verdict({})
        self.assertEqual(code, 0, output)
        self.assertIn("7 files in 4 rooms, 0 violations", output)

    def test_higher_floor(self):
        self.refuses({"src/grid/axis.cpp": '\n#include "kolmo/flow/model.hpp"\n'},
                     "src/grid/axis.cpp:2: includes kolmo/flow/model.hpp: flow (floor 5) is above grid (floor 2)")

    def test_same_floor(self):
        self.refuses({"include/kolmo/grid/axis.hpp": '#include "kolmo/time/clock.hpp"\n'}, "same floor 2")

    def test_angle_brackets(self):
        self.refuses({"include/kolmo/grid/axis.hpp": "#  include <kolmo/time/clock.hpp>\n"}, "same floor 2")

    def test_private_header_of_another_room(self):
        self.refuses({"src/time/clock.cpp": '#include "../grid/parts.hpp"\n'}, "src/time/clock.cpp:1", "same floor 2")

    def test_missing_header_still_counts(self):
        self.refuses({"src/base/error.cpp": '#include "kolmo/flow/gone.hpp"\n'}, "is above base")

    def test_room_without_a_line(self):
        self.refuses({"src/attic/box.cpp": ""}, "attic has no kolmo_room() line")

    def test_file_in_no_room(self):
        self.refuses({"include/kolmo/loose.hpp": ""}, "include/kolmo/loose.hpp: stands in no room")

    def test_include_of_no_room(self):
        self.refuses({"drivers/commands.hpp": "", "src/base/error.cpp": '#include "../../drivers/commands.hpp"\n'},
                     "it belongs to no room")

    def test_circle(self):
        self.refuses({"include/kolmo/grid/axis.hpp": '#include "kolmo/grid/grid.hpp"\n'},
                     "circle: include/kolmo/grid/axis.hpp -> include/kolmo/grid/grid.hpp -> include/kolmo/grid/axis.hpp")

    def test_template_bodies(self):
        bodies = {"include/kolmo/grid/axis.hpp": '#include "kolmo/grid/axis_impl.hpp"\n',
                  "include/kolmo/grid/axis_impl.hpp": '#include "kolmo/grid/axis.hpp"\n'}
        self.assertEqual(verdict(bodies)[0], 0)
        bodies["include/kolmo/grid/axis_impl.hpp"] = '#include "kolmo/grid/grid.hpp"\n'
        self.refuses(bodies, "circle: include/kolmo/grid/axis.hpp -> include/kolmo/grid/grid.hpp")

    def test_library_link(self):
        text = SOUND["CMakeLists.txt"].replace("time FLOOR 2 PUBLIC kolmo::base", "time FLOOR 2 PUBLIC kolmo::grid")
        self.refuses({"CMakeLists.txt": text}, "the library of time links grid")

    def test_no_rooms(self):
        code, output = verdict({"CMakeLists.txt": "project(Other)\n"})
        self.assertEqual(code, 1)
        self.assertIn("no kolmo_room", output)


if __name__ == "__main__":
    unittest.main()
