// Checks of a flow case that need the values of its expressions on its grid, or the ranks and memory it is to run on.
#include <fmt/format.h>
#include <petscsys.h>

#include <algorithm>
#include <cmath>

#include "kolmo/grid/check_ranks.hpp"
#include "settings_reader.hpp"

namespace kolmo::flow {

namespace detail {

namespace {

/// Moments of the run at which expressions of time are tried: the start and points spread by the golden section, which
/// no period of a pulsating flow meets again and again.
std::vector<double> times_of(const TimeSettings& time, bool depends_on_time, int count) {
  std::vector<double> times{time.start};
  for (int k = 1; depends_on_time && k <= count; ++k) {
    const double golden = 0.6180339887498949 * k;
    times.push_back(time.start + (time.end - time.start) * (golden - std::floor(golden)));
  }
  if (depends_on_time) times.push_back(time.end);
  return times;
}

/// Coordinates where expressions are tried along each axis: nodes and centres, thinned to at most `most`, ends
/// included.
std::array<std::vector<double>, 3> sample_points(const Settings& settings) {
  std::array<std::vector<double>, 3> points{{{0.0}, {0.0}, {0.0}}};
  const int most = settings.dimension == 2 ? 513 : 49;
  for (int d = 0; d < settings.dimension; ++d) {
    const Axis axis(settings.axes[d]);
    const int count = 2 * axis.cells() + 1, kept = std::min(count, most);
    points[d].clear();
    for (int k = 0; k < kept; ++k) {
      const int i = kept == 1 ? 0 : static_cast<int>(static_cast<std::int64_t>(k) * (count - 1) / (kept - 1));
      points[d].push_back(i % 2 == 0 ? axis.node(i / 2) : axis.centre(i / 2));
    }
  }
  return points;
}

class ValueChecker {
 public:
  ValueChecker(const CaseFile& file, const Settings& settings)
      : file_(file), settings_(settings), points_(sample_points(settings)) {}

  /// Over the whole domain, or over one face of it. least: smallest value allowed.
  void check(const std::string& path, const Expression& expression, int face = -1,
             double least = -std::numeric_limits<double>::infinity(), bool at_start_only = false) const {
    if (expression.constant()) return;  // finite by construction, its range checked with the key
    auto points = points_;
    if (face >= 0) points[face / 2] = {face % 2 == 0 ? settings_.axes[face / 2].from : settings_.axes[face / 2].to};
    for (int d = 0; d < 3; ++d)
      if (!expression.depends_on(std::string(1, "xyz"[d]))) points[d].resize(1);
    for (const double t : times_of(settings_.time, expression.depends_on_time() && !at_start_only, face >= 0 ? 8 : 1))
      for (const double z : points[2])
        for (const double y : points[1])
          for (const double x : points[0]) check_one(path, expression, {x, y, z, t}, least);
  }

 private:
  void check_one(const std::string& path, const Expression& expression, const std::array<double, 4>& at,
                 double least) const {
    const double value = expression.evaluate(at.data());
    if (std::isfinite(value) && value >= least) return;
    const std::string place =
        settings_.dimension == 3
            ? fmt::format("x = {:.6g}, y = {:.6g}, z = {:.6g}, t = {:.6g}", at[0], at[1], at[2], at[3])
            : fmt::format("x = {:.6g}, y = {:.6g}, t = {:.6g}", at[0], at[1], at[3]);
    const std::string limit = std::isfinite(value) ? fmt::format(": must be >= {}", least) : "";
    throw file_.error_at(path, fmt::format("\"{}\" is {:.6g} at {}{}", expression.text(), value, place, limit));
  }

  const CaseFile& file_;
  const Settings& settings_;
  std::array<std::vector<double>, 3> points_;
};

}  // namespace

void check_values(const CaseFile& file, const Settings& settings) {
  const ValueChecker checker(file, settings);
  const auto& fluid = settings.fluid;
  checker.check(fluid.viscosity_is_dynamic ? "fluid.dynamic_viscosity" : "fluid.kinematic_viscosity", fluid.viscosity,
                -1, 0.0);
  for (int face = 0; face < 2 * settings.dimension; ++face) {
    const std::string path = entry_path(file, "boundary", face);
    for (int d = 0; d < settings.dimension; ++d)
      checker.check(path + ".velocity", settings.boundary[face].velocity[d], face);
    checker.check(path + ".pressure", settings.boundary[face].pressure, face);
  }
  for (int d = 0; d < settings.dimension; ++d) {
    checker.check("force.body", settings.force.body[d]);
    checker.check("force.pressure_gradient", settings.force.pressure_gradient[d]);
    checker.check("initial.velocity", settings.initial.velocity[d], -1, -INFINITY, true);
    if (settings.exact) checker.check("exact.velocity", settings.exact->velocity[d]);
  }
  checker.check("initial.pressure", settings.initial.pressure, -1, -INFINITY, true);
  if (settings.exact) checker.check("exact.pressure", settings.exact->pressure);
  for (const ScalarSettings& scalar : settings.scalars) {
    const std::string table = "scalars." + scalar.name;
    checker.check(table + ".diffusivity", scalar.diffusivity, -1, 0.0);
    checker.check(table + ".source", scalar.source);
    checker.check(table + ".initial", scalar.initial, -1, -INFINITY, true);
    checker.check(table + ".exact", scalar.exact);
    for (int face = 0; face < 2 * settings.dimension; ++face)
      checker.check(entry_path(file, table + ".boundary", face) + ".value", scalar.boundary[face].value, face);
  }
}

namespace {

/// Panels of an axis for the quadrature over a face: the cells, or groups of them where there are many.
std::vector<std::pair<double, double>> panels(const AxisSpec& spec) {
  const Axis axis(spec);
  const int count = std::min(axis.cells(), 256);
  std::vector<std::pair<double, double>> result;
  for (int k = 0; k < count; ++k) {
    const auto node = [&](int i) {
      return axis.node(static_cast<int>(static_cast<std::int64_t>(i) * axis.cells() / count));
    };
    result.emplace_back(node(k), node(k + 1));
  }
  return result;
}

struct Flux {
  double net = 0.0;    ///< into the domain
  double gross = 0.0;  ///< integral of its absolute value
};

/// Integral over a face of the velocity along the inward normal, two Gauss points per panel and direction.
Flux face_flux(const Settings& settings, int face, double t) {
  const int normal = face / 2;
  const Expression& velocity = settings.boundary[face].velocity[normal];
  const double sign = face % 2 == 0 ? 1.0 : -1.0;
  std::array<std::vector<std::pair<double, double>>, 3> points;  // coordinate and weight
  for (int d = 0; d < 3; ++d) {
    if (d == normal) {
      points[d] = {{face % 2 == 0 ? settings.axes[d].from : settings.axes[d].to, 1.0}};
    } else if (d >= settings.dimension) {
      points[d] = {{0.0, 1.0}};
    } else {
      for (const auto& [from, to] : panels(settings.axes[d])) {
        const double middle = 0.5 * (from + to), offset = 0.5 * (to - from) / std::sqrt(3.0);
        points[d].emplace_back(middle - offset, 0.5 * (to - from));
        points[d].emplace_back(middle + offset, 0.5 * (to - from));
      }
    }
  }
  Flux flux;
  for (const auto& [z, wz] : points[2])
    for (const auto& [y, wy] : points[1])
      for (const auto& [x, wx] : points[0]) {
        const double part = sign * velocity(x, y, z, t) * wx * wy * wz;
        flux.net += part;
        flux.gross += std::abs(part);
      }
  return flux;
}

}  // namespace

void check_net_flux(const CaseFile& file, const Settings& settings) {
  int outflow = -1;
  bool pressure = false;
  for (int face = 0; face < 2 * settings.dimension; ++face) {
    if (settings.boundary[face].type == BoundaryType::outflow) outflow = face;
    pressure = pressure || settings.boundary[face].type == BoundaryType::pressure;
  }
  if (outflow >= 0 && pressure)
    throw file.error_at(entry_path(file, "boundary", outflow) + ".type",
                        "outflow takes its flux from the other faces, which is not determined beside a face of type "
                        "pressure: use type pressure here too");
  std::vector<int> inlets;
  bool varies = false;
  for (int face = 0; face < 2 * settings.dimension; ++face) {
    const BoundarySettings& boundary = settings.boundary[face];
    if (boundary.type == BoundaryType::outflow || boundary.type == BoundaryType::pressure) return;
    if (boundary.type != BoundaryType::inlet) continue;
    inlets.push_back(face);
    varies = varies || boundary.velocity[face / 2].depends_on_time();
  }
  constexpr double allowed = 1e-3;  // error of the quadrature; the solver takes the rest off the discrete fluxes
  for (const double t : times_of(settings.time, varies, 8)) {
    Flux total;
    bool some_way_out = false;
    for (const int face : inlets) {
      const Flux flux = face_flux(settings, face, t);
      total.net += flux.net;
      total.gross += flux.gross;
      some_way_out = some_way_out || flux.net < flux.gross;
    }
    if (std::abs(total.net) <= allowed * total.gross) continue;
    const std::string why = some_way_out ? "" : ": the inflow has no way out (no face of type outflow or pressure)";
    throw file.error_at(entry_path(file, "boundary", inlets.front()) + ".velocity",
                        fmt::format("net flux {:.6g} into a closed box at t = {:.6g}{}", total.net, t, why));
  }
}

}  // namespace detail

void check_resources(const CaseFile& file, const Settings& settings, const Communicator& comm) {
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  constexpr double largest_index = sizeof(PetscInt) == 4 ? 2147483647.0 : 9.0e18;
  if (cells > largest_index)
    throw file.error_at(
        "grid", fmt::format("{:.4g} cells are more than the {:.4g} that this PETSc can number with {}-bit indices",
                            cells, largest_index, 8 * sizeof(PetscInt)));
  // Velocity and its two registers, pressure and its history, work array: nothing runs with less.
  const double least_bytes =
      cells * 8.0 * (3.0 * settings.dimension + 3.0 + static_cast<double>(settings.scalars.size()));
  if (const double memory = machine_memory(comm); least_bytes > memory)
    throw file.error_at("grid", fmt::format("{:.4g} cells need at least {:.3g} GB; the machines have {:.3g} GB", cells,
                                            least_bytes * 1e-9, memory * 1e-9));
  const auto check = settings.dimension == 2 ? check_ranks<2> : check_ranks<3>;
  check(file, settings.axes, settings.processes, comm);
}

ResourceEstimate estimate_resources(const Settings& settings) {
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  const double dim = settings.dimension, scalars = static_cast<double>(settings.scalars.size());
  const Scheme scheme = settings.time.scheme;
  const bool implicit = scheme == Scheme::rk3_cn || scheme == Scheme::cn_ab2;
  const bool multigrid = settings.pressure_solver.method == LinearMethod::boxmg;
  const bool assembled = settings.pressure_solver.method == LinearMethod::aij;
  double doubles = dim * (scheme == Scheme::k4 ? 3.0 : 4.0) + 3.0;  // registers; two pressures and a work array
  if (implicit) doubles += dim + 3.0;                               // right-hand sides and Helmholtz systems
  if (settings.time.steady_tolerance > 0.0) doubles += dim;
  doubles += 1.0 + (settings.output.budgets ? 4.0 * dim + 1.0 : 0.0);  // the physical pressure, budgets
  doubles += 3.0 * scalars;
  doubles += multigrid ? 14.0 : assembled ? 60.0 : 3.0;  // the pressure solver
  double written = 0.0, packed = 0.0, derived = 0.0;
  for (const std::string& name : settings.output.fields.names) {
    const double values = name == "velocity" || (name == "vorticity" && settings.dimension == 3) ? 3.0 : 1.0;
    written += values;
    packed = std::max(packed, values);
    if (name == "vorticity") derived = values;
  }
  doubles += packed + derived;
  return {cells * 8.0 * doubles, cells * written * (settings.output.fields.float64 ? 8.0 : 4.0),
          cells * 8.0 * (dim + 2.0 + scalars)};
}

}  // namespace kolmo::flow
