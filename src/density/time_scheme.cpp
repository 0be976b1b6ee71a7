#include "time_scheme.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kolmo::density {

template <int Dim>
void combine(const Box<Dim>& box, std::initializer_list<std::pair<double, const Field<Dim>*>> terms, Field<Dim>& to) {
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& row) {
    const std::ptrdiff_t at = to.layout().offset(row);
    double* out = to.origin() + at;
    bool first = true;
    for (const auto& [factor, from] : terms) {
      const double* in = from->origin() + at;
      const double f = factor;
      if (first && in == out)
        for (int k = 0; k < n; ++k) out[k] *= f;
      else if (first)
        for (int k = 0; k < n; ++k) out[k] = f * in[k];
      else
        for (int k = 0; k < n; ++k) out[k] += f * in[k];
      first = false;
    }
  });
}

template <int Dim>
double norm1(const transport::ControlVolumes<Dim>& volumes, const Field<Dim>& field) {
  double sum = 0.0;
  const double* width = volumes.line(0).width();
  for_each_row<Dim>(volumes.box(), [&](const Index<Dim>& row) {
    const double* values = field.origin() + field.layout().offset(row);
    double part = 0.0;
    for (int k = 0; k < volumes.box().extent(0); ++k) part += width[k] * std::abs(values[k]);
    sum += part * volumes.area(0, row);
  });
  return volumes.comm().sum(sum);
}

void add_escaped(const Communicator& comm, std::vector<double>& share, std::vector<double>& escaped) {
  comm.sum(share.data(), static_cast<int>(share.size()));
  for (std::size_t k = 0; k < share.size(); ++k) escaped[k] += share[k];
}

namespace {

/// Shu & Osher: each stage is w p + (1 - w) (forward Euler of the stage before).
template <int Dim>
class ExplicitScheme final : public TimeScheme<Dim> {
 public:
  ExplicitScheme(Generator<Dim>& generator, int stages, bool control)
      : g_(generator), stages_(stages), control_(control), q_(generator.make_field()), rate_(generator.make_field()) {
    if (control) error_ = generator.make_field();
    share_.assign(2 * Dim, 0.0);
  }

  double advance(State<Dim>& s, double dt, double limit, bool) override {
    static constexpr double keep[2][3] = {{0.0, 0.5, 0.0}, {0.0, 0.75, 1.0 / 3.0}};
    static constexpr double place[2][3] = {{0.0, 1.0, 0.0}, {0.0, 1.0, 0.5}};
    static constexpr double total[2][3] = {{0.5, 0.5, 0.0}, {1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0}};
    // Less the scheme of one order lower: forward Euler, or the second-order one of the first two stages.
    static constexpr double defect[2][3] = {{-0.5, 0.5, 0.0}, {-1.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0}};
    const Box<Dim>& box = g_.volumes().box();
    const int scheme = stages_ - 2;
    std::fill(share_.begin(), share_.end(), 0.0);
    combine<Dim>(box, {{1.0, &s.p}}, q_);
    for (int k = 0; k < stages_; ++k) {
      g_.set_time(s.time + place[scheme][k] * dt);
      g_.exchange(q_);
      g_.apply(q_, rate_);
      g_.add_limited(q_, rate_);
      if (!g_.closed()) g_.add_outflow(q_, total[scheme][k] * dt, share_);
      const double w = keep[scheme][k];
      combine<Dim>(box, {{1.0 - w, &q_}, {(1.0 - w) * dt, &rate_}, {w, &s.p}}, q_);
      if (!control_) continue;
      if (k == 0)
        combine<Dim>(box, {{dt * defect[scheme][k], &rate_}}, error_);
      else
        combine<Dim>(box, {{1.0, &error_}, {dt * defect[scheme][k], &rate_}}, error_);
    }
    const double error = control_ ? norm1(g_.volumes(), error_) / g_.mass(s.p) : 0.0;
    if (control_ && !(error <= limit)) return error;
    if (!g_.closed()) add_escaped(g_.volumes().comm(), share_, s.escaped);
    swap(s.p, q_);
    return error;
  }
  int error_order() const override { return stages_; }
  double step_limit() override {
    if (version_ != g_.version()) limit_ = g_.explicit_limit();
    version_ = g_.version();
    return limit_;
  }
  std::string description() const override { return fmt::format("explicit SSP Runge-Kutta of order {}", stages_); }

 private:
  Generator<Dim>& g_;
  int stages_;
  bool control_;
  Field<Dim> q_, rate_, error_;
  std::vector<double> share_;
  std::int64_t version_ = -1;
  double limit_ = 0.0;
};

}  // namespace

template <int Dim>
std::unique_ptr<TimeScheme<Dim>> make_explicit_scheme(Generator<Dim>& generator, int stages, bool control) {
  return std::make_unique<ExplicitScheme<Dim>>(generator, stages, control);
}

#define KOLMO_INSTANTIATE(Dim)                                                                                      \
  template void combine(const Box<Dim>&, std::initializer_list<std::pair<double, const Field<Dim>*>>, Field<Dim>&); \
  template double norm1(const transport::ControlVolumes<Dim>&, const Field<Dim>&);                                  \
  template std::unique_ptr<TimeScheme<Dim>> make_explicit_scheme(Generator<Dim>&, int, bool);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
