#include "kolmo/flow/coefficient_check.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::flow {

void CoefficientCheck::note(double value, const std::array<double, 3>& x) {
  const double rank = std::isfinite(value) ? value : std::numeric_limits<double>::lowest();
  if (rank >= lowest_) return;
  lowest_ = rank;
  value_ = std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;  // without a sign
  place_ = x;
}

void CoefficientCheck::finish(const Communicator& comm, double t) const {
  if (!comm.any(failed())) return;
  const double lowest = comm.min(lowest_);
  const double owner = comm.min(lowest_ == lowest ? comm.rank() : comm.size());
  std::array<double, 4> seen{};
  if (comm.rank() == owner) seen = {place_[0], place_[1], place_[2], value_};
  comm.sum(seen.data(), 4);
  std::string place;
  for (int d = 0; d < dimension_; ++d) place += fmt::format("{} = {:.6g}, ", "xyz"[d], seen[d]);
  throw NumericsError(fmt::format("{} is {:.6g} at {}t = {:.6g}: must be {}", key_, unit_ * seen[3], place, t,
                                  std::isfinite(seen[3]) ? ">= 0" : "a finite number"));
}

}  // namespace kolmo::flow
