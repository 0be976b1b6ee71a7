/// The weights of Scharfetter & Gummel (1969), free of cancellation.
#pragma once

#include <algorithm>
#include <cmath>

#include "kolmo/transport/face.hpp"

namespace kolmo::transport {

/// The Bernoulli function B(t) = t / (exp(t) - 1) for t >= 0, to round-off; B(-t) = B(t) + t. B(0) = 1, B(inf) = 0.
inline double bernoulli(double t) {
  // expm1 has no cancellation; below 1e-300 the quotient would be 0/0. Beyond 800 expm1 is infinite and B is 0.
  const double s = std::clamp(t, 1e-300, 800.0);
  return s / std::expm1(s);
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
