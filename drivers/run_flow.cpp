// A run of kind "flow", in the order of its story.
#include "run_flow.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <optional>

#include "flow_checkpoint.hpp"
#include "flow_output.hpp"
#include "kolmo/base/log.hpp"
#include "kolmo/base/phase.hpp"
#include "kolmo/base/signals.hpp"

namespace kolmo::drivers {

namespace {

using flow::Settings;

/// Why a run ended.
enum class Ending { running, end_time, steps, steady, stopped };

std::string to_string(Ending ending) { return ending == Ending::stopped ? "stopped" : "done"; }

std::optional<io::CheckpointReader> find_checkpoint(const Communicator& comm, const RunOptions& options,
                                                    const std::filesystem::path& folder, const std::string& hash) {
  if (options.restart.empty()) return {};
  if (options.restart != "auto") {
    const std::filesystem::path path = options.restart;
    return std::filesystem::is_directory(path) ? io::CheckpointReader::newest(comm, path, hash)
                                               : io::CheckpointReader::open(comm, path, hash);
  }
  if (!io::has_checkpoints(folder / "checkpoint")) return {};
  return io::CheckpointReader::newest(comm, folder / "checkpoint", hash);
}

template <int Dim>
class FlowRun {
 public:
  FlowRun(const RunOptions& options, const CaseFile& file, const Settings& settings)
      : options_(options), file_(file), log_(comm_.root()), hash_(case_hash(file)), model_(settings, comm_) {}

  int run() {
    open();
    SignalWatch watch;
    try {
      const Ending ending = advance();
      // Before the last output: what it adds off schedule must not enter the state that a restart goes on from.
      if (ending == Ending::stopped || settings().output.checkpoint.schedule.active()) write_checkpoint();
      output_->finish();
      summarise(to_string(ending), ending == Ending::stopped ? ExitCode::stopped : ExitCode::done,
                ending == Ending::steady);
      return static_cast<int>(ending == Ending::stopped ? ExitCode::stopped : ExitCode::done);
    } catch (const Error& error) {
      if (comm_.root()) summarise_failure(error);
      throw;
    }
  }

 private:
  const Settings& settings() const { return model_.settings(); }

  void open() {
    const std::filesystem::path folder = output_directory(options_, file_);
    const auto checkpoint = find_checkpoint(comm_, options_, folder, hash_);
    // A run is continued where its own checkpoint is read; a folder that holds another run is only cleared if told so.
    const bool resume = checkpoint && std::filesystem::exists(folder) &&
                        std::filesystem::equivalent(checkpoint->path().parent_path().parent_path(), folder);
    if (options_.restart_required && !checkpoint)
      throw RestartError(fmt::format("{}: there is no checkpoint to go on from", folder.string()));
    const io::Existing existing = resume                                         ? io::Existing::resume
                                  : options_.overwrite || unfinished_run(folder) ? io::Existing::overwrite
                                                                                 : io::Existing::refuse;
    if (!checkpoint) model_.initialise();
    folder_.emplace(comm_, folder, existing);
    if (checkpoint) {
      for (const std::string& reason : checkpoint->rejected()) log_.warning(reason);
      restore(model_, *checkpoint);
      log_.info(fmt::format("restart from {} (step {}, t = {:.6g})", checkpoint->path().string(), checkpoint->step(),
                            checkpoint->time()));
    }
    folder_->write_text("run.toml", file_.effective(facts()));
    std::optional<std::int64_t> resume_step;
    if (resume) resume_step = checkpoint->step();
    output_.emplace(model_, *folder_, resume_step);
    if (checkpoint) output_->restore(*checkpoint);
    first_step_ = model_.state().step;
    fresh_ = !checkpoint;
    introduce();
  }

  // --restart auto over a run that was killed before its first checkpoint begins anew, so that a requeued batch job
  // goes on by itself.
  bool unfinished_run(const std::filesystem::path& folder) const {
    return options_.restart == "auto" && !std::filesystem::exists(folder / "summary.json");
  }

  std::vector<std::pair<std::string, std::string>> facts() {
    auto all = version_facts();
    all.emplace_back("ranks", std::to_string(comm_.size()));
    all.emplace_back("process_grid", fmt::format("{}", fmt::join(model_.domain().decomposition.processes(), " x ")));
    all.emplace_back("scheme", model_.scheme().description());
    all.emplace_back("pressure_solver", model_.projection().description());
    char* petsc_options = nullptr;
    petsc::check(PetscOptionsGetAll(nullptr, &petsc_options));
    all.emplace_back("petsc_options", petsc_options ? petsc_options : "");
    petsc::check(PetscFree(petsc_options));
    return all;
  }

  void introduce() {
    const auto& domain = model_.domain();
    if (!settings().title.empty()) log_.info(settings().title);
    log_.info(fmt::format("{} cells ({}) on {} rank{} ({})", domain.grid.cell_count(),
                          fmt::join(domain.grid.cells(), " x "), comm_.size(), comm_.size() == 1 ? "" : "s",
                          fmt::join(domain.decomposition.processes(), " x ")));
    log_.info(fmt::format("time: {}", model_.scheme().description()));
    log_.info(fmt::format("pressure: {}", model_.projection().description()));
    for (const auto& [name, value] : version_facts())
      if (name == "blas") log_.info(fmt::format("BLAS: {}", value));
    log_.info(fmt::format("output: {}", folder_->path().string()));
  }

  Ending advance() {
    const flow::TimeSettings& time = settings().time;
    ProgressPlan plan;
    plan.cells = model_.domain().grid.cell_count();
    plan.start = model_.time();
    plan.end = time.end;
    plan.first_step = first_step_;
    plan.max_steps = time.max_steps;
    plan.wall_limit = options_.wall_limit;
    Progress progress(log_, plan);
    if (fresh_) output_->after_step();
    const Due checkpoint_due(settings().output.checkpoint.schedule, time.start);
    Ending ending = ended(progress);
    while (ending == Ending::running) {
      const double dt = next_step(checkpoint_due);
      output_->before_step(dt);
      model_.step(dt);
      output_->after_step();
      progress.step(report());
      const flow::State<Dim>& state = model_.state();
      const Requests requests = take_requests(comm_);
      if (requests.checkpoint || checkpoint_due.now(state.step, state.t, state.dt)) write_checkpoint();
      ending = requests.stop ? Ending::stopped : ended(progress);
    }
    progress.finish();
    wall_seconds_ = progress.elapsed();
    return ending;
  }

  // The step of the model, shortened to meet the next output and the end; the last two steps before such a moment share
  // what is left, so that none is tiny.
  double next_step(const Due& checkpoint_due) {
    const double dt = model_.choose_step();
    const double t = model_.time();
    const double goal = std::min({settings().time.end, output_->next_time(), checkpoint_due.next_time(t)});
    const double left = goal - t;
    if (dt >= left * (1.0 - 1e-9)) return left;
    return settings().time.step || 2.0 * dt < left ? dt : 0.5 * left;
  }

  Ending ended(const Progress& progress) {
    const flow::TimeSettings& time = settings().time;
    if (model_.time() >= time.end - 1e-12 * std::max(std::abs(time.end), 1.0)) return Ending::end_time;
    if (time.max_steps > 0 && model_.state().step >= time.max_steps) return Ending::steps;
    if (time.steady_tolerance > 0.0 && model_.state().step > first_step_ &&
        model_.rate_of_change() < time.steady_tolerance)
      return Ending::steady;
    if (options_.wall_limit > 0.0) {
      // One decision for all ranks; room for a checkpoint and the last output.
      const double needed = progress.elapsed() + 3.0 * progress.seconds_per_step() + 0.02 * options_.wall_limit;
      if (comm_.any(needed > options_.wall_limit)) return Ending::stopped;
    }
    return Ending::running;
  }

  StepReport report() {
    const flow::State<Dim>& state = model_.state();
    const SolveStatistics& solves = model_.projection().statistics();
    StepReport r;
    r.step = state.step;
    r.time = state.t;
    r.dt = state.dt;
    r.cfl = model_.courant();
    if (state.step % 10 == 1 || state.step - first_step_ <= 2) divergence_ = model_.max_divergence();
    r.invariant = divergence_;
    r.iterations = static_cast<int>(solves.iterations - iterations_);
    r.residual = solves.last_residual;
    iterations_ = solves.iterations;
    return r;
  }

  void write_checkpoint() {
    static const Phase phase("checkpoint");
    const Phase::Scope scope(phase);
    io::CheckpointLabel label{model_.state().step, model_.time(), hash_};
    io::CheckpointWriter writer(comm_, folder_->checkpoints(), label);
    store(model_, writer);
    output_->store(writer);
    writer.commit(settings().output.checkpoint.keep);
  }

  void describe_run(io::Tree& summary, const std::string& status, ExitCode code) const {
    summary["status"] = status;
    summary["exit_code"] = static_cast<int>(code);
    summary["kind"] = "flow";
    summary["title"] = settings().title;
    summary["cells"] = model_.domain().grid.cell_count();
    summary["ranks"] = comm_.size();
    summary["steps"] = model_.state().step;
    summary["time"] = model_.time();
  }

  void summarise(const std::string& status, ExitCode code, bool steady) {
    io::Tree summary;
    describe_run(summary, status, code);
    const auto cells = static_cast<double>(model_.domain().grid.cell_count());
    const auto steps = static_cast<double>(model_.state().step - first_step_);
    if (settings().time.steady_tolerance > 0.0) {
      summary["steady"] = steady;
      summary["rate_of_change"] = model_.rate_of_change();
    }
    summary["wall_seconds"] = wall_seconds_;
    summary["ns_per_cell_step"] = steps > 0.0 ? 1e9 * wall_seconds_ / (steps * cells) : 0.0;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double bytes = comm_.sum(1024.0 * static_cast<double>(usage.ru_maxrss));
    summary["peak_rss_bytes"] = static_cast<std::int64_t>(bytes);
    summary["bytes_per_cell"] = bytes / cells;
    for (const auto& [name, seconds] : Phase::seconds()) summary["phases"][name] = comm_.max(seconds);
    describe_solves(summary["solves"]);
    summary["max_divergence"] = model_.max_divergence();
    std::vector<std::string> lines;
    output_->errors(summary, lines);
    if (comm_.root()) io::write_json(folder_->summary(), summary);
    for (const std::string& line : lines) log_.info(line);
    log_.info(fmt::format("{}{}: {} steps to t = {:.6g} in {:.1f} s, {:.1f} ns per cell and step, max |div u| {:.2e}",
                          status, steady ? " (steady)" : "", model_.state().step, model_.time(), wall_seconds_,
                          steps > 0.0 ? 1e9 * wall_seconds_ / (steps * cells) : 0.0,
                          summary.at("max_divergence").number()));
  }

  void describe_solves(io::Tree& solves) const {
    for (const auto& [prefix, statistics] : model_.solve_statistics()) {
      io::Tree& entry = solves[prefix];
      entry["count"] = statistics.count;
      entry["mean_iterations"] =
          statistics.count > 0 ? static_cast<double>(statistics.iterations) / static_cast<double>(statistics.count)
                               : 0.0;
      entry["max_iterations"] = statistics.max_iterations;
    }
  }

  // On one rank and without collectives: the others may be anywhere.
  void summarise_failure(const Error& error) const noexcept {
    try {
      io::Tree summary;
      describe_run(summary, "failed", error.code());
      summary["error"] = std::string(error.what());
      io::write_json(folder_->summary(), summary);
    } catch (...) {  // the first error is the one to report
    }
  }

  const RunOptions& options_;
  const CaseFile& file_;
  Communicator comm_;
  Log log_;
  std::string hash_;
  flow::Model<Dim> model_;
  std::optional<io::RunFolder> folder_;
  std::optional<FlowOutput<Dim>> output_;
  std::int64_t first_step_ = 0, iterations_ = 0;
  bool fresh_ = true;
  double wall_seconds_ = 0.0, divergence_ = 0.0;
};

}  // namespace

int run_flow(const RunOptions& options, const CaseFile& file) {
  const Settings settings = flow::read_settings(file);
  flow::check_resources(file, settings, Communicator());
  if (settings.dimension == 2) return FlowRun<2>(options, file, settings).run();
  return FlowRun<3>(options, file, settings).run();
}

}  // namespace kolmo::drivers
