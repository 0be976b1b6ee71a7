/// Coefficients given as expressions may lose their sense during the run.
#pragma once

#include <array>
#include <limits>
#include <string>

#include "kolmo/base/parallel.hpp"

namespace kolmo::flow {

/// Looks at the values of a viscosity or a diffusivity as they are evaluated: with a negative one the equations have no
/// solution, and a NaN would first be seen in another field.
class CoefficientCheck {
 public:
  /// key: of the case file, for the message; dimension: how many coordinates the message gives; unit: what the values
  /// are multiplied by in the message.
  CoefficientCheck(std::string key, int dimension, double unit = 1.0)
      : key_(std::move(key)), dimension_(dimension), unit_(unit) {}

  /// Forgets what it has seen.
  void start() { lowest_ = std::numeric_limits<double>::infinity(); }
  /// Returns the value seen at x.
  double operator()(double value, const std::array<double, 3>& x) {
    if (!(value >= 0.0 && value < std::numeric_limits<double>::infinity())) note(value, x);
    return value;
  }
  /// This rank has seen one that may not be.
  bool failed() const { return lowest_ < std::numeric_limits<double>::infinity(); }
  /// Throws NumericsError on all ranks with key, place, t and value where one rank has seen a value that is negative or
  /// not finite: of all of them the lowest, one that is not finite before any other. Collective: one reduction.
  void finish(const Communicator& comm, double t) const;

 private:
  void note(double value, const std::array<double, 3>& x);
  std::string key_;
  int dimension_;
  double unit_;
  double lowest_ = std::numeric_limits<double>::infinity();  // one that is not finite counts as the lowest number
  double value_ = 0.0;
  std::array<double, 3> place_{};
};

}  // namespace kolmo::flow
