// Line operators of every boundary kind, and plain loops over the whole grid to check the solvers against.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kolmo/linear/operators.hpp"

namespace kolmo::test {

enum class End { neumann, face, node, half_node, periodic };
enum class Shape { uniform, symmetric, skew };

/// A number in (-1, 1) that depends on the counter alone.
inline double noise(std::uint64_t counter, std::uint64_t seed = 1) {
  std::uint64_t z = counter * 0x9e3779b97f4a7c15ull + seed * 0xd1342543de82ef95ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-52 - 1.0;
}

inline LineOperator make_line(int n, End low, End high, Shape shape, double length = 1.0) {
  std::vector<double> width(n);
  double sum = 0.0;
  for (int i = 0; i < n; ++i) {
    const double xi = (i + 0.5) / n;
    width[i] = shape == Shape::uniform ? 1.0 : shape == Shape::symmetric ? 0.15 + xi * (1.0 - xi) : std::exp(1.5 * xi);
    sum += width[i];
  }
  for (double& w : width) w *= length / sum;
  LineOperator line;
  line.weight = width;
  line.periodic = low == End::periodic;
  line.conductance.assign(n + 1, 0.0);
  for (int i = 1; i < n; ++i) line.conductance[i] = 2.0 / (width[i - 1] + width[i]);
  auto end = [](End kind, double w) { return kind == End::neumann ? 0.0 : kind == End::face ? 2.0 / w : 1.0 / w; };
  if (line.periodic) {
    line.conductance.front() = line.conductance.back() = 2.0 / (width.front() + width.back());
  } else {
    line.conductance.front() = end(low, width.front());
    line.conductance.back() = end(high, width.back());
  }
  if (low == End::half_node) {  // Neumann at a node: half a control volume
    line.conductance.front() = 0.0;
    line.weight.front() *= 0.5;
  }
  if (high == End::half_node) {
    line.conductance.back() = 0.0;
    line.weight.back() *= 0.5;
  }
  return line;
}

template <int Dim>
Index<Dim> sizes(const SeparableOperator<Dim>& op) {
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = op.line[d].size();
  return n;
}

template <int Dim>
std::array<bool, Dim> periodic(const SeparableOperator<Dim>& op) {
  std::array<bool, Dim> p;
  for (int d = 0; d < Dim; ++d) p[d] = op.line[d].periodic;
  return p;
}

template <int Dim>
std::size_t flat(const Index<Dim>& i, const Index<Dim>& n) {
  std::size_t at = 0;
  for (int d = Dim - 1; d >= 0; --d) at = at * n[d] + i[d];
  return at;
}

template <int Dim>
Box<Dim> whole(const Index<Dim>& n) {
  Box<Dim> box;
  box.end = n;
  return box;
}

template <int Dim>
double volume_weight(const SeparableOperator<Dim>& op, const Index<Dim>& i) {
  double w = 1.0;
  for (int d = 0; d < Dim; ++d) w *= op.line[d].weight[i[d]];
  return w;
}

/// A q over the whole grid.
template <int Dim>
std::vector<double> product(const SeparableOperator<Dim>& op, const std::vector<double>& q) {
  const Index<Dim> n = sizes(op);
  std::vector<double> result(q.size());
  for_each<Dim>(whole<Dim>(n), [&](const Index<Dim>& i) {
    const double here = q[flat<Dim>(i, n)];
    double sum = op.shift * here;
    for (int d = 0; d < Dim; ++d) {
      const LineOperator& line = op.line[d];
      auto beyond = [&](int step) {
        Index<Dim> j = i;
        j[d] += step;
        if (j[d] < 0 || j[d] >= n[d]) {
          if (!line.periodic) return 0.0;
          j[d] = (j[d] + n[d]) % n[d];
        }
        return q[flat<Dim>(j, n)];
      };
      const double l = line.conductance[i[d] + 1] * (beyond(+1) - here) - line.conductance[i[d]] * (here - beyond(-1));
      sum -= op.scale * l / line.weight[i[d]];
    }
    result[flat<Dim>(i, n)] = volume_weight<Dim>(op, i) * sum;
  });
  return result;
}

template <int Dim>
std::vector<double> local_part(const Decomposition<Dim>& boxes, const std::vector<double>& global) {
  std::vector<double> local;
  for_each<Dim>(boxes.owned(), [&](const Index<Dim>& i) { local.push_back(global[flat<Dim>(i, boxes.cells())]); });
  return local;
}

/// The whole array on every rank.
template <int Dim>
std::vector<double> gathered(const Decomposition<Dim>& boxes, const std::vector<double>& local) {
  std::vector<double> global(boxes.global_size(), 0.0);
  std::size_t at = 0;
  for_each<Dim>(boxes.owned(), [&](const Index<Dim>& i) { global[flat<Dim>(i, boxes.cells())] = local[at++]; });
  boxes.comm().sum(global.data(), static_cast<int>(global.size()));
  return global;
}

inline std::vector<double> random_vector(std::size_t n, std::uint64_t seed = 1) {
  std::vector<double> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = noise(i, seed);
  return v;
}

inline double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

}  // namespace kolmo::test
