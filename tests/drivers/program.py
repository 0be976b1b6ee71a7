"""What the program says without running anything: help, versions, keys, shipped cases, checks. Usage: program.py KOLMO SOURCE"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

KOLMO, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
wrong = []


def run(*arguments, cwd=None):
    done = subprocess.run([KOLMO, *arguments], cwd=cwd, capture_output=True, timeout=100)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(condition, what):
    if not condition:
        wrong.append(what)


def check_texts():
    code, out, err = run("--help")
    expect(code == 0 and not err, "--help fails")
    for command in ("run", "check", "restart", "new", "keys", "status", "xdmf"):
        expect(f"\n  {command} " in out, f"--help does not name {command}")
        code, text, err = run(command, "--help")
        expect(code == 0 and not err and "Usage" in text, f"{command} --help fails")
    expect(run("run", "-h")[1] == run("run", "--help")[1], "-h is not --help")
    code, out, err = run("--version")
    for name in ("kolmo", "git", "petsc", "mpi", "hdf5", "blas"):
        expect(any(line.startswith(name + " ") for line in out.splitlines()), f"--version says nothing of {name}")
    code, out, err = run("keys")
    expect(code == 0 and "fluid.kinematic_viscosity" in out and "problem.drift" in out, "keys fails")
    expect(run("keys", "flow")[1] + run("keys", "density")[1] == out, "keys is not the sum of its kinds")


def check_input_documentation():
    code, out, err = run("keys", "--markdown")
    with open(os.path.join(SOURCE, "docs", "input.md"), encoding="utf-8") as file:
        expect(code == 0 and file.read() == out, "docs/input.md is out of date: kolmo keys --markdown > docs/input.md")


def check_case(name):
    path = os.path.join(SOURCE, "cases", name, "case.toml")
    with open(path, encoding="utf-8") as file:
        expect(run("new", name)[1] == file.read(), f"new {name} does not print its case.toml")
    code, out, err = run("check", path)
    expect(code == 0 and not err and out.endswith("the case is valid\n"), f"check {name}: {code} {err}")
    expect(os.path.exists(os.path.join(SOURCE, "cases", name, "README.md")), f"{name} has no README.md")


def check_cases():
    code, out, err = run("new")
    shipped = sorted(entry for entry in os.listdir(os.path.join(SOURCE, "cases")) if not entry.startswith("."))
    expect(out.split() == shipped, f"new lists {out.split()}, shipped are {shipped}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(check_case, shipped))


def check_volume():
    """check counts outputs, and refuses what would not find room."""
    case = os.path.join(SOURCE, "cases", "cavity3d", "case.toml")
    code, out, err = run("check", case, "--set", "output.fields.every_time=10", "--set", "time.end=40")
    expect(code == 0 and "5 at most, 36.7 MB" in out and "on each rank" in out and "pressure tensor" in out, f"check: {out}{err}")
    code, out, err = run("check", case, "--set", "grid.processes=[1, 1, 2]", "--elsewhere")
    expect(code == 0, f"check for other machines: {code} {err}")
    code, out, err = run("check", case, "--set", "output.fields.every_time=1e-9")
    expect(code == 2 and ": output: " in err and len(err.splitlines()) == 1, f"check of too many outputs: {code} {err}")


def check_output_folder():
    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, "cavity")
        os.mkdir(inside)
        with open(os.path.join(inside, "case.toml"), "w", encoding="utf-8") as file:
            file.write(run("new", "couette")[1])
        shutil.copy(os.path.join(inside, "case.toml"), os.path.join(folder, "other.toml"))
        for cwd, path, output in ((folder, "other.toml", "other"), (folder, "cavity/case.toml", "cavity_run"),
                                  (inside, "case.toml", "cavity"), (inside, "../other.toml", "other")):
            out = run("check", path, cwd=cwd)[1]
            expect(f"output: {output}\n" in out, f"{path} does not go to {output}: {out}")


def check_command_line():
    with tempfile.TemporaryDirectory() as folder:
        name = "Fälle mit Leerzeichen.toml"
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(run("new", "taylor_green_2d")[1])
        valid = lambda *arguments: run(*arguments, cwd=folder)[1].endswith("the case is valid\n")
        expect(valid("check", name), "a path with spaces and UTF-8 is refused")
        expect(valid("check", name, "-pressure_pc_type", "hypre", "-log_view_memory"), "PETSc options behind the case are refused")
        expect(valid("check", "-pressure_pc_type", "hypre", "-pressure_ksp_monitor", name), "PETSc options before the case are refused")
        expect(valid("check", name, "--set", "time.end=2", "--set", "title=", "--set", "case.title=two words"), "--set is refused")
        expect("output: elsewhere" in run("check", name, "--output", "elsewhere", cwd=folder)[1], "--output is not heard")
        expect(sorted(os.listdir(folder)) == [name], f"check wrote {os.listdir(folder)}")
        code, out, err = run("status", folder)
        expect(code == 2 and "holds no run" in err, f"status of a folder without a run: {code} {err}")
        for file in ("nofile", "."):
            code, out, err = run("check", name, "-options_file", file, cwd=folder)
            expect(code == 2 and "-options_file" in err and len(err.splitlines()) == 1, f"-options_file {file}: {code} {err}")
        code, out, err = run("new", "cavty")
        expect(code == 2 and "did you mean cavity2d or cavity3d?" in err, f"new cavty: {code} {err}")
        code, out, err = run("restart", folder)
        expect(code == 5 and len(err.splitlines()) == 1, f"restart of a folder without a run: {code} {err}")


check_texts()
check_input_documentation()
check_cases()
check_volume()
check_output_folder()
check_command_line()
print("\n".join(wrong))
print(f"{len(wrong)} complaints")
sys.exit(1 if wrong else 0)
