#include "kolmo/flow/momentum.hpp"

#include <algorithm>
#include <utility>

#include "kolmo/base/error.hpp"
#include "momentum_row.hpp"

namespace kolmo::flow {

namespace {

/// Asks for a row that a coming row will be the first to read: sweeps over this many arrays outrun the processor's own
/// prefetching.
inline void prefetch(const double* row, int n) {
  for (int x = 0; x < n; x += 8) __builtin_prefetch(row + x);
}

}  // namespace

template <int Dim>
RowTables Momentum<Dim>::Line::at(int i) const {
  return {inverse_width.origin() + i,    inverse_distance.origin() + i,     low_share.origin() + i,
          high_share.origin() + i,       viscous_width_low.origin() + i,    viscous_width.origin() + i,
          viscous_distance.origin() + i, viscous_distance_high.origin() + i};
}

template <int Dim>
Momentum<Dim>::Momentum(const Domain<Dim>& domain) : domain_(domain) {
  Index<Dim> row;
  row.fill(1);
  row[0] = domain.extent()[0];
  pressure_ = Field<Dim>(Layout<Dim>(row, Ghosts<Dim>{}));
  for (int d = 0; d < Dim; ++d) {
    below_[d] = Field<Dim>(Layout<Dim>(row, Ghosts<Dim>{}));
    Line& line = line_[d];
    const Layout<1> table({domain.extent()[d]}, Ghosts<1>::uniform(1, 2 + lanes));
    for (Field<1>* f :
         {&line.inverse_width, &line.inverse_distance, &line.low_share, &line.high_share, &line.viscous_width_low,
          &line.viscous_width, &line.viscous_distance, &line.viscous_distance_high})
      *f = Field<1>(table);
    const Axis& axis = domain.grid.axis(d);
    const int n = domain.extent()[d], begin = domain.origin()[d];
    for (int i = -1; i <= n + 1; ++i) {
      line.inverse_width({i}) = 1.0 / axis.width(begin + i);
      line.inverse_distance({i}) = 1.0 / axis.distance(begin + i);
    }
  }
  set_convection(true);
}

template <int Dim>
void Momentum<Dim>::set_viscosity(double nu) {
  viscosity_ = nu;
  for (int d = 0; d < Dim; ++d) {
    Line& line = line_[d];
    for (int i = -1; i <= domain_.extent()[d] + 1; ++i) {
      line.viscous_width({i}) = line.viscous_width_low({i + 1}) = nu * line.inverse_width({i});
      line.viscous_distance({i}) = nu * line.inverse_distance({i});
      if (i >= 0) line.viscous_distance_high({i - 1}) = line.viscous_distance({i});
    }
  }
}

// Half the shares of the two mass fluxes beside a node, the other half being that of the mean of the convected
// velocity.
template <int Dim>
void Momentum<Dim>::set_convection(bool on) {
  convection_ = on ? 1.0 : 0.0;
  for (int d = 0; d < Dim; ++d) {
    const Axis& axis = domain_.grid.axis(d);
    const int n = domain_.extent()[d], begin = domain_.origin()[d];
    for (int i = 0; i <= n + 1; ++i) {
      const double factor = 0.25 * convection_ / axis.distance(begin + i);
      line_[d].low_share({i}) = factor * axis.width(begin + i - 1);
      line_[d].high_share({i}) = factor * axis.width(begin + i);
    }
  }
}

namespace {

template <class V, bool Pressure, bool TwoBases, int Dim, int... C>
[[gnu::noinline]] int update_components(const RowData<Dim>& row, int x, int n, std::integer_sequence<int, C...>) {
  const RowKernel<Dim, V> kernel(row);  // by value: nothing the loop stores can change it
  return kernel.template components<Pressure, TwoBases, C...>(x, n);
}

template <int Dim, bool Pressure, bool TwoBases>
void update_row(const RowData<Dim>& row, int component, bool first, int n) {
  const auto update = [&](auto components) {
    const int x = update_components<Lanes, Pressure, TwoBases>(row, 0, n, components);
    if (x < n) update_components<double, Pressure, TwoBases>(row, x, n, components);
  };
  if (first) {
    const RowKernel<Dim, double> kernel(row);
    if (Pressure) kernel.first_pressure(n);
    unrolled<Dim>([&](auto c) {
      if (component < 0 || component == c) kernel.template first<c>(n);
    });
  }
  if (component < 0) return update(std::make_integer_sequence<int, Dim>{});
  unrolled<Dim>([&](auto c) {
    if (component == c) update(std::integer_sequence<int, c>{});
  });
}

}  // namespace

template <int Dim>
template <bool Pressure, bool TwoBases>
void Momentum<Dim>::component_rows(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  const Layout<Dim>& layout = domain_.layout;
  const std::ptrdiff_t next = layout.stride(1);
  const int n = box.extent(0);
  RowData<Dim> row;
  row.quarter = 0.25 * convection_, row.w0 = s.w0, row.w1 = s.w1, row.k = s.k, row.force = s.force;
  row.c0 = s.c0, row.c1 = s.p1 ? s.c1 : 0.0, row.pressure_below = pressure_.origin();
  for (int d = 0; d < Dim; ++d) {
    row.stride[d] = layout.stride(d);
    row.below[d] = below_[d].origin();
  }
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = layout.offset(i);
    const bool first = i[1] == box.begin[1];
    for (int d = 0; d < Dim; ++d) {
      row.tables[d] = line_[d].at(i[d]);
      row.in[d] = (*s.in)[d].origin() + o;
      row.base0[d] = (*s.base0)[d].origin() + o;
      if (TwoBases) row.base1[d] = (*s.base1)[d].origin() + o;
      row.out[d] = (*s.out)[d].origin() + o;
      prefetch(row.in[d] + layout.stride(Dim - 1) + 2 * next, n);
      prefetch(row.base0[d] + next, n);
      if (row.out[d] != row.base0[d]) prefetch(row.out[d] + next, n);
      if (TwoBases) prefetch(row.base1[d] + next, n);
    }
    if (Pressure) {
      row.p0 = s.p0->origin() + o;
      row.p1 = s.p1 ? s.p1->origin() + o : row.p0;
    }
    update_row<Dim, Pressure, TwoBases>(row, component, first, n);
  });
}

template <int Dim>
void Momentum<Dim>::sweep(const Sweep<Dim>& s) const {
  sweep_box(s, -1, domain_.layout.interior());
}

template <int Dim>
void Momentum<Dim>::sweep_component(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  sweep_box(s, component, box);
}

template <int Dim>
void Momentum<Dim>::sweep_planes(const Sweep<Dim>& s, int begin, int end) const {
  Box<Dim> box = domain_.layout.interior();
  box.begin[Dim - 1] = begin;
  box.end[Dim - 1] = end;
  sweep_box(s, -1, box);
}

template <int Dim>
void Momentum<Dim>::sweep_box(const Sweep<Dim>& s, int component, const Box<Dim>& box) const {
  if (s.in == s.out) throw InternalError("a momentum sweep cannot write where it reads neighbours");
  if (s.base1)
    return s.p0 ? component_rows<true, true>(s, component, box) : component_rows<false, true>(s, component, box);
  return s.p0 ? component_rows<true, false>(s, component, box) : component_rows<false, false>(s, component, box);
}

template class Momentum<2>;
template class Momentum<3>;

}  // namespace kolmo::flow
