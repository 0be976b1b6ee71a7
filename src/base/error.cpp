#include "kolmo/base/error.hpp"

#include <fmt/format.h>

namespace kolmo {

NotConverged::NotConverged(std::string prefix, std::string reason, int iterations, double residual)
    : NumericsError(fmt::format("{} solve did not converge: {} after {} iterations, residual {:.3e}", prefix, reason,
                                iterations, residual)),
      prefix_(std::move(prefix)),
      reason_(std::move(reason)),
      iterations_(iterations),
      residual_(residual) {}

}  // namespace kolmo
