#include "density_output.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kolmo/base/phase.hpp"

namespace kolmo::drivers {

namespace {

using density::BoundaryType;

bool lets_out(BoundaryType type) { return type == BoundaryType::absorbing || type == BoundaryType::inflow; }

}  // namespace

template <int Dim>
DensityOutput<Dim>::DensityOutput(density::GridEngine<Dim>& engine, const io::RunFolder& folder, const Before& before,
                                  bool resume)
    : engine_(engine),
      folder_(folder),
      before_(before),
      quantities_(engine.grid(), engine.decomposition()),
      fields_due_(engine.settings().output.fields, engine.settings().time.start),
      series_due_(engine.settings().output.series, engine.settings().time.start),
      recorder_(engine.decomposition().comm(), "") {
  if (engine.problem().exact()) comparison_.emplace(quantities_, *engine.problem().exact());
  const auto last = kept(fields_due_, resume);
  if (!engine.settings().output.field_names.empty()) fields_.emplace(engine, quantities_, folder, last);
  marginals_.emplace(engine, quantities_, comparison_ ? &*comparison_ : nullptr, folder, last);
  slices_.emplace(engine, comparison_ ? &*comparison_ : nullptr, folder, last);
  add_series();
  recorder_.open(folder.diagnostics(), kept(series_due_, resume));
}

/// The last step whose output stays when the run goes on; nothing where it begins anew.
template <int Dim>
std::optional<std::int64_t> DensityOutput<Dim>::kept(const Due& due, bool resume) const {
  if (!resume) return {};
  return due.kept(engine_.step_count(), engine_.time(), engine_.last_step());
}

template <int Dim>
bool DensityOutput<Dim>::due_now(const Due& due) const {
  return engine_.step_count() == 0 || due.now(engine_.step_count(), engine_.time(), engine_.last_step());
}

template <int Dim>
double DensityOutput<Dim>::escaped() const {
  double sum = 0.0;
  for (const double part : engine_.escaped()) sum += part;
  return sum;
}

template <int Dim>
void DensityOutput<Dim>::add_series() {
  recorder_.add("dt", "", [this] { return engine_.last_step(); });
  add_integrals();
  const density::Problem& problem = engine_.problem();
  for (int face = 0; face < 2 * Dim; ++face)
    if (lets_out(engine_.settings().boundary[face].type))
      recorder_.add("escaped_" + density::face_name(problem, face), "",
                    [this, face] { return engine_.escaped()[face]; });
  if (comparison_)
    recorder_.add({{"cell_rel_l1", ""}, {"cell_rel_l2", ""}, {"kl", ""}}, [this](std::span<double> into) {
      const density::CellDistance d = comparison_->cells(engine_.density(), engine_.time());
      into[0] = d.rel_l1;
      into[1] = d.rel_l2;
      into[2] = d.kl;
    });
  add_fluxes();
  recorder_.add({{"fallbacks", ""}, {"repairs", ""}, {"dropped_mass", ""}, {"mass_correction", ""}},
                [this](std::span<double> into) {
                  const density::LineCounts now = engine_.line_counts();
                  into[0] = static_cast<double>(before_.lines.fallbacks + now.fallbacks);
                  into[1] = static_cast<double>(before_.lines.repairs + now.repairs);
                  into[2] = engine_.dropped_mass();
                  into[3] = engine_.mass_correction();
                });
}

template <int Dim>
void DensityOutput<Dim>::add_integrals() {
  const std::vector<std::string>& names = engine_.problem().variables();
  std::vector<io::Column> columns;
  for (const char* name : {"mass", "mass_error", "escaped", "negative_mass", "min_density", "max_density", "entropy"})
    columns.push_back({name, ""});
  for (int d = 0; d < Dim; ++d) columns.push_back({"mean_" + names[d], ""});
  for (int d = 0; d < Dim; ++d)
    for (int e = d; e < Dim; ++e)
      columns.push_back({d == e ? "variance_" + names[d] : fmt::format("covariance_{}_{}", names[d], names[e]), ""});
  recorder_.add(std::move(columns), [this](std::span<double> into) {
    const density::Integrals<Dim> numbers = quantities_.integrals(engine_.density());
    const double all = escaped();
    std::size_t at = 0;
    for (const double value : {numbers.mass, std::abs(numbers.mass + all - before_.initial_mass), all,
                               numbers.negative_mass, numbers.min_density, numbers.max_density, numbers.entropy})
      into[at++] = value;
    for (const double mean : numbers.mean) into[at++] = mean;
    for (int d = 0; d < Dim; ++d)
      for (int e = d; e < Dim; ++e) into[at++] = numbers.covariance[d][e];
  });
}

template <int Dim>
void DensityOutput<Dim>::add_fluxes() {
  recorder_.add({{"max_flux", ""}, {"entropy_production", ""}}, [this](std::span<double> into) {
    density::FluxNumbers numbers;
    if constexpr (Dim <= 3) {
      engine_.flux(flux_);
      numbers = quantities_.flux_numbers(engine_.problem(), engine_.time(), engine_.density(), flux_);
    } else {
      numbers = quantities_.flux_numbers(engine_.problem(), engine_.time(), engine_.density());
    }
    into[0] = numbers.largest;
    into[1] = numbers.entropy_production;
  });
}

template <int Dim>
void DensityOutput<Dim>::after_step() {
  if (due_now(series_due_)) recorder_.record(engine_.step_count(), engine_.time());
  if (due_now(fields_due_)) write_functions(false);
}

template <int Dim>
void DensityOutput<Dim>::write_functions(bool last) {
  static const Phase phase("output");
  const Phase::Scope scope(phase);
  if (fields_ && written_step_ != engine_.step_count()) fields_->write();
  if (written_step_ != engine_.step_count()) slices_->write();
  if (last || written_step_ != engine_.step_count()) marginals_->write(last);
  written_step_ = engine_.step_count();
}

template <int Dim>
void DensityOutput<Dim>::finish() {
  write_functions(true);
  if (!due_now(series_due_)) recorder_.record(engine_.step_count(), engine_.time());
}

template <int Dim>
void DensityOutput<Dim>::summarise(io::Tree& summary, std::vector<std::string>& lines) {
  const density::Integrals<Dim> numbers = quantities_.integrals(engine_.density());
  mass_error_ = std::abs(numbers.mass + escaped() - before_.initial_mass);
  summary["mass"] = numbers.mass;
  summary["initial_mass"] = before_.initial_mass;
  summary["escaped"] = escaped();
  summary["mass_error"] = mass_error_;
  summary["min_density"] = numbers.min_density;
  summary["negative_mass"] = numbers.negative_mass;
  summary["entropy"] = numbers.entropy;
  summary["mean"] = std::vector<double>(numbers.mean.begin(), numbers.mean.end());
  std::vector<double> variance;
  for (int d = 0; d < Dim; ++d) variance.push_back(numbers.covariance[d][d]);
  summary["variance"] = variance;
  summary["dropped_mass"] = engine_.dropped_mass();
  summary["mass_correction"] = engine_.mass_correction();
  if (engine_.stationary_change() > 0.0) summary["stationary_change"] = engine_.stationary_change();
  if (const density::LineCounts now = engine_.line_counts(); before_.lines.solves + now.solves > 0) {
    summary["line_solves"] = before_.lines.solves + now.solves;
    summary["fallbacks"] = before_.lines.fallbacks + now.fallbacks;
    summary["repairs"] = before_.lines.repairs + now.repairs;
  }
  if (!comparison_) return;
  static const Phase phase("errors");
  const Phase::Scope scope(phase);
  const density::ExactDensity& exact = *engine_.problem().exact();
  const density::CellDistance cells = comparison_->cells(engine_.density(), engine_.time());
  io::Tree& errors = summary["errors"];
  errors["against"] = exact.name();
  // Points within cells by the dozen: beyond four dimensions that would take longer than many a run.
  density::FunctionDistance function{cells.rel_l1, cells.rel_l2};
  if constexpr (Dim <= 4) {
    function = comparison_->function(engine_.density(), engine_.time());
    errors["rel_l1"] = function.rel_l1;
    errors["rel_l2"] = function.rel_l2;
  }
  errors["cell_rel_l1"] = cells.rel_l1;
  errors["cell_rel_l2"] = cells.rel_l2;
  errors["kl"] = cells.kl;
  errors["score"] = comparison_->score(engine_.density(), engine_.time());
  errors["exact_mass"] = comparison_->mass(engine_.time());
  lines.push_back(fmt::format("against the {} ({}): relative L1 {:.3e}, L2 {:.3e}, KL {:.3e}, score {:.3e}",
                              exact.transient() ? "exact density" : "stationary density", exact.name(), function.rel_l1,
                              function.rel_l2, cells.kl, errors.at("score").number()));
}

/// A copy with two ghosts across cuts for scores and errors, the fluxes up to 3-D, the averages of an exact density
/// that does not change, and what a checkpoint packs. Of a slice every rank has all: averages, exact ones and their sum
/// over the ranks; rank 0 what it writes too.
template <int Dim>
double DensityOutput<Dim>::memory_estimate(const density::Settings& settings, int ranks) {
  Index<Dim> cells, processes;
  for (int d = 0; d < Dim; ++d) cells[d] = settings.axes[d].cells;
  processes = Decomposition<Dim>::choose(ranks, cells);
  if (settings.processes.size() == Dim && settings.processes[0] > 0)
    std::copy_n(settings.processes.begin(), Dim, processes.begin());
  double all = ranks, ghosted = ranks;
  for (int d = 0; d < Dim; ++d) {
    const double here = (cells[d] + processes[d] - 1) / processes[d];
    all *= here;
    ghosted *= here + (processes[d] > 1 || settings.axes[d].periodic ? 4 : 0);
  }
  const bool known = settings.problem.exact() != nullptr;
  double slice = 0.0;
  for (const density::SliceSettings& one : settings.output.slices) {
    double points = 1.0;
    for (const int d : one.variables) points *= cells[d];
    slice = std::max(slice, points);
  }
  return 8.0 * ((Dim <= 3 ? Dim : 0) * all + std::max(ghosted, all) + (known ? all : 0.0) +
                slice * (ranks * (known ? 3.0 : 2.0) + 2.0));
}

#define KOLMO_INSTANTIATE(Dim) template class DensityOutput<Dim>;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::drivers
