// A density, handed to the run loop.
#include "density_simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "density_checkpoint.hpp"
#include "density_output.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/density/dimensions.hpp"
#include "kolmo/density/remap.hpp"

namespace kolmo::drivers {

namespace {

template <int Dim>
class DensitySimulation final : public Simulation {
 public:
  DensitySimulation(const CaseFile& file, const density::Settings& settings, const Communicator& comm)
      : file_(file), comm_(comm), log_(comm.root()), engine_(settings, comm) {
    const density::TimeSettings& time = settings.time;
    plan_.title = settings.title;
    plan_.cells = engine_.grid().cell_count();
    plan_.start = time.start;
    plan_.end = time.stationary ? time.start : time.end;
    plan_.max_steps = time.max_steps;
    plan_.fixed_step = time.step.has_value();
    plan_.seeks_steady = time.steady_tolerance > 0.0;
    plan_.checkpoint = settings.output.checkpoint;
    plan_.checkpoint_every_wall_time = settings.output.checkpoint_every_wall_time;
    plan_.keep = settings.output.checkpoint_keep;
    plan_.checkpoint_bytes = 8.0 * static_cast<double>(plan_.cells);
    plan_.invariant_name = "mass";
    plan_.courant = false;
  }

  const RunPlan& plan() const override { return plan_; }
  Moment moment() const override { return {engine_.step_count(), engine_.time(), engine_.last_step()}; }

  Facts facts() override {
    return {{"process_grid", fmt::format("{}", fmt::join(engine_.decomposition().processes(), " x "))},
            {"scheme", engine_.description()}};
  }

  std::vector<std::string> introduction() override {
    const int ranks = comm_.size();
    std::vector<std::string> lines{
        fmt::format("{} cells ({}) on {} rank{} ({})", plan_.cells, fmt::join(engine_.grid().cells(), " x "), ranks,
                    ranks == 1 ? "" : "s", fmt::join(engine_.decomposition().processes(), " x ")),
        engine_.description()};
    if (!start_line_.empty()) lines.push_back(start_line_);
    if (const density::ExactDensity* exact = engine_.problem().exact())
      lines.push_back(
          fmt::format("compared with: {}{}", exact->name(), exact->transient() ? "" : " (in the limit of long times)"));
    return lines;
  }

  void initialise() override {
    const density::Settings& settings = engine_.settings();
    if (settings.time.stationary) {
      at_key(file_, "time.stationary", [&] { engine_.solve_stationary(); });
    } else if (settings.initial_file.empty()) {
      at_key(file_, "problem.initial", [&] { engine_.initialise(); });
    } else {
      const std::filesystem::path file = density::find_density(file_, settings, comm_);
      at_key(file_, "problem.initial.file", [&] { start_from_file(file, settings.mass_outside); });
    }
    if (settings.time.step) at_key(file_, "time.step", [&] { (void)engine_.choose_step(); });
    before_.initial_mass =
        density::Quantities<Dim>(engine_.grid(), engine_.decomposition()).integrals(engine_.density()).mass;
  }

  double choose_step() override { return engine_.choose_step(); }
  void step(double dt) override { engine_.step(dt); }
  bool steady() override { return engine_.rate_of_change() < engine_.settings().time.steady_tolerance; }

  StepReport report() override {
    StepReport r;
    r.step = engine_.step_count();
    r.time = engine_.time();
    r.dt = engine_.last_step();
    r.invariant = mass();
    if (!std::isfinite(r.invariant))
      throw NumericsError(
          fmt::format("time {:.6g}: the density is not finite (an explicit step above its limit?)", r.time));
    std::int64_t iterations = 0;
    for (const auto& [prefix, statistics] : engine_.solve_statistics()) {
      iterations += statistics.iterations;
      r.residual = std::max(r.residual, statistics.last_residual);
    }
    r.iterations = static_cast<int>(iterations - iterations_);
    iterations_ = iterations;
    return r;
  }

  void store(io::CheckpointWriter& checkpoint) override {
    drivers::store(engine_, checkpoint);
    const density::LineCounts now = engine_.line_counts();
    checkpoint.number("initial_mass", before_.initial_mass);
    checkpoint.integer("fallbacks", before_.lines.fallbacks + now.fallbacks);
    checkpoint.integer("line_solves", before_.lines.solves + now.solves);
    checkpoint.integer("repairs", before_.lines.repairs + now.repairs);
  }
  void restore(const io::CheckpointReader& checkpoint) override {
    drivers::restore(engine_, checkpoint);
    before_ = {checkpoint.number("initial_mass"),
               {checkpoint.integer("line_solves"), checkpoint.integer("fallbacks"), checkpoint.integer("repairs")}};
  }

  void open_output(const io::RunFolder& folder, const io::CheckpointReader*, bool resume) override {
    output_.emplace(engine_, folder, before_, resume);
  }
  void before_step(double) override {}
  void after_step() override { output_->after_step(); }
  double next_output() const override { return output_->next_time(); }
  void finish() override { output_->finish(); }

  std::vector<std::pair<std::string, SolveStatistics>> solve_statistics() const override {
    return engine_.solve_statistics();
  }
  void summarise(io::Tree& summary, std::vector<std::string>& lines) override {
    if (plan_.seeks_steady && std::isfinite(engine_.rate_of_change()))
      summary["rate_of_change"] = engine_.rate_of_change();
    output_->summarise(summary, lines);
  }
  std::string verdict() const override { return fmt::format("mass error {:.2e}", output_->mass_error()); }

 private:
  /// Variables are matched by their place: the same names in another order would be a density of something else.
  void refuse_other_order(const std::filesystem::path& file, const std::string& held) const {
    const std::vector<std::string>& names = engine_.problem().variables();
    const std::string here = fmt::format("{}", fmt::join(names, ","));
    bool other = held != here;
    for (const std::string& name : names)
      other = other && ("," + held + ",").find("," + name + ",") != std::string::npos;
    if (other)
      throw InputError(fmt::format("{}: its variables are {}: take problem.variables in this order (given {})",
                                   file.string(), held, here));
  }
  void start_from_file(const std::filesystem::path& file, double mass_outside) {
    const density::DensityFile read =
        density::read_density<Dim>(file, engine_.grid(), engine_.decomposition(), engine_.density());
    refuse_other_order(file, read.variables);
    if (!(read.mass > 0.0)) throw InputError(file.string() + ": the density in it has no mass");
    const double outside = 1.0 - read.mass_within / read.mass;
    if (outside > mass_outside)
      throw InputError(fmt::format("{}: {:.3g} of its mass lies outside of the box (at most {:.3g}: mass_outside)",
                                   file.string(), outside, mass_outside));
    engine_.set_clock(engine_.settings().time.start, 0, 0.0);
    engine_.resume();
    start_line_ = fmt::format("start: {} (t = {:.6g} there{}), mass {:.12g}", file.string(), read.time,
                              read.single ? ", single precision" : "", read.mass_within);
  }

  double mass() {
    const Field<Dim>& p = engine_.density();
    const Grid<Dim>& grid = engine_.grid();
    const Index<Dim>& begin = engine_.decomposition().owned().begin;
    double sum = 0.0;
    for_each_row<Dim>(p.layout().interior(), [&](const Index<Dim>& row) {
      double area = 1.0, part = 0.0;
      for (int d = 1; d < Dim; ++d) area *= grid.axis(d).width(row[d] + begin[d]);
      const double* values = p.origin() + p.layout().offset(row);
      for (int k = 0; k < p.layout().extent()[0]; ++k) part += grid.axis(0).width(begin[0] + k) * values[k];
      sum += area * part;
    });
    return comm_.sum(sum);
  }

  CaseFile file_;
  Communicator comm_;
  Log log_;
  density::GridEngine<Dim> engine_;
  RunPlan plan_;
  std::optional<DensityOutput<Dim>> output_;
  std::string start_line_;
  std::int64_t iterations_ = 0;
  typename DensityOutput<Dim>::Before before_;
};

}  // namespace

std::unique_ptr<Simulation> make_density(const CaseFile& file, const Communicator& comm) {
  density::Settings settings = density::read_settings(file);
  const Log log(comm.root());
  for (const std::string& warning : density::check_problem(file, settings, comm)) log.warning(warning);
  refuse_what_cannot_fit(file, settings, comm);
  return density::with_dimension(settings.problem.dimension(), [&](auto dim) -> std::unique_ptr<Simulation> {
    return std::make_unique<DensitySimulation<dim()>>(file, settings, comm);
  });
}

}  // namespace kolmo::drivers
