#include "kolmo/density/slice.hpp"

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

template <int Dim>
Slice<Dim>::Slice(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::vector<int> variables,
                  const std::vector<double>& at)
    : grid_(grid), decomposition_(decomposition), variables_(std::move(variables)) {
  std::array<bool, Dim> along{};
  for (const int d : variables_) {
    if (d < 0 || d >= Dim || along[d]) throw InputError("a slice names different variables");
    along[d] = true;
  }
  if (variables_.size() < 2 || variables_.size() > 3 || at.size() != Dim)
    throw InputError("a slice has two or three variables, and a value for each of the others");
  const Box<Dim>& owned = decomposition_.owned();
  for (int d = 0; d < Dim; ++d) {
    weights_[d].assign(owned.extent(d), along[d] ? 1.0 : 0.0);
    if (along[d]) continue;
    const Axis& axis = grid_.axis(d);
    at_[d] = at[d];
    if (!(at[d] >= axis.from() && at[d] <= axis.to())) throw InputError("a slice lies outside of the grid");
    int cell = 0;
    while (cell + 1 < axis.cells() && axis.node(cell + 1) <= at[d]) ++cell;
    const CubicLine::Stencil s = CubicLine(axis).at(cell, at[d]);
    for (int k = 0; k < s.count; ++k) {
      const int n = axis.cells(), i = ((s.first + k) % n + n) % n;
      if (i >= owned.begin[d] && i < owned.end[d]) weights_[d][i - owned.begin[d]] += s.weights[k];
    }
  }
}

template <int Dim>
std::size_t Slice<Dim>::size() const {
  std::size_t count = 1;
  for (const int d : variables_) count *= static_cast<std::size_t>(grid_.axis(d).cells());
  return count;
}

template <int Dim>
std::vector<double> Slice<Dim>::values(const Field<Dim>& p) const {
  std::vector<double> sums(size(), 0.0);
  const Index<Dim>& begin = decomposition_.owned().begin;
  Box<Dim> rows;  // of x; only those that matter
  rows.end = decomposition_.extent();
  for (int d = 0; d < Dim; ++d) {
    const auto first = std::find_if(weights_[d].begin(), weights_[d].end(), [](double w) { return w != 0.0; });
    rows.begin[d] = static_cast<int>(first - weights_[d].begin());
    while (rows.end[d] > rows.begin[d] && weights_[d][rows.end[d] - 1] == 0.0) --rows.end[d];
  }
  if (!rows.empty())
    for_each<Dim>(rows, [&](const Index<Dim>& i) {
      double weight = 1.0;
      for (int d = 0; d < Dim; ++d) weight *= weights_[d][i[d]];
      std::size_t place = 0;
      for (std::size_t k = variables_.size(); k-- > 0;) {
        const int d = variables_[k];
        place = place * grid_.axis(d).cells() + i[d] + begin[d];
      }
      sums[place] += weight * p(i);
    });
  decomposition_.comm().sum(sums.data(), static_cast<int>(sums.size()));
  return sums;
}

template <int Dim>
std::vector<double> Slice<Dim>::exact(const Comparison<Dim>& comparison, double t) const {
  constexpr double gauss = 0.28867513459481288225;  // of the width, from the centre
  const Communicator& comm = decomposition_.comm();
  const double factor = comparison.factor(t);
  std::vector<double> means(size(), 0.0);
  const int points = 1 << variables_.size();
  for (std::size_t place = comm.rank(); place < means.size(); place += comm.size()) {
    for (int point = 0; point < points; ++point) {
      Point<Dim> x = at_;
      std::size_t rest = place;
      for (std::size_t k = 0; k < variables_.size(); ++k) {
        const Axis& axis = grid_.axis(variables_[k]);
        const int i = static_cast<int>(rest % axis.cells());
        rest /= axis.cells();
        x[variables_[k]] = axis.centre(i) + (point >> k & 1 ? gauss : -gauss) * axis.width(i);
      }
      means[place] += factor / points * std::exp(comparison.exact().log_density(x.data(), t));
    }
  }
  comm.sum(means.data(), static_cast<int>(means.size()));
  return means;
}

template class Slice<1>;
template class Slice<2>;
template class Slice<3>;
template class Slice<4>;
template class Slice<5>;
template class Slice<6>;

}  // namespace kolmo::density
