/// Accelerations the case file asks for: body force, gravity, imposed pressure gradient, a bulk velocity that is held.
#pragma once

#include <vector>

#include "kolmo/flow/domain.hpp"

namespace kolmo::flow {

/// f = body(x, t) + g - (1/rho) dP/dx(t). Forces that do not depend on place are numbers of the sweep; others are
/// fields, evaluated once where they do not depend on time.
template <int Dim>
class Forces {
 public:
  Forces(const Settings& settings, const Domain<Dim>& domain);
  /// Evaluates at time t.
  void set_time(double t);
  /// The part that is uniform in space.
  const std::array<double, Dim>& uniform() const { return uniform_; }
  /// out += k * (the part that varies in space), owned faces and the face at the high boundary.
  void add(Velocity<Dim>& out, double k) const;
  bool varies_in_space() const { return !fields_[0].empty(); }
  /// The varying part of component c at a local index; 0 where there is none.
  const std::array<std::vector<Field<Dim>>, Dim>& fields() const { return fields_; }

  /// Where a bulk velocity is held: adds to the component what brings its mean over the domain back, and returns that,
  /// divided by dt the acceleration it took. Collective then; 0 otherwise.
  double hold_bulk(Velocity<Dim>& velocity) const;

 private:
  void evaluate(int c, double t);
  const Domain<Dim>& domain_;
  std::array<Expression, Dim> body_, gradient_;
  std::array<double, Dim> gravity_{};
  double density_;
  int bulk_direction_;
  double bulk_velocity_;
  std::array<double, Dim> uniform_{};
  std::array<std::vector<Field<Dim>>, Dim> fields_;  // none or one
  bool evaluated_ = false;
};

}  // namespace kolmo::flow
