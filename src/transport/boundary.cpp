#include "kolmo/transport/boundary.hpp"

#include <fmt/format.h>

#include "kolmo/base/error.hpp"

namespace kolmo::transport {

namespace {
constexpr int number(Side side) { return static_cast<int>(side); }
}  // namespace

template <int Dim>
Boundary<Dim>::Boundary(std::shared_ptr<const ControlVolumes<Dim>> volumes, Rules<Dim> rules)
    : volumes_(std::move(volumes)), rules_(std::move(rules)) {
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) set_up(d, side);
}

template <int Dim>
void Boundary<Dim>::set_up(int d, Side side) {
  const ControlLine& line = volumes_->line(d);
  const Rule<Dim>& rule = rules_[d][number(side)];
  const bool none = rule.kind == Rule<Dim>::Kind::periodic;
  if (none != line.periodic())
    throw InternalError(fmt::format("direction {}: {}", d,
                                    none ? "a boundary without a rule" : "a rule where the direction is periodic"));
  if (none) return;
  Slab& slab = slabs_[d][number(side)];
  slab.present = line.at_boundary(side) && !volumes_->box().empty();
  slab.flux = rule.kind == Rule<Dim>::Kind::flux;
  slab.added = rule.kind == Rule<Dim>::Kind::diffusive_flux;
  slab.sign = side == Side::low ? 1.0 : -1.0;
  if (rule.kind == Rule<Dim>::Kind::robin) {
    const double h = line.outside_distance(side);
    // alpha q + beta (q_out - q_inside) / h = value, with q = q_out, or q = q_inside where the unknown lies on the
    // boundary.
    const bool on_unknown = line.outside(side) == Outside::on_unknown;
    const double outer = rule.beta / h + (on_unknown ? 0.0 : rule.alpha);
    if (outer == 0.0)
      throw InternalError(fmt::format("direction {}: a value cannot be fixed where the boundary face is unknown", d));
    slab.b0 = (rule.beta / h - (on_unknown ? rule.alpha : 0.0)) / outer;
  }
  slab.constant = scaled(d, side, rule.value.constant);
  slab.constant_rise = rise(d, side, rule.value.constant, rule.diffusivity.constant);
  std::ptrdiff_t stride = 1;
  for (int e = 0; e < Dim; ++e) {
    if (e == d) continue;
    slab.stride[e] = stride;
    stride *= volumes_->box().extent(e);
  }
  if (!slab.present) return;
  if (rule.value.function || rule.diffusivity.function) slab.data.assign(stride, 0.0);
  if (rule.diffusivity.function || (rule.value.function && rule.diffusivity.constant > 0.0))
    slab.rise.assign(stride, 0.0);
}

/// What lies between the value inside and that on the face by the flux `into` (0 where nothing follows from it).
template <int Dim>
double Boundary<Dim>::rise(int d, Side side, double into, double diffusivity) const {
  const ControlLine& line = volumes_->line(d);
  const bool known = rules_[d][number(side)].kind == Rule<Dim>::Kind::diffusive_flux && diffusivity > 0.0;
  if (!known || line.outside(side) != Outside::on_face) return 0.0;
  return line.outside_distance(side) * into / diffusivity;
}

/// What a rule's value contributes: to q_out where the rule is alpha q + beta dq/dn = value, as it is where it is a
/// flux.
template <int Dim>
double Boundary<Dim>::scaled(int d, Side side, double value) const {
  const Rule<Dim>& rule = rules_[d][number(side)];
  if (rule.kind != Rule<Dim>::Kind::robin) return value;
  const ControlLine& line = volumes_->line(d);
  const bool on_unknown = line.outside(side) == Outside::on_unknown;
  return value / (rule.beta / line.outside_distance(side) + (on_unknown ? 0.0 : rule.alpha));
}

template <int Dim>
void Boundary<Dim>::evaluate(int d, Side side, double time) {
  const ControlLine& line = volumes_->line(d);
  Slab& slab = slabs_[d][number(side)];
  const Rule<Dim>& rule = rules_[d][number(side)];
  const int low = line.begin(), high = line.end();
  const double place = line.outside(side) != Outside::at_node ? line.face()[side == Side::low ? low : high]
                                                              : line.position()[side == Side::low ? low - 1 : high];
  std::size_t at = 0;
  for_each<Dim>(inside_box(d, side), [&](const Index<Dim>& i) {
    Point<Dim> x = volumes_->position(i);
    x[d] = place;
    const double value = rule.value(x, time);
    if (!slab.rise.empty()) slab.rise[at] = rise(d, side, value, rule.diffusivity(x, time));
    slab.data[at++] = scaled(d, side, value);
  });
}

template <int Dim>
void Boundary<Dim>::update(double time) {
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) {
      const BoundaryValue<Dim>&value = rules_[d][number(side)].value,
            &diffusivity = rules_[d][number(side)].diffusivity;
      const bool functions = value.function || diffusivity.function;
      if (slab(d, side).present && functions && (value.varies || diffusivity.varies || !updated_))
        evaluate(d, side, time);
    }
  updated_ = true;
}

template <int Dim>
std::vector<double>& Boundary<Dim>::data(int d, Side side) {
  Slab& slab = slabs_[d][number(side)];
  if (slab.present && slab.data.empty()) slab.data.assign(inside_box(d, side).size(), slab.constant);
  return slab.data;
}

template <int Dim>
Box<Dim> Boundary<Dim>::inside_box(int d, Side side) const {
  Box<Dim> box = volumes_->box();
  if (side == Side::low)
    box.end[d] = std::min(box.end[d], box.begin[d] + 1);
  else
    box.begin[d] = std::max(box.begin[d], box.end[d] - 1);
  return box;
}

template <int Dim>
double Boundary<Dim>::ghost_value(int d, Side side, double inside, std::ptrdiff_t slab_offset) const {
  const Slab& s = slab(d, side);
  if (s.flux) return inside;
  if (s.added) return inside + 2.0 * s.rise_at(slab_offset);
  const double out = s.b0 * inside + s.at(slab_offset);
  return volumes_->line(d).outside(side) == Outside::at_node ? out : 2.0 * out - inside;
}

template <int Dim>
void Boundary<Dim>::fill_ghosts(Field<Dim>& q) const {
  const Box<Dim> padded = q.layout().padded();
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) {
      if (!slab(d, side).present) continue;
      for_each<Dim>(inside_box(d, side), [&](Index<Dim> i) {
        const double inside = q(i);
        const std::ptrdiff_t offset = slab_offset(d, side, i);
        i[d] += side == Side::low ? -1 : 1;
        if (i[d] >= padded.begin[d] && i[d] < padded.end[d]) q(i) = ghost_value(d, side, inside, offset);
      });
    }
}

template class Boundary<1>;
template class Boundary<2>;
template class Boundary<3>;
template class Boundary<4>;
template class Boundary<5>;
template class Boundary<6>;

}  // namespace kolmo::transport
