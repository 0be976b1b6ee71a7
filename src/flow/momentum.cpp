#include "kolmo/flow/momentum.hpp"

#include <algorithm>
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

/// What one x row of a sweep reads, as plain pointers and numbers; x counts from the first cell of the row.
template <int Dim>
struct Momentum<Dim>::Row {
  CoefficientSet<std::make_index_sequence<Dim>> coefficients;
  std::array<const double*, Dim> in;
  std::array<std::ptrdiff_t, Dim> stride;
  double half, quarter;

  /// Flux of component C through the low face, normal to D, of the control volume at x (High: through its high face).
  template <int C, int D, bool High>
  [[gnu::always_inline]] double flux(int x) const {
    const auto& own = coefficients.template get<C>();
    const auto& across = coefficients.template get<D>();
    const std::ptrdiff_t s = stride[D], o = x + (High ? s : 0);
    const double *q = in[C] + o, *v = in[D] + o;
    const double sum = q[0] + q[-s], difference = q[0] - q[-s];
    if constexpr (C == D) return quarter * sum * sum - (High ? own.viscous_width : own.viscous_width_low)(x)*difference;
    const double mass = v[0] * own.high_share(x) + v[-stride[C]] * own.low_share(x);
    return half * mass * sum - (High ? across.viscous_distance_high : across.viscous_distance)(x)*difference;
  }
  template <int C, int D>
  [[gnu::always_inline]] double inverse(int x) const {
    const auto& across = coefficients.template get<D>();
    return (C == D ? across.inverse_distance : across.inverse_width)(x);
  }
};

/// What the row of one component is made of beyond its fluxes.
template <int Dim>
struct Momentum<Dim>::Update {
  const double *base0, *base1;
  const double *pressure, *pressure_low;  // of the cells on both sides of the faces
  double* out;
  double w0, w1, k, force;
};

namespace {

/// Asks for a row that a coming row will be the first to read: sweeps over this many arrays outrun the processor's own
/// prefetching.
inline void prefetch(const double* row, int n) {
  for (int x = 0; x < n; x += 8) __builtin_prefetch(row + x);
}

/// The row of a carried field that belongs to a row of a sweep: fields carried along direction d know those before it.
template <int Dim>
double* carried_row(Field<Dim>& field, int d, const Index<Dim>& at) {
  Index<Dim> i{};
  for (int e = 1; e < d; ++e) i[e] = at[e];
  return field.origin() + field.layout().offset(i);
}

}  // namespace

template <int Dim>
Momentum<Dim>::Momentum(const Domain<Dim>& domain) : domain_(domain) {
  Ghosts<Dim> one_before{};
  one_before.low[0] = 1;
  for (int d = 0; d < Dim; ++d) {
    Index<Dim> extent;
    extent.fill(1);
    for (int e = 0; e < std::max(d, 1); ++e) extent[e] = domain.extent()[e] + 2;
    for (int c = 0; c < Dim; ++c) carried_[c][d] = Field<Dim>(Layout<Dim>(extent, Ghosts<Dim>{}));
    carried_pressure_[d] = Field<Dim>(Layout<Dim>(extent, one_before));
  }
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

/// One row of one component. Every flux is computed once: those normal to x in a row of their own, the others at the
/// high faces, while those of the low faces are what the row below, or the plane below, left in `carried_`.
template <int Dim>
template <int C, bool Pressure, bool TwoBases>
void Momentum<Dim>::component_row(const Row& given, const Update& update, const Index<Dim>& at, int n) const {
  const Row r = given;  // local copies the compiler may keep in registers
  const Update u = update;
  std::array<double*, Dim> low;
  for (int d = 0; d < Dim; ++d) low[d] = carried_row<Dim>(carried_[C][d], d, at);
  double* along = low[0];
#pragma GCC ivdep
  for (int x = 0; x <= n; ++x) along[x] = r.template flux<C, 0, false>(x);
  unrolled<Dim - 1>([&](auto direction) {
    constexpr int D = direction + 1;
    if (at[D] != 0) return;
    double* first = low[D];
#pragma GCC ivdep
    for (int x = 0; x < n; ++x) first[x] = r.template flux<C, D, false>(x);
  });
#pragma GCC ivdep
  for (int x = 0; x < n; ++x) {
    double f = u.force - (along[x + 1] - along[x]) * r.template inverse<C, 0>(x);
    unrolled<Dim - 1>([&](auto direction) __attribute__((always_inline)) {
      constexpr int D = direction + 1;
      const double high = r.template flux<C, D, true>(x);
      f -= (high - low[D][x]) * r.template inverse<C, D>(x);
      low[D][x] = high;
    });
    if constexpr (Pressure) f -= (u.pressure[x] - u.pressure_low[x]) * r.template inverse<C, C>(x);
    double value = u.w0 * u.base0[x] + u.k * f;
    if constexpr (TwoBases) value += u.w1 * u.base1[x];
    u.out[x] = value;
  }
}

/// c0 p0 + c1 p1 of the row at offset o, formed once for all components, from x = -1 on; in the carried rows and planes
/// lies that of the cells below.
template <int Dim>
void Momentum<Dim>::pressure_row(const Sweep<Dim>& s, std::ptrdiff_t o, const Index<Dim>& at, int n) const {
  const auto form = [&](double* row, std::ptrdiff_t from) {
    const double *p0 = s.p0->origin() + from, *p1 = (s.p1 ? s.p1 : s.p0)->origin() + from;
    const double c0 = s.c0, c1 = s.p1 ? s.c1 : 0.0;
#pragma GCC ivdep
    for (int x = -1; x < n; ++x) row[x] = c0 * p0[x] + c1 * p1[x];
  };
  form(carried_pressure_[0].origin(), o);
  for (int d = 1; d < Dim; ++d)
    if (at[d] == 0) form(carried_row<Dim>(carried_pressure_[d], d, at), o - domain_.layout.stride(d));
  const std::ptrdiff_t next = domain_.layout.stride(1);
  prefetch(s.p0->origin() + o + next, n);
  if (s.p1) prefetch(s.p1->origin() + o + next, n);
}

template <int Dim>
void Momentum<Dim>::carry_pressure(const Index<Dim>& at, int n) const {
  const double* row = carried_pressure_[0].origin();
  for (int d = 1; d < Dim; ++d) std::copy_n(row, n, carried_row<Dim>(carried_pressure_[d], d, at));
}

template <int Dim>
template <bool Pressure, bool TwoBases>
void Momentum<Dim>::component_rows(const Sweep<Dim>& s, int component, const Box<Dim>& box, bool carried) const {
  const Layout<Dim>& layout = domain_.layout;
  const std::ptrdiff_t next = layout.stride(1);
  const int n = box.extent(0);
  Row row;
  row.half = 0.5 * convection_, row.quarter = 0.25 * convection_;
  for (int d = 0; d < Dim; ++d) row.stride[d] = layout.stride(d);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    set_coefficients<Line, Row, Dim>(row, line_, i);
    Index<Dim> at;
    for (int d = 0; d < Dim; ++d) {
      row.in[d] = (*s.in)[d].origin() + o;
      at[d] = i[d] - box.begin[d];
    }
    if (carried) at[Dim - 1] += 1;  // not the first plane
    if constexpr (Pressure) pressure_row(s, o, at, n);
    unrolled<Dim>([&](auto c) {
      constexpr int C = c;
      if (component >= 0 && component != C) return;
      const double* pressure = carried_pressure_[0].origin();
      const Update update{(*s.base0)[C].origin() + o,
                          TwoBases ? (*s.base1)[C].origin() + o : nullptr,
                          pressure,
                          C == 0 ? pressure - 1 : carried_row<Dim>(carried_pressure_[C], C, at),
                          (*s.out)[C].origin() + o,
                          s.w0,
                          s.w1,
                          s.k,
                          s.force[C]};
      prefetch(row.in[C] + layout.stride(Dim - 1) + 2 * next, n);
      prefetch(update.base0 + next, n);
      if (update.out != update.base0) prefetch(update.out + next, n);
      if (TwoBases) prefetch(update.base1 + next, n);
      component_row<C, Pressure, TwoBases>(row, update, at, n);
    });
    if constexpr (Pressure) carry_pressure(at, n);
  });
}

template <int Dim>
void Momentum<Dim>::sweep(const Sweep<Dim>& s) const {
  sweep_box(s, -1, domain_.layout.interior(), false);
}

template <int Dim>
void Momentum<Dim>::sweep_component(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  sweep_box(s, component, box, false);
}

template <int Dim>
void Momentum<Dim>::sweep_planes(const Sweep<Dim>& s, int begin, int end, bool carried) const {
  Box<Dim> box = domain_.layout.interior();
  box.begin[Dim - 1] = begin;
  box.end[Dim - 1] = end;
  sweep_box(s, -1, box, carried);
}

template <int Dim>
void Momentum<Dim>::sweep_box(const Sweep<Dim>& s, int component, const Box<Dim>& box, bool carried) const {
  if (s.in == s.out) throw InternalError("a momentum sweep cannot write where it reads neighbours");
  if (s.base1)
    return s.p0 ? component_rows<true, true>(s, component, box, carried)
                : component_rows<false, true>(s, component, box, carried);
  return s.p0 ? component_rows<true, false>(s, component, box, carried)
              : component_rows<false, false>(s, component, box, carried);
}

template class Momentum<2>;
template class Momentum<3>;

}  // namespace kolmo::flow
