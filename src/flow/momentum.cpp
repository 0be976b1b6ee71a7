#include "kolmo/flow/momentum.hpp"

#include <utility>

#include "kolmo/base/error.hpp"

namespace kolmo::flow {

namespace {

/// A coefficient of the row: varies along x for direction 0, one number for the others.
template <bool AlongX>
struct Coefficient {
  const double* values;
  double value;
  Coefficient() = default;
  Coefficient(const double* table, int i) : values(table + i), value(table[i]) {}
  double operator()(int x) const {
    if constexpr (AlongX)
      return values[x];
    else
      return value;
  }
};

template <int D>
struct DirectionCoefficients {
  static constexpr bool along_x = D == 0;
  Coefficient<along_x> inverse_width, inverse_distance, low_share, high_share;
  Coefficient<along_x> viscous_width_low, viscous_width, viscous_distance, viscous_distance_high;
};

template <class Sequence>
struct CoefficientSet;
template <std::size_t... D>
struct CoefficientSet<std::index_sequence<D...>> : DirectionCoefficients<static_cast<int>(D)>... {
  template <int Direction>
  const DirectionCoefficients<Direction>& get() const {
    return *this;
  }
  template <int Direction>
  DirectionCoefficients<Direction>& get() {
    return *this;
  }
};

template <int Dim, class Body>
constexpr void unrolled(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::integral_constant<int, static_cast<int>(I)>{}), ...); }
  (std::make_index_sequence<Dim>{});
}

}  // namespace

/// Everything one x row of a sweep reads and writes, as plain pointers and numbers.
template <int Dim>
template <int Pressures, bool TwoBases>
struct Momentum<Dim>::Row {
  CoefficientSet<std::make_index_sequence<Dim>> coefficients;
  std::array<const double*, Dim> in, base0, base1;
  std::array<double*, Dim> out;
  const double *p0, *p1;
  std::array<std::ptrdiff_t, Dim> stride;
  std::array<double, Dim> force;
  double w0, w1, k, c0, c1, half, quarter;

  /// F_C at position x of the row (F3), minus the pressure gradient.
  template <int C>
  [[gnu::always_inline]] double rate(int x) const {
    const double* q = in[C] + x;
    const auto& own = coefficients.template get<C>();
    const double q0 = q[0];
    double f = force[C];
    unrolled<Dim>([&](auto direction) __attribute__((always_inline)) {
      constexpr int D = direction;
      const std::ptrdiff_t s = stride[D];
      const double up = q[s], down = q[-s];
      if constexpr (D == C) {
        const double high = quarter * (q0 + up) * (q0 + up) - own.viscous_width(x) * (up - q0);
        const double low = quarter * (q0 + down) * (q0 + down) - own.viscous_width_low(x) * (q0 - down);
        f -= (high - low) * own.inverse_distance(x);
      } else {
        const auto& across = coefficients.template get<D>();
        const double* v = in[D] + x;
        const std::ptrdiff_t back = stride[C];
        const double high_flux = v[s] * own.high_share(x) + v[s - back] * own.low_share(x);
        const double low_flux = v[0] * own.high_share(x) + v[-back] * own.low_share(x);
        const double high = half * high_flux * (q0 + up) - across.viscous_distance_high(x) * (up - q0);
        const double low = half * low_flux * (q0 + down) - across.viscous_distance(x) * (q0 - down);
        f -= (high - low) * across.inverse_width(x);
      }
    });
    if constexpr (Pressures > 0) {
      double gradient = c0 * (p0[x] - p0[x - stride[C]]);
      if constexpr (Pressures > 1) gradient += c1 * (p1[x] - p1[x - stride[C]]);
      f -= gradient * own.inverse_distance(x);
    }
    return f;
  }

  template <int C>
  [[gnu::always_inline]] double update(int x) const {
    double value = w0 * base0[C][x] + k * rate<C>(x);
    if constexpr (TwoBases) value += w1 * base1[C][x];
    return value;
  }
};

template <int Dim>
Momentum<Dim>::Momentum(const Domain<Dim>& domain) : domain_(domain) {
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = domain.grid.axis(d);
    const int n = domain.extent()[d], first = domain.origin()[d];
    Line& line = line_[d];
    for (std::vector<double>* v : {&line.inverse_width, &line.inverse_distance, &line.viscous_width,
                                   &line.viscous_distance, &line.low_share, &line.high_share})
      v->assign(static_cast<std::size_t>(n) + 3, 0.0);
    for (int i = -1; i <= n + 1; ++i) {
      line.inverse_width[i + 1] = 1.0 / axis.width(first + i);
      line.inverse_distance[i + 1] = 1.0 / axis.distance(first + i);
      if (i >= 0) {
        line.low_share[i + 1] = 0.5 * axis.width(first + i - 1) / axis.distance(first + i);
        line.high_share[i + 1] = 0.5 * axis.width(first + i) / axis.distance(first + i);
      }
    }
  }
}

template <int Dim>
void Momentum<Dim>::set_viscosity(double nu) {
  viscosity_ = nu;
  for (Line& line : line_)
    for (std::size_t i = 0; i < line.inverse_width.size(); ++i) {
      line.viscous_width[i] = nu * line.inverse_width[i];
      line.viscous_distance[i] = nu * line.inverse_distance[i];
    }
}

namespace {

template <class Line, class Row, int Dim>
void set_coefficients(Row& row, const std::array<Line, Dim>& lines, const Index<Dim>& i) {
  unrolled<Dim>([&](auto direction) {
    constexpr int D = direction;
    const Line& line = lines[D];
    auto& c = row.coefficients.template get<D>();
    using C = decltype(c.inverse_width);
    c.inverse_width = C(Line::at(line.inverse_width), i[D]);
    c.inverse_distance = C(Line::at(line.inverse_distance), i[D]);
    c.low_share = C(Line::at(line.low_share), i[D]);
    c.high_share = C(Line::at(line.high_share), i[D]);
    c.viscous_width_low = C(Line::at(line.viscous_width) - 1, i[D]);
    c.viscous_width = C(Line::at(line.viscous_width), i[D]);
    c.viscous_distance = C(Line::at(line.viscous_distance), i[D]);
    c.viscous_distance_high = C(Line::at(line.viscous_distance) + 1, i[D]);
  });
}

}  // namespace

template <int Dim>
template <int Pressures, bool TwoBases>
void Momentum<Dim>::component_rows(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  const Layout<Dim>& layout = domain_.layout;
  Row<Pressures, TwoBases> row;
  row.w0 = s.w0, row.w1 = s.w1, row.k = s.k, row.c0 = s.c0, row.c1 = s.c1;
  row.half = 0.5 * convection_, row.quarter = 0.25 * convection_;
  row.force = s.force;
  for (int d = 0; d < Dim; ++d) row.stride[d] = layout.stride(d);
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    set_coefficients<Line, Row<Pressures, TwoBases>, Dim>(row, line_, i);
    for (int c = 0; c < Dim; ++c) {
      row.in[c] = (*s.in)[c].origin() + o;
      row.base0[c] = (*s.base0)[c].origin() + o;
      row.base1[c] = TwoBases ? (*s.base1)[c].origin() + o : nullptr;
      row.out[c] = (*s.out)[c].origin() + o;
    }
    row.p0 = Pressures > 0 ? s.p0->origin() + o : nullptr;
    row.p1 = Pressures > 1 ? s.p1->origin() + o : nullptr;
    const Row<Pressures, TwoBases> r = row;  // a local copy the compiler may keep in registers
    if (component < 0) {
#pragma GCC ivdep
      for (int x = 0; x < n; ++x)
        unrolled<Dim>([&](auto c) __attribute__((always_inline)) { r.out[c][x] = r.template update<c>(x); });
    } else {
      unrolled<Dim>([&](auto c) {
        if (c == component)
          for (int x = 0; x < n; ++x) r.out[c][x] = r.template update<c>(x);
      });
    }
  });
}

template <int Dim>
void Momentum<Dim>::sweep(const Sweep<Dim>& s) const {
  sweep_component(s, -1, domain_.layout.interior());
}

template <int Dim>
void Momentum<Dim>::sweep_component(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  if (s.in == s.out) throw InternalError("a momentum sweep cannot write where it reads neighbours");
  const int pressures = s.p1 ? 2 : s.p0 ? 1 : 0;
  if (s.base1) {
    if (pressures == 2) return component_rows<2, true>(s, component, box);
    if (pressures == 1) return component_rows<1, true>(s, component, box);
    return component_rows<0, true>(s, component, box);
  }
  if (pressures == 2) return component_rows<2, false>(s, component, box);
  if (pressures == 1) return component_rows<1, false>(s, component, box);
  return component_rows<0, false>(s, component, box);
}

template class Momentum<2>;
template class Momentum<3>;

}  // namespace kolmo::flow
