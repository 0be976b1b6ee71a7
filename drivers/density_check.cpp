// What `kolmo check` says of a density.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "density_output.hpp"
#include "density_simulation.hpp"
#include "describe.hpp"
#include "kolmo/density/dimensions.hpp"
#include "kolmo/density/exact.hpp"
#include "kolmo/density/grid_engine.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/density/remap.hpp"
#include "kolmo/density/settings.hpp"

namespace kolmo::drivers {

namespace {

std::string describe_time(const density::TimeSettings& time) {
  if (time.stationary) return "none: the stationary density at once";
  std::string step = fmt::format("cfl {:.3g}", time.cfl);
  if (time.step)
    step = fmt::format("step {:.6g}", *time.step);
  else if (time.tolerance > 0.0)
    step = fmt::format("step by error control, {:.3g} per step", time.tolerance);
  return fmt::format("{} to {}, scheme {}, {}", time.start, time.end, density::to_string(time.scheme), step);
}

void print_problem(const density::Problem& problem, const Log& log) {
  std::string traits = problem.linear() ? "linear drift and constant D" : "nonlinear";
  if (problem.separable()) traits += ", separable";
  if (!problem.autonomous()) traits += ", depends on t";
  const char* kind = problem.diffusion_kind() == density::DiffusionKind::scalar     ? "scalar"
                     : problem.diffusion_kind() == density::DiffusionKind::diagonal ? "diagonal"
                                                                                    : "full tensor";
  log.info(fmt::format("problem: {} variable{} ({}), {} diffusion, {}", problem.dimension(),
                       problem.dimension() == 1 ? "" : "s", fmt::join(problem.variables(), ", "), kind, traits));
  log.info(fmt::format("compared with: {}", problem.exact() ? problem.exact()->name() : "nothing known"));
}

template <int Dim>
double memory_of(const density::Settings& settings, const Communicator& comm) {
  return density::GridEngine<Dim>::memory_estimate(settings, comm.size()) +
         DensityOutput<Dim>::memory_estimate(settings, comm.size());
}

bool explicit_step(const density::Settings& s) {
  return s.time.step && (s.time.scheme == density::Scheme::ssp_rk2 || s.time.scheme == density::Scheme::ssp_rk3);
}

bool start_by_expression(const density::Settings& s) {
  return !s.time.stationary && s.initial_file.empty() && !s.problem.initial().normalised();
}

/// What only the values in the cells tell, as at the start of the run: a start without mass, an explicit step above its
/// limit. On grids that take no more than some seconds; for others returns what is left to the run.
std::string judge_cells(const CaseFile& file, density::Settings settings, bool elsewhere, const Communicator& comm) {
  constexpr double most = 3e5;
  const bool step = explicit_step(settings), start = start_by_expression(settings);
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  if (cells > most)
    return fmt::format("{}{}{}", start ? "the mass of the start" : "", start && step ? ", " : "",
                       step ? "the limit of the explicit scheme" : "");
  if (!start && !step) return {};
  if (elsewhere) settings.processes.assign(settings.axes.size(), 0);  // those of the other machine
  density::with_dimension(settings.problem.dimension(), [&](auto dim) {
    density::GridEngine<dim()> engine(settings, elsewhere ? Communicator(MPI_COMM_SELF) : comm);
    at_key(file, "problem.initial", [&] {
      if (start) engine.initialise();
    });
    at_key(file, "time.step", [&] {
      if (step) (void)engine.choose_step();
    });
  });
  return {};
}

}  // namespace

void refuse_what_cannot_fit(const CaseFile& file, density::Settings& settings, const Communicator& comm) {
  const double memory = machine_memory(comm);
  density::with_dimension(settings.problem.dimension(), [&](auto dim) {
    double need = memory_of<dim()>(settings, comm);
    if (need > memory && settings.coefficients == density::Coefficients::automatic) {
      settings.coefficients = density::Coefficients::recomputed;
      need = memory_of<dim()>(settings, comm);
    }
    if (need > memory)
      throw file.error_at("grid", fmt::format("the run needs about {:.3g} GB; the machines have {:.3g} GB", need * 1e-9,
                                              memory * 1e-9));
  });
}

void check_density(const CaseFile& file, const RunOptions& options, const Communicator& comm, const Log& log) {
  density::Settings settings = density::read_settings(file);
  for (const std::string& warning : density::check_problem(file, settings, comm, !options.elsewhere))
    log.warning(warning);
  if (!options.elsewhere) refuse_what_cannot_fit(file, settings, comm);
  const std::string left = judge_cells(file, settings, options.elsewhere, comm);
  // An earlier leg may be still to come.
  if (!options.elsewhere && !settings.initial_file.empty() && std::filesystem::exists(settings.initial_file))
    log.info(fmt::format("start: {}", density::find_density(file, settings, comm).string()));
  const density::Problem& problem = settings.problem;
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  if (!settings.title.empty()) log.info(settings.title);
  print_problem(problem, log);
  log.info(fmt::format("grid: {:.0f} cells in {} dimension{}", cells, problem.dimension(),
                       problem.dimension() == 1 ? "" : "s"));
  for (int d = 0; d < problem.dimension(); ++d) log.info(describe_axis(settings.axes[d], problem.variables()[d]));
  std::string faces;
  for (int face = 0; face < 2 * problem.dimension(); ++face)
    faces += fmt::format("{}{} {}", face ? ", " : "", density::face_name(problem, face),
                         density::to_string(settings.boundary[face].type));
  log.info(fmt::format("boundary: {}", faces));
  log.info(fmt::format("flux: {}", density::to_string(settings.flux)));
  log.info(fmt::format("time: {}", describe_time(settings.time)));
  for (const density::SliceSettings& slice : settings.output.slices) {
    std::string along, at;
    for (int d = 0; d < problem.dimension(); ++d) {
      const bool spans = std::count(slice.variables.begin(), slice.variables.end(), d) > 0;
      if (!spans) at += fmt::format("{}{} = {:.6g}", at.empty() ? "" : ", ", problem.variables()[d], slice.at[d]);
    }
    for (const int d : slice.variables) along += (along.empty() ? "" : " ") + problem.variables()[d];
    log.info(fmt::format("slice {}: {} at {}", slice.name, along, at));
  }
  if (!left.empty()) log.info("not judged on so many cells: " + left);
  density::with_dimension(problem.dimension(), [&](auto dim) {
    log.info(fmt::format("ranks: {}", describe_ranks<dim()>(settings, comm.size())));
    const double bytes = memory_of<dim()>(settings, comm);
    log.info(fmt::format("memory: about {:.3g} MB in all, {:.0f} bytes per cell; checkpoint {:.3g} MB", bytes * 1e-6,
                         bytes / cells, 8e-6 * cells));
  });
}

}  // namespace kolmo::drivers
