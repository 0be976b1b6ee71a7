/// Integrals of functions of one variable.
#pragma once

#include <functional>

namespace kolmo::density::detail {

/// Integral over [from, to] by adaptive Gauss-Kronrod (7, 15) panels, to about `tolerance` of the integral of |f|.
/// What is not finite comes back as such.
double integrate(const std::function<double(double)>& f, double from, double to, int panels = 16,
                 double tolerance = 1e-14);

}  // namespace kolmo::density::detail
