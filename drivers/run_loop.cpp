#include "run_loop.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "case_changes.hpp"
#include "kolmo/base/petsc.hpp"
#include "kolmo/base/phase.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/lock.hpp"
#include "wall_limit.hpp"
#include "watchdog.hpp"

namespace kolmo::drivers {

RunLoop::RunLoop(const RunOptions& options, const CaseFile& file, const Communicator& comm, Simulation& simulation)
    : options_(options),
      file_(file),
      comm_(comm),
      simulation_(simulation),
      plan_(simulation.plan()),
      log_(comm.root()),
      hash_(case_hash(file)),
      checkpoint_due_(plan_.checkpoint, plan_.start),
      wall_limit_(options.wall_limit) {}

int RunLoop::run() {
  open();
  try {
    const Ending ending = advance();
    // Before the last output: what it adds off schedule must not enter the state that a restart goes on from.
    if (ending == Ending::stopped || plan_.checkpoint.active() || plan_.checkpoint_every_wall_time > 0.0)
      write_checkpoint();
    folder_->check();
    simulation_.finish();
    summarise(ending);
    return static_cast<int>(ending == Ending::stopped ? ExitCode::stopped : ExitCode::done);
  } catch (const Error& error) {
    if (comm_.root()) summarise_failure(error);
    throw;
  }
}

// --- the beginning -------------------------------------------------------------------------------------------------

void RunLoop::open() {
  const std::filesystem::path folder = output_directory(options_, file_);
  // Locked before its checkpoints are read: a run at work there would replace them meanwhile.
  if (!options_.restart.empty() && on_root_true([&] { return io::RunFolder::holds_run(folder); }))
    folder_.emplace(comm_, folder, io::Existing::undecided);
  const auto checkpoint = find_checkpoint(folder);
  if (options_.restart_required && !checkpoint)
    throw RestartError(fmt::format("{}: there is no checkpoint to go on from", folder.string()));
  // A run is continued where its own checkpoint is read; a folder that holds another run is only cleared if told so.
  const bool resume = checkpoint && on_root_true([&] {
                        return std::filesystem::exists(folder) &&
                               std::filesystem::equivalent(checkpoint->path().parent_path().parent_path(), folder);
                      });
  const bool overwrite = options_.overwrite || (!checkpoint && on_root_true([&] { return unfinished_run(folder); }));
  const io::Existing existing = resume      ? io::Existing::resume
                                : overwrite ? io::Existing::overwrite
                                            : io::Existing::refuse;
  if (!checkpoint) simulation_.initialise();
  if (folder_)
    folder_->decide(existing);
  else
    folder_.emplace(comm_, folder, existing);
  if (checkpoint) {
    for (const std::string& reason : checkpoint->rejected()) log_.warning(reason);
    simulation_.restore(*checkpoint);
    restarted_from_ = checkpoint->path().string();
    log_.info(
        fmt::format("restart from {} (step {}, t = {:.6g})", restarted_from_, checkpoint->step(), checkpoint->time()));
    note_changes(checkpoint->path().parent_path().parent_path(), checkpoint->step());
  }
  if (resume) {
    go_on(*checkpoint);
  } else {
    folder_->write_text("run.toml", file_.effective(facts()));  // first: it tells whose the rest is
    simulation_.open_output(*folder_, checkpoint ? &*checkpoint : nullptr, false);
  }
  first_step_ = simulation_.moment().step;
  introduce();
}

/// Cuts the output back to the checkpoint. Tried before on a copy without rows, so that what does not fit (other
/// columns, other means) is refused with nothing touched. Whatever fails then, the checkpoint stays, and can be gone on
/// from again.
void RunLoop::go_on(const io::CheckpointReader& checkpoint) {
  const io::RunFolder trial = folder_->trial();  // to the end: its files are open until the second call
  try {
    simulation_.open_output(trial, &checkpoint, true);
  } catch (const RestartError& error) {  // which names the copy, not what was copied
    std::string said = error.what();
    if (const std::size_t at = said.find(trial.path().string()); at != std::string::npos)
      said.replace(at, trial.path().string().size(), folder_->path().string());
    throw RestartError(said);
  }
  try {
    // First: a later restart must not join the course that is given up to the one that begins here.
    io::on_root(comm_, [&] { io::drop_checkpoints_after(checkpoint.path(), checkpoint.step()); });
    simulation_.open_output(*folder_, &checkpoint, true);
    folder_->write_text("run.toml", file_.effective(facts()));
    io::on_root(comm_, [&] { std::filesystem::remove(folder_->summary()); });  // of the leg before
  } catch (const Error& error) {
    if (comm_.root()) summarise_failure(error);
    throw;
  }
}

/// What rank 0 sees of the file system, on all ranks.
bool RunLoop::on_root_true(const std::function<bool()>& question) const {
  bool answer = false;
  io::on_root(comm_, [&] { answer = question(); });
  return comm_.any(answer);
}

std::optional<io::CheckpointReader> RunLoop::find_checkpoint(const std::filesystem::path& folder) const {
  if (options_.restart.empty()) return {};
  // Absolute, as the folder of the run is found by the names before the last: "x.h5" or "../checkpoint/" would lack it.
  std::filesystem::path path = std::filesystem::absolute(options_.restart);
  if (!path.has_filename()) path = path.parent_path();
  if (path.filename() == "." || path.filename() == "..") path = std::filesystem::weakly_canonical(path);
  if (options_.restart == "auto") {
    path = folder / "checkpoint";
    if (!on_root_true([&] { return io::has_checkpoints(path); })) return {};
  }
  const bool several = on_root_true([&] { return std::filesystem::is_directory(path); });
  refuse_other_case((several ? path : path.parent_path()).parent_path());
  auto checkpoint =
      several ? io::CheckpointReader::newest(comm_, path, hash_) : io::CheckpointReader::open(comm_, path, hash_);
  if (checkpoint.text("kind") != file_.kind())
    throw RestartError(fmt::format("{}: holds a run of kind {}, not {}", checkpoint.path().string(),
                                   checkpoint.text("kind"), file_.kind()));
  return checkpoint;
}

// The hash of a checkpoint says only that the case is another one; run.toml beside it says in what.
void RunLoop::refuse_other_case(const std::filesystem::path& folder) const {
  io::on_root(comm_, [&] {
    std::vector<std::string> refused;
    for (const CaseChange& change : case_changes(folder / "run.toml", file_))
      if (!change.allowed) refused.push_back(change.text());
    if (!refused.empty())
      throw RestartError(
          fmt::format("{}: belongs to another case ({}); only output, solver options, titles and the "
                      "length and fineness of time may change at a restart",
                      folder.string(), fmt::join(refused, "; ")));
  });
}

// --restart auto over a run of this case that was killed before its first checkpoint begins anew, so that a requeued
// batch job goes on by itself. Only run.toml tells that what is there is a run's, and of which case. On one rank.
bool RunLoop::unfinished_run(const std::filesystem::path& folder) const {
  if (options_.restart != "auto" || std::filesystem::exists(folder / "summary.json")) return false;
  if (!std::filesystem::exists(folder / "run.toml")) return false;
  const auto changes = case_changes(folder / "run.toml", file_);
  if (!std::all_of(changes.begin(), changes.end(), [](const CaseChange& change) { return change.allowed; }))
    return false;
  if (!io::holds_nothing(folder / "checkpoint"))
    throw RestartError(fmt::format("{}: holds no checkpoint by its name, but other files: none is removed",
                                   (folder / "checkpoint").string()));
  return true;
}

/// Says which keys are not those of the leg before, and keeps it for run.toml with what earlier legs changed.
void RunLoop::note_changes(const std::filesystem::path& folder, std::int64_t step) {
  io::on_root(comm_, [&] {
    changes_ = recorded_changes(folder / "run.toml");
    for (const CaseChange& change : case_changes(folder / "run.toml", file_)) {
      log_.info("changed: " + change.text());
      changes_.push_back(fmt::format("step {}: {}", step, change.text()));
    }
  });
}

Facts RunLoop::facts() {
  Facts all = version_facts();
  all.emplace_back("ranks", std::to_string(comm_.size()));
  for (auto& fact : simulation_.facts()) all.push_back(std::move(fact));
  char* petsc_options = nullptr;
  petsc::check(PetscOptionsGetAll(nullptr, &petsc_options));
  all.emplace_back("petsc_options", petsc_options ? petsc_options : "");
  petsc::check(PetscFree(petsc_options));
  if (!restarted_from_.empty()) all.emplace_back("restarted_from", restarted_from_);
  for (std::size_t i = 0; i < changes_.size(); ++i) all.emplace_back(fmt::format("change_{}", i + 1), changes_[i]);
  return all;
}

void RunLoop::introduce() {
  if (!plan_.title.empty()) log_.info(plan_.title);
  for (const std::string& line : simulation_.introduction()) log_.info(line);
  for (const auto& [name, value] : version_facts())
    if (name == "blas") log_.info(fmt::format("BLAS: {}", value));
  log_.info(fmt::format("output: {}", folder_->path().string()));
}

// --- the steps -----------------------------------------------------------------------------------------------------

/// What is left of a batch job is the limit where the command line sets none.
void RunLoop::take_wall_limit() {
  if (!options_.ask_scheduler || !comm_.root()) return;
  const auto left = seconds_left_of_job();
  if (!left) return;
  wall_limit_ = seconds_since_start() + *left;
  log_.info(fmt::format("wall limit: the job ends in {:.0f} s", *left));
}

ProgressPlan RunLoop::aims() const {
  ProgressPlan aims;
  aims.cells = plan_.cells;
  aims.start = simulation_.moment().time;
  aims.end = plan_.end;
  aims.first_step = first_step_;
  aims.max_steps = plan_.max_steps;
  aims.wall_limit = wall_limit_ > 0.0 ? wall_limit_ - seconds_since_start() : 0.0;
  aims.invariant_name = plan_.invariant_name;
  aims.courant = plan_.courant;
  return aims;
}

RunLoop::Ending RunLoop::advance() {
  take_wall_limit();
  attention_.emplace(comm_, *folder_,
                     Attention::Limits{wall_limit_, plan_.checkpoint_every_wall_time, plan_.checkpoint_bytes});
  Watchdog watchdog(options_.watchdog, comm_.rank());
  Progress progress(log_, aims());
  if (restarted_from_.empty()) simulation_.after_step();
  Ending ending = ended();
  while (ending == Ending::running) {
    const double dt = next_step();
    const double begin = seconds_since_start();
    simulation_.before_step(dt);
    simulation_.step(dt);
    const double first = seconds_since_start() - begin;  // all that is known of the pace until a step was counted
    const double pace = progress.seconds_per_step();
    // Before anything is written: the folder may be ours no longer.
    const Attention::Asked asked = attention_->look(pace > 0.0 ? pace : first);
    simulation_.after_step();
    progress.step(simulation_.report());
    report_progress(progress);
    const Moment now = simulation_.moment();
    if (asked.checkpoint || checkpoint_due_.now(now.step, now.time, now.dt)) write_checkpoint();
    watchdog.beat();
    ending = ended();
    if (ending == Ending::running && !asked.stop.empty()) {
      ending = Ending::stopped;
      log_.info(fmt::format("stopping, asked by {}", asked.stop));
    }
  }
  progress.finish();
  wall_seconds_ = progress.elapsed();
  return ending;
}

/// For `kolmo status`, every few seconds; gone when the run has ended, as summary.json says more.
void RunLoop::report_progress(const Progress& progress) {
  constexpr double interval = 5.0;
  const double now = seconds_since_start();
  if (!comm_.root() || (reported_at_ > 0.0 && now - reported_at_ < interval)) return;
  reported_at_ = now;
  const Moment moment = simulation_.moment();
  io::Tree tree;
  tree["step"] = moment.step;
  tree["time"] = moment.time;
  tree["end"] = plan_.end;
  tree["seconds_per_step"] = progress.seconds_per_step();
  tree["seconds_to_end"] = progress.eta();
  tree["seconds_to_stop"] = wall_limit_ > 0.0 ? wall_limit_ - now : -1.0;
  tree["written"] = static_cast<std::int64_t>(std::time(nullptr));
  try {
    io::write_json(folder_->progress(), tree);
  } catch (const Error& error) {  // nothing that a run should end for
    log_.warning(error.what());
  }
}

// The step of the model, shortened to meet the next output and the end; the last two steps before such a moment share
// what is left, so that none is tiny.
double RunLoop::next_step() const {
  const double dt = simulation_.choose_step();
  const double t = simulation_.moment().time;
  const double left = std::min({plan_.end, simulation_.next_output(), checkpoint_due_.next_time(t)}) - t;
  if (dt >= left * (1.0 - 1e-9)) return left;
  return plan_.fixed_step || 2.0 * dt < left ? dt : 0.5 * left;
}

RunLoop::Ending RunLoop::ended() const {
  const Moment now = simulation_.moment();
  if (has_ended(now.time, plan_.start, plan_.end)) return Ending::end_time;
  if (plan_.max_steps > 0 && now.step >= plan_.max_steps) return Ending::steps;
  if (plan_.seeks_steady && simulation_.steady()) return Ending::steady;
  return Ending::running;
}

void RunLoop::write_checkpoint() {
  static const Phase phase("checkpoint");
  const Phase::Scope scope(phase);
  const Moment now = simulation_.moment();
  if (checkpoint_step_ == now.step) return;
  folder_->check();  // a checkpoint would make it anew
  const double begin = seconds_since_start();
  io::CheckpointWriter writer(comm_, folder_->checkpoints(), {now.step, now.time, hash_});
  writer.text("kind", file_.kind());
  simulation_.store(writer);
  writer.commit(plan_.keep);
  checkpoint_step_ = now.step;
  attention_->checkpoint_written(seconds_since_start() - begin);
}

// --- the end -------------------------------------------------------------------------------------------------------

void RunLoop::describe_run(io::Tree& summary, const std::string& status, ExitCode code) const {
  const Moment now = simulation_.moment();
  summary["status"] = status;
  if (const io::LockText mine = io::LockText::mine(); !mine.job.empty()) {
    summary["job"] = mine.job;
    summary["cluster"] = mine.cluster;
  }
  summary["exit_code"] = static_cast<int>(code);
  summary["kind"] = file_.kind();
  summary["title"] = plan_.title;
  summary["cells"] = plan_.cells;
  summary["ranks"] = comm_.size();
  summary["steps"] = now.step;
  summary["time"] = now.time;
}

void RunLoop::describe_cost(io::Tree& summary) const {
  const auto cells = static_cast<double>(plan_.cells);
  const auto steps = static_cast<double>(simulation_.moment().step - first_step_);
  summary["wall_seconds"] = wall_seconds_;
  summary["ns_per_cell_step"] = steps > 0.0 ? 1e9 * wall_seconds_ / (steps * cells) : 0.0;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double bytes = comm_.sum(1024.0 * static_cast<double>(usage.ru_maxrss));
  summary["peak_rss_bytes"] = static_cast<std::int64_t>(bytes);
  summary["bytes_per_cell"] = bytes / cells;
  for (const auto& [name, seconds] : Phase::seconds()) summary["phases"][name] = comm_.max(seconds);
  for (const auto& [prefix, statistics] : simulation_.solve_statistics()) {
    io::Tree& entry = summary["solves"][prefix];
    entry["count"] = statistics.count;
    entry["mean_iterations"] =
        statistics.count > 0 ? static_cast<double>(statistics.iterations) / static_cast<double>(statistics.count) : 0.0;
    entry["max_iterations"] = statistics.max_iterations;
  }
}

void RunLoop::summarise(Ending ending) {
  const std::string status = ending == Ending::stopped ? "stopped" : "done";
  const bool steady = ending == Ending::steady;
  io::Tree summary;
  describe_run(summary, status, ending == Ending::stopped ? ExitCode::stopped : ExitCode::done);
  if (plan_.seeks_steady) summary["steady"] = steady;
  describe_cost(summary);
  std::vector<std::string> lines;
  simulation_.summarise(summary, lines);
  io::on_root(comm_, [&] {
    io::write_json(folder_->summary(), summary);
    std::filesystem::remove(folder_->progress());
  });
  for (const std::string& line : lines) log_.info(line);
  log_.info(fmt::format("{}{}: {} steps to t = {:.6g} in {:.1f} s, {:.1f} ns per cell and step, {}", status,
                        steady ? " (steady)" : "", simulation_.moment().step, simulation_.moment().time, wall_seconds_,
                        summary.at("ns_per_cell_step").number(), simulation_.verdict()));
}

// On one rank and without collectives: the others may be anywhere.
void RunLoop::summarise_failure(const Error& error) const noexcept {
  try {
    if (!folder_->ours()) return;
    io::Tree summary;
    describe_run(summary, "failed", error.code());
    summary["error"] = std::string(error.what());
    io::write_json(folder_->summary(), summary);
    std::filesystem::remove(folder_->progress());
  } catch (...) {  // the first error is the one to report
  }
}

}  // namespace kolmo::drivers
