"""The cases that the tests of whole runs share, up to [time]: each test adds its own [time] and [output]."""

# Everything a restart must carry: a moving inlet, an outflow, a stretched axis, a scalar.
VORTICES = """
[case]
kind = "flow"
title = "vortices through a channel"
[grid]
x = { from = 0.0, to = 2.0, cells = 24 }
y = { from = 0.0, to = 1.0, cells = 16, spacing = "tanh", strength = 1.2 }
[fluid]
kinematic_viscosity = 1e-2
[boundary]
default = { type = "no-slip" }
x_min = { type = "inlet", velocity = ["6*y*(1-y)*(1+0.2*sin(3*t))", "0"] }
x_max = { type = "outflow" }
[initial]
name = "expression"
velocity = ["6*y*(1-y)", "0.2*sin(pi*x)*sin(pi*y)"]
[scalars.dye]
diffusivity = 1e-2
initial = "exp(-20*((x-0.5)^2+(y-0.5)^2))"
[scalars.dye.boundary]
default = { type = "adiabatic" }
x_min = { type = "fixed-value", value = 0.0 }
x_max = { type = "outflow" }
"""

# A correlated Gaussian that turns; `exact = "auto"` knows it at every time.
TURNING = """
[case]
kind = "density"
title = "turning Gaussian"
[problem]
variables = ["q", "v"]
drift = ["-q + 2*v", "-2*q - v"]
noise = 0.8
initial = { type = "gaussian", mean = [0.8, 0.0], variance = [0.1, 0.2] }
[grid]
q = { from = -3.5, to = 3.5, cells = 40 }
v = { from = -3.5, to = 3.5, cells = 36 }
"""
