// What `kolmo check` says of a flow.
#include <fmt/format.h>

#include "flow_simulation.hpp"
#include "kolmo/flow/settings.hpp"
#include "kolmo/grid/decomposition.hpp"

namespace kolmo::drivers {

namespace {

std::string describe(const AxisSpec& spec, char name) {
  const Axis axis(spec);
  const std::string widths =
      axis.uniform() ? fmt::format("uniform, width {:.4g}", axis.min_width())
                     : fmt::format("stretched, widths {:.4g} .. {:.4g}", axis.min_width(), axis.max_width());
  return fmt::format("  {}: {} cells from {:.6g} to {:.6g}, {}{}", name, axis.cells(), axis.from(), axis.to(), widths,
                     axis.periodic() ? ", periodic" : "");
}

template <int Dim>
std::string ranks_of(const flow::Settings& settings, int ranks) {
  Index<Dim> cells{}, processes{};
  for (int d = 0; d < Dim; ++d) {
    cells[d] = settings.axes[d].cells;
    processes[d] = settings.processes[d];
  }
  if (processes[0] == 0) processes = Decomposition<Dim>::choose(ranks, cells);
  return fmt::format("{} as {}", ranks, fmt::join(processes, " x "));
}

void print_settings(const flow::Settings& settings, const Log& log, int ranks) {
  double cells = 1.0;
  for (const AxisSpec& axis : settings.axes) cells *= axis.cells;
  if (!settings.title.empty()) log.info(settings.title);
  log.info(fmt::format("grid: {:.0f} cells in {} dimensions", cells, settings.dimension));
  for (int d = 0; d < settings.dimension; ++d) log.info(describe(settings.axes[d], "xyz"[d]));
  log.info(
      fmt::format("ranks: {}", settings.dimension == 2 ? ranks_of<2>(settings, ranks) : ranks_of<3>(settings, ranks)));
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
  log.info(fmt::format(
      "memory: about {:.3g} MB in all, {:.0f} bytes per cell; checkpoint {:.3g} MB, field output {:.3g} MB each",
      need.memory * 1e-6, need.memory / cells, need.checkpoint * 1e-6, need.snapshot * 1e-6));
  log.info(fmt::format("solvers: pressure {}, momentum {}", flow::to_string(settings.pressure_solver.method),
                       flow::to_string(settings.momentum_solver.method)));
}

}  // namespace

void check_flow(const CaseFile& file, const Communicator& comm, const Log& log) {
  const flow::Settings settings = flow::read_settings(file);
  flow::check_resources(file, settings, comm);
  print_settings(settings, log, comm.size());
}

}  // namespace kolmo::drivers
