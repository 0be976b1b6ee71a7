"""Installs the build elsewhere and uses it from there: the program with its cases and scripts, the libraries by find_package,
the Debian package. Usage: install.py BUILD SOURCE CMAKE
"""
import os
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE, CMAKE = (os.path.abspath(argument) for argument in sys.argv[1:4])
wrong = []


def call(*command, cwd=None, environment=None):
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=400)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def expect(condition, what):
    if not condition:
        wrong.append(what)


def check_program(prefix, folder):
    """It finds its own cases, not the source's, and runs one."""
    program = os.path.join(prefix, "bin", "kolmo")
    marked = os.path.join(prefix, "share", "kolmo", "cases", "couette", "case.toml")
    with open(marked, "a") as file:
        file.write("# of the installed tree\n")
    expect("of the installed tree" in call(program, "new", "couette"), "kolmo new prints another tree's case")
    out = call(program, "run", marked, "--output", os.path.join(folder, "couette"))
    expect("done" in out, f"the installed program does not run: {out}")
    out = call(os.path.join(prefix, "bin", "kolmo-submit"), marked, "--nodes", "1", "--ntasks-per-node", "2", "--time", "5", "--dry-run",
               cwd=folder)
    with open(os.path.join(folder, "out", "couette", "job.sbatch")) as file:
        script = file.read()
    expect(os.path.join(prefix, "bin", "kolmo-job") in script.replace("\\", "") and SOURCE not in script, f"kolmo-submit points elsewhere:\n{script}")
    for path in ("share/kolmo/slurm/flow.sbatch", "share/kolmo/paraview/flow.py", "share/kolmo/plot.py", "share/doc/kolmo/README.md"):
        expect(os.path.exists(os.path.join(prefix, path)), f"{path} is not installed")


def check_consumer(prefix, folder):
    build = os.path.join(folder, "consumer")
    call(CMAKE, "-S", os.path.join(SOURCE, "tests", "package", "consumer"), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
         "-DCMAKE_BUILD_TYPE=Release")
    call(CMAKE, "--build", build)
    out = call(os.path.join(build, "consumer"))
    expect("largest velocity" in out, out)
    with open(os.path.join(build, "build.ninja")) as file:
        text = file.read()
    expect(SOURCE + "/include" not in text and BUILD not in text, "the consumer was built against the sources")


def check_debian_package(folder):
    place = os.path.join(folder, "package")
    call(os.path.join(os.path.dirname(CMAKE), "cpack"), "-G", "DEB", "-B", place, cwd=BUILD)
    (package,) = [name for name in os.listdir(place) if name.endswith(".deb")]
    package = os.path.join(place, package)
    depends = call("dpkg-deb", "-f", package, "Depends")
    for library in ("libpetsc", "libhdf5-openmpi", "libfftw3", "libopenmpi3"):
        expect(library in depends, f"the package does not depend on {library}: {depends}")
    root = os.path.join(folder, "root")
    call("dpkg-deb", "-x", package, root)
    out = call(os.path.join(root, "usr", "bin", "kolmo"), "new")
    expect("couette" in out.split(), f"the packaged program does not find its cases: {out}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "prefix with a blank")
        call(CMAKE, "--install", BUILD, "--prefix", prefix)
        check_program(prefix, folder)
        check_consumer(prefix, folder)
        if shutil.which("dpkg-shlibdeps"):
            check_debian_package(folder)
        else:
            print("no dpkg-shlibdeps (package dpkg-dev): no Debian package made")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
