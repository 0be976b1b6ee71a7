// Lanes of lines in vector registers; for the kernels' own files.
#pragma once

#include <numbers>

// Vectors wider than the machine's are passed between functions of one file only.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace kolmo::density {

inline constexpr int vector_lanes = 8;
typedef double Vector __attribute__((vector_size(vector_lanes * sizeof(double)), aligned(sizeof(double)), may_alias));

/// Vectors of this many lanes: of one, for a line by itself, the number.
template <int W>
struct Lanes {
  using Type = Vector;
};
template <>
struct Lanes<1> {
  using Type = double;
};
template <int W = vector_lanes>
inline typename Lanes<W>::Type load(const double* from) {
  return *reinterpret_cast<const typename Lanes<W>::Type*>(from);
}
template <int W = vector_lanes>
inline void store(double* to, typename Lanes<W>::Type value) {
  *reinterpret_cast<typename Lanes<W>::Type*>(to) = value;
}

// Of the step of second order, see LineSolver.
inline constexpr double pole = 1.0 - 1.0 / std::numbers::sqrt2;
inline constexpr double weight_first = -std::numbers::sqrt2, weight_second = 1.0 + std::numbers::sqrt2;

}  // namespace kolmo::density
