/// The checks of the property test.
#pragma once

#include "kolmo/transport/implicit.hpp"
#include "kolmo/transport/laws.hpp"
#include "transport/fixture.hpp"

namespace kolmo::transport::testing {

inline constexpr double tolerance = 1e-12;

template <int Dim>
struct Diffusivity {
  double operator()(const FacePoint<Dim>& p) const {
    double s = 1.2;
    for (int d = 0; d < Dim; ++d) s += 0.15 * std::cos(2.0 * p.centre[d] + p.direction);
    return s;
  }
};

template <int Dim>
struct Drift {
  double operator()(const FacePoint<Dim>& p) const {
    double s = 0.0;
    for (int d = 0; d < Dim; ++d) s += std::sin(3.0 * p.centre[d] - p.direction);
    return 20.0 * s;  // Peclet numbers on both sides of one
  }
};

/// y := the rate from the rows: matrix times q plus constants, as a field.
template <int Dim, class Law>
void rate_from_matrix(Setting<Dim>& s, const Flux<Dim, Law>& flux, Field<Dim>& y) {
  const ControlVolumes<Dim>& v = *s.volumes;
  const petsc::Handle<Mat> matrix = assemble(flux, 0.0, -1.0);
  petsc::Handle<Vec> in, out;
  petsc::check(MatCreateVecs(matrix, in.put(), out.put()));
  double* values = nullptr;
  petsc::check(VecGetArray(in, &values));
  pack(s.q, v.box(), values);
  petsc::check(VecRestoreArray(in, &values));
  petsc::check(MatMult(matrix, in, out));
  petsc::check(VecGetArray(out, &values));
  y.fill(0.0);
  unpack(values, v.box(), y);
  petsc::check(VecRestoreArray(out, &values));
  flux.add_constants(y);
}

/// Largest entry of the sum of absolute contributions, the scale round-off is measured against.
template <int Dim, class Law>
double scale_of(Setting<Dim>& s, const Flux<Dim, Law>& flux) {
  double m = 0.0;
  for_each_row_of(flux, [&](const Row<Dim>& row) {
    double sum = std::abs(row.diagonal) + std::abs(row.constant);
    for (int d = 0; d < Dim; ++d) sum += std::abs(row.low[d]) + std::abs(row.high[d]);
    m = std::max(m, sum);
  });
  return std::max(s.volumes->comm().max(m), 1e-300);
}

template <int Dim>
double difference(const ControlVolumes<Dim>& v, const Field<Dim>& a, const Field<Dim>& b) {
  double m = 0.0;
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) {
    const double e = std::abs(a(i) - b(i));
    m = std::isnan(e) ? HUGE_VAL : std::max(m, e);
  });
  return v.comm().max(m);
}

/// The line operators applied to q, as SeparableOperator documents them: sum_d L_d q, to be compared with diffusion of
/// coefficient 1.
template <int Dim>
void apply_separable(Setting<Dim>& s, const SeparableOperator<Dim>& op, Field<Dim>& y) {
  const ControlVolumes<Dim>& v = *s.volumes;
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) {
    double sum = op.shift * s.q(i);
    for (int d = 0; d < Dim; ++d) {
      const LineOperator& line = op.line[d];
      const int g = v.global(i)[d] - v.global_line(d).first();
      const auto neighbour = [&](int by) {
        const int n = line.size();
        if (!line.periodic && (g + by < 0 || g + by >= n)) return 0.0;
        Index<Dim> j = i;
        j[d] += by;
        return s.q(j);
      };
      const double here = s.q(i);
      sum -= op.scale *
             (line.conductance[g + 1] * (neighbour(1) - here) - line.conductance[g] * (here - neighbour(-1))) /
             line.weight[g];
    }
    y(i) = sum;
  });
}

/// FaceConductances applied to q, divided by the volume.
template <int Dim>
void apply_conductances(Setting<Dim>& s, const FaceConductances<Dim>& op, Field<Dim>& y) {
  const ControlVolumes<Dim>& v = *s.volumes;
  const Box<Dim>& box = v.box();
  std::size_t unknown = 0;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    double sum = op.shift.empty() ? 0.0 : op.shift[unknown] * s.q(i);
    ++unknown;
    for (int d = 0; d < Dim; ++d)
      for (int by = 0; by < 2; ++by) {
        std::size_t at = 0;
        for (int e = Dim - 1; e >= 0; --e)
          at = at * (box.extent(e) + (e == d)) + (i[e] - box.begin[e] + (e == d ? by : 0));
        Index<Dim> j = i;
        j[d] += by == 0 ? -1 : 1;
        const bool outside = v.line(d).at_boundary(by == 0 ? Side::low : Side::high) &&
                             (by == 0 ? j[d] < box.begin[d] : j[d] >= box.end[d]);
        sum += op.conductance[d][at] * (s.q(i) - (outside ? 0.0 : s.q(j)));
      }
    y(i) = sum / v.volume(i);
  });
}

/// apply == matrix; conservation; and, where the law allows it, the operators of linear.
template <int Dim, class Law>
void check_balance(Setting<Dim>& s, Law law) {
  const ControlVolumes<Dim>& v = *s.volumes;
  s.boundary->update(0.4);
  Flux<Dim, Law> flux(std::move(law), s.boundary);
  flux.apply(s.q, s.rate);
  Field<Dim> other(s.q.layout(), s.q.location());
  rate_from_matrix(s, flux, other);
  const double scale = scale_of(s, flux);
  EXPECT_LE(difference(v, s.rate, other), tolerance * scale) << "apply against matrix";

  // (T1) summed over the domain: only what passes the boundary is left. Measured against all that moves.
  Field<Dim> moved(s.q.layout(), s.q.location());
  for_each<Dim>(v.box(), [&](const Index<Dim>& i) { moved(i) = std::abs(s.rate(i)); });
  EXPECT_NEAR(v.integral(s.rate), total_boundary_flux(flux, s.q), tolerance * (v.integral(moved) + 1e-3))
      << "conservation";

  if constexpr (Law::symmetric) {
    const double shift = 0.3, factor = 0.9;
    flux.add_constants(s.rate, -1.0);  // the linear part alone
    for_each<Dim>(v.box(), [&](const Index<Dim>& i) { s.rate(i) = shift * s.q(i) - factor * s.rate(i); });
    apply_conductances(s, face_conductances(flux, shift, factor), other);
    EXPECT_LE(difference(v, s.rate, other), tolerance * scale) << "conductances";
    if constexpr (std::is_same_v<Law, Diffusion<Uniform>>) {
      apply_separable(s, separable_operator(*s.boundary, shift, factor * flux.law().coefficient.value), other);
      EXPECT_LE(difference(v, s.rate, other), tolerance * scale) << "separable";
    }
  }
}

}  // namespace kolmo::transport::testing
