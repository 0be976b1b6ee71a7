"""The recipes that cannot be built here: their form, and that they name what the sources have. Usage: recipes.py SOURCE"""
import ast
import json
import os
import re
import sys

SOURCE = os.path.abspath(sys.argv[1])
FOLDER = os.path.join(SOURCE, "scripts", "packaging")
wrong = []


def expect(condition, what):
    if not condition:
        wrong.append(what)


def read(*path):
    with open(os.path.join(*path)) as file:
        return file.read()


def logical_lines(text):
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")]


def check_presets_and_folders(name, text):
    presets = {preset["name"] for preset in json.loads(read(SOURCE, "CMakePresets.json"))["configurePresets"]}
    for preset in re.findall(r"--preset (\S+)", text):
        expect(preset in presets, f"{name}: no preset {preset}")
    for folder in re.findall(r"\bbuild-(\w+)", text):
        expect(folder in presets, f"{name}: no preset builds into build-{folder}")
    groups = {line.split()[0] for line in logical_lines(read(SOURCE, "scripts", "packages"))}
    for group in re.findall(r'\$1 == "(\w+)"', text):
        expect(group in groups, f"{name}: no group {group} in scripts/packages")


def check_dockerfile():
    text = read(FOLDER, "Dockerfile")
    known = {"FROM", "COPY", "RUN", "WORKDIR", "ENV", "CMD"}
    words = [line.split()[0] for line in logical_lines(text)]
    expect(set(words) <= known and words[0] == "FROM" and words.count("FROM") == 2, f"Dockerfile: {words}")
    for source in re.findall(r"^COPY (?!--)(\S+)", text, re.M):
        expect(os.path.exists(os.path.join(SOURCE, source)), f"Dockerfile: no {source} to be copied")
    check_presets_and_folders("Dockerfile", text)


def check_apptainer():
    text = read(FOLDER, "kolmo.def")
    head, *sections = re.split(r"^%", text, flags=re.M)
    keys = dict(line.split(": ", 1) for line in logical_lines(head))
    expect(keys == {"Bootstrap": "docker", "From": "debian:12"}, f"kolmo.def: {keys}")
    names = [section.split()[0] for section in sections]
    expect(sorted(names) == ["environment", "files", "help", "labels", "post", "runscript", "test"], f"kolmo.def: sections {names}")
    check_presets_and_folders("kolmo.def", text)


def check_spack():
    tree = ast.parse(read(FOLDER, "spack", "package.py"))
    (package,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    expect(package.name == "Kolmo" and package.bases[0].id == "CMakePackage", "package.py: no class Kolmo(CMakePackage)")
    depends = {call.args[0].value for call in ast.walk(tree) if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "depends_on"}
    depends = {re.split(r"[@+~]", name)[0] for name in depends}
    wanted = {"tomlplusplus": "tomlplusplus", "fmt": "fmt", "muparser": "muparser", "nlohmann_json": "nlohmann-json", "CLI11": "cli11",
              "Eigen3": "eigen", "MPI": "mpi", "HDF5": "hdf5", "PkgConfig": "pkgconfig"}
    packages = read(SOURCE, "cmake", "KolmoPackages.cmake") + read(SOURCE, "cmake", "KolmoDependencies.cmake")
    for name in re.findall(r"find_package\((\w+)", packages):
        expect(wanted.get(name) in depends, f"package.py: does not depend on {name}")
    for name in re.findall(r"IMPORTED_TARGET (\w+)", packages):
        expect({"PETSc": "petsc", "fftw3": "fftw", "hdf5": "hdf5"}.get(name) in depends, f"package.py: does not depend on {name}")
    options = re.findall(r'"(KOLMO_\w+)"', read(FOLDER, "spack", "package.py"))
    for option in options:
        expect(re.search(rf"^(option|set)\({option} ", read(SOURCE, "CMakeLists.txt"), re.M), f"package.py: no option {option}")


check_dockerfile()
check_apptainer()
check_spack()
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
