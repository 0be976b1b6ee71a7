#include "kolmo/linear/operators.hpp"

#include <algorithm>
#include <cmath>

namespace kolmo {

namespace {

// Widths come as differences of node coordinates, so equal ones differ by a few round-offs of the coordinates.
constexpr double same = 1e-11;

bool equal(double a, double b) { return std::abs(a - b) <= same * std::max(std::abs(a), std::abs(b)); }

}  // namespace

bool LineOperator::uniform() const {
  const int n = size();
  for (int i = 1; i < n; ++i)
    if (!equal(weight[i], weight[0])) return false;
  for (int i = 2; i < n; ++i)
    if (!equal(conductance[i], conductance[1])) return false;
  return !periodic || n < 2 || (equal(conductance[0], conductance[1]) && equal(conductance[n], conductance[1]));
}

bool LineOperator::mirror_symmetric() const {
  const int n = size();
  for (int i = 0; i < n / 2; ++i)
    if (!equal(weight[i], weight[n - 1 - i])) return false;
  for (int i = 0; i <= n / 2; ++i)
    if (!equal(conductance[i], conductance[n - i])) return false;
  return true;
}

template <int Dim>
FaceConductances<Dim> face_conductances(const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op) {
  FaceConductances<Dim> faces;
  const Box<Dim>& owned = unknowns.owned();
  for (int d = 0; d < Dim; ++d) {
    Box<Dim> box = owned;
    ++box.end[d];
    faces.conductance[d].reserve(box.size());
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      double c = op.scale * op.line[d].conductance[i[d]];
      for (int e = 0; e < Dim; ++e)
        if (e != d) c *= op.line[e].weight[i[e]];
      faces.conductance[d].push_back(c);
    });
  }
  if (op.shift != 0.0) {
    faces.shift.reserve(owned.size());
    for_each<Dim>(owned, [&](const Index<Dim>& i) {
      double s = op.shift;
      for (int d = 0; d < Dim; ++d) s *= op.line[d].weight[i[d]];
      faces.shift.push_back(s);
    });
  }
  return faces;
}

template <int Dim>
bool singular(const Decomposition<Dim>& unknowns, const FaceConductances<Dim>& op) {
  const Box<Dim>& owned = unknowns.owned();
  bool held = std::any_of(op.shift.begin(), op.shift.end(), [](double s) { return s != 0.0; });
  for (int d = 0; d < Dim && !held; ++d) {
    Box<Dim> box = owned;
    ++box.end[d];
    std::size_t at = 0;
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      const bool boundary = !unknowns.periodic()[d] && (i[d] == 0 || i[d] == unknowns.cells()[d]);
      if (boundary && op.conductance[d][at] != 0.0) held = true;
      ++at;
    });
  }
  return !unknowns.comm().any(held);
}

#define KOLMO_INSTANTIATE(Dim)                                                                                \
  template FaceConductances<Dim> face_conductances(const Decomposition<Dim>&, const SeparableOperator<Dim>&); \
  template bool singular(const Decomposition<Dim>&, const FaceConductances<Dim>&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo
