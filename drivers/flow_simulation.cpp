// A flow, handed to the run loop.
#include "flow_simulation.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "flow_checkpoint.hpp"
#include "flow_output.hpp"

namespace kolmo::drivers {

namespace {

template <int Dim>
class FlowSimulation final : public Simulation {
 public:
  FlowSimulation(const flow::Settings& settings, const Communicator& comm) : model_(settings, comm) {
    plan_.title = settings.title;
    plan_.cells = model_.domain().grid.cell_count();
    plan_.start = settings.time.start;
    plan_.end = settings.time.end;
    plan_.max_steps = settings.time.max_steps;
    plan_.fixed_step = settings.time.step.has_value();
    plan_.seeks_steady = settings.time.steady_tolerance > 0.0;
    plan_.checkpoint = settings.output.checkpoint.schedule;
    plan_.checkpoint_every_wall_time = settings.output.checkpoint.every_wall_time;
    plan_.keep = settings.output.checkpoint.keep;
    plan_.checkpoint_bytes = flow::estimate_resources(settings).checkpoint;
  }

  const RunPlan& plan() const override { return plan_; }
  Moment moment() const override { return {model_.state().step, model_.state().t, model_.state().dt}; }

  Facts facts() override {
    return {{"process_grid", fmt::format("{}", fmt::join(model_.domain().decomposition.processes(), " x "))},
            {"scheme", model_.scheme().description()},
            {"pressure_solver", model_.projection().description()}};
  }

  std::vector<std::string> introduction() override {
    const auto& domain = model_.domain();
    const int ranks = domain.comm().size();
    return {
        fmt::format("{} cells ({}) on {} rank{} ({})", domain.grid.cell_count(), fmt::join(domain.grid.cells(), " x "),
                    ranks, ranks == 1 ? "" : "s", fmt::join(domain.decomposition.processes(), " x ")),
        fmt::format("time: {}", model_.scheme().description()),
        fmt::format("pressure: {}", model_.projection().description())};
  }

  void initialise() override {
    model_.initialise();
    if (plan_.fixed_step) (void)model_.choose_step();  // refused before anything is written
  }
  double choose_step() override { return model_.choose_step(); }
  void step(double dt) override {
    model_.step(dt);
    ++steps_;
  }
  bool steady() override { return model_.rate_of_change() < model_.settings().time.steady_tolerance; }

  StepReport report() override {
    const flow::State<Dim>& state = model_.state();
    const SolveStatistics& solves = model_.projection().statistics();
    StepReport r;
    r.step = state.step;
    r.time = state.t;
    r.dt = state.dt;
    r.cfl = model_.courant();
    if (state.step % 10 == 1 || steps_ <= 2) divergence_ = model_.max_divergence();  // not for nothing every step
    r.invariant = divergence_;
    r.iterations = static_cast<int>(solves.iterations - iterations_);
    r.residual = solves.last_residual;
    iterations_ = solves.iterations;
    return r;
  }

  void store(io::CheckpointWriter& checkpoint) override {
    drivers::store(model_, checkpoint);
    output_->store(checkpoint);
  }
  void restore(const io::CheckpointReader& checkpoint) override { drivers::restore(model_, checkpoint); }

  void open_output(const io::RunFolder& folder, const io::CheckpointReader* from, bool resume) override {
    output_.emplace(model_, folder, resume);
    if (from) output_->restore(*from);
  }
  void before_step(double dt) override { output_->before_step(dt); }
  void after_step() override { output_->after_step(); }
  double next_output() const override { return output_->next_time(); }
  void finish() override { output_->finish(); }

  std::vector<std::pair<std::string, SolveStatistics>> solve_statistics() const override {
    return model_.solve_statistics();
  }
  void summarise(io::Tree& summary, std::vector<std::string>& lines) override {
    if (plan_.seeks_steady && std::isfinite(model_.rate_of_change()))
      summary["rate_of_change"] = model_.rate_of_change();
    divergence_ = model_.max_divergence();
    summary["max_divergence"] = divergence_;
    output_->errors(summary, lines);
  }
  std::string verdict() const override { return fmt::format("max |div u| {:.2e}", divergence_); }

 private:
  flow::Model<Dim> model_;
  RunPlan plan_;
  std::optional<FlowOutput<Dim>> output_;
  std::int64_t steps_ = 0, iterations_ = 0;  // of this leg; of all solves when last reported
  double divergence_ = 0.0;
};

}  // namespace

std::unique_ptr<Simulation> make_flow(const CaseFile& file, const Communicator& comm) {
  const flow::Settings settings = flow::read_settings(file);
  flow::check_resources(file, settings, comm);
  if (settings.dimension == 2) return std::make_unique<FlowSimulation<2>>(settings, comm);
  return std::make_unique<FlowSimulation<3>>(settings, comm);
}

}  // namespace kolmo::drivers
