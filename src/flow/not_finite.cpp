#include "not_finite.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace kolmo::flow {

namespace {

/// The lowest global number, x fastest, of a cell whose value is not finite; the largest integer where there is none.
template <int Dim>
std::int64_t first_not_finite(const Domain<Dim>& domain, const Field<Dim>& field) {
  constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  std::int64_t lowest = none;
  for_each<Dim>(domain.layout.interior(), [&](const Index<Dim>& i) {
    if (std::isfinite(field(i))) return;
    std::int64_t number = 0;
    for (int d = Dim; d-- > 0;) number = number * domain.grid.cells()[d] + i[d] + domain.origin()[d];
    lowest = std::min(lowest, number);
  });
  return -domain.comm().max(-lowest);
}

}  // namespace

template <int Dim>
std::string describe_not_finite(const Domain<Dim>& domain, const State<Dim>& state, Scalars<Dim>& scalars) {
  std::string found;
  const auto look = [&](const std::string& name, const Field<Dim>& field) {
    if (!found.empty()) return;
    std::int64_t number = first_not_finite(domain, field);
    if (number == std::numeric_limits<std::int64_t>::max()) return;
    std::array<std::int64_t, Dim> cell;
    for (int d = 0; d < Dim; ++d) {
      cell[d] = number % domain.grid.cells()[d];
      number /= domain.grid.cells()[d];
    }
    found = fmt::format("{} is not finite in cell ({})", name, fmt::join(cell, ", "));
  };
  for (int c = 0; c < Dim; ++c) look(fmt::format("velocity_{}", "xyz"[c]), state.velocity[c]);
  look("pressure", state.p);
  for (int s = 0; s < scalars.count(); ++s) look(scalars.name(s), scalars.field(s));
  return found.empty() ? "the velocity is not finite" : found;
}

template std::string describe_not_finite<2>(const Domain<2>&, const State<2>&, Scalars<2>&);
template std::string describe_not_finite<3>(const Domain<3>&, const State<3>&, Scalars<3>&);

}  // namespace kolmo::flow
