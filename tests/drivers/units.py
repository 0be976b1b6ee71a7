"""The same problem in other units: same steps, same numbers. Whatever compares with an absolute number shows here. Usage: units.py KOLMO"""
import csv
import os
import subprocess
import sys
import tempfile

KOLMO = os.path.abspath(sys.argv[1])
wrong = []

# A cavity whose lid drags a scalar along: lengths in units of L, velocities of U.
FLOW = """[case]
kind = "flow"
[parameters]
L = {length!r}
U = {velocity!r}
[grid]
x = {{ from = 0, to = "L", cells = 16, spacing = "tanh", strength = 1.5 }}
y = {{ from = 0, to = "L", cells = 16 }}
[fluid]
density = 1000
kinematic_viscosity = "U * L / 100"
[boundary]
default = {{ type = "no-slip" }}
y_max = {{ type = "no-slip", velocity = ["U", 0] }}
[scalars.dye]
diffusivity = "U * L / 100"
[scalars.dye.boundary]
default = {{ type = "adiabatic" }}
y_max = {{ type = "fixed-value", value = 1 }}
[time]
scheme = "{scheme}"
end = "L / U"
[output]
series = {{ every_steps = 10 }}
"""
# Coupled Ornstein-Uhlenbeck: variables in units of X, time of T.
DENSITY = """[case]
kind = "density"
[problem]
variables = ["x", "y"]
parameters = {{ X = {length!r}, T = {time!r} }}
drift = ["-(x + 0.3*y) / T", "-(y - 0.3*x) / T"]
diffusion = "X^2 / T"
initial = {{ type = "gaussian", mean = ["X/2", "X/2"], variance = ["X^2/4", "X^2/4"] }}
exact = "gaussian"
[grid]
x = {{ from = "-5*X", to = "5*X", cells = 32 }}
y = {{ from = "-5*X", to = "5*X", cells = 32 }}
[time]
scheme = "{scheme}"
end = "T / 4"
{step}
"""
SAME = 1e-7  # relative, beside what the tolerances of the solvers leave


def last_row(folder, text):
    case = os.path.join(folder, "case.toml")
    with open(case, "w") as file:
        file.write(text)
    done = subprocess.run([KOLMO, "run", case, "--output", os.path.join(folder, "out"), "--overwrite"], capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        wrong.append(f"exit code {done.returncode}: {done.stderr.strip()}\n{text}")
        return None
    with open(os.path.join(folder, "out", "diagnostics.csv"), newline="") as file:
        rows = list(csv.reader(file))
    return {name.split(" [")[0]: float(value) for name, value in zip(rows[0], rows[-1])}


def compare(what, row, standard, units):
    if row is None or standard is None:
        return
    for name, unit in units.items():
        difference = abs(row[name] / unit - standard[name])
        if not difference <= SAME * abs(standard[name]):
            wrong.append(f"{what}: {name} is {row[name] / unit} in its unit {unit}, not {standard[name]}")


def main():
    with tempfile.TemporaryDirectory(prefix="kolmo-units-") as folder:
        for scheme in ("k4", "rk3-cn"):
            standard = None
            for length, velocity in ((1.0, 1.0), (1e-9, 1e-6), (1e6, 10.0)):
                row = last_row(folder, FLOW.format(length=length, velocity=velocity, scheme=scheme))
                standard = standard or row
                compare(f"{scheme}, L = {length}, U = {velocity}", row, standard,
                        {"step": 1.0, "time": length / velocity, "dt": length / velocity, "courant": 1.0, "kinetic_energy": velocity**2,
                         "enstrophy": (velocity / length)**2, "force_y_max_x": velocity**2 * length, "mean_dye": 1.0})
        for scheme, steps in (("tr-bdf2", "tolerance = 1e-3"), ("splitting", 'step = "T / 40"'), ("ssp-rk3", "cfl = 0.8")):
            standard = None
            for length, time in ((1.0, 1.0), (1e-9, 1e-12), (1e6, 1e9)):
                row = last_row(folder, DENSITY.format(length=length, time=time, scheme=scheme, step=steps))
                standard = standard or row
                compare(f"{scheme}, X = {length}, T = {time}", row, standard,
                        {"step": 1.0, "time": time, "dt": time, "mass": 1.0, "mean_x": length, "variance_x": length**2, "kl": 1.0,
                         "max_density": length**-2, "entropy_production": 1 / time})
    if wrong:
        sys.exit("\n".join(wrong))


main()
