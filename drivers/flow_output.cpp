#include "flow_output.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "kolmo/base/error.hpp"
#include "kolmo/base/phase.hpp"
#include "kolmo/diag/norms.hpp"
#include "kolmo/flow/exact.hpp"
#include "kolmo/io/files.hpp"
#include "run_options.hpp"

namespace kolmo::drivers {

namespace {

/// Removes what line probes wrote after step `kept`: FOLDER/NAME_000100.csv. One rank.
void cut_back_lines(const std::filesystem::path& folder, const std::string& name, std::int64_t kept) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".csv" || !stem.starts_with(name + "_")) continue;
    if (io::step_of(stem.substr(name.size() + 1) + ".h5") > kept) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

template <int Dim>
FlowOutput<Dim>::FlowOutput(flow::Model<Dim>& model, const io::RunFolder& folder, bool resume)
    : model_(model),
      folder_(folder),
      quantities_(model,
                  [this]() -> const Field<Dim>& {
                    update_derived();
                    return pressure_;
                  }),
      pressure_(model.domain().make_cells()),
      fields_due_(model.settings().output.fields.schedule, model.settings().time.start),
      series_due_(model.settings().output.series, model.settings().time.start),
      recorder_(model.domain().comm()) {
  const flow::OutputSettings& output = model.settings().output;
  const flow::Domain<Dim>& domain = model.domain();
  if (!output.fields.names.empty()) {
    io::SnapshotOptions options;
    for (const auto& [name, value] : version_facts()) {
      if (name == "kolmo") options.version = value;
      if (name == "git") options.git = value;
    }
    options.precision = output.fields.float64 ? io::Precision::float64 : io::Precision::float32;
    snapshots_.emplace(domain.grid, domain.decomposition, folder.path(), options, kept(fields_due_, resume));
  }
  add_series();
  recorder_.open(folder.diagnostics(), kept(series_due_, resume));
  open_probes(resume);
  if (output.averages.active) {
    std::array<bool, Dim> over;
    std::copy_n(output.averages.over.begin(), Dim, over.begin());
    averages_.emplace(domain.grid, domain.decomposition, probe_quantities(), over);
    averaged_until_ = std::max(output.averages.start, model.state().t);
  }
}

/// The last step whose output stays when the run goes on; nothing where it begins anew.
template <int Dim>
std::optional<std::int64_t> FlowOutput<Dim>::kept(const Due& due, bool resume) const {
  if (!resume) return {};
  return due.kept(model_.state().step, model_.state().t, model_.state().dt);
}

template <int Dim>
void FlowOutput<Dim>::open_probes(bool resume) {
  const flow::OutputSettings& output = model_.settings().output;
  const flow::Domain<Dim>& domain = model_.domain();
  const auto point = [](const std::array<double, 3>& x) {
    Point<Dim> p;
    std::copy_n(x.begin(), Dim, p.begin());
    return p;
  };
  const auto quantities = probe_quantities();
  for (const flow::LineProbeSettings& line : output.lines)
    lines_.emplace_back(domain.grid, domain.decomposition, line.name, point(line.from), point(line.to), line.points,
                        quantities);
  if (!lines_.empty()) folder_.make(folder_.lines());
  if (const auto last = kept(fields_due_, resume); last && domain.comm().root())
    for (const auto& line : lines_) cut_back_lines(folder_.lines(), line.name(), *last);
  for (const flow::PointProbeSettings& probe : output.points)
    points_.emplace_back(domain.grid, domain.decomposition, probe.name, point(probe.at), quantities);
  if (!points_.empty()) folder_.make(folder_.points());
  for (auto& probe : points_) probe.open(folder_.points(), kept(series_due_, resume));
}

template <int Dim>
std::vector<diag::Quantity<Dim>> FlowOutput<Dim>::probe_quantities() const {
  std::vector<diag::Quantity<Dim>> all;
  for (int c = 0; c < Dim; ++c)
    all.push_back({std::string(1, "uvw"[c]), "m/s", &model_.velocity()[c], diag::Walls::from_ghosts});
  all.push_back({"pressure", "Pa", &pressure_, diag::Walls::unknown});
  for (int s = 0; s < model_.scalars().count(); ++s)
    all.push_back({model_.scalars().name(s), "-", &model_.scalars().field(s), diag::Walls::from_ghosts});
  return all;
}

template <int Dim>
void FlowOutput<Dim>::add_series() {
  recorder_.add("dt", "s", [this] { return model_.state().dt; });
  recorder_.add("courant", "", [this] { return model_.courant(); });
  recorder_.add("max_divergence", "1/s", [this] { return model_.max_divergence(); });
  std::vector<flow::QuantityGroup> groups = quantities_.groups();
  if (model_.settings().output.budgets) {
    model_.scheme().take_whole_stages();
    groups.push_back(budget_.emplace(model_).group());
  }
  for (flow::QuantityGroup& group : groups) {
    std::vector<io::Column> columns;
    for (const auto& column : group.columns) columns.push_back({column.name, column.unit});
    recorder_.add(std::move(columns), std::move(group.values));
  }
}

// The pressure of the present time, once per step however many ask for it.
template <int Dim>
void FlowOutput<Dim>::update_derived() {
  if (derived_step_ == model_.state().step) return;
  derived_step_ = model_.state().step;
  model_.pressure_now(pressure_);
  const double density = model_.settings().fluid.density;
  double* p = pressure_.data();
  for (std::size_t i = 0; i < pressure_.size(); ++i) p[i] *= density;
}

template <int Dim>
void FlowOutput<Dim>::before_step(double dt) {
  const flow::State<Dim>& state = model_.state();
  const flow::TimeSettings& time = model_.settings().time;
  // A sample stands for the time from half way since the one before to half way to the next: the trapezoidal rule.
  const flow::AverageSettings& averages = model_.settings().output.averages;
  if (averages_ && state.t > averages.start - 1e-6 * dt && state.step % averages.every_steps == 0)
    sample_averages(state.t + 0.5 * static_cast<double>(averages.every_steps) * dt);
  if (!budget_) return;
  const double t = state.t + dt;
  const double rate = model_.rate_of_change();
  const bool may_be_steady =
      time.steady_tolerance > 0.0 && (!std::isfinite(rate) || rate < 1.1 * time.steady_tolerance);
  const bool last = has_ended(t, time.start, time.end) || state.step + 1 == time.max_steps || may_be_steady;
  const bool looks_back = time.scheme == flow::Scheme::cn_ab2;  // has to be watched all along
  const bool due = last || looks_back || series_due_.now(state.step + 1, t, dt);
  model_.scheme().observe(due ? &*budget_ : nullptr);
}

template <int Dim>
void FlowOutput<Dim>::after_step() {
  const flow::State<Dim>& state = model_.state();
  if (state.step == 0 || series_due_.now(state.step, state.t, state.dt)) record_series();
  const bool due = snapshots_ && (state.step == 0 || fields_due_.now(state.step, state.t, state.dt));
  if (due) write_fields();
}

template <int Dim>
void FlowOutput<Dim>::sample_averages(double until) {
  if (until <= averaged_until_) return;
  update_derived();
  averages_->add(until - averaged_until_);
  averaged_until_ = until;
}

template <int Dim>
void FlowOutput<Dim>::record_series() {
  const flow::State<Dim>& state = model_.state();
  if (!points_.empty()) update_derived();
  recorder_.record(state.step, state.t);
  for (auto& probe : points_) probe.record(state.step, state.t);
}

template <int Dim>
void FlowOutput<Dim>::write_fields() {
  static const Phase phase("output");
  const Phase::Scope scope(phase);
  const flow::State<Dim>& state = model_.state();
  if (written_step_ == state.step) return;
  written_step_ = state.step;
  update_derived();
  for (const auto& line : lines_) line.write(folder_.lines(), state.step);
  if (!snapshots_) return;
  snapshots_->begin(state.step, state.t);
  for (const std::string& name : model_.settings().output.fields.names) write_field(name);
  snapshots_->commit();
}

template <int Dim>
void FlowOutput<Dim>::write_field(const std::string& name) {
  if (name == "velocity") {
    std::vector<const Field<Dim>*> components;
    for (int c = 0; c < Dim; ++c) components.push_back(&model_.velocity()[c]);
    snapshots_->add("velocity", "m/s", components);
  } else if (name == "pressure") {
    snapshots_->add("pressure", "Pa", pressure_);
  } else if (name == "vorticity") {
    write_vorticity();
  } else {
    for (int s = 0; s < model_.scalars().count(); ++s)
      if (model_.scalars().name(s) == name) snapshots_->add(name, "-", model_.scalars().field(s));
  }
}

template <int Dim>
void FlowOutput<Dim>::write_vorticity() {
  if (vorticity_.empty())
    for (int c = 0; c < flow::Integrator<Dim>::vorticity_components; ++c)
      vorticity_.push_back(model_.domain().make_cells());
  quantities_.integrator().vorticity(model_.velocity(), vorticity_);
  if (vorticity_.size() == 1) {
    snapshots_->add("vorticity", "1/s", vorticity_[0]);
    return;
  }
  std::vector<const Field<Dim>*> components;
  for (const Field<Dim>& component : vorticity_) components.push_back(&component);
  snapshots_->add("vorticity", "1/s", components);
}

template <int Dim>
void FlowOutput<Dim>::finish() {
  const flow::State<Dim>& state = model_.state();
  update_derived();
  if (!model_.settings().output.fields.names.empty() || !lines_.empty()) write_fields();
  for (const auto& line : lines_) line.write(folder_.lines());
  if (series_due_.kept(state.step, state.t, state.dt) < state.step) record_series();
  if (averages_) sample_averages(state.t);
  if (averages_ && averages_->samples() > 0) averages_->write(folder_.path());
}

template <int Dim>
void FlowOutput<Dim>::errors(io::Tree& summary, std::vector<std::string>& lines) {
  update_derived();
  if (model_.settings().exact) exact_errors(summary["errors"], lines);
  scalar_errors(summary, lines);
  for (const flow::ReferenceSettings& reference : model_.settings().references)
    for (const auto& line : lines_) {
      if (line.name() != reference.line) continue;
      const diag::Distance distance =
          line.write_comparison(folder_.lines(), reference.quantity, reference.coordinates, reference.values);
      const std::string name = reference.line + "_" + reference.quantity;
      summary["errors"][name + "_max"] = distance.max;
      summary["errors"][name + "_rms"] = distance.rms;
      lines.push_back(fmt::format("{} along {} against {}: max {:.3e}, rms {:.3e}", reference.quantity, reference.line,
                                  std::filesystem::path(reference.file).filename().string(), distance.max,
                                  distance.rms));
    }
}

template <int Dim>
void FlowOutput<Dim>::exact_errors(io::Tree& errors, std::vector<std::string>& lines) {
  const flow::Domain<Dim>& domain = model_.domain();
  const flow::NamedField exact(*model_.settings().exact, model_.settings());
  const double t = model_.time();
  double largest = 0.0, squares = 0.0;
  for (int c = 0; c < Dim; ++c) {
    const diag::Norms norms =
        diag::error_norms<Dim>(domain.grid, domain.decomposition, model_.velocity()[c],
                               [&](const Point<Dim>& x) { return exact.velocity(c, flow::coordinates<Dim>(x), t); });
    const std::string name(1, "uvw"[c]);
    errors[name + "_max"] = norms.linf;
    errors[name + "_l2"] = norms.l2;
    lines.push_back(fmt::format("{} against the exact solution: max {:.4e}, l2 {:.4e}", name, norms.linf, norms.l2));
    largest = std::max(largest, norms.linf);
    squares += norms.l2 * norms.l2;
  }
  errors["velocity_max"] = largest;
  errors["velocity_l2"] = std::sqrt(squares);
  if (!exact.has_pressure()) return;
  const double density = model_.settings().fluid.density;
  const diag::Norms norms = diag::error_norms<Dim>(
      domain.grid, domain.decomposition, pressure_,
      [&](const Point<Dim>& x) { return density * exact.pressure(flow::coordinates<Dim>(x), t); },
      model_.boundary().has_pressure_faces() ? diag::Gauge::as_is : diag::Gauge::mean_free);
  errors["p_max"] = norms.linf;
  errors["p_l2"] = norms.l2;
  lines.push_back(fmt::format("p against the exact solution: max {:.4e}, l2 {:.4e}", norms.linf, norms.l2));
}

template <int Dim>
void FlowOutput<Dim>::scalar_errors(io::Tree& summary, std::vector<std::string>& lines) {
  const flow::Domain<Dim>& domain = model_.domain();
  for (int s = 0; s < model_.scalars().count(); ++s) {
    const flow::ScalarSettings& scalar = model_.settings().scalars[s];
    if (!scalar.exact_given) continue;
    const diag::Norms norms =
        diag::error_norms<Dim>(domain.grid, domain.decomposition, model_.scalars().field(s), [&](const Point<Dim>& x) {
          const auto at = flow::coordinates<Dim>(x);
          return scalar.exact(at[0], at[1], at[2], model_.time());
        });
    summary["errors"][scalar.name + "_max"] = norms.linf;
    summary["errors"][scalar.name + "_l2"] = norms.l2;
    lines.push_back(
        fmt::format("{} against the exact solution: max {:.4e}, l2 {:.4e}", scalar.name, norms.linf, norms.l2));
  }
}

template <int Dim>
void FlowOutput<Dim>::store(io::CheckpointWriter& checkpoint) const {
  const auto history = quantities_.vorticity_history();
  checkpoint.numbers("vorticity_history", {history.begin(), history.end()});
  if (!averages_) return;
  checkpoint.number("averaged_until", averaged_until_);
  averages_->store(checkpoint);
}

template <int Dim>
void FlowOutput<Dim>::restore(const io::CheckpointReader& checkpoint) {
  const std::vector<double> history = checkpoint.numbers("vorticity_history");
  if (history.size() != 3) throw RestartError(checkpoint.path().string() + ": vorticity_history has not three numbers");
  quantities_.set_vorticity_history({history[0], history[1], history[2]});
  if (!averages_) return;
  if (checkpoint.has("averaged_until"))
    averaged_until_ = std::max(model_.settings().output.averages.start, checkpoint.number("averaged_until"));
  averages_->restore(checkpoint);
}

template class FlowOutput<2>;
template class FlowOutput<3>;

}  // namespace kolmo::drivers
