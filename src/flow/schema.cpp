// Every key of a case of kind "flow": one line each. docs/input.md is generated from it.
#include "kolmo/base/schema_builder.hpp"
#include "kolmo/flow/settings.hpp"
#include "kolmo/grid/axis_keys.hpp"

namespace kolmo::flow {

namespace {

using Builder = SchemaBuilder;
using Text = std::string;
constexpr auto none = std::nullopt;

constexpr double largest_count = 2147483647.0;

void add_case_and_grid(Builder& b) {
  b.table("case", true, "What the file describes.");
  b.choice("kind", {"flow"}, none, "Kind of run: incompressible flow.");
  b.require_last();
  b.add("title", ValueType::text, "-", "One line for people; goes into every output.", "\"\"");

  b.in("parameters");
  b.number(
      "NAME", "-", Range::any(), none,
      "A number of your own, to be used by name in every expression and, in quotes, wherever a number is expected. May "
      "itself be an expression of other parameters.");

  b.table("grid", true, "Axes x, y and, for a flow in three dimensions, z.");
  for (const Text axis : {"x", "y", "z"}) {
    b.table("grid." + axis, axis != "z",
            "Cells along " + axis + (axis == "z" ? "; leave out for a flow in two dimensions." : "."));
    add_axis_keys(b, "m");
  }
  b.in("grid");
  b.add("processes", ValueType::integers, "-",
        "Ranks along each axis; their product is the number of ranks. Chosen where left out.")
      .range = Range::closed(1, largest_count);
}

void add_physics(Builder& b) {
  b.table("fluid", true, "Give exactly one of the two viscosities.");
  b.number("density", "kg/m3", Range::positive(), "1.0", "Constant density rho.");
  b.add("kinematic_viscosity", ValueType::expression, "m2/s", "nu; 0: Euler limit. May depend on x, y, z, t.").range =
      Range::at_least(0);
  b.add("dynamic_viscosity", ValueType::expression, "Pa s", "mu = rho nu.").range = Range::at_least(0);

  b.table("boundary", true,
          "One entry per face x_min, x_max, y_min, y_max (z_min, z_max), or `default` for those not named.");
  b.in("boundary.FACE");
  b.choice("type", {"periodic", "no-slip", "free-slip", "symmetry", "inlet", "outflow", "pressure"}, none,
           "periodic: both faces of the axis. no-slip: wall, moving along itself if `velocity` is given. free-slip (or "
           "symmetry): "
           "no flow through, no shear. inlet: `velocity` given. outflow: convective. pressure: `pressure` given, in or "
           "out.");
  b.require_last();
  b.add("velocity", ValueType::expressions, "m/s",
        "Of no-slip and inlet: one number or expression of x, y, z, t per dimension.");
  b.add("pressure", ValueType::expression, "Pa", "Of type pressure.");

  b.in("force");
  b.add("body", ValueType::expressions, "m/s2", "Force per unit mass, one expression of x, y, z, t per dimension.");
  b.add("gravity", ValueType::numbers, "m/s2",
        "Constant acceleration g, one number per dimension; the pressure then holds the hydrostatic part.");
  b.add("pressure_gradient", ValueType::expressions, "Pa/m",
        "Mean pressure gradient dP/dx_i imposed along periodic axes, one expression of t per dimension; negative "
        "drives the flow forwards.");
  b.table("force.bulk_velocity", false,
          "Holds the mean velocity along a periodic axis by adjusting the mean pressure gradient.");
  b.choice("direction", {"x", "y", "z"}, none, "Axis.");
  b.require_last();
  b.number("value", "m/s", Range::any(), none, "Mean velocity over the volume.");
  b.require_last();
}

void add_field(Builder& b, const Text& table, bool initial) {
  std::vector<Text> names{"taylor-green", "kovasznay", "ethier-steinman", "abc", "womersley", "poiseuille",
                          "couette",      "duct",      "expression"};
  if (initial) names.insert(names.begin(), {"zero", "channel", "shear-layer"});
  b.table(table, false,
          initial ? "Velocity at the start (made discretely divergence-free); zero where left out."
                  : "The exact solution; summary.json then holds the errors against it.");
  b.choice("name", names, none,
           Text("Closed form (docs/flow.md), or expression with `velocity`; where left out, expression if `velocity` "
                "is given") +
               (initial ? ", else zero." : "."));
  b.number("amplitude", "m/s", Range::any(), none,
           "U of taylor-green, abc, channel, couette, shear-layer (default 1); of poiseuille, womersley, duct the "
           "driving acceleration G = -dp/dx / rho, m/s2.");
  b.number("wavenumber", "1/m", Range::positive(), none, "k of taylor-green and abc (default 1).");
  b.add("mean_velocity", ValueType::numbers, "m/s", "Of taylor-green: uniform flow that carries the vortices.");
  b.add("coefficients", ValueType::numbers, "-", "A, B, C of abc (default 1, 1, 1).").length = 3;
  b.number("a", "1/m", Range::any(), none, "Of ethier-steinman (default pi/4).");
  b.number("d", "1/m", Range::any(), none, "Of ethier-steinman (default pi/2).");
  b.number("frequency", "rad/s", Range::positive(), none, "Angular frequency of womersley (default 1).");
  if (initial) {
    b.number("thickness", "-", Range::positive(), none,
             "Of shear-layer: thickness of each layer as a fraction of the length along y (default 1/30).");
    b.number("perturbation", "-", Range::any(), none,
             "Of channel: solenoidal random modes, as a fraction of `amplitude`; of shear-layer: amplitude of v. "
             "Default 0, shear-layer 0.05.");
    b.integer("seed", Range::closed(0, 9007199254740992.0), none, "Of channel: seed of the random modes (default 1).");
  }
  b.add("velocity", ValueType::expressions, "m/s",
        initial ? "Of expression: one entry per dimension, of x, y, z (t is time.start)."
                : "Of expression: one entry per dimension, of x, y, z, t.");
  b.add("pressure", ValueType::expression, "Pa",
        initial ? "Of expression; a first guess only."
                : "Of expression; compared up to a constant where no face fixes the pressure.");
}

void add_scalars(Builder& b) {
  b.in("scalars.NAME");
  b.add("diffusivity", ValueType::expression, "m2/s", "Of x, y, z, t.").range = Range::at_least(0);
  b.require_last();
  b.add("source", ValueType::expression, "[T]/s", "Of x, y, z, t.", "0.0");
  b.add("initial", ValueType::expression, "[T]", "Value at the start, of x, y, z.", "0.0");
  b.choice("advection", {"central", "limited"}, "\"central\"",
           "central: second order, conserves T^2; limited: no new extrema.");
  b.number("expansion", "1/[T]", Range::any(), "0.0",
           "Boussinesq: adds the acceleration -expansion (T - reference) gravity. Needs force.gravity.");
  b.number("reference", "[T]", Range::any(), "0.0", "Value at which buoyancy vanishes.");
  b.add("exact", ValueType::expression, "[T]",
        "Exact solution, of x, y, z, t; summary.json then holds the errors NAME_max and NAME_l2.");
  b.in("scalars.NAME.boundary.FACE");
  b.choice("type", {"fixed-value", "fixed-flux", "adiabatic", "periodic", "outflow"}, none,
           "fixed-value and fixed-flux take `value`; periodic follows from the flow and may be left out; outflow "
           "stands on outflow and pressure faces.");
  b.require_last();
  b.add("value", ValueType::expression, "[T] or [T] m/s",
        "Of fixed-value: the scalar. Of fixed-flux: the diffusive flux into the domain per unit area. Of x, y, z, t.");
}

void add_numerics(Builder& b) {
  b.table("time", true, "Give cfl or step, not both.");
  b.choice("scheme", {"k4", "rk3", "rk3-cn", "cn-ab2"}, "\"k4\"",
           "k4: four stages, two pressure solves, third order. rk3: three stages, three solves. rk3-cn, cn-ab2: "
           "implicit viscosity, second order.");
  b.number("cfl", "-", Range::above_to(0, 1), none,
           "Fraction of the scheme's combined convective-viscous limit (default 0.8); the Courant number itself is "
           "printed.");
  b.number("step", "s", Range::positive(), none, "Fixed time step, instead of cfl.");
  b.number("min_step", "s", Range::at_least(0), none, "The run ends with an error where cfl asks for less.");
  b.number("max_step", "s", Range::positive(), none, "Upper limit of the step.");
  b.number("start", "s", Range::any(), "0.0", "Time at the start.");
  b.number("end", "s", Range::any(), none, "Time at the end, above start.");
  b.require_last();
  b.integer("max_steps", Range::at_least(1), none, "Ends after so many steps.");
  b.number(
      "steady_tolerance", "m/s2", Range::at_least(0), "0.0",
      "Ends once max|du/dt| and every scalar's max|dT/dt| (in its own units per second) fall below it; what depends on "
      "t is taken as it is at the time. 0: never.");
  b.choice("pressure_at_output", {"extrapolated", "solved"}, "\"extrapolated\"",
           "Pressure at the time of an output: extrapolated by half a step (second order), or by one more solve (third "
           "order).");

  for (const Text system : {"pressure", "momentum"}) {
    b.in("solver." + system);
    b.choice(
        "method", {"auto", "tensor", "boxmg", "aij"}, "\"auto\"",
        "tensor: direct, for separable operators; boxmg: geometric multigrid; aij: assembled matrix, for PETSc's own "
        "preconditioners. PETSc options (-" +
            system + "_pc_type ...) override it.");
    b.number("tolerance", "-", {.low = 0, .high = 1, .low_open = true, .high_open = true}, "1e-10",
             "Relative residual at which iteration ends.");
    b.integer("max_iterations", Range::closed(1, largest_count), "500",
              "A solve that needs more ends the run with an error.");
  }
}

void add_output(Builder& b) {
  b.in("output");
  b.add("directory", ValueType::text, "-",
        "Folder of the results; --output comes before it. Where left out: the name of the case file (or of its folder, "
        "if it is called case.toml) in the working folder.");
  b.table("output.fields", false, "Fields over the whole grid, at the start, at the given interval and at the end.");
  b.number("every_time", "s", Range::positive(), none, "Interval in simulated time; the step is shortened to hit it.");
  b.integer("every_steps", Range::at_least(1), none, "Interval in steps.");
  b.add("names", ValueType::texts, "-", "velocity, pressure, vorticity, and names of scalars.",
        "[\"velocity\", \"pressure\"]");
  b.choice("precision", {"float32", "float64"}, "\"float32\"", "Of the numbers in the files.");
  b.in("output.series");
  b.integer("every_steps", Range::at_least(1), "10", "Interval of the rows of diagnostics.csv.");
  b.add("budgets", ValueType::flag, "-",
        "Adds the terms of the momentum and kinetic-energy budgets; takes as much memory again as the time scheme.",
        "false");
  b.in("output.lines[]");
  b.add("name", ValueType::text, "-", "Of the file lines/NAME.csv and for `reference`.");
  b.require_last();
  for (const Text end : {"from", "to"}) {
    b.add(end, ValueType::numbers, "m", Text("Point where the line ") + (end == "from" ? "begins." : "ends."));
    b.require_last();
  }
  b.integer("points", Range::closed(2, 1e6), none, "Number of points; where left out, the cells that the line passes.");
  b.in("output.points[]");
  b.add("name", ValueType::text, "-", "Of the table points/NAME.csv.");
  b.require_last();
  b.add("at", ValueType::numbers, "m", "The point.");
  b.require_last();
  b.table("output.averages", false, "Means and second moments over time, and over the named axes.");
  b.number("start", "s", Range::any(), none, "Time from which on to average; time.start where left out.");
  b.add("over", ValueType::texts, "-", "Axes to average over as well, such as [\"x\", \"z\"] for a channel.", "[]")
      .choices = {"x", "y", "z"};
  b.integer("every_steps", Range::at_least(1), "1",
            "Steps between samples; each stands for the time half way to its neighbours.");
  b.in("output.checkpoint");
  b.integer("every_steps", Range::at_least(1), none, "Interval in steps.");
  b.number("every_time", "s", Range::positive(), none, "Interval in simulated time.");
  b.number("every_wall_time", "s", Range::positive(), none,
           "Seconds by the clock on the wall between checkpoints, besides the other intervals; changes no step.");
  b.integer("keep", Range::closed(1, 1000), "2", "How many of the newest are kept.");

  b.in("reference[]");
  b.add("line", ValueType::text, "-", "Name of an entry of output.lines to compare with the table.");
  b.require_last();
  b.add("file", ValueType::path, "-",
        "Table of numbers with one line of column names, separated by commas; relative to the case file.");
  b.require_last();
  b.add("quantity", ValueType::text, "-", "u, v, w, pressure, or the name of a scalar.");
  b.require_last();
  b.add("coordinate", ValueType::text, "-", "Column of the coordinate along the line; the first where left out.");
  b.add("value", ValueType::text, "-", "Column of the reference; the second where left out.");

  b.in("run");
  b.add("NAME", ValueType::any, "-",
        "Facts of a run (versions, ranks, options), written into run.toml; ignored when read.");
}

Schema make_schema() {
  Schema schema;
  schema.kind = "flow";
  schema.parameters_table = "parameters";
  schema.sets["FACE"] = {"x_min", "x_max", "y_min", "y_max", "z_min", "z_max", "default"};
  Builder b(schema);
  add_case_and_grid(b);
  add_physics(b);
  add_field(b, "initial", true);
  add_field(b, "exact", false);
  add_scalars(b);
  add_numerics(b);
  add_output(b);
  return schema;
}

}  // namespace

const Schema& schema() {
  static const Schema the_schema = make_schema();
  return the_schema;
}

}  // namespace kolmo::flow
