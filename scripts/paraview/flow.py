"""A flow in one picture: a slice coloured by speed, streamlines, and vortices where the Q-criterion is large.

    pvbatch scripts/paraview/flow.py DIR [--output FILE.png] [--time T] [--state FILE.pvsm]
    xvfb-run -a pvbatch scripts/paraview/flow.py DIR            where there is no display

Q = (|rotation|^2 - |strain|^2)/2 of the velocity gradient is positive where rotation prevails (Hunt, Wray & Moin 1988);
shown is the surface at a fifth of its largest value. In two dimensions the slice is the plane itself.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import Run, arguments, finish, make_view, outline, show  # noqa: E402
from paraview import simple  # noqa: E402


def add_slice(run, view):
    if run.flat:
        show(run.points, view, "velocity", bar="speed")
        return
    cut = simple.Slice(registrationName="slice", Input=run.points, SliceType="Plane")
    cut.SliceType.Origin = run.centre
    cut.SliceType.Normal = [0.0, 1.0, 0.0]
    show(cut, view, "velocity", opacity=0.9, bar="speed")


def trace(run, seed_type, **seeds):
    lines = simple.StreamTracer(registrationName="streamlines", Input=run.points, SeedType=seed_type)
    lines.Vectors = ["POINTS", "velocity"]
    lines.MaximumStreamlineLength = 3.0 * run.diagonal
    for name, value in seeds.items():
        setattr(lines.SeedType, name, value)
    lines.UpdatePipeline(run.time)
    return lines if lines.GetDataInformation().GetNumberOfPoints() > 0 else None


def add_streamlines(run, view):
    if run.flat:  # a cloud of seeds would miss the plane: from both diagonals
        low, high, z = run.bounds[0:4:2], run.bounds[1:4:2], run.centre[2]
        for x in ((low[0], high[0]), (high[0], low[0])):
            lines = trace(run, "Line", Point1=[x[0], low[1], z], Point2=[x[1], high[1], z], Resolution=30)
            if lines:
                display = show(lines, view)
                display.AmbientColor = display.DiffuseColor = [1.0, 1.0, 1.0]
        return
    lines = trace(run, "Point Cloud", Center=run.centre, Radius=0.45 * run.diagonal, NumberOfPoints=80)
    if lines:
        show(simple.Tube(registrationName="tubes", Input=lines, Radius=0.002 * run.diagonal), view, "velocity")


def add_vortices(run, view):
    gradient = simple.Gradient(registrationName="gradient", Input=run.points, ScalarArray=["POINTS", "velocity"])
    gradient.ComputeGradient = 0
    gradient.ComputeQCriterion = 1
    gradient.QCriterionArrayName = "Q"
    gradient.UpdatePipeline(run.time)
    largest = gradient.PointData.GetArray("Q").GetRange(0)[1]
    if largest <= 0.0:
        return
    surface = simple.Contour(registrationName="vortices", Input=gradient, ContourBy=["POINTS", "Q"], Isosurfaces=[0.2 * largest])
    display = show(surface, view, opacity=1.0 if run.flat else 0.4)
    display.AmbientColor = display.DiffuseColor = [0.85, 0.25, 0.15]


def main():
    options = arguments(__doc__)
    run = Run(options)
    run.require("velocity")
    view = make_view(run, options)
    outline(run, view)
    add_slice(run, view)
    if run.largest("velocity") > 0.0:
        add_streamlines(run, view)
        add_vortices(run, view)
    finish(run, view, options)


main()
