/// Face laws: what moves a conserved quantity. A law turns a row of faces into a functor k -> FaceWeights; a limited
/// law adds `rest`.
///
/// A coefficient source (Uniform, OnFaces, Sampled) turns a row of faces into a functor k -> number: a diffusivity, or
/// the velocity through the face along the face's axis.
#pragma once

#include <algorithm>
#include <cmath>

#include "kolmo/transport/exponential_fit.hpp"
#include "kolmo/transport/face.hpp"

namespace kolmo::transport {

/// The same number on every face.
struct Uniform {
  double value = 1.0;
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>&) const {
    return [v = value](int) { return v; };
  }
};

/// Numbers kept on the faces of the cells: component d of a staggered velocity (faces of direction d, boundary faces
/// included), or a diffusivity per face. Only for quantities at cells. The fields must outlive the law.
template <int Dim>
struct OnFaces {
  std::array<const Field<Dim>*, Dim> component{};
  template <bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    const Field<Dim>& field = *component[r.direction];
    return [v = field.origin() + field.layout().offset(r.index)](int k) { return v[k]; };
  }
};

/// A function double(const FacePoint<Dim>&), called for every face at every evaluation; nothing is stored.
template <class Function>
struct Sampled {
  Function function;
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    return [r, f = &function](int k) { return (*f)(r.point(k)); };
  }
};
template <class Function>
Sampled(Function) -> Sampled<Function>;

/// (T3) F = -D dq/dn, two-point difference. Also the pressure Laplacian (D = 1 or 1/density): -div F = div(D grad q).
/// Symmetric.
template <class Coefficient = Uniform>
struct Diffusion {
  static constexpr bool limited = false;
  static constexpr bool symmetric = true;
  Coefficient coefficient{};
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    return [c = coefficient.row(r), g = r.inverse_distance](int k) {
      const double conductance = c(k) * g(k);
      return FaceWeights{conductance, -conductance};
    };
  }
};

/// (T4) F = u (q_low + q_high) / 2: the unweighted mean conserves the sum of volume * q^2 where u is discretely
/// divergence-free, on any stretching. On a boundary face F = u * (value on the face).
template <class Velocity>
struct CentralAdvection {
  static constexpr bool limited = false;
  static constexpr bool symmetric = false;
  Velocity velocity;
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    const double low = r.on_face == 0 ? 0.5 : r.on_face < 0 ? 1.0 : 0.0;
    return [u = velocity.row(r), low, high = 1.0 - low](int k) { return FaceWeights{low * u(k), high * u(k)}; };
  }
};

/// (T5) F = max(u, 0) q_low + min(u, 0) q_high, first order and monotone; on a boundary face F = u * (value on the
/// face).
template <class Velocity>
struct UpwindAdvection {
  static constexpr bool limited = false;
  static constexpr bool symmetric = false;
  Velocity velocity;
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    // The weight of the low point is u clamped to [0, inf), to everything, or to 0: no branch in the loop.
    const double from = r.on_face < 0 ? -HUGE_VAL : 0.0, to = r.on_face > 0 ? 0.0 : HUGE_VAL;
    return [u = velocity.row(r), from, to](int k) {
      const double v = u(k), low = std::min(std::max(v, from), to);
      return FaceWeights{low, v - low};
    };
  }
};

/// (T6) From the centre of the upwind cell to the face: half a width times (slope before the cell + 2 slope across the
/// face) / 3, third order on uniform grids (Koren 1993), cut to the differences themselves so that face values stay
/// between their neighbours on unequal widths too; 0 at extrema. before, across: differences of q; the inverse
/// distances belong to them.
inline double limited_increment(double before, double across, double inverse_before, double inverse_across,
                                double width) {
  const double increment = width * (before * inverse_before + 2.0 * across * inverse_across) * (1.0 / 6.0);
  const double size = std::min(std::abs(increment), std::min(std::abs(before), std::abs(across)));
  return before * across > 0.0 ? std::copysign(size, across) : 0.0;
}

/// (T7) Upwind weights (T5), and as `rest` u times the limited increment: second order where q is smooth and monotone,
/// and in one dimension the total variation does not grow for Courant numbers up to 1/2 with forward Euler or a
/// strong-stability-preserving scheme. Needs two ghosts on cut and periodic sides.
template <class Velocity>
struct LimitedAdvection {
  static constexpr bool limited = true;
  static constexpr bool symmetric = false;
  Velocity velocity;

  template <class Upwind, class FaceVelocity, bool Along>
  struct Row {
    Upwind upwind;
    FaceVelocity u;
    Metric<Along> inverse, before, after, width_low, width_high;
    FaceWeights operator()(int k) const { return upwind(k); }
    /// q at the points two below, one below, one above and two above the face.
    double rest(int k, double low2, double low, double high, double high2) const {
      const double v = u(k), across = high - low;
      const double from_low = limited_increment(low - low2, across, before(k), inverse(k), width_low(k));
      const double from_high = limited_increment(high2 - high, across, after(k), inverse(k), width_high(k));
      return v * (v > 0.0 ? from_low : -from_high);
    }
  };
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    auto upwind = UpwindAdvection<Velocity>{velocity}.row(r);
    auto u = velocity.row(r);
    return Row<decltype(upwind), decltype(u), Along>{upwind,          u,           r.inverse_distance, r.inverse_before,
                                                     r.inverse_after, r.width_low, r.width_high};
  }
};

/// (T8) F = a q - D dq/dn with the exponential fit of Scharfetter & Gummel (1969): see exponential_fit. Never negative
/// off-diagonal weights in the rate: an M-matrix. With a = -D * (difference of a potential) / distance, exp(-potential)
/// is stationary to round-off.
template <class Drift, class Coefficient>
struct ExponentialFit {
  static constexpr bool limited = false;
  static constexpr bool symmetric = false;
  Drift drift;
  Coefficient diffusivity;
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    return [a = drift.row(r), c = diffusivity.row(r), g = r.inverse_distance](int k) {
      return exponential_fit(a(k), c(k) * g(k));
    };
  }
};

/// The sum of two laws.
template <class First, class Second>
struct Sum {
  static constexpr bool limited = First::limited || Second::limited;
  static constexpr bool symmetric = First::symmetric && Second::symmetric;
  First first;
  Second second;

  template <class A, class B>
  struct Row {
    A a;
    B b;
    FaceWeights operator()(int k) const { return a(k) + b(k); }
    double rest(int k, double low2, double low, double high, double high2) const {
      double r = 0.0;
      if constexpr (First::limited) r += a.rest(k, low2, low, high, high2);
      if constexpr (Second::limited) r += b.rest(k, low2, low, high, high2);
      return r;
    }
  };
  template <int Dim, bool Along>
  auto row(const FaceRow<Dim, Along>& r) const {
    return Row<decltype(first.row(r)), decltype(second.row(r))>{first.row(r), second.row(r)};
  }
};
template <class First, class Second>
Sum(First, Second) -> Sum<First, Second>;

/// Advection and diffusion of a scalar at cells by a staggered velocity: dq/dt = -div(u q) + div(D grad q).
template <int Dim, class Coefficient = Uniform>
using CentralScalar = Sum<CentralAdvection<OnFaces<Dim>>, Diffusion<Coefficient>>;
template <int Dim, class Coefficient = Uniform>
using LimitedScalar = Sum<LimitedAdvection<OnFaces<Dim>>, Diffusion<Coefficient>>;

}  // namespace kolmo::transport
