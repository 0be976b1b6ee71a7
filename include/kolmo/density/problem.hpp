/// A stochastic differential equation dx = f(x, t) dt + g(x, t) dw and the law of its start: the one definition that
/// every engine works from. (D1)
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kolmo/base/expression.hpp"

namespace kolmo::density {

class InitialDensity;
class ExactDensity;

/// How the diffusion tensor D = g g^T was given, and so what of it may be nonzero.
enum class DiffusionKind {
  scalar,    ///< D = c(x, t) I
  diagonal,  ///< D_ij = 0 for i != j
  full       ///< symmetric
};

/// dp/dt = -div J,  J_i = f_i p - 1/2 sum_j d(D_ij p)/dx_j,  D = g g^T, in `dimension` = 1 .. 100 variables. Indices
/// count from 0; a point x has `dimension` coordinates. Copies share their parts.
class Problem {
 public:
  /// What a case says of it, as plain values. Expressions are functions of the variables and t (in this order).
  struct Definition {
    std::vector<std::string> variables;
    std::vector<Expression> drift;               ///< dimension entries
    DiffusionKind kind = DiffusionKind::scalar;  ///< set by the constructor of Problem
    std::vector<Expression> noise;               ///< g: 1, dimension, or rows * columns entries (row by row) ...
    int noise_columns = 0;                       ///< ... of a matrix with this many columns; 0: not a matrix
    std::vector<Expression> diffusion;           ///< D where it is given itself: 1, dimension, or dimension^2 entries
    Expression stationary_potential;             ///< U(x) with stationary density exp(-U) / Z, where `potential_given`
    bool potential_given = false;
    std::shared_ptr<const InitialDensity> initial;
    std::shared_ptr<const ExactDensity> exact;  ///< may be null
  };

  Problem() = default;
  /// Throws InternalError where the lists do not fit the dimension.
  explicit Problem(Definition definition);
  const Definition& definition() const;

  int dimension() const;
  const std::vector<std::string>& variables() const;

  double drift(int i, const double* x, double t) const;
  /// D_ij = sum_k g_ik g_jk.
  double diffusion(int i, int j, const double* x, double t) const;
  /// d f_i / d x_j and d D_ij / d x_k by differences of fourth order with a step relative to `scale` (a length over
  /// which the coefficients vary little; a grid passes its spacing): the step is scale / 32, the error about
  /// 1e-7 scale^4 times the fifth derivative. One-sided where a point of the stencil has no finite value.
  double drift_derivative(int i, int j, const double* x, double t, double scale) const;
  double diffusion_derivative(int i, int j, int k, const double* x, double t, double scale) const;

  // What is known without evaluating anything.
  DiffusionKind diffusion_kind() const;
  bool drift_zero(int i) const;
  bool diffusion_zero(int i, int j) const;      ///< identically zero
  bool diffusion_constant(int i, int j) const;  ///< in place and time
  bool autonomous() const;                      ///< nothing depends on t
  bool drift_depends_on(int i, int j) const;    ///< f_i on x_j
  bool drift_affine_in(int i, int j) const;     ///< f_i = a + b x_j, a and b without x_j, as its text shows
  bool diffusion_depends_on(int i, int j, int k) const;
  /// f_i depends on x_i alone and D is diagonal with D_ii of x_i alone (and all of t): p stays a product if it was one,
  /// and the generators of the directions commute.
  bool separable() const;
  /// Linear drift f = A(t) x + b(t), as its text shows (Expression::affine_in), and D(t) the same at every x; then
  /// Gaussians stay Gaussian.
  bool linear() const;
  /// A (dimension^2, row by row) and b of a linear drift at time t.
  void linear_drift(double t, std::vector<double>& a, std::vector<double>& b) const;

  /// A stationary density exp(-U) / Z is known by its U.
  bool has_potential() const;
  double potential(const double* x) const;

  /// The law of the start. InternalError where there is none (it comes from a file).
  const InitialDensity& initial() const;
  const ExactDensity* exact() const;  ///< null: none
  const std::shared_ptr<const ExactDensity>& shared_exact() const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

}  // namespace kolmo::density
