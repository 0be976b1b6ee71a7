#include "kolmo/linear/multigrid.hpp"

#include <fmt/format.h>

#include "kolmo/base/error.hpp"
#include "multigrid_hierarchy.hpp"

namespace kolmo {

namespace {

template <int Dim>
multigrid::Boxes boxes_of(const Decomposition<Dim>& unknowns, MPI_Comm comm) {
  multigrid::Boxes boxes;
  boxes.comm = comm;
  boxes.rank = unknowns.comm().rank();
  boxes.ranks = unknowns.comm().size();
  for (int d = 0; d < 3; ++d) {
    boxes.starts[d] = {0, 1};
    if (d >= Dim) continue;
    boxes.processes[d] = unknowns.processes()[d];
    boxes.coordinates[d] = unknowns.coordinates()[d];
    boxes.periodic[d] = unknowns.periodic()[d];
    boxes.starts[d] = unknowns.starts(d);
  }
  for (int d = 1; d < 3; ++d) boxes.rank_stride[d] = boxes.rank_stride[d - 1] * boxes.processes[d - 1];
  return boxes;
}

template <int Dim>
multigrid::Operator operator_of(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op) {
  const auto cells = static_cast<std::size_t>(unknowns.local_size());
  const Index<Dim> n = unknowns.extent();
  multigrid::Extent extent{1, 1, 1};
  for (int d = 0; d < Dim; ++d) extent[d] = n[d];
  multigrid::Operator out(extent);
  for (int d = 0; d < Dim; ++d) {
    std::size_t faces = 1;
    for (int e = 0; e < Dim; ++e) faces *= static_cast<std::size_t>(n[e] + (e == d));
    if (op.conductance[d].size() != faces)
      throw InternalError(
          fmt::format("Multigrid: {} conductances in direction {}, expected {}", op.conductance[d].size(), d, faces));
    out.face[d] = op.conductance[d].data();
  }
  if (!op.shift.empty() && op.shift.size() != cells)
    throw InternalError(fmt::format("Multigrid: {} shifts for {} unknowns", op.shift.size(), cells));
  if (!op.shift.empty()) out.shift = op.shift.data();
  return out;
}

}  // namespace

template <int Dim>
struct Multigrid<Dim>::Parts {
  Parts(const Decomposition<Dim>& unknowns_in, const FaceConductances<Dim>& op)
      : unknowns(unknowns_in),
        comm(unknowns_in.comm()),
        hierarchy(boxes_of<Dim>(unknowns, comm.get().handle()), operator_of<Dim>(unknowns, op)) {}
  Decomposition<Dim> unknowns;
  OwnCommunicator comm;  // messages of the multigrid meet no others
  multigrid::Hierarchy hierarchy;
};

template <int Dim>
Multigrid<Dim>::Multigrid(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op)
    : parts_(std::make_unique<Parts>(unknowns, op)) {}
template <int Dim>
Multigrid<Dim>::~Multigrid() = default;
template <int Dim>
Multigrid<Dim>::Multigrid(Multigrid&&) noexcept = default;
template <int Dim>
Multigrid<Dim>& Multigrid<Dim>::operator=(Multigrid&&) noexcept = default;

template <int Dim>
void Multigrid<Dim>::set_conductances(const FaceConductances<Dim>& op) {
  parts_->hierarchy.set(operator_of<Dim>(parts_->unknowns, op));
}

template <int Dim>
void Multigrid<Dim>::apply(const double* b, double* q) {
  parts_->hierarchy.apply(b, q);
}

template <int Dim>
std::string Multigrid<Dim>::description() const {
  return parts_->hierarchy.description();
}

template class Multigrid<1>;
template class Multigrid<2>;
template class Multigrid<3>;

}  // namespace kolmo
