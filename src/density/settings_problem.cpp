// The part of a density case that says what is solved: variables, drift, noise, start and exact density.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/density/exact.hpp"
#include "settings_reader.hpp"

namespace kolmo::density::detail {

int Reader::dimension_from_keys() const {
  const bool listed = file_.has("problem.variables");
  const int count = listed ? static_cast<int>(file_.texts("problem.variables").size()) : 0;
  if (listed && (count < 1 || count > 100))
    refuse("problem.variables", fmt::format("expected 1 to 100 names (given {})", count));
  if (file_.has("problem.dimension")) {
    const int given = static_cast<int>(file_.integer("problem.dimension"));
    if (listed && given != count)
      refuse("problem.dimension", fmt::format("there are {} variables (given {})", count, given));
    return given;
  }
  return listed ? count : std::max(1, file_.size("problem.drift"));
}

namespace {

/// Whether an expression would take the name for a function: sin(1) has a value, atan2(1) too few arguments.
bool is_function(const std::string& name) {
  try {
    (void)Expression(name + "(1)", {}, {});
    return true;
  } catch (const ExpressionError& error) {
    return error.reason().find("unknown name") == std::string::npos;
  }
}

}  // namespace

void Reader::variables() {
  const int count = dimension_from_keys();
  if (count > 100) refuse("problem.drift", fmt::format("at most 100 variables (given {})", count));
  if (file_.has("problem.variables"))
    definition_.variables = file_.texts("problem.variables");
  else
    for (int i = 1; i <= count; ++i) definition_.variables.push_back(fmt::format("x{}", i));
  std::vector<std::string> taken{"t", "pi", "e", "default", "processes"};
  for (const std::string& name : definition_.variables) {
    if (std::count(taken.begin(), taken.end(), name))
      refuse("problem.variables", fmt::format("a variable cannot be named \"{}\": the name is taken", name));
    taken.push_back(name);
    const bool plain = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) &&
                       std::all_of(name.begin(), name.end(),
                                   [](unsigned char c) { return c < 0x80 && (std::isalnum(c) || c == '_'); });
    if (!plain || is_function(name))
      refuse("problem.variables",
             fmt::format("\"{}\" cannot be the name of a variable: letters, digits and _, a letter "
                         "first, and not the name of a function",
                         name));
    if (file_.parameters().contains(name))
      refuse("problem.parameters." + name, fmt::format("a parameter cannot be named \"{}\": it is a variable", name));
  }
  variables_ = definition_.variables;
  variables_.push_back("t");
}

void Reader::coefficients() {
  ExpressionTensor drift = file_.tensor("problem.drift", variables_);
  if (drift.depth == 2) refuse("problem.drift", "expected a list with one entry per variable (given a list of lists)");
  expect_entries("problem.drift", drift.entries.size());
  definition_.drift = std::move(drift.entries);
  noise_or_diffusion();
  if (!file_.has("problem.potential")) return;
  definition_.stationary_potential = file_.expression("problem.potential", definition_.variables);
  definition_.potential_given = true;
}

void Reader::noise_or_diffusion() {
  const bool noise = file_.has("problem.noise");
  if (noise && file_.has("problem.diffusion")) refuse("problem.diffusion", "give exactly one of noise and diffusion");
  if (!noise && !file_.has("problem.diffusion"))
    refuse("problem.noise", "missing: give exactly one of noise and diffusion");
  const std::string path = noise ? "problem.noise" : "problem.diffusion";
  ExpressionTensor tensor = file_.tensor(path, variables_);
  const int n = dimension();
  if (tensor.depth == 1) expect_entries(path, tensor.entries.size());
  if (tensor.depth == 2) {
    if (tensor.rows != n || tensor.columns < 1 || (!noise && tensor.columns != n))
      refuse(path,
             fmt::format("expected {} rows{} (given {} rows of {})", n,
                         noise ? ", one per variable" : fmt::format(" of {} entries", n), tensor.rows, tensor.columns));
    if (noise) definition_.noise_columns = tensor.columns;
  }
  if (std::all_of(tensor.entries.begin(), tensor.entries.end(), [](const Expression& e) { return e.zero(); }))
    refuse(path, "is zero everywhere: there is no noise");
  for (const Expression& entry : tensor.entries)
    if (!noise && tensor.depth < 2 && entry.constant() && entry.value() < 0.0)
      refuse(path, fmt::format("must be >= 0 (given {})", entry.value()));
  (noise ? definition_.noise : definition_.diffusion) = std::move(tensor.entries);
}

GaussianComponent Reader::component(const std::string& table) const {
  GaussianComponent result;
  result.mean = file_.numbers(table + ".mean");
  expect_entries(table + ".mean", result.mean.size());
  const std::size_t n = result.mean.size();
  const std::string variance = table + ".variance", covariance = table + ".covariance";
  if (file_.has(variance) == file_.has(covariance))
    refuse(file_.has(variance) ? covariance : table, "give exactly one of variance and covariance");
  result.covariance.assign(n * n, 0.0);
  if (file_.has(variance)) {
    const std::vector<double> values = file_.numbers(variance);
    expect_entries(variance, values.size());
    for (std::size_t i = 0; i < n; ++i) result.covariance[i * n + i] = values[i];
    return result;
  }
  const std::vector<std::vector<double>> rows = file_.number_rows(covariance);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.size() != n || rows[i].size() != n)
      refuse(covariance, fmt::format("expected {} rows of {} entries (given {} rows, row {} of {})", n, n, rows.size(),
                                     i + 1, rows[i].size()));
    std::copy(rows[i].begin(), rows[i].end(), result.covariance.begin() + static_cast<std::ptrdiff_t>(i * n));
  }
  if (rows.empty()) refuse(covariance, fmt::format("expected {} rows (given 0)", n));
  try {
    (void)gaussian(result.mean, result.covariance);
  } catch (const InputError& error) {
    refuse(covariance, error.what());
  }
  return result;
}

std::shared_ptr<const InitialDensity> Reader::product() const {
  const std::string path = "problem.initial.factors";
  std::vector<Expression> factors;
  const std::vector<Expression> all = file_.expressions(path, definition_.variables);
  expect_entries(path, all.size());
  std::vector<double> low, high;
  for (int i = 0; i < dimension(); ++i) {
    for (int j = 0; j < dimension(); ++j)
      if (j != i && all[i].depends_on(definition_.variables[j]))
        refuse(path, fmt::format("factor {} may depend on {} only (given \"{}\")", i + 1, definition_.variables[i],
                                 all[i].text()));
    factors.push_back(all[i].constant() ? all[i]
                                        : Expression(all[i].text(), file_.parameters(), {definition_.variables[i]}));
    low.push_back(Axis(s_.axes[i]).from());
    high.push_back(Axis(s_.axes[i]).to());
  }
  try {
    return product_density(std::move(factors), std::move(low), std::move(high));
  } catch (const InputError& error) {
    refuse(path, error.what());
  }
}

std::shared_ptr<const InitialDensity> Reader::initial_density(const std::string& type) const {
  const std::string table = "problem.initial";
  if (type == "gaussian") {
    GaussianComponent one = component(table);
    return gaussian(std::move(one.mean), std::move(one.covariance));
  }
  if (type == "product") return product();
  if (type == "expression")
    return expression_density(dimension(), file_.expression(table + ".density", variables_),
                              file_.number("time.start"));
  const int count = file_.size(table + ".components");
  if (count == 0) refuse(table + ".components", "missing: a mixture needs its components");
  std::vector<double> weights;
  std::vector<std::vector<double>> means, covariances;
  for (int k = 0; k < count; ++k) {
    const std::string path = fmt::format("{}.components[{}]", table, k);
    GaussianComponent one = component(path);
    weights.push_back(file_.number(path + ".weight"));
    means.push_back(std::move(one.mean));
    covariances.push_back(std::move(one.covariance));
  }
  try {
    return gaussian_mixture(std::move(weights), std::move(means), std::move(covariances));
  } catch (const InputError& error) {
    refuse(table + ".components", error.what());
  }
}

namespace {

/// The keys that each type of start takes.
std::vector<std::string> keys_of(const std::string& type) {
  if (type == "gaussian") return {"mean", "variance", "covariance"};
  if (type == "mixture") return {"components"};
  if (type == "product") return {"factors"};
  if (type == "file") return {"file", "step", "time"};
  return {"density"};
}

}  // namespace

void Reader::initial() {
  const std::string table = "problem.initial";
  if (!file_.has(table)) {
    if (!file_.flag("time.stationary")) refuse(table, "missing: give the density at the start");
    definition_.initial = expression_density(dimension(), Expression(1.0));  // a first guess
    return;
  }
  const std::string type = file_.text(table + ".type");
  const std::vector<std::string> known = keys_of(type);
  for (const std::string& key : file_.names(table))
    if (key != "type" && key != "mass_outside" && !std::count(known.begin(), known.end(), key))
      refuse(table + "." + key, fmt::format("{} takes no {}", type, key));
  s_.mass_outside = file_.number(table + ".mass_outside");
  if (type != "file") {
    definition_.initial = initial_density(type);
    return;
  }
  s_.initial_file = file_.file_path(table + ".file");
  if (file_.has(table + ".step")) s_.initial_step = file_.integer(table + ".step");
  if (file_.has(table + ".time")) s_.initial_time = file_.number(table + ".time");
  if (s_.initial_step && s_.initial_time) refuse(table + ".time", "give either step or time");
}

void Reader::exact() {
  definition_.exact = exact_density();
  if (definition_.exact) s_.problem = Problem(definition_);
}

namespace {

/// With steps like those of the run, as far as they are known and can be paid for.
RunTimes run_times(const TimeSettings& time) {
  const double length = time.end - time.start;
  if (!(length > 0.0)) return time.start;
  double step = length / 1000.0;
  if (time.max_step > 0.0) step = std::min(step, time.max_step);
  return {time.start, time.end, std::max(time.step.value_or(step), length / 20000.0)};
}

}  // namespace

std::shared_ptr<const ExactDensity> Reader::exact_density() const {
  const std::string path = "problem.exact";
  std::vector<double> low, high, widths;
  for (const AxisSpec& spec : s_.axes) {
    const Axis axis(spec);
    low.push_back(axis.from());
    high.push_back(axis.to());
    widths.push_back(axis.min_width());
  }
  if (!file_.has(path)) return definition_.potential_given ? potential_exact(s_.problem, widths) : nullptr;
  const std::vector<std::string> given = file_.names(path);
  if (given.size() > 1) refuse(path, "give either stationary or density");
  if (!given.empty())
    return given.front() == "density"
               ? formula_exact(dimension(), file_.expression(path + ".density", variables_), widths)
               : stationary_exact(dimension(), file_.expression(path + ".stationary", definition_.variables), widths);
  const std::string name = file_.text(path);
  try {
    if (name == "auto") return automatic_exact(s_.problem, run_times(s_.time), low.data(), high.data(), widths);
    if (name == "eigenexpansion") return eigenexpansion_exact(s_.problem, s_.time.start, low.data(), high.data());
    if (name == "gaussian") return gaussian_exact(s_.problem, run_times(s_.time));
    if (name == "benes") return benes_exact(s_.problem, s_.time.start);
    if (name == "potential") return potential_exact(s_.problem, widths);
  } catch (const InputError& error) {
    refuse(path, fmt::format("{} {}", name, error.what()));
  }
  refuse(path, "give a name, or a table with stationary or density");
}

}  // namespace kolmo::density::detail
