/// Templates of flux.hpp.
#pragma once

#include <string>

#include "kolmo/base/error.hpp"
#include "kolmo/transport/flux.hpp"

namespace kolmo::transport {

namespace detail {

/// flux[k] = F through face k of a row of n faces: the loop everything else is made for.
template <class Weights>
void linear_row(const Weights weights, const double* low, const double* high, double* flux, int n) {
#pragma GCC ivdep
  for (int k = 0; k < n; ++k) {
    const FaceWeights w = weights(k);
    flux[k] = w.low * low[k] + w.high * high[k];
  }
}

template <class Weights>
void limited_row(const Weights weights, std::array<const double*, 4> q, double* flux, int n) {
  const double *low2 = q[0], *low = q[1], *high = q[2], *high2 = q[3];
#pragma GCC ivdep
  for (int k = 0; k < n; ++k) {
    const FaceWeights w = weights(k);
    flux[k] = w.low * low[k] + w.high * high[k] + weights.rest(k, low2[k], low[k], high[k], high2[k]);
  }
}

/// The weights of one face, of a law that works for whole rows or, where it says so, for one.
template <class Law, class Row>
FaceWeights single(const Law& law, const Row& row) {
  if constexpr (requires { law.single(row); })
    return law.single(row);
  else
    return law.row(row)(0);
}

template <int Dim>
Index<Dim> shifted(Index<Dim> i, int d, int by) {
  i[d] += by;
  return i;
}

}  // namespace detail

template <int Dim, class Law>
Flux<Dim, Law>::Flux(Law law, std::shared_ptr<const Boundary<Dim>> boundary)
    : law_(std::move(law)), boundary_(std::move(boundary)) {
  const ControlVolumes<Dim>& v = volumes();
  length_ = std::max(0, v.box().extent(0));
  for (std::vector<double>* work : {&along_, &low1_, &high1_, &low_, &high_, &sum_, &before_, &after_})
    work->assign(length_ + 1, 0.0);
  padded_.assign(length_ + 2 * reach, 0.0);
  for (int d = 0; d < Dim; ++d) {
    const std::vector<int>& starts = v.unknowns().starts(d);
    const std::size_t parts = starts.size() - 1;
    const bool thin = starts[1] - starts[0] < reach || starts[parts] - starts[parts - 1] < reach;
    thin_[d] = parts > 1 && thin && !v.line(d).periodic();
  }
}

template <int Dim, class Law>
void Flux<Dim, Law>::require_ghosts(const Layout<Dim>& layout) const {
  volumes().require_ghosts(layout, reach);
  for (int d = 0; d < Dim; ++d)
    if (thin_[d] && (layout.ghosts().low[d] < 1 || layout.ghosts().high[d] < 1))
      throw InternalError("parts one cell thin need ghosts beyond the boundaries too");
}

template <int Dim, class Law>
bool Flux<Dim, Law>::on_boundary(int d, int f, Side side) const {
  const ControlLine& line = volumes().line(d);
  return line.at_boundary(side) && f == (side == Side::low ? line.begin() : line.end());
}

template <int Dim, class Law>
LinearFlux Flux<Dim, Law>::face(int d, const Index<Dim>& i) const {
  for (const Side side : both_sides)
    if (on_boundary(d, i[d], side)) {
      const FaceWeights w = detail::single(law_, boundary_row<Dim>(volumes(), d, side, i));
      const auto& slab = boundary_->slab(d, side);
      const std::ptrdiff_t at = boundary_->slab_offset(d, side, i);
      return fold(w, side, slab, slab.at(at), slab.rise_at(at));
    }
  const FaceWeights w = detail::single(law_, inner_row<Dim, false>(volumes(), d, i));
  return {w.low, w.high, 0.0};
}

/// Fluxes through the faces 0..length along an x row.
template <int Dim, class Law>
void Flux<Dim, Law>::along(const Field<Dim>& q, const Index<Dim>& row, double* flux) {
  const double* inner = q.origin() + q.layout().offset(row);
  int begin = 0, end = length_ + 1;
  if (on_boundary(0, row[0], Side::low)) flux[begin++] = boundary_value(q, 0, row);
  if (on_boundary(0, row[0] + length_, Side::high))
    flux[--end] = boundary_value(q, 0, detail::shifted<Dim>(row, 0, length_));
  const auto weights = law_.row(inner_row<Dim, true>(volumes(), 0, detail::shifted<Dim>(row, 0, begin)));
  if constexpr (Law::limited) {
    const double* p = pad(q, row) + begin;
    detail::limited_row(weights, {p - 2, p - 1, p, p + 1}, flux + begin, end - begin);
  } else {
    detail::linear_row(weights, inner + begin - 1, inner + begin, flux + begin, end - begin);
  }
}

/// The row with its two ghosts on either side, those beyond a boundary made from its rule; returns where unknown 0
/// stands.
template <int Dim, class Law>
const double* Flux<Dim, Law>::pad(const Field<Dim>& q, const Index<Dim>& row) {
  const double* inner = q.origin() + q.layout().offset(row);
  const bool low = on_boundary(0, row[0], Side::low), high = on_boundary(0, row[0] + length_, Side::high);
  std::copy(inner - (low ? 0 : reach), inner + length_ + (high ? 0 : reach), padded_.data() + (low ? reach : 0));
  double* zero = padded_.data() + reach;
  if (low) zero[-1] = ghost(q, 0, Side::low, row);
  if (high) zero[length_] = ghost(q, 0, Side::high, detail::shifted<Dim>(row, 0, length_ - 1));
  return zero;
}

/// Fluxes through the low faces, normal to d > 0, of an x row of unknowns (or of the ghosts just above the last).
template <int Dim, class Law>
void Flux<Dim, Law>::across(const Field<Dim>& q, int d, const Index<Dim>& row, double* flux) {
  for (const Side side : both_sides)
    if (on_boundary(d, row[d], side)) return across_boundary(q, d, side, row, flux);
  const double* high = q.origin() + q.layout().offset(row);
  const std::ptrdiff_t s = q.layout().stride(d);
  const auto weights = law_.row(inner_row<Dim, false>(volumes(), d, row));
  if constexpr (Law::limited) {
    const double *low2 = high - 2 * s, *high2 = high + s;
    if (on_boundary(d, row[d] - 1, Side::low))
      low2 = ghost_row(q, d, Side::low, detail::shifted<Dim>(row, d, -1), before_.data());
    if (on_boundary(d, row[d] + 1, Side::high)) high2 = ghost_row(q, d, Side::high, row, after_.data());
    detail::limited_row(weights, {low2, high - s, high, high2}, flux, length_);
  } else {
    detail::linear_row(weights, high - s, high, flux, length_);
  }
}

template <int Dim, class Law>
void Flux<Dim, Law>::across_boundary(const Field<Dim>& q, int d, Side side, const Index<Dim>& row, double* flux) const {
  const auto weights = law_.row(boundary_row<Dim>(volumes(), d, side, row));
  const auto& slab = boundary_->slab(d, side);
  const std::ptrdiff_t at = boundary_->slab_offset(d, side, row);
  const double* inside = q.origin() + q.layout().offset(row) - (side == Side::low ? 0 : q.layout().stride(d));
  for (int k = 0; k < length_; ++k) {
    const LinearFlux f = fold(weights(k), side, slab, slab.at(at + k), slab.rise_at(at + k));
    flux[k] = (f.low + f.high) * inside[k] + f.constant;  // one of the two weights is zero
  }
}

template <int Dim, class Law>
double Flux<Dim, Law>::boundary_value(const Field<Dim>& q, int d, const Index<Dim>& i) const {
  const LinearFlux f = face(d, i);
  const Side side = on_boundary(d, i[d], Side::low) ? Side::low : Side::high;
  return (f.low + f.high) * q(detail::shifted<Dim>(i, d, side == Side::low ? 0 : -1)) + f.constant;
}

template <int Dim, class Law>
double Flux<Dim, Law>::ghost(const Field<Dim>& q, int d, Side side, const Index<Dim>& inside) const {
  return boundary_->ghost_value(d, side, q(inside), boundary_->slab_offset(d, side, inside));
}

template <int Dim, class Law>
const double* Flux<Dim, Law>::ghost_row(const Field<Dim>& q, int d, Side side, Index<Dim> inside,
                                        double* ghosts) const {
  for (int k = 0; k < length_; ++k, ++inside[0]) ghosts[k] = ghost(q, d, side, inside);
  return ghosts;
}

template <int Dim, class Law>
void Flux<Dim, Law>::apply(const Field<Dim>& q, Field<Dim>& rate, double factor, double rate_factor) {
  const ControlVolumes<Dim>& v = volumes();
  const Box<Dim>& box = v.box();
  require_ghosts(q.layout());
  const int n = length_;
  for_each_row<Dim>(box, [&](const Index<Dim>& row) {
    along(q, row, along_.data());
    const double* inverse = v.line(0).inverse_width() + row[0];
    for (int k = 0; k < n; ++k) sum_[k] = (along_[k] - along_[k + 1]) * inverse[k];
    for (int d = 1; d < Dim; ++d) {
      double *low = d == 1 ? low1_.data() : low_.data(), *high = d == 1 ? high1_.data() : high_.data();
      if (d == 1 && row[1] > box.begin[1])
        std::swap(
            low,
            high);  // rows come with direction 1 fastest: the high faces of the last row are the low faces of this one
      else
        across(q, d, row, low);
      across(q, d, detail::shifted<Dim>(row, d, 1), high);
      if (d == 1 && low != low1_.data()) low1_.swap(high1_);
      const double inverse_d = v.line(d).inverse_width()[row[d]];
      for (int k = 0; k < n; ++k) sum_[k] += (low[k] - high[k]) * inverse_d;
    }
    double* out = rate.origin() + rate.layout().offset(row);
    if (rate_factor == 0.0)
      for (int k = 0; k < n; ++k) out[k] = factor * sum_[k];
    else
      for (int k = 0; k < n; ++k) out[k] = rate_factor * out[k] + factor * sum_[k];
  });
}

template <int Dim, class Law>
void Flux<Dim, Law>::add_constants(Field<Dim>& rate, double factor) const {
  const ControlVolumes<Dim>& v = volumes();
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) {
      if (!boundary_->slab(d, side).present) continue;
      const bool low = side == Side::low;
      for_each<Dim>(boundary_->inside_box(d, side), [&](const Index<Dim>& i) {
        const double constant = face(d, low ? i : detail::shifted<Dim>(i, d, 1)).constant;
        rate(i) += (low ? factor : -factor) * constant * v.line(d).inverse_width()[i[d]];
      });
    }
}

template <int Dim, class Law>
double Flux<Dim, Law>::boundary_flux(const Field<Dim>& q, int d, Side side) const {
  double sum = 0.0;
  const auto& slab = boundary_->slab(d, side);
  if (slab.present)
    for_each<Dim>(boundary_->inside_box(d, side), [&](const Index<Dim>& i) {
      const Index<Dim> at = side == Side::low ? i : detail::shifted<Dim>(i, d, 1);
      sum += volumes().area(d, i) * slab.sign * boundary_value(q, d, at);
    });
  return volumes().comm().sum(sum);
}

}  // namespace kolmo::transport
