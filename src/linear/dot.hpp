// Sums that vectorise and do not depend on how: sixteen partial sums, added up in one order.
#pragma once

#include <array>
#include <cstddef>

namespace kolmo {

/// Adds term(i), i = 0 .. n-1.
template <class Term>
double sum_of(std::ptrdiff_t n, Term&& term) {
  constexpr std::ptrdiff_t width = 16;
  std::array<double, width> sums{};
  std::ptrdiff_t i = 0;
  for (; i + width <= n; i += width)
    for (std::ptrdiff_t j = 0; j < width; ++j) sums[j] += term(i + j);
  for (; i < n; ++i) sums[0] += term(i);
  double sum = 0.0;
  for (const double s : sums) sum += s;
  return sum;
}

inline double dot(std::ptrdiff_t n, const double* a, const double* b) {
  return sum_of(n, [=](std::ptrdiff_t i) { return a[i] * b[i]; });
}

}  // namespace kolmo
