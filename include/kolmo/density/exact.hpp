/// Closed forms to compare with.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kolmo/base/expression.hpp"
#include "kolmo/density/problem.hpp"

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
  /// out[k] = density at (first[k], x[1], .., x[n-1]) for k < count; x[0] is not read, and may be written.
  virtual void densities(const double* first, int count, double* x, double t, double* out) const;
  virtual double log_density(const double* x, double t) const = 0;
  /// grad log p, `dimension` numbers.
  virtual void score(const double* x, double t, double* s) const = 0;
  /// False where density() is known up to a factor: who compares on a box divides by the integral over it.
  virtual bool normalised() const { return true; }
  /// Draws x from p(., t); `stream` and `index` name the random numbers (Random123), so that results do not depend on
  /// ranks. Throws InputError where it is not known how.
  virtual void sample(std::uint64_t stream, std::uint64_t index, double t, double* x) const;
};

/// Times of the run that a closed form is for. A form that is followed in time is followed from `start` to `end`, with
/// no step above `step`.
struct RunTimes {
  RunTimes(double from) : start(from), end(from) {}  // only the start: nothing is known of the rest
  RunTimes(double from, double to, double longest) : start(from), end(to), step(longest) {}
  double start, end, step = std::numeric_limits<double>::infinity();
};

/// exp(-U) / Z with the problem's potential U; InputError where it has none. Here and below `widths` are lengths that
/// the density varies over, one per variable (the narrowest cells): the score is found by differences over a twentieth
/// of them, and without them over 1e-3 of x itself.
std::shared_ptr<const ExactDensity> potential_exact(const Problem& problem, std::vector<double> widths = {});
/// The density in the limit of long times, up to a factor: an expression of the variables (and t, which is 0).
std::shared_ptr<const ExactDensity> stationary_exact(int dimension, Expression density,
                                                     std::vector<double> widths = {});
/// p(x, t) as an expression of the variables and t; its integral is taken to be 1.
std::shared_ptr<const ExactDensity> formula_exact(int dimension, Expression density, std::vector<double> widths = {});
/// Linear drift f = A(t) x + b(t), D(t) the same at every x, start at time `start` a mixture of Gaussians: each stays
/// one, with mean and covariance from the moment equations (moments.hpp). Holds the Ornstein-Uhlenbeck process with any
/// covariance, non-normal drift or degenerate noise, Kolmogorov's of 1934 and the forward processes of diffusion
/// models. Where A, b or D depends on t no step of theirs is above times.step: a pulse that the run sees, they see.
/// Throws InputError where the problem is none of these, or where the moments cannot be followed to times.end.
std::shared_ptr<const ExactDensity> gaussian_exact(const Problem& problem, const RunTimes& times);
/// f = c grad log phi, phi = sum_k w_k exp(a_k . x) with |a_k| all equal, D = c I, start sum_k w_k N(s a_k, s I):
/// p = sum_k w_k N((s + c tau) a_k, (s + c tau) I), tau = t - start (h-transform of the Wiener process, Benes 1981).
/// s, a_k and w_k are read off the start. Throws InputError where start and D are not of this form.
std::shared_ptr<const ExactDensity> benes_exact(const Problem& problem, double start);
/// Separable problem (f_i and D_ii of x_i alone), nothing depends on t, D constant and positive, start a product: with
/// U_i' = -2 f_i / D_ii and p = exp(-U/2) psi every factor obeys dpsi/dt = -H psi, H = -D/2 d2/dx2 + f^2 / 2D + f'/2, a
/// symmetric operator. H is written on sinc functions (Stenger 1981, spectrally accurate), its eigenfunctions carry psi
/// to any time. `low`, `high`: the box, beyond which the line is followed until p is negligible. Throws InputError
/// where the problem is of another kind, a factor is not confined, or the start is too narrow or too wide for the
/// expansion.
std::shared_ptr<const ExactDensity> eigenexpansion_exact(const Problem& problem, double start, const double* low,
                                                         const double* high);
/// What the case means by "auto": the first of gaussian, eigenexpansion and potential that applies; null for none.
std::shared_ptr<const ExactDensity> automatic_exact(const Problem& problem, const RunTimes& times, const double* low,
                                                    const double* high, std::vector<double> widths = {});

/// dp/dt + div J divided by p, in terms of log p, f and D, by differences of fourth order with steps h (one per
/// variable) and time_step, and the sum of the sizes of its terms: {residual, size}. Zero for an exact density, up to
/// the error of the differences, and up to `rounding`: what places and times known to round-off only do to them, the
/// more the farther from 0 the box and the times lie. The density must be positive around x.
struct Residual {
  double value = 0.0, size = 0.0, rounding = 0.0;
};
Residual equation_residual(const Problem& problem, const ExactDensity& exact, const double* x, double t,
                           const double* h, double time_step);

}  // namespace kolmo::density
