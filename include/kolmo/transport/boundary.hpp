/// Boundary rules: two numbers that close the outermost faces of a conserved quantity.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kolmo/transport/control_volumes.hpp"

namespace kolmo::transport {

/// A number given on a boundary: constant, or a function of place and time.
template <int Dim>
struct BoundaryValue {
  using Function = std::function<double(const Point<Dim>&, double time)>;
  BoundaryValue(double number = 0.0) : constant(number) {}  // NOLINT: a number is a value
  BoundaryValue(Function f, bool varies_in_time = true) : function(std::move(f)), varies(varies_in_time) {}  // NOLINT
  template <class Callable>
  requires std::is_invocable_r_v < double, Callable, const Point<Dim>
  &, double > BoundaryValue(Callable f, bool varies_in_time = true)
      : BoundaryValue(Function(std::move(f)), varies_in_time) {}  // NOLINT
  double operator()(const Point<Dim>& x, double time) const { return function ? function(x, time) : constant; }
  double constant = 0.0;
  Function function;
  bool varies = false;
};

/// (T9) What holds on one side of one direction. Either alpha q + beta dq/dn = value with the outward normal n, which
/// gives the value outside q_out = b0 q_inside + b1, or a flux per unit area INTO the domain (`flux`: the whole flux, 0
/// is exact; `diffusive_flux`: added to what the fluid carries through the face). A new condition is one more function
/// like those below.
template <int Dim>
struct Rule {
  enum class Kind { periodic, robin, flux, diffusive_flux };
  Kind kind = Kind::periodic;
  double alpha = 0.0, beta = 0.0;
  BoundaryValue<Dim> value{};
  BoundaryValue<Dim> diffusivity{};  ///< of `diffusive_flux`

  static Rule periodic() { return {}; }
  /// The value on the boundary: on the face for cells, at the boundary node for staggered volumes.
  static Rule fixed_value(BoundaryValue<Dim> v) { return {Kind::robin, 1.0, 0.0, std::move(v)}; }
  /// dq/dn, n outwards.
  static Rule fixed_gradient(BoundaryValue<Dim> g) { return {Kind::robin, 0.0, 1.0, std::move(g)}; }
  static Rule zero_gradient() { return fixed_gradient(0.0); }
  /// What flows out takes its own value along.
  static Rule outflow() { return zero_gradient(); }
  static Rule robin(double alpha, double beta, BoundaryValue<Dim> v) {
    return {Kind::robin, alpha, beta, std::move(v)};
  }
  static Rule fixed_flux(BoundaryValue<Dim> into) { return {Kind::flux, 0.0, 0.0, std::move(into)}; }
  static Rule no_flux() { return fixed_flux(0.0); }
  /// into = D dq/dn. Given D > 0, fluid crossing the face carries the value on it, q_inside + h into / D with h from
  /// the point inside to the face: second order. Where it leaves at U, h becomes (1 - exp(-U h / D)) D / U, the profile
  /// between the two being exponential: however thin the layer, no more than `into` leaves again. Where D = 0, or is
  /// not given, and for unknowns not at cells, it carries q_inside.
  static Rule diffusive_flux(BoundaryValue<Dim> into, BoundaryValue<Dim> diffusivity = 0.0) {
    return {Kind::diffusive_flux, 0.0, 0.0, std::move(into), std::move(diffusivity)};
  }
};

template <int Dim>
using Rules = std::array<std::array<Rule<Dim>, 2>, Dim>;  ///< [direction][side]

/// The same rule everywhere that is not periodic.
template <int Dim>
Rules<Dim> same_rules(const ControlVolumes<Dim>& volumes, const Rule<Dim>& rule) {
  Rules<Dim> rules;
  for (int d = 0; d < Dim; ++d)
    if (!volumes.line(d).periodic()) rules[d] = {rule, rule};
  return rules;
}

/// The rules of one quantity, with their values on the boundary faces this rank holds: one array per side, filled by
/// `update`.
template <int Dim>
class Boundary {
 public:
  /// One side as kernels see it. The flags are the same on every rank.
  struct Slab {
    bool present = false;        ///< this rank holds part of the side
    bool flux = false;           ///< the whole flux is sign * data
    bool added = false;          ///< sign * data is added to what is carried through the face
    double b0 = 0.0;             ///< else q_out = b0 q_inside + data
    double sign = 1.0;           ///< +1 low side, -1 high side: turns "into the domain" into "along the axis"
    double constant = 0.0;       ///< data, where it is the same all over
    double constant_rise = 0.0;  ///< rise, where it is the same all over
    std::vector<double> data;    ///< one per face; empty where `constant` holds
    std::vector<double> rise;    ///< q_out - q_inside by an added flux, one per face; empty where `constant_rise` holds
    std::array<std::ptrdiff_t, Dim>
        stride{};  ///< of the faces of this side in `data`, x fastest; 0 in its own direction
    double at(std::ptrdiff_t offset) const { return data.empty() ? constant : data[offset]; }
    double rise_at(std::ptrdiff_t offset) const { return rise.empty() ? constant_rise : rise[offset]; }
  };

  /// Constants are set at once; functions are first called by `update`. Throws InternalError where a rule does not fit:
  /// none on a boundary, one in a periodic direction, a fixed value where the boundary face itself is unknown.
  Boundary(std::shared_ptr<const ControlVolumes<Dim>> volumes, Rules<Dim> rules);

  /// Evaluates the functions at a time, once per stage; those that do not vary in time only at the first call.
  /// Allocates nothing.
  void update(double time);
  const Slab& slab(int d, Side side) const { return slabs_[d][static_cast<int>(side)]; }
  /// Data of a slab for the caller to write (convective outflow): q_out less b0 q_inside, or fluxes. Indexed by
  /// slab_offset; made at the first call. Empty where this rank holds nothing of the side.
  std::vector<double>& data(int d, Side side);
  /// Where the face next to the unknown with local index i stands in the data of direction d.
  std::ptrdiff_t slab_offset(int d, Side side, const Index<Dim>& i) const {
    const Slab& s = slab(d, side);
    std::ptrdiff_t at = 0;
    for (int e = 0; e < Dim; ++e) at += (i[e] - volumes_->box().begin[e]) * s.stride[e];
    return at;
  }
  /// The unknowns next to a side, local indices.
  Box<Dim> inside_box(int d, Side side) const;
  /// What the first ghost beyond a side is worth: 2 q_out - q_inside where the value lies on the face, q_out where it
  /// lies at the node, q_inside where a flux is fixed and no value on the face follows from it.
  double ghost_value(int d, Side side, double inside, std::ptrdiff_t slab_offset) const;
  const ControlVolumes<Dim>& volumes() const { return *volumes_; }
  const std::shared_ptr<const ControlVolumes<Dim>>& shared_volumes() const { return volumes_; }
  /// Writes the first layer of ghosts beyond boundaries, where the layout has one, for kernels that read them (Flux
  /// does not).
  void fill_ghosts(Field<Dim>& q) const;

 private:
  void set_up(int d, Side side);
  void evaluate(int d, Side side, double time);
  double scaled(int d, Side side, double value) const;
  double rise(int d, Side side, double into, double diffusivity) const;
  std::shared_ptr<const ControlVolumes<Dim>> volumes_;
  Rules<Dim> rules_;
  std::array<std::array<Slab, 2>, Dim> slabs_;
  bool updated_ = false;
};

}  // namespace kolmo::transport
