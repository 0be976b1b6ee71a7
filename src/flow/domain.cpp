#include "kolmo/flow/domain.hpp"

#include <fmt/format.h>
#include <petscsystypes.h>

#include <limits>

#include "kolmo/base/error.hpp"

namespace kolmo::flow {

namespace {

template <int Dim>
Grid<Dim> make_grid(const Settings& settings) {
  std::array<Axis, Dim> axes;
  for (int d = 0; d < Dim; ++d) {
    AxisSpec spec = settings.axes[d];
    spec.periodic = settings.boundary[2 * d].type == BoundaryType::periodic;
    axes[d] = Axis(spec);
  }
  Grid<Dim> grid(std::move(axes));
  if (sizeof(PetscInt) == 4 && grid.cell_count() > std::numeric_limits<std::int32_t>::max())
    throw InputError(fmt::format("grid: {} cells are more unknowns than PETSc's 32-bit indices can number (2^31 - 1)",
                                 grid.cell_count()));
  return grid;
}

template <int Dim>
Decomposition<Dim> make_decomposition(const Settings& settings, const Grid<Dim>& grid, const Communicator& comm) {
  Index<Dim> processes;
  bool given = true;
  for (int d = 0; d < Dim; ++d) {
    processes[d] = settings.processes[d];
    given = given && processes[d] > 0;
  }
  if (!given) processes = Decomposition<Dim>::choose(comm.size(), grid.cells());
  return Decomposition<Dim>(comm, grid.cells(), grid.periodic(), processes);
}

}  // namespace

template <int Dim>
Domain<Dim>::Domain(const Settings& settings, const Communicator& comm)
    : grid(make_grid<Dim>(settings)),
      decomposition(make_decomposition<Dim>(settings, grid, comm)),
      layout(decomposition.extent(), Ghosts<Dim>::uniform(1, 2)),
      halo(decomposition, layout, Ghosts<Dim>::uniform(1, 1), Stencil::box) {}

template <int Dim>
Velocity<Dim> Domain<Dim>::make_velocity() const {
  Velocity<Dim> velocity;
  for (int d = 0; d < Dim; ++d) velocity[d] = Field<Dim>(layout, Location::faces(d));
  return velocity;
}

template <int Dim>
void Domain<Dim>::exchange(Velocity<Dim>& velocity) const {
  std::array<Field<Dim>*, Dim> fields;
  for (int d = 0; d < Dim; ++d) fields[d] = &velocity[d];
  halo.exchange(std::span<Field<Dim>* const>(fields));
}

template struct Domain<2>;
template struct Domain<3>;

}  // namespace kolmo::flow
