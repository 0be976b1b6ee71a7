"""What the state scripts beside it share: arguments, opening a run, the view, the picture."""
import argparse
import math
import os
import sys

from paraview import simple


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="folder of the run")
    parser.add_argument("--output", help="picture to be written (DIR/NAME_OF_SCRIPT.png)")
    parser.add_argument("--time", type=float, help="the output nearest to it (the last one)")
    parser.add_argument("--size", default="1200x900", help="of the picture, in pixels (1200x900)")
    parser.add_argument("--state", help="also writes this .pvsm, which paraview opens as it looks here")
    options = parser.parse_args()
    if not options.output:
        options.output = os.path.join(options.folder, os.path.splitext(os.path.basename(sys.argv[0]))[0] + ".png")
    return options


class Run:
    """The fields of a run at one time, as point data (filters that trace or contour want it), and their extent."""

    def __init__(self, options):
        # With its folder: a bare name makes this reader abort. (The other one, XDMFReader, draws planes as a line.)
        path = os.path.abspath(os.path.join(options.folder, "fields.xdmf"))
        if not os.path.exists(path):
            sys.exit(f"{options.folder}: no field output")
        self.path = path
        self.reader = simple.Xdmf3ReaderS(registrationName="fields", FileName=[path])
        self.reader.UpdatePipelineInformation()
        times = self.reader.TimestepValues
        times = [times] if isinstance(times, float) else list(times)  # a single one comes as a number
        wanted = times[-1] if options.time is None else options.time
        self.time = min(times, key=lambda t: abs(t - wanted))
        simple.GetAnimationScene().UpdateAnimationUsingDataTimeSteps()
        simple.GetTimeKeeper().Time = self.time
        self.points = simple.CellDatatoPointData(registrationName="points", Input=self.reader)
        self.points.UpdatePipeline(self.time)
        information = self.points.GetDataInformation()
        self.bounds = information.GetBounds()
        self.size = [self.bounds[2 * d + 1] - self.bounds[2 * d] for d in range(3)]
        self.centre = [0.5 * (self.bounds[2 * d + 1] + self.bounds[2 * d]) for d in range(3)]
        self.diagonal = math.sqrt(sum(s * s for s in self.size))
        self.flat = self.size[2] == 0.0
        self.count = information.GetNumberOfPoints()

    def require(self, name):
        if self.points.PointData.GetArray(name) is None:
            sys.exit(f"{self.path}: there is no '{name}'; name it in output.fields.names of the case")

    def largest(self, name):
        """Of a scalar, or of the length of a vector."""
        array = self.points.PointData.GetArray(name)
        return array.GetRange(-1 if array.GetNumberOfComponents() > 1 else 0)[1]


def make_view(run, options):
    view = simple.CreateRenderView(ViewSize=[int(n) for n in options.size.split("x")])
    view.Background = [1.0, 1.0, 1.0]
    view.UseColorPaletteForBackground = 0
    view.OrientationAxesLabelColor = [0.0, 0.0, 0.0]
    view.ViewTime = run.time
    view.CameraFocalPoint = run.centre
    if run.flat:
        view.CameraPosition = [run.centre[0], run.centre[1], run.centre[2] + run.diagonal]
        view.CameraViewUp = [0.0, 1.0, 0.0]
        view.CameraParallelProjection = 1
        view.InteractionMode = "2D"
    else:
        direction = (1.1, -1.8, 1.0)
        view.CameraPosition = [c + run.diagonal * d for c, d in zip(run.centre, direction)]
        view.CameraViewUp = [0.0, 0.0, 1.0]
    return view


def show(source, view, name=None, colours="Viridis (matplotlib)", opacity=1.0, bar=None, **properties):
    """Shows a source, coloured by an array of its points; `bar` is the title of its colour bar."""
    display = simple.Show(source, view, **properties)
    display.Opacity = opacity
    if name is None:
        simple.ColorBy(display, None)
        return display
    array = source.PointData.GetArray(name)
    association = ("POINTS", name, "Magnitude") if array.GetNumberOfComponents() > 1 else ("POINTS", name)
    simple.ColorBy(display, association)
    table = simple.GetColorTransferFunction(name)
    table.ApplyPreset(colours, True)
    display.RescaleTransferFunctionToDataRange(False, True)
    if bar:
        scalar_bar = simple.GetScalarBar(table, view)
        scalar_bar.Title, scalar_bar.ComponentTitle = bar, ""
        scalar_bar.TitleColor = scalar_bar.LabelColor = [0.0, 0.0, 0.0]
        display.SetScalarBarVisibility(view, True)
    return display


def outline(run, view):
    display = simple.Show(run.reader, view)
    display.SetRepresentationType("Outline")
    simple.ColorBy(display, None)
    display.AmbientColor = display.DiffuseColor = [0.3, 0.3, 0.3]


def finish(run, view, options):
    simple.ResetCamera(view)
    view.CameraParallelScale = 0.5 * max(run.size[1], run.size[0] * view.ViewSize[1] / view.ViewSize[0]) * 1.1
    simple.Render(view)
    simple.SaveScreenshot(options.output, view, ImageResolution=list(view.ViewSize))
    if options.state:
        simple.SaveState(options.state)
    print(f"t = {run.time:.6g}: {options.output}")
    sys.stdout.flush()
    os._exit(0)  # ParaView's own threads may outlive sys.exit
