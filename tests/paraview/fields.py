"""Runs read_fields.py in ParaView's Python. Usage: fields.py KOLMO SOURCE      (exit code 77 where there is no pvpython)"""
import os
import shutil
import subprocess
import sys
import tempfile

if not shutil.which("pvpython"):
    print("skipped: pvpython is not installed (scripts/setup installs python3-paraview)")
    sys.exit(77)
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_fields.py")
with tempfile.TemporaryDirectory() as folder:
    sys.exit(subprocess.run(["pvpython", script, sys.argv[1], folder], timeout=250).returncode)
