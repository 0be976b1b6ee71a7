#include "kolmo/density/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kolmo/grid/axis_keys.hpp"
#include "settings_reader.hpp"

namespace kolmo::density {

const Names<FluxKind> flux_names{{FluxKind::fitted, "fitted"},
                                 {FluxKind::fitted4, "fitted4"},
                                 {FluxKind::central, "central"},
                                 {FluxKind::limited, "limited"}};
const Names<Coefficients> coefficient_names{
    {Coefficients::automatic, "auto"}, {Coefficients::stored, "stored"}, {Coefficients::recomputed, "recomputed"}};
const Names<Scheme> scheme_names{{Scheme::automatic, "auto"},
                                 {Scheme::backward_euler, "backward-euler"},
                                 {Scheme::crank_nicolson, "crank-nicolson"},
                                 {Scheme::tr_bdf2, "tr-bdf2"},
                                 {Scheme::splitting, "splitting"},
                                 {Scheme::ssp_rk2, "ssp-rk2"},
                                 {Scheme::ssp_rk3, "ssp-rk3"}};
const Names<LinearMethod> method_names{{LinearMethod::automatic, "auto"},
                                       {LinearMethod::boxmg, "boxmg"},
                                       {LinearMethod::gmres, "gmres"},
                                       {LinearMethod::aij, "aij"}};

namespace {

const Names<BoundaryType> boundary_names{{BoundaryType::no_flux, "no-flux"},
                                         {BoundaryType::absorbing, "absorbing"},
                                         {BoundaryType::periodic, "periodic"},
                                         {BoundaryType::inflow, "inflow"}};

std::string face_of(const std::vector<std::string>& variables, int face) {
  return variables[face / 2] + (face % 2 == 0 ? "_min" : "_max");
}

}  // namespace

const std::vector<std::string>& exact_names() {
  static const std::vector<std::string> names{"auto", "gaussian", "benes", "eigenexpansion", "potential"};
  return names;
}
const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names{"density", "log_density", "flux", "score"};
  return names;
}

std::string to_string(BoundaryType type) { return name_of(boundary_names, type); }
std::string to_string(FluxKind flux) { return name_of(flux_names, flux); }
std::string to_string(Coefficients coefficients) { return name_of(coefficient_names, coefficients); }
std::string to_string(Scheme scheme) { return name_of(scheme_names, scheme); }
std::string to_string(LinearMethod method) { return name_of(method_names, method); }
bool is_explicit(Scheme scheme) { return scheme == Scheme::ssp_rk2 || scheme == Scheme::ssp_rk3; }
std::string face_name(const Problem& problem, int face) { return face_of(problem.variables(), face); }

Settings read_settings(const CaseFile& file) { return detail::Reader(file).read(); }

namespace detail {

std::string entry_path(const CaseFile& file, const std::vector<std::string>& variables, int face) {
  const std::string own = "boundary." + face_of(variables, face), common = "boundary.default";
  if (file.has(own)) return own;
  return file.has(common) ? common : "";
}

Settings Reader::read() {
  s_.title = file_.text("case.title");
  variables();
  engine();
  coefficients();
  grid();
  initial();
  boundaries();
  time();
  output();
  s_.problem = Problem(definition_);
  scheme_limits();
  exact();
  if (s_.time.stationary) stationary();
  return std::move(s_);
}

void Reader::refuse(const std::string& path, const std::string& reason) const { throw file_.error_at(path, reason); }

void Reader::expect_entries(const std::string& path, std::size_t count) const {
  const int expected = dimension();
  if (static_cast<int>(count) != expected)
    refuse(path, fmt::format("expected {} entries, one per variable (given {})", expected, count));
}

void Reader::grid() {
  const std::vector<std::string>& names = definition_.variables;
  for (const std::string& name : file_.names("grid")) {
    if (name == "processes" || std::count(names.begin(), names.end(), name)) continue;
    const std::string near = nearest_name(name, names);
    refuse("grid." + name,
           fmt::format("there is no such variable ({})", near.empty() ? fmt::format("known: {}", fmt::join(names, ", "))
                                                                      : fmt::format("did you mean {}?", near)));
  }
  for (const std::string& name : names) {
    if (!file_.has("grid." + name)) refuse("grid." + name, "missing: the grid needs an entry for every variable");
    s_.axes.push_back(read_axis(file_, "grid." + name));
  }
  s_.processes.assign(names.size(), 0);
  if (!file_.has("grid.processes")) return;
  const std::vector<std::int64_t> processes = file_.integers("grid.processes");
  expect_entries("grid.processes", processes.size());
  std::copy(processes.begin(), processes.end(), s_.processes.begin());
}

BoundarySettings Reader::boundary_entry(const std::string& path) const {
  BoundarySettings entry;
  if (path.empty()) return entry;
  const std::string type = file_.text(path + ".type");
  entry.type = named(boundary_names, type);
  const bool inflow = entry.type == BoundaryType::inflow;
  if (file_.has(path + ".density") != inflow)
    refuse(path + ".density",
           inflow ? "missing: inflow needs its density" : fmt::format("a face of type {} takes no density", type));
  if (inflow) entry.density = file_.expression(path + ".density", variables_);
  return entry;
}

void Reader::boundaries() {
  const std::vector<std::string>& names = definition_.variables;
  std::vector<std::string> faces{"default"};
  for (int face = 0; face < 2 * dimension(); ++face) faces.push_back(face_of(names, face));
  for (const std::string& name : file_.names("boundary")) {
    if (std::count(faces.begin(), faces.end(), name)) continue;
    const std::string near = nearest_name(name, faces);
    refuse("boundary." + name,
           fmt::format("there is no such face ({})", near.empty() ? "faces are named after their variable, x_min, x_max"
                                                                  : fmt::format("did you mean {}?", near)));
  }
  for (int face = 0; face < 2 * dimension(); ++face)
    s_.boundary.push_back(boundary_entry(entry_path(file_, names, face)));
  for (int d = 0; d < dimension(); ++d) {
    const bool low = s_.boundary[2 * d].type == BoundaryType::periodic,
               high = s_.boundary[2 * d + 1].type == BoundaryType::periodic;
    if (low != high) {
      const int one = low ? 2 * d : 2 * d + 1, other = low ? 2 * d + 1 : 2 * d;
      refuse(entry_path(file_, names, one) + ".type",
             fmt::format("periodic on one side only: {} is {}", faces[other + 1], to_string(s_.boundary[other].type)));
    }
    s_.axes[d].periodic = low;
  }
}

void Reader::engine() {
  s_.engine = file_.text("engine.name");
  s_.flux = named(flux_names, file_.text("engine.flux"));
  s_.coefficients = named(coefficient_names, file_.text("engine.coefficients"));
  constexpr int largest = 6;
  if (dimension() > largest) {
    const char* known[] = {"problem.variables", "problem.dimension", "problem.drift"};
    for (const char* path : known)
      if (file_.has(path))
        refuse(path, fmt::format("the grid engine goes up to {} dimensions (given {})", largest, dimension()));
  }
}

void Reader::time() {
  TimeSettings& time = s_.time;
  time.stationary = file_.flag("time.stationary");
  time.start = file_.number("time.start");
  if (time.stationary) {
    for (const char* key :
         {"scheme", "step", "tolerance", "cfl", "min_step", "max_step", "end", "max_steps", "steady_tolerance"})
      if (file_.has(std::string("time.") + key))
        refuse(std::string("time.") + key, "a stationary solve takes no time steps");
    time.end = time.start;
    return;
  }
  time.scheme = named(scheme_names, file_.text("time.scheme"));
  if (s_.flux == FluxKind::limited && !is_explicit(time.scheme))
    refuse("engine.flux", fmt::format("limited goes with the explicit schemes ssp-rk2 and ssp-rk3, not with {}",
                                      to_string(time.scheme)));
  step_size();
  time.end = file_.number("time.end");
  if (!(time.end > time.start))
    refuse("time.end", fmt::format("must be above start = {} (given {})", time.start, time.end));
  constexpr double most_steps = 1e15;  // t + dt is t not far beyond
  const double span = std::max({time.end - time.start, std::abs(time.start), std::abs(time.end)});
  for (const char* key : {"time.step", "time.max_step"})
    if (file_.has(key) && file_.number(key) * most_steps < span)
      refuse(key, fmt::format("is nothing beside the length of the run: at least {:.3g} (given {})", span / most_steps,
                              file_.number(key)));
  if (file_.has("time.max_steps")) time.max_steps = file_.integer("time.max_steps");
  time.steady_tolerance = file_.number("time.steady_tolerance");
}

void Reader::step_size() {
  TimeSettings& time = s_.time;
  const bool explicit_scheme = is_explicit(time.scheme);
  if (file_.has("time.step")) {
    time.step = file_.number("time.step");
    for (const char* key : {"time.tolerance", "time.cfl", "time.min_step", "time.max_step"})
      if (file_.has(key)) refuse(key, "the step is fixed by time.step: give one of them");
  }
  if (file_.has("time.cfl")) {
    if (!explicit_scheme)
      refuse("time.cfl",
             fmt::format("only explicit schemes take a cfl: {} takes step or tolerance", to_string(time.scheme)));
    time.cfl = file_.number("time.cfl");
  }
  if (file_.has("time.tolerance")) {
    if (explicit_scheme)
      refuse("time.tolerance", fmt::format("{} takes step or cfl, not tolerance", to_string(time.scheme)));
    time.tolerance = file_.number("time.tolerance");
  } else if (!time.step && !explicit_scheme) {
    time.tolerance = 1e-4;
  }
  if (file_.has("time.min_step")) time.min_step = file_.number("time.min_step");
  if (file_.has("time.max_step")) time.max_step = file_.number("time.max_step");
  if (time.max_step > 0.0 && time.max_step < time.min_step)
    refuse("time.max_step", fmt::format("must be at least min_step = {} (given {})", time.min_step, time.max_step));
}

void Reader::stationary() const {
  for (int face = 0; face < 2 * dimension(); ++face) {
    const BoundaryType type = s_.boundary[face].type;
    if (type == BoundaryType::absorbing || type == BoundaryType::inflow)
      refuse(entry_path(file_, definition_.variables, face) + ".type",
             fmt::format("a stationary density needs all mass to stay, and {} is {}",
                         face_of(definition_.variables, face), to_string(type)));
  }
  if (!s_.problem.autonomous())
    refuse("time.stationary", "drift or diffusion depends on t: there is no stationary density");
}

Schedule Reader::schedule(const std::string& table) const {
  Schedule schedule;
  if (file_.has(table + ".every_steps")) schedule.every_steps = file_.integer(table + ".every_steps");
  if (file_.has(table + ".every_time")) schedule.every_time = file_.number(table + ".every_time");
  if (schedule.every_steps > 0 && schedule.every_time > 0.0)
    refuse(table + ".every_time", "give either every_time or every_steps");
  return schedule;
}

void Reader::output() {
  OutputSettings& out = s_.output;
  if (file_.has("output.directory")) {
    out.directory = file_.text("output.directory");
    if (out.directory.empty()) refuse("output.directory", "must not be empty");
  }
  if (file_.has("output.fields")) {
    out.fields = schedule("output.fields");
    out.field_names = file_.texts("output.fields.names");
    out.float64 = file_.text("output.fields.precision") == "float64";
  }
  if (const Schedule series = schedule("output.series"); series.active()) out.series = series;
  out.checkpoint = schedule("output.checkpoint");
  if (file_.has("output.checkpoint.every_wall_time"))
    out.checkpoint_every_wall_time = file_.number("output.checkpoint.every_wall_time");
  out.checkpoint_keep = static_cast<int>(file_.integer("output.checkpoint.keep"));
  s_.solver.method = named(method_names, file_.text("solver.method"));
  s_.solver.tolerance = file_.number("solver.tolerance");
  s_.solver.max_iterations = static_cast<int>(file_.integer("solver.max_iterations"));
  marginals();
  slices();
}

int Reader::variable(const std::string& path, const std::string& name) const {
  const std::vector<std::string>& names = definition_.variables;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    refuse(path, fmt::format("unknown variable \"{}\" (known: {})", name, fmt::join(names, ", ")));
  return static_cast<int>(found - names.begin());
}

void Reader::marginals() {
  const std::string path = "output.marginals";
  for (const std::vector<std::string>& row : file_.text_rows(path)) {
    if (row.empty() || row.size() > 2 || (row.size() == 2 && row[0] == row[1]))
      refuse(path, fmt::format("each entry names one or two different variables (given {})", row.size()));
    s_.output.marginals.emplace_back();
    for (const std::string& name : row) s_.output.marginals.back().push_back(variable(path, name));
  }
}

void Reader::slices() {
  for (int k = 0; k < file_.size("output.slices"); ++k) {
    const std::string path = fmt::format("output.slices[{}]", k);
    SliceSettings slice;
    slice.name = file_.text(path + ".name");
    const bool plain = !slice.name.empty() && std::all_of(slice.name.begin(), slice.name.end(), [](unsigned char c) {
      return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
    });
    if (!plain) refuse(path + ".name", "a name is made of letters, digits, _ and -");
    for (const SliceSettings& other : s_.output.slices)
      if (other.name == slice.name) refuse(path + ".name", fmt::format("the name {} is given twice", slice.name));
    const std::vector<std::string> names = file_.texts(path + ".variables");
    for (const std::string& name : names) slice.variables.push_back(variable(path + ".variables", name));
    const std::set<int> different(slice.variables.begin(), slice.variables.end());
    const int count = static_cast<int>(names.size());
    if (count < 2 || count > 3 || count >= dimension() || static_cast<int>(different.size()) != count)
      refuse(path + ".variables",
             fmt::format("name two or three different variables, fewer than the {} there are (given {})", dimension(),
                         count));
    const std::vector<double> at = file_.numbers(path + ".at");
    if (static_cast<int>(at.size()) != dimension() - count)
      refuse(path + ".at",
             fmt::format("expected {} values, one per other variable (given {})", dimension() - count, at.size()));
    slice.at.assign(dimension(), 0.0);
    std::size_t next = 0;
    for (int d = 0; d < dimension(); ++d) {
      if (different.count(d)) continue;
      const double x = slice.at[d] = at[next++];
      const Axis axis(s_.axes[d]);
      if (!(x >= axis.from() && x <= axis.to()))
        refuse(path + ".at",
               fmt::format("{} = {} is not in {} .. {}", definition_.variables[d], x, axis.from(), axis.to()));
    }
    s_.output.slices.push_back(std::move(slice));
  }
}

}  // namespace detail
}  // namespace kolmo::density
