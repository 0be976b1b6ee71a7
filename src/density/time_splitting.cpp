#include <algorithm>
#include <cmath>
#include <limits>

#include "kolmo/base/error.hpp"
#include "kolmo/density/splitting.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

namespace {

template <int Dim>
class SplittingScheme final : public TimeScheme<Dim> {
 public:
  SplittingScheme(Generator<Dim>& generator, bool control)
      : g_(generator),
        control_(control),
        next_(control ? generator.make_field() : Field<Dim>()),
        half_(control ? generator.make_field() : Field<Dim>()),
        splitting_(generator.grid(), generator.cells(), generator.layout(),
                   LineOptions{.varying = !generator.autonomous()}) {
    take_weights();
  }

  double advance(State<Dim>& s, double dt, double limit, bool more) override {
    if (!control_) {
      splitting_.reset_sums();
      part(s.p, s.time, dt, more && g_.autonomous());
      count(s);
      return 0.0;
    }
    const Box<Dim>& box = g_.volumes().box();
    combine<Dim>(box, {{1.0, &s.p}}, next_);
    combine<Dim>(box, {{1.0, &s.p}}, half_);
    part(next_, s.time, dt);
    splitting_.reset_sums();
    part(half_, s.time, 0.5 * dt);
    part(half_, s.time + 0.5 * dt, 0.5 * dt);
    combine<Dim>(box, {{1.0, &next_}, {-1.0, &half_}}, next_);
    const double error = norm1(g_.volumes(), next_) / (3.0 * g_.mass(s.p));
    if (!(error <= limit)) return error;
    swap(s.p, half_);
    count(s);
    return error;
  }
  int error_order() const override { return 3; }
  LineCounts line_counts() const override {
    const auto [fallen, all] = splitting_.fallbacks();
    return {all, fallen, splitting_.repairs()};
  }
  std::string description() const override { return "Strang splitting: " + splitting_.description(g_.variables()); }

 private:
  /// One step of the splitting with the coefficients of its middle.
  void part(Field<Dim>& p, double t, double dt, bool more = false) {
    g_.set_time(t + 0.5 * dt);
    if (version_ != g_.version()) take_weights();
    splitting_.step(p, dt, more);
  }
  void take_weights() {
    version_ = g_.version();
    for (const DirectionWeights<Dim>& weights : g_.weights()) splitting_.set(weights);
    splitting_.arrange();
    if (!g_.cross_terms().active()) return;
    const double fastest = g_.volumes().comm().max(g_.cross_terms().fastest());
    ExplicitPart<Dim> cross;
    cross.rate = [this](Field<Dim>& p, Field<Dim>& rate) {
      g_.exchange(p);
      rate.fill(0.0);
      g_.cross_terms().apply(p, rate, 1.0);
    };
    cross.max_step = fastest > 0.0 ? 1.0 / fastest : std::numeric_limits<double>::infinity();
    splitting_.set_explicit_part(std::move(cross));
  }
  void count(State<Dim>& s) const {
    s.dropped += splitting_.dropped();
    if (!g_.closed()) splitting_.add_escaped(s.escaped);
  }

  Generator<Dim>& g_;
  bool control_;
  Field<Dim> next_, half_;
  Splitting<Dim> splitting_;
  std::int64_t version_ = -1;
};

/// Backward Euler along every direction, one after the other. Constants belong to the right-hand side.
template <int Dim>
class LineProducts {
 public:
  explicit LineProducts(Generator<Dim>& generator) : g_(generator), work_(generator.make_field()) {
    for (int d = 0; d < Dim; ++d)
      if (!generator.weights()[d].transport)
        lines_.emplace_back(generator.grid(), generator.cells(), d,
                            LineOptions{.max_exponential = 0, .euler = true, .linear = true});
  }
  void apply(double a, const double* from, double* to) {
    if (version_ != g_.version()) {
      for (LineStep<Dim>& line : lines_) line.set(g_.weights()[line.direction()]);
      // What is given on a face makes right-hand sides rough: four lines and more then take shorter times (a third of
      // the iterations).
      longest_ = (given() && lines_.size() > 3 ? 4.0 : 10.0) * g_.explicit_limit();
    }
    version_ = g_.version();
    unpack(from, g_.volumes().box(), work_);
    // The product of (1 - a L_d) grows like a to the power of the dimension where 1 - a L grows like a: beyond some
    // fast times it does more harm than good.
    for (LineStep<Dim>& line : lines_) line.advance(work_, std::min(a, longest_));
    pack(work_, g_.volumes().box(), to);
  }

 private:
  bool given() const {
    bool any = false;
    for (const DirectionWeights<Dim>& w : g_.weights())
      any = any || !w.constant_low.empty() || !w.constant_high.empty();
    return g_.volumes().comm().any(any);
  }

  Generator<Dim>& g_;
  Field<Dim> work_;
  std::vector<LineStep<Dim>> lines_;
  double longest_ = 0.0;
  std::int64_t version_ = -1;
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_splitting(Generator<Dim>& generator, bool control) {
  return std::make_unique<SplittingScheme<Dim>>(generator, control);
}

template <int Dim>
Preconditioner line_preconditioner(Generator<Dim>& generator) {
  auto lines = std::make_shared<std::unique_ptr<LineProducts<Dim>>>();
  return [lines, &generator](double a, const double* b, double* q) {
    if (!*lines) *lines = std::make_unique<LineProducts<Dim>>(generator);
    (*lines)->apply(a, b, q);
  };
}

#define KOLMO_INSTANTIATE(Dim)                                                     \
  template std::unique_ptr<TimeScheme<Dim>> make_splitting(Generator<Dim>&, bool); \
  template Preconditioner line_preconditioner(Generator<Dim>&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
