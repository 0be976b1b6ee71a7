#include "kolmo/flow/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kolmo/base/names.hpp"
#include "kolmo/grid/axis_keys.hpp"
#include "settings_reader.hpp"

namespace kolmo::flow {

namespace {

const Names<BoundaryType> boundary_names{{BoundaryType::periodic, "periodic"},   {BoundaryType::no_slip, "no-slip"},
                                         {BoundaryType::free_slip, "free-slip"}, {BoundaryType::free_slip, "symmetry"},
                                         {BoundaryType::inlet, "inlet"},         {BoundaryType::outflow, "outflow"},
                                         {BoundaryType::pressure, "pressure"}};
const Names<Scheme> scheme_names{
    {Scheme::k4, "k4"}, {Scheme::rk3, "rk3"}, {Scheme::rk3_cn, "rk3-cn"}, {Scheme::cn_ab2, "cn-ab2"}};
const Names<LinearMethod> method_names{{LinearMethod::automatic, "auto"},
                                       {LinearMethod::tensor, "tensor"},
                                       {LinearMethod::boxmg, "boxmg"},
                                       {LinearMethod::aij, "aij"}};
const Names<FieldName> field_names{{FieldName::zero, "zero"},
                                   {FieldName::taylor_green, "taylor-green"},
                                   {FieldName::kovasznay, "kovasznay"},
                                   {FieldName::ethier_steinman, "ethier-steinman"},
                                   {FieldName::abc, "abc"},
                                   {FieldName::channel, "channel"},
                                   {FieldName::shear_layer, "shear-layer"},
                                   {FieldName::womersley, "womersley"},
                                   {FieldName::poiseuille, "poiseuille"},
                                   {FieldName::couette, "couette"},
                                   {FieldName::duct, "duct"},
                                   {FieldName::expression, "expression"}};
const Names<ScalarBoundaryType> scalar_boundary_names{{ScalarBoundaryType::fixed_value, "fixed-value"},
                                                      {ScalarBoundaryType::fixed_flux, "fixed-flux"},
                                                      {ScalarBoundaryType::adiabatic, "adiabatic"},
                                                      {ScalarBoundaryType::periodic, "periodic"},
                                                      {ScalarBoundaryType::outflow, "outflow"}};

constexpr std::array<const char*, 3> axis_names{"x", "y", "z"};

}  // namespace

const char* face_name(int face) {
  constexpr std::array<const char*, 6> names{"x_min", "x_max", "y_min", "y_max", "z_min", "z_max"};
  return names.at(face);
}
std::string to_string(BoundaryType type) { return name_of(boundary_names, type); }
std::string to_string(Scheme scheme) { return name_of(scheme_names, scheme); }
std::string to_string(LinearMethod method) { return name_of(method_names, method); }
std::string to_string(FieldName name) { return name_of(field_names, name); }

Settings read_settings(const CaseFile& file) {
  Settings settings = detail::Reader(file).read();
  detail::check_values(file, settings);
  detail::check_net_flux(file, settings);
  return settings;
}

namespace detail {

std::string entry_path(const CaseFile& file, const std::string& table, int face) {
  const std::string own = fmt::format("{}.{}", table, face_name(face)), common = table + ".default";
  if (file.has(own)) return own;
  return file.has(common) ? common : "";
}

Settings Reader::read() {
  s_.title = file_.text("case.title");
  s_.parameters = file_.parameters();
  grid();
  fluid();
  boundaries();
  forces();
  time();
  s_.initial = field("initial", true);
  if (file_.has("exact")) s_.exact = field("exact", false);
  s_.pressure_solver = solver("solver.pressure");
  s_.momentum_solver = solver("solver.momentum");
  if (s_.momentum_solver.method == LinearMethod::tensor && !s_.fluid.constant_viscosity())
    refuse("solver.momentum.method", "tensor needs a separable operator, and a viscosity that varies makes it none");
  scalars();
  output();
  probes();
  references();
  return std::move(s_);
}

void Reader::refuse(const std::string& path, const std::string& reason) const { throw file_.error_at(path, reason); }

Expression Reader::expression(const std::string& path) const {
  Expression value = file_.expression(path);
  if (s_.dimension == 2 && value.depends_on("z")) refuse(path, "z is no coordinate of a flow in two dimensions");
  return value;
}

std::array<Expression, 3> Reader::vector(const std::string& path) const {
  const std::vector<Expression> list = file_.expressions(path);
  if (static_cast<int>(list.size()) != s_.dimension)
    refuse(path, fmt::format("expected {} entries, one per dimension (given {})", s_.dimension, list.size()));
  std::array<Expression, 3> components;
  for (int d = 0; d < s_.dimension; ++d) {
    if (s_.dimension == 2 && list[d].depends_on("z")) refuse(path, "z is no coordinate of a flow in two dimensions");
    components[d] = list[d];
  }
  return components;
}

std::array<double, 3> Reader::constant_vector(const std::string& path) const {
  const std::vector<double> list = file_.numbers(path);
  if (static_cast<int>(list.size()) != s_.dimension)
    refuse(path, fmt::format("expected {} entries, one per dimension (given {})", s_.dimension, list.size()));
  std::array<double, 3> components{};
  std::copy(list.begin(), list.end(), components.begin());
  return components;
}

int Reader::axis_number(const std::string& path, const std::string& name) const {
  const int axis = name[0] - 'x';
  if (axis >= s_.dimension) refuse(path, fmt::format("the grid has no {} axis", name));
  return axis;
}

void Reader::grid() {
  s_.dimension = file_.has("grid.z") ? 3 : 2;
  for (int d = 0; d < s_.dimension; ++d) s_.axes.push_back(read_axis(file_, std::string("grid.") + axis_names[d]));
  if (!file_.has("grid.processes")) return;
  const std::vector<std::int64_t> processes = file_.integers("grid.processes");
  if (static_cast<int>(processes.size()) != s_.dimension)
    refuse("grid.processes",
           fmt::format("expected {} entries, one per dimension (given {})", s_.dimension, processes.size()));
  for (int d = 0; d < s_.dimension; ++d) s_.processes[d] = static_cast<int>(processes[d]);
}

void Reader::fluid() {
  s_.fluid.density = file_.number("fluid.density");
  const bool kinematic = file_.has("fluid.kinematic_viscosity"), dynamic = file_.has("fluid.dynamic_viscosity");
  if (kinematic && dynamic)
    refuse("fluid.dynamic_viscosity", "give exactly one of kinematic_viscosity and dynamic_viscosity");
  if (!kinematic && !dynamic)
    refuse("fluid.kinematic_viscosity", "missing: give exactly one of kinematic_viscosity and dynamic_viscosity");
  s_.fluid.viscosity = expression(dynamic ? "fluid.dynamic_viscosity" : "fluid.kinematic_viscosity");
  s_.fluid.viscosity_is_dynamic = dynamic;
}

BoundarySettings Reader::boundary_entry(const std::string& path, int face) const {
  BoundarySettings entry;
  const std::string type = file_.text(path + ".type");
  entry.type = named(boundary_names, type);
  const bool wall = entry.type == BoundaryType::no_slip, inlet = entry.type == BoundaryType::inlet;
  if (file_.has(path + ".velocity")) {
    if (!wall && !inlet) refuse(path + ".velocity", fmt::format("a face of type {} takes no velocity", type));
    entry.velocity = vector(path + ".velocity");
  } else if (inlet) {
    refuse(path + ".velocity", "missing: an inlet needs its velocity");
  }
  if (wall && !entry.velocity[face / 2].zero())
    refuse(path + ".velocity",
           fmt::format("a wall moves along itself: the component along {} must be 0 at {} (an inlet may have one)",
                       axis_names[face / 2], face_name(face)));
  if (wall && s_.fluid.viscosity.zero())
    refuse(path + ".type", "without viscosity the fluid slips: free-slip, not no-slip");
  const bool pressure = entry.type == BoundaryType::pressure;
  if (file_.has(path + ".pressure")) {
    if (!pressure) refuse(path + ".pressure", fmt::format("a face of type {} takes no pressure", type));
    entry.pressure = expression(path + ".pressure");
  } else if (pressure) {
    refuse(path + ".pressure", "missing: a face of type pressure needs its pressure");
  }
  return entry;
}

void Reader::boundaries() {
  for (const std::string& name : file_.names("boundary"))
    if (name[0] == 'z' && s_.dimension == 2)
      refuse("boundary." + name, "there is no such face: the grid has no z axis");
  for (int face = 0; face < 2 * s_.dimension; ++face) {
    const std::string path = entry_path(file_, "boundary", face);
    if (path.empty())
      refuse(fmt::format("boundary.{}", face_name(face)), "missing: the face has no entry and there is no default");
    s_.boundary[face] = boundary_entry(path, face);
  }
  for (int d = 0; d < s_.dimension; ++d) {
    const bool low = s_.boundary[2 * d].type == BoundaryType::periodic,
               high = s_.boundary[2 * d + 1].type == BoundaryType::periodic;
    if (low != high) {
      const int one = low ? 2 * d : 2 * d + 1, other = low ? 2 * d + 1 : 2 * d;
      refuse(entry_path(file_, "boundary", one) + ".type",
             fmt::format("periodic on one side only: {} is {}", face_name(other), to_string(s_.boundary[other].type)));
    }
    s_.axes[d].periodic = low;
  }
}

void Reader::forces() {
  if (file_.has("force.body")) s_.force.body = vector("force.body");
  if (file_.has("force.gravity")) s_.force.gravity = constant_vector("force.gravity");
  const std::string gradient = "force.pressure_gradient";
  if (file_.has(gradient)) s_.force.pressure_gradient = vector(gradient);
  for (int d = 0; d < s_.dimension; ++d) {
    const Expression& component = s_.force.pressure_gradient[d];
    if (component.depends_on_space()) refuse(gradient, "a mean pressure gradient may depend on t only");
    if (!component.zero() && !s_.axes[d].periodic)
      refuse(gradient,
             fmt::format("a mean pressure gradient drives flow along periodic axes, and {} is none", axis_names[d]));
  }
  const std::string bulk = "force.bulk_velocity";
  if (!file_.has(bulk)) return;
  s_.force.bulk_direction = axis_number(bulk + ".direction", file_.text(bulk + ".direction"));
  s_.force.bulk_velocity = file_.number(bulk + ".value");
  const char* name = axis_names[s_.force.bulk_direction];
  if (!s_.axes[s_.force.bulk_direction].periodic)
    refuse(bulk + ".direction", fmt::format("a bulk velocity is held along a periodic axis, and {} is none", name));
  if (!s_.force.pressure_gradient[s_.force.bulk_direction].zero())
    refuse(bulk + ".direction", fmt::format("give either a bulk velocity or a mean pressure gradient along {}", name));
}

void Reader::time() {
  TimeSettings& time = s_.time;
  time.scheme = named(scheme_names, file_.text("time.scheme"));
  if (file_.has("time.cfl")) time.cfl = file_.number("time.cfl");
  if (file_.has("time.step")) time.step = file_.number("time.step");
  for (const char* key : {"time.cfl", "time.min_step", "time.max_step"})
    if (time.step && file_.has(key)) refuse(key, "the step is fixed by time.step: give one of them");
  if (file_.has("time.min_step")) time.min_step = file_.number("time.min_step");
  if (file_.has("time.max_step")) time.max_step = file_.number("time.max_step");
  if (time.max_step > 0.0 && time.max_step < time.min_step)
    refuse("time.max_step", fmt::format("must be at least min_step = {} (given {})", time.min_step, time.max_step));
  time.start = file_.number("time.start");
  time.end = file_.number("time.end");
  if (!(time.end > time.start))
    refuse("time.end", fmt::format("must be above start = {} (given {})", time.start, time.end));
  if (file_.has("time.max_steps")) time.max_steps = file_.integer("time.max_steps");
  time.steady_tolerance = file_.number("time.steady_tolerance");
  if (file_.text("time.pressure_at_output") == "solved") time.pressure_at_output = PressureOutput::solved;
}

SolverSettings Reader::solver(const std::string& table) const {
  SolverSettings solver;
  solver.method = named(method_names, file_.text(table + ".method"));
  solver.tolerance = file_.number(table + ".tolerance");
  solver.max_iterations = static_cast<int>(file_.integer(table + ".max_iterations"));
  return solver;
}

FieldName Reader::field_name(const std::string& table) const {
  if (file_.has(table + ".name")) return named(field_names, file_.text(table + ".name"));
  return file_.has(table + ".velocity") ? FieldName::expression : FieldName::zero;
}

namespace {

/// The keys that each closed form takes.
std::set<std::string> keys_of(FieldName name) {
  switch (name) {
    case FieldName::taylor_green:
      return {"amplitude", "wavenumber", "mean_velocity"};
    case FieldName::ethier_steinman:
      return {"a", "d"};
    case FieldName::abc:
      return {"amplitude", "wavenumber", "coefficients"};
    case FieldName::channel:
      return {"amplitude", "perturbation", "seed"};
    case FieldName::shear_layer:
      return {"amplitude", "thickness", "perturbation"};
    case FieldName::womersley:
      return {"amplitude", "frequency"};
    case FieldName::poiseuille:
    case FieldName::couette:
    case FieldName::duct:
      return {"amplitude"};
    case FieldName::expression:
      return {"velocity", "pressure"};
    default:
      return {};
  }
}

}  // namespace

FieldSettings Reader::field(const std::string& table, bool initial) const {
  FieldSettings f;
  f.name = field_name(table);
  const std::set<std::string> known = keys_of(f.name);
  for (const std::string& key : file_.names(table))
    if (key != "name" && !known.contains(key))
      refuse(table + "." + key, fmt::format("{} takes no {}", to_string(f.name), key));
  if (f.name == FieldName::shear_layer) f.perturbation = 0.05;
  const auto number = [&](const char* key, double& value) {
    if (file_.has(fmt::format("{}.{}", table, key))) value = file_.number(fmt::format("{}.{}", table, key));
  };
  number("amplitude", f.amplitude);
  number("wavenumber", f.wavenumber);
  number("a", f.a);
  number("d", f.d);
  number("thickness", f.thickness);
  number("frequency", f.frequency);
  number("perturbation", f.perturbation);
  if (file_.has(table + ".seed")) f.seed = static_cast<std::uint64_t>(file_.integer(table + ".seed"));
  if (file_.has(table + ".mean_velocity")) f.mean_velocity = constant_vector(table + ".mean_velocity");
  if (file_.has(table + ".coefficients")) {
    const std::vector<double> list = file_.numbers(table + ".coefficients");
    std::copy_n(list.begin(), 3, f.coefficients.begin());
  }
  if (f.name == FieldName::expression) f.velocity = vector(table + ".velocity");
  f.pressure_given = file_.has(table + ".pressure");
  if (f.pressure_given) f.pressure = expression(table + ".pressure");
  check_field(table, f, initial);
  return f;
}

void Reader::check_field(const std::string& table, const FieldSettings& f, bool initial) const {
  const std::string path = table + ".name", name = to_string(f.name);
  const bool spatial = f.name == FieldName::ethier_steinman || f.name == FieldName::abc || f.name == FieldName::duct;
  if (spatial && s_.dimension == 2) refuse(path, fmt::format("{} is a flow in three dimensions", name));
  if (!initial && f.name == FieldName::zero) refuse(table, "give the name of a closed form, or velocity");
  if (!initial && f.name == FieldName::taylor_green && s_.dimension == 3)
    refuse(path, "taylor-green has an exact solution in two dimensions only");
  if (f.name == FieldName::zero || f.name == FieldName::channel || f.name == FieldName::shear_layer ||
      f.name == FieldName::expression)
    return;
  if (!s_.fluid.constant_viscosity()) refuse(path, fmt::format("{} needs a constant viscosity", name));
  const bool divides = f.name == FieldName::kovasznay || f.name == FieldName::womersley ||
                       f.name == FieldName::poiseuille || f.name == FieldName::duct;
  if (divides && s_.fluid.viscosity.zero()) refuse(path, fmt::format("{} needs a viscosity above 0", name));
}

void Reader::scalars() {
  for (const std::string& name : file_.names("scalars")) s_.scalars.push_back(scalar(name));
}

ScalarSettings Reader::scalar(const std::string& name) const {
  const std::string table = "scalars." + name;
  static const std::set<std::string> taken{"velocity", "pressure", "vorticity", "x", "y",    "z",   "t",
                                           "u",        "v",        "w",         "p", "time", "step"};
  if (taken.contains(name)) refuse(table, fmt::format("a scalar cannot be named {}: the name is taken", name));
  ScalarSettings scalar;
  scalar.name = name;
  scalar.diffusivity = expression(table + ".diffusivity");
  scalar.source = expression(table + ".source");
  scalar.initial = expression(table + ".initial");
  if (file_.text(table + ".advection") == "limited") scalar.advection = Advection::limited;
  scalar.expansion = file_.number(table + ".expansion");
  scalar.reference = file_.number(table + ".reference");
  if (scalar.expansion != 0.0 && s_.force.gravity == std::array<double, 3>{})
    refuse(table + ".expansion", "buoyancy needs force.gravity");
  scalar.exact_given = file_.has(table + ".exact");
  if (scalar.exact_given) scalar.exact = expression(table + ".exact");
  for (const std::string& face : file_.names(table + ".boundary"))
    if (face[0] == 'z' && s_.dimension == 2)
      refuse(fmt::format("{}.boundary.{}", table, face), "there is no such face: the grid has no z axis");
  for (int face = 0; face < 2 * s_.dimension; ++face)
    scalar.boundary[face] = scalar_boundary(table + ".boundary", face);
  return scalar;
}

ScalarBoundarySettings Reader::scalar_boundary(const std::string& table, int face) const {
  ScalarBoundarySettings entry;
  const BoundaryType flow = s_.boundary[face].type;
  const std::string own = fmt::format("{}.{}", table, face_name(face));
  if (flow == BoundaryType::periodic && !file_.has(own)) {
    entry.type = ScalarBoundaryType::periodic;
    return entry;
  }
  const std::string path = entry_path(file_, table, face);
  if (path.empty()) refuse(own, "missing: the face has no entry and there is no default");
  const std::string type = file_.text(path + ".type");
  entry.type = named(scalar_boundary_names, type);
  if ((entry.type == ScalarBoundaryType::periodic) != (flow == BoundaryType::periodic))
    refuse(path + ".type",
           fmt::format("{} does not go with boundary.{} of type {}", type, face_name(face), to_string(flow)));
  if (entry.type == ScalarBoundaryType::outflow && flow != BoundaryType::outflow && flow != BoundaryType::pressure)
    refuse(path + ".type", fmt::format("outflow stands on faces of type outflow or pressure; {} is {}", face_name(face),
                                       to_string(flow)));
  const bool valued = entry.type == ScalarBoundaryType::fixed_value || entry.type == ScalarBoundaryType::fixed_flux;
  if (file_.has(path + ".value")) {
    if (!valued) refuse(path + ".value", fmt::format("a face of type {} takes no value", type));
    entry.value = expression(path + ".value");
  } else if (valued) {
    refuse(path + ".value", fmt::format("missing: {} needs its value", type));
  }
  return entry;
}

}  // namespace detail
}  // namespace kolmo::flow
