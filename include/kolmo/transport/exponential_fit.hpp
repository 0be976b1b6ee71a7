/// The weights of Scharfetter & Gummel (1969), free of cancellation.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kolmo/transport/face.hpp"

namespace kolmo::transport {

/// exp(t) - 1 for 0 <= t <= 700 to about round-off, free of branches so that loops over it vectorise (the library's
/// expm1 does not): t = n ln 2 + r with |r| <= ln 2 / 2, and 2^n (exp(r) - 1) + (2^n - 1) has no cancellation for n >=
/// 0.
inline double exp_minus_one(double t) {
  constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves the rounded integer in the low bits
  constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  const double shifted = t * 1.4426950408889634 + shift;
  const double n = shifted - shift;
  const double r = (t - n * ln2_high) - n * ln2_low;
  const double power = std::bit_cast<double>((std::bit_cast<std::int64_t>(shifted) + 1023) << 52);
  double sum = 1.0 / 6227020800.0;  // Taylor's series to r^13 / 13!
  for (const double c : {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                         1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5})
    sum = sum * r + c;
  return power * (r + r * r * sum) + (power - 1.0);
}

/// The Bernoulli function B(t) = t / (exp(t) - 1) for t >= 0, to round-off; B(-t) = B(t) + t. B(0) = 1; 0 beyond t =
/// 700, where it is below 1e-301.
inline double bernoulli(double t) {
  const double s = std::min(std::max(t, 1e-300), 700.0);  // no 0/0 at the lower end
  const double b = s / exp_minus_one(s);
  return t > 700.0 ? 0.0 : b;
}

/// (T8) F = a q - D dq/dn where the flux is constant between two points at distance h: with the conductance g = D / h
/// and the Peclet number P = a / g,    F = g [ B(-P) q_low - B(P) q_high ]. Written as upwind weights plus the
/// diffusion g B(|P|) that is left, both of one sign: g = 0 is first-order upwind, a = 0 plain diffusion.
inline FaceWeights exponential_fit(double drift, double conductance) {
  const double size = std::abs(drift);
  const double left = conductance > 0.0 ? conductance * bernoulli(size / conductance) : 0.0;
  return {left + std::max(drift, 0.0), -left + std::min(drift, 0.0)};
}

}  // namespace kolmo::transport
