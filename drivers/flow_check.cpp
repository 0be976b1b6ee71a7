// What `kolmo check` says of a flow.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <vector>

#include "commands.hpp"
#include "describe.hpp"
#include "flow_simulation.hpp"
#include "kolmo/flow/settings.hpp"

namespace kolmo::drivers {

namespace {

/// Resident bytes of a rank that do not grow with the grid: MPI, PETSc, HDF5 and their buffers.
constexpr double library_bytes = 95e6;

/// How often fields are written; unknown where it depends on the length of steps yet to be chosen.
std::optional<double> field_outputs(const flow::Settings& settings) {
  const flow::TimeSettings& time = settings.time;
  const Schedule& schedule = settings.output.fields.schedule;
  if (settings.output.fields.names.empty()) return 0.0;
  double outputs = 2.0;  // at the start and at the end
  double steps = static_cast<double>(time.max_steps);
  double duration = time.end - time.start;
  if (time.step) {
    const double to_end = std::ceil(duration / *time.step);
    steps = steps > 0.0 ? std::min(steps, to_end) : to_end;
    duration = steps * *time.step;
  }
  if (schedule.every_steps > 0) {
    if (steps <= 0.0) return {};
    outputs += std::floor(steps / static_cast<double>(schedule.every_steps));
  }
  if (schedule.every_time > 0.0) outputs += std::floor(duration / schedule.every_time * (1.0 + 1e-9));
  return std::max(outputs - (schedule.active() ? 1.0 : 0.0), 1.0);
}

std::string describe(const std::optional<double>& outputs, double bytes) {
  if (outputs && *outputs == 0.0) return "none";
  const std::string each = fmt::format("{:.3g} MB each, ", bytes * 1e-6);
  if (!outputs) return each + "as many as the steps ask for";
  return each + fmt::format("{:.0f} at most, {:.3g} MB", *outputs, *outputs * bytes * 1e-6);
}

std::string pressure_solver(const flow::Settings& settings) {
  const flow::LinearMethod method = settings.pressure_solver.method;
  if (method != flow::LinearMethod::automatic) return flow::to_string(method);
  return "tensor (automatic: direct, the coefficients are constant)";
}

std::string momentum_solver(const flow::Settings& settings) {
  const bool implicit = settings.time.scheme == flow::Scheme::rk3_cn || settings.time.scheme == flow::Scheme::cn_ab2;
  return implicit ? flow::to_string(settings.momentum_solver.method) : "none (explicit)";
}

void print_settings(const flow::Settings& settings, const Log& log, int ranks) {
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  if (!settings.title.empty()) log.info(settings.title);
  log.info(fmt::format("grid: {:.0f} cells in {} dimensions", cells, settings.dimension));
  for (int d = 0; d < settings.dimension; ++d) log.info(describe_axis(settings.axes[d], std::string(1, "xyz"[d])));
  log.info(fmt::format(
      "ranks: {}", settings.dimension == 2 ? describe_ranks<2>(settings, ranks) : describe_ranks<3>(settings, ranks)));
  std::string faces;
  for (int face = 0; face < 2 * settings.dimension; ++face)
    faces +=
        fmt::format("{}{} {}", face ? ", " : "", flow::face_name(face), flow::to_string(settings.boundary[face].type));
  log.info(fmt::format("boundary: {}", faces));
  log.info(fmt::format("fluid: density {:.6g} kg/m3, {} viscosity {}", settings.fluid.density,
                       settings.fluid.viscosity_is_dynamic ? "dynamic" : "kinematic", settings.fluid.viscosity.text()));
  for (const flow::ScalarSettings& scalar : settings.scalars)
    log.info(fmt::format("scalar: {}, diffusivity {}", scalar.name, scalar.diffusivity.text()));
  const std::string step = settings.time.step ? fmt::format("step {:.6g}", *settings.time.step)
                                              : fmt::format("cfl {:.3g}", settings.time.cfl);
  log.info(fmt::format("time: {} to {}, scheme {}, {}", settings.time.start, settings.time.end,
                       flow::to_string(settings.time.scheme), step));
  const flow::ResourceEstimate need = flow::estimate_resources(settings);
  log.info(
      fmt::format("memory: about {:.3g} MB in all, {:.0f} bytes per cell; {:.3g} MB on each rank with the libraries",
                  need.memory * 1e-6, need.memory / cells, (need.memory / ranks + library_bytes) * 1e-6));
  log.info(fmt::format("fields: {}; checkpoint {:.3g} MB, {} kept", describe(field_outputs(settings), need.snapshot),
                       need.checkpoint * 1e-6, settings.output.checkpoint.keep));
  log.info(fmt::format("solvers: pressure {}, momentum {}", pressure_solver(settings), momentum_solver(settings)));
}

/// What the case says will be written must find room where it goes.
void check_volume(const CaseFile& file, const flow::Settings& settings, const std::filesystem::path& folder,
                  const Communicator& comm) {
  const flow::ResourceEstimate need = flow::estimate_resources(settings);
  const double outputs = field_outputs(settings).value_or(1.0);
  const double bytes = outputs * need.snapshot + settings.output.checkpoint.keep * need.checkpoint;
  std::filesystem::path place = std::filesystem::absolute(folder);
  std::error_code failure;
  while (!std::filesystem::exists(place, failure) && place.has_relative_path()) place = place.parent_path();
  std::vector<double> answer{static_cast<double>(std::filesystem::space(place, failure).available)};
  comm.broadcast(answer);
  const double room = answer[0];
  if (room < 1e18 && bytes > room)  // where it cannot be told, it is not a number of bytes
    throw file.error_at(
        "output", fmt::format("fields and checkpoints take {:.3g} GB ({:.0f} outputs of {:.3g} GB); {} has {:.3g} GB",
                              bytes * 1e-9, outputs, need.snapshot * 1e-9, place.string(), room * 1e-9));
}

}  // namespace

void check_flow(const CaseFile& file, const RunOptions& options, const Communicator& comm, const Log& log) {
  const flow::Settings settings = flow::read_settings(file);
  if (!options.elsewhere) {
    flow::check_resources(file, settings, comm);
    check_volume(file, settings, output_directory(options, file), comm);
  }
  print_settings(settings, log, comm.size());
}

}  // namespace kolmo::drivers
