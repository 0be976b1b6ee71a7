// Every key of a case of kind "density": one line each. docs/input.md is generated from it.
#include "kolmo/base/schema_builder.hpp"
#include "kolmo/grid/axis_keys.hpp"
#include "settings_reader.hpp"

namespace kolmo::density {

namespace {

using Builder = SchemaBuilder;
constexpr auto none = std::nullopt;
constexpr double largest_count = 2147483647.0;

void add_case(Builder& b) {
  b.table("case", true, "What the file describes.");
  b.choice("kind", {"density"}, none, "Kind of run: the probability density of a stochastic differential equation.");
  b.require_last();
  b.add("title", ValueType::text, "-", "One line for people; goes into every output.", "\"\"");
}

void add_problem(Builder& b) {
  b.table("problem", true,
          "dx = f(x, t) dt + g(x, t) dw, dp/dt = -div(f p) + 1/2 div div(D p), D = g g^T. Give exactly one of noise "
          "and diffusion. Expressions know the variables, t and the parameters.");
  b.integer("dimension", Range::closed(1, 100), none,
            "Number of variables; follows from `variables` or else from `drift` where left out.");
  b.add("variables", ValueType::texts, "-", "Their names; x1, x2, ... where left out.");
  b.number("parameters.NAME", "-", Range::any(), none,
           "A number of your own, to be used by name in every expression and, in quotes, wherever a number is "
           "expected. May itself be an expression of other parameters.");
  b.add("drift", ValueType::tensor, "-", "f: a list with one entry per variable (or the entry alone if there is one).");
  b.require_last();
  b.add(
      "noise", ValueType::tensor, "-",
      "g: one entry for g = c I, a list for a diagonal matrix, a list of rows for a matrix with one column per noise.");
  b.add("diffusion", ValueType::tensor, "-",
        "D instead of g: one entry for D = c I, a list for a diagonal, a list of rows for a symmetric matrix.");
  b.add(
      "potential", ValueType::expression, "-",
      "U of a stationary density exp(-U) that is known: the fitted flux then keeps it to round-off. Of the variables.");
  b.add("exact", ValueType::text, "-",
        "Density to compare with. auto: a closed form if one is found, else none. gaussian: drift linear as it is "
        "written, D the same "
        "everywhere, start a Gaussian or a mixture of them (moment equations). benes: start sum w_k N(s a_k, s I), "
        "drift D grad log sum w_k exp(a_k.x), |a_k| equal, D = c I constant. eigenexpansion: separable, nothing "
        "depends on t, D constant. potential: exp(-U) with `potential` (taken by itself if nothing else is given). Or "
        "a table with one of the following.")
      .choices = exact_names();
  b.in("problem.exact");
  b.add("stationary", ValueType::expression, "-",
        "Density in the limit of long times, up to a factor; of the variables.");
  b.add("density", ValueType::expression, "-", "Density at every time, normalised; of the variables and t.");
}

void add_law(Builder& b) {
  b.add("mean", ValueType::numbers, "-", "Of a Gaussian: one number per variable.");
  b.add("variance", ValueType::numbers, "-", "Of a Gaussian whose variables are independent: one number per variable.")
      .range = Range::positive();
  b.add("covariance", ValueType::number_rows, "-",
        "Of a Gaussian, instead of variance: a symmetric positive definite matrix, row by row.");
}

void add_initial(Builder& b) {
  b.table("problem.initial", false, "Density at the start; needed unless time.stationary is set.");
  b.choice("type", {"gaussian", "mixture", "product", "expression", "file"}, none,
           "gaussian: mean, and variance or covariance. mixture: components. product: factors. expression: density. "
           "file: file.");
  b.require_last();
  add_law(b);
  b.add("factors", ValueType::expressions, "-",
        "Of product: one expression per variable, of that variable alone; normalised over its axis.");
  b.add("density", ValueType::expression, "-", "Of expression: of all variables; normalised over the box.");
  b.add("file", ValueType::path, "-",
        "Of file: a checkpoint or field file of an earlier run, or its folder, on this or another grid.");
  b.integer("step", Range::at_least(0), none,
            "Of file, a folder: the step whose density to take; the last where left out.");
  b.number("time", "-", Range::any(), none, "Of file, a folder, instead of step: the time.");
  b.number("mass_outside", "-", Range::closed(0, 1), "1e-3",
           "Largest probability of the start that may lie outside of the box, where it is cut off; what lies there is "
           "reported.");
  b.in("problem.initial.components[]");
  b.number("weight", "-", Range::at_least(0), "1.0", "Relative weight.");
  add_law(b);
}

void add_domain(Builder& b) {
  b.table("grid", true, "The box: one entry per variable, under its name.");
  b.table("grid.VARIABLE", false, "Cells along this variable.");
  add_axis_keys(b, "-");
  b.in("grid");
  b.add("processes", ValueType::integers, "-",
        "Ranks along each axis; their product is the number of ranks. Chosen where left out.")
      .range = Range::closed(1, largest_count);
  b.table("boundary", false,
          "One entry per face, named after its variable as x_min, x_max, or `default` for those not named; no-flux "
          "where left out.");
  b.in("boundary.FACE");
  b.choice("type", {"no-flux", "absorbing", "periodic", "inflow"}, none,
           "no-flux: nothing passes (reflecting). absorbing: the density is 0, what leaves is counted as escaped. "
           "periodic: both faces of the axis. inflow: `density` given where the drift points inwards.");
  b.require_last();
  b.add("density", ValueType::expression, "-", "Of inflow: of the variables and t.").range = Range::at_least(0);
}

void add_numerics(Builder& b) {
  b.table("engine", false, "What solves it.");
  b.choice("name", {"grid"}, "\"grid\"", "grid: finite volumes on a grid, up to 6 dimensions.");
  b.choice("flux", words(flux_names), "\"fitted\"",
           "fitted: exponential fit (Scharfetter & Gummel, Chang & Cooper), positive. fitted4: of fourth "
           "order, where the drift and the noise of each direction depend on its own variable; not positive. central: "
           "second order at every "
           "Peclet number, not positive. limited: limited advection and central diffusion, with explicit schemes.");

  b.choice("coefficients", words(coefficient_names), "\"auto\"",
           "Of a direction whose drift or noise depends on all variables, of more than three: stored at every face, or "
           "recomputed for every line and step, which takes no memory and about fifteen times as long. auto: stored "
           "where the machines have the memory.");

  b.table("time", true, "Give step, tolerance or cfl.");
  b.choice("scheme", words(scheme_names), "\"auto\"",
           "auto: tr-bdf2 up to two dimensions, splitting from three on. backward-euler: first order, positive. "
           "crank-nicolson, tr-bdf2: second order. splitting: line by line, second order, positive. ssp-rk2, ssp-rk3: "
           "explicit.");
  b.number("step", "-", Range::positive(), none, "Fixed time step.");
  b.number("tolerance", "-", {.low = 0, .high = 1, .low_open = true, .high_open = true}, none,
           "The step follows the error of each step, relative in L1 (implicit schemes and splitting; 1e-4 where no "
           "step is given).");
  b.number("cfl", "-", Range::above_to(0, 1), none, "Of explicit schemes: fraction of their limit (default 0.8).");
  b.number("min_step", "-", Range::at_least(0), none, "The run ends with an error where a smaller step is needed.");
  b.number("max_step", "-", Range::positive(), none, "Upper limit of the step.");
  b.number("start", "-", Range::any(), "0.0", "Time at the start.");
  b.number("end", "-", Range::any(), none, "Time at the end, above start; needed unless stationary is set.");
  b.integer("max_steps", Range::at_least(1), none, "Ends after so many steps.");
  b.number("steady_tolerance", "-", Range::at_least(0), "0.0",
           "Ends once max|dp/dt| / max p falls below it. 0: never.");
  b.add("stationary", ValueType::flag, "-", "No time steps: solves for the stationary density at once.", "false");

  b.in("solver");
  b.choice("method", words(method_names), "\"auto\"",
           "Of the implicit systems. boxmg: for symmetric operators, refused for densities. gmres: matrix-free. aij: "
           "assembled matrix, for "
           "PETSc's own preconditioners. PETSc options (-density_pc_type ...) override it.");
  b.number("tolerance", "-", {.low = 0, .high = 1, .low_open = true, .high_open = true}, "1e-12",
           "Relative residual at which iteration ends; mass is kept to about this.");
  b.integer("max_iterations", Range::closed(1, largest_count), "1000",
            "A solve that needs more ends the run with an error.");
}

void add_output(Builder& b) {
  b.in("output");
  b.add("directory", ValueType::text, "-",
        "Folder of the results; --output comes before it. Where left out: the name of the case file (or of its folder, "
        "if it is called case.toml) in the working folder.");
  b.add("marginals", ValueType::text_rows, "-",
        "Densities of one or two variables, the others integrated out, such as [[\"x\"], [\"x\", \"y\"]].", "[]");
  b.in("output.slices[]");
  b.add("name", ValueType::text, "-", "Of the folder slices/NAME.");
  b.require_last();
  b.add("variables", ValueType::texts, "-",
        "The two or three variables that span it, of more. Written whenever fields are due, and at the end.");
  b.require_last();
  b.add("at", ValueType::numbers, "-", "Values of the other variables, in the order of problem.variables.");
  b.require_last();
  b.table("output.fields", false, "Fields over the whole grid, at the start, at the given interval and at the end.");
  b.number("every_time", "-", Range::positive(), none, "Interval in simulated time; the step is shortened to hit it.");
  b.integer("every_steps", Range::at_least(1), none, "Interval in steps.");
  b.add("names", ValueType::texts, "-", "density; log_density; flux: J, a vector; score: grad log p, a vector.",
        "[\"density\"]")
      .choices = field_names();
  b.choice("precision", {"float32", "float64"}, "\"float32\"", "Of the numbers in the files.");
  b.in("output.series");
  b.integer("every_steps", Range::at_least(1), none,
            "Interval of the rows of diagnostics.csv, in steps; 1 where neither is given.");
  b.number("every_time", "-", Range::positive(), none,
           "Interval in simulated time instead; the step is shortened to hit it.");
  b.in("output.checkpoint");
  b.integer("every_steps", Range::at_least(1), none, "Interval in steps.");
  b.number("every_time", "-", Range::positive(), none, "Interval in simulated time.");
  b.number("every_wall_time", "s", Range::positive(), none,
           "Seconds by the clock on the wall between checkpoints, besides the other intervals; changes no step.");
  b.integer("keep", Range::closed(1, 1000), "2", "How many of the newest are kept.");

  b.in("run");
  b.add("NAME", ValueType::any, "-", "Facts of a run, written into run.toml; not read.");
}

}  // namespace

const Schema& schema() {
  static const Schema made = [] {
    Schema s;
    s.kind = "density";
    s.parameters_table = "problem.parameters";
    Builder b(s);
    add_case(b);
    add_problem(b);
    add_initial(b);
    add_domain(b);
    add_numerics(b);
    add_output(b);
    return s;
  }();
  return made;
}

}  // namespace kolmo::density
