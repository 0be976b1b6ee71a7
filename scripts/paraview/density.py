"""A probability density in one picture: its volume (in two dimensions its plane, with contours), and arrows of its flux.

    pvbatch scripts/paraview/density.py DIR [--output FILE.png] [--time T] [--state FILE.pvsm]
    xvfb-run -a pvbatch scripts/paraview/density.py DIR         where there is no display

The arrows show the probability flux J where the density is above a hundredth of its largest value.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import Run, arguments, finish, make_view, outline, show  # noqa: E402
from paraview import simple  # noqa: E402


def add_density(run, view, largest):
    if run.flat:
        show(run.points, view, "density", bar="density")
        contours = simple.Contour(registrationName="contours", Input=run.points, ContourBy=["POINTS", "density"])
        contours.Isosurfaces = [largest * fraction for fraction in (0.1, 0.3, 0.5, 0.7, 0.9)]
        display = show(contours, view)
        display.AmbientColor = display.DiffuseColor = [1.0, 1.0, 1.0]
        return
    # Volumes are rendered from uniform samples.
    samples = simple.ResampleToImage(registrationName="samples", Input=run.points, SamplingDimensions=[96, 96, 96])
    samples.UpdatePipeline(run.time)
    display = show(samples, view, "density", bar="density")
    display.SetRepresentationType("Volume")
    opacity = simple.GetOpacityTransferFunction("density")
    opacity.Points = [0.0, 0.0, 0.5, 0.0, 0.05 * largest, 0.0, 0.5, 0.0, largest, 0.25, 0.5, 0.0]


def add_flux(run, view, largest):
    inside = simple.Threshold(registrationName="inside", Input=run.points, Scalars=["POINTS", "density"])
    inside.LowerThreshold, inside.UpperThreshold = 0.01 * largest, largest
    inside.UpdatePipeline(run.time)
    count = inside.GetDataInformation().GetNumberOfPoints()
    arrows = simple.Glyph(registrationName="flux", Input=inside, GlyphType="Arrow")
    arrows.OrientationArray = ["POINTS", "flux"]
    arrows.ScaleArray = ["POINTS", "flux"]
    arrows.ScaleFactor = (0.08 if run.flat else 0.14) * run.diagonal / run.largest("flux")
    arrows.GlyphMode = "Every Nth Point"
    arrows.Stride = max(count // (600 if run.flat else 250), 1)
    display = show(arrows, view)
    display.AmbientColor = display.DiffuseColor = [0.85, 0.25, 0.15]


def main():
    options = arguments(__doc__)
    run = Run(options)
    run.require("density")
    view = make_view(run, options)
    outline(run, view)
    largest = run.largest("density")
    add_density(run, view, largest)
    if run.points.PointData.GetArray("flux") is not None and run.largest("flux") > 0.0:
        add_flux(run, view, largest)
    finish(run, view, options)


main()
