/// Closed forms to compare with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kolmo::density {

/// A density known exactly: at every time (transient), or only in the limit of long times (stationary).
class ExactDensity {
 public:
  virtual ~ExactDensity() = default;
  virtual int dimension() const = 0;
  virtual std::string name() const = 0;
  virtual bool transient() const = 0;
  /// p(x, t); the stationary density whatever t where it is not transient.
  virtual double density(const double* x, double t) const = 0;
  virtual double log_density(const double* x, double t) const = 0;
  /// grad log p, `dimension` numbers.
  virtual void score(const double* x, double t, double* s) const = 0;
  /// False where density() is known up to a factor: who compares on a box divides by the integral over it.
  virtual bool normalised() const { return true; }
  /// Draws x from p(., t); `stream` and `index` name the random numbers (Random123), so that results do not depend on
  /// ranks. Throws InputError where it is not known how.
  virtual void sample(std::uint64_t stream, std::uint64_t index, double t, double* x) const;
};

}  // namespace kolmo::density
