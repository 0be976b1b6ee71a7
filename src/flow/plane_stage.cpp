#include "plane_stage.hpp"

#include <algorithm>

#include "kolmo/base/phase.hpp"

namespace kolmo::flow {

namespace {

/// One ghost plane on each side of the last direction, or on its high side alone.
template <int Dim>
Ghosts<Dim> ends(int low) {
  Ghosts<Dim> width{};
  width.low[Dim - 1] = low;
  width.high[Dim - 1] = 1;
  return width;
}

const Phase& momentum_phase() {
  static const Phase phase("momentum");
  return phase;
}

const Phase& projection_phase() {
  static const Phase phase("projection");
  return phase;
}

}  // namespace

template <int Dim>
PlaneStage<Dim>::PlaneStage(const Parts<Dim>& parts)
    : p_(parts),
      possible_(parts.boundary.plain() && !parts.forces.varies_in_space() && !parts.scalars.buoyant() &&
                !parts.variable_viscosity.active() && parts.settings.force.bulk_direction < 0) {
  constexpr std::int64_t cells_together = 2048;  // less is lost in the overhead of calls
  const std::int64_t size = parts.domain.layout.interior().size() / planes();
  block_ = static_cast<int>(std::max<std::int64_t>(1, cells_together / size));
  // The edge planes are done apart from the others, on every rank.
  possible_ = !parts.domain.comm().any(planes() < 4) && possible_;
  if (!possible_) return;
  along_.emplace(parts.domain.decomposition, parts.domain.layout, ends<Dim>(1), Stencil::star);
  high_.emplace(parts.domain.decomposition, parts.domain.layout, ends<Dim>(0), Stencil::star);
}

template <int Dim>
Sweep<Dim> PlaneStage<Dim>::prepared(Sweep<Dim> sweep, StageTimes<Dim> times) {
  p_.forces.set_time(times.in);
  sweep.force = p_.forces.uniform();
  p_.boundary.set_time(times.out);
  return sweep;
}

template <int Dim>
void PlaneStage<Dim>::sweep_planes(const Sweep<Dim>& sweep, int begin, int end) {
  p_.momentum.sweep_planes(sweep, begin, end);
  p_.boundary.set_normal_planes(*sweep.out, begin, end);
}

template <int Dim>
void PlaneStage<Dim>::correct_planes(Velocity<Dim>& u, double dt, const Field<Dim>& phi, int begin, int end) {
  p_.projection.correct(u, dt, phi, begin, end);
  p_.boundary.fill_planes(u, begin, end);
}

template <int Dim>
void PlaneStage<Dim>::begin_exchange(Velocity<Dim>& u) {
  std::array<Field<Dim>*, Dim> fields;
  for (int d = 0; d < Dim; ++d) fields[d] = &u[d];
  along_->begin(std::span<Field<Dim>* const>(fields));
}

template <int Dim>
void PlaneStage<Dim>::end_exchange(Velocity<Dim>& u) {
  along_->end();
  p_.boundary.set_normal_planes(u, planes(), planes() + 1);
  p_.boundary.fill_ends(u);
}

template <int Dim>
void PlaneStage<Dim>::blend_planes(Velocity<Dim>& in, const Velocity<Dim>& base, double share, int begin,
                                   int end) const {
  Box<Dim> box = p_.domain.layout.interior();
  const int n = box.end[0];
  box.begin[Dim - 1] = begin;
  box.end[Dim - 1] = end;
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    const std::ptrdiff_t o = p_.domain.layout.offset(i);
    for (int c = 0; c < Dim; ++c) {
      double* q = in[c].origin() + o;
      const double* b = base[c].origin() + o;
#pragma GCC ivdep
      for (int x = 0; x < n; ++x) q[x] = (1.0 - share) * b[x] + share * q[x];
    }
  });
}

template <int Dim>
void PlaneStage<Dim>::advance(const Sweep<Dim>& given, StageTimes<Dim> times, Velocity<Dim>* blended, double share) {
  const Phase::Scope scope(momentum_phase());
  const Sweep<Dim> sweep = prepared(given, times);
  Velocity<Dim>& out = *sweep.out;
  const int n = planes();
  for (int k : {n - 1, 0}) {
    sweep_planes(sweep, k, k + 1);
    p_.boundary.fill_planes(out, k, k + 1);
  }
  begin_exchange(out);
  for (int k = 1; k < n - 1; k += block_) {
    const int next = std::min(k + block_, n - 1);
    sweep_planes(sweep, k, next);
    p_.boundary.fill_planes(out, k, next);
    if (blended) blend_planes(*blended, *given.base0, share, k - 1, next - 1);
  }
  if (blended) blend_planes(*blended, *given.base0, share, n - 2, n);
  end_exchange(out);
}

template <int Dim>
void PlaneStage<Dim>::advance(const Sweep<Dim>& given, StageTimes<Dim> times, double factor, Velocity<Dim>& workspace) {
  const Phase::Scope scope(momentum_phase());
  const Sweep<Dim> sweep = prepared(given, times);
  Velocity<Dim>& out = *sweep.out;
  Field<Dim>* last = &out[Dim - 1];
  const int n = planes();
  for (int k = 0; k < n; k += block_) {
    const int next = std::min(k + block_, n);
    sweep_planes(sweep, k, next);
    if (k == 0) high_->begin(std::span<Field<Dim>* const>(&last, 1));
    p_.projection.right_hand_side(out, factor, workspace, std::max(k - 1, 0), next - 1);
  }
  high_->end();
  p_.boundary.set_normal_planes(out, n, n + 1);
  p_.projection.right_hand_side(out, factor, workspace, n - 1, n);
}

template <int Dim>
void PlaneStage<Dim>::correct_and_advance(Velocity<Dim>& u, double dt, const Field<Dim>& phi, const Sweep<Dim>& given,
                                          StageTimes<Dim> times, double factor, Velocity<Dim>& workspace) {
  const Phase::Scope scope(momentum_phase());
  const Sweep<Dim> sweep = prepared(given, times);
  Velocity<Dim>& out = *sweep.out;
  Field<Dim>* last = &out[Dim - 1];
  const int n = planes();
  correct_planes(u, dt, phi, 0, 1);
  correct_planes(u, dt, phi, n - 1, n);
  begin_exchange(u);
  correct_planes(u, dt, phi, 1, std::min(2, n - 1));
  int corrected = 2;
  for (int k = 1; k < n - 1; k += block_) {
    const int next = std::min(k + block_, n - 1), ahead = std::min(next + 1, n - 1);
    if (ahead > corrected) correct_planes(u, dt, phi, corrected, ahead);
    corrected = std::max(corrected, ahead);
    sweep_planes(sweep, k, next);
    p_.projection.right_hand_side(out, factor, workspace, std::max(k - 1, 1), next - 1);
  }
  end_exchange(u);
  sweep_planes(sweep, n - 1, n);
  sweep_planes(sweep, 0, 1);
  high_->begin(std::span<Field<Dim>* const>(&last, 1));
  p_.projection.right_hand_side(out, factor, workspace, n - 2, n - 1);
  p_.projection.right_hand_side(out, factor, workspace, 0, 1);
  high_->end();
  p_.boundary.set_normal_planes(out, n, n + 1);
  p_.projection.right_hand_side(out, factor, workspace, n - 1, n);
}

template <int Dim>
void PlaneStage<Dim>::correct(Velocity<Dim>& u, double dt, const Field<Dim>& phi) {
  const Phase::Scope scope(projection_phase());
  const int n = planes();
  correct_planes(u, dt, phi, 0, 1);
  correct_planes(u, dt, phi, n - 1, n);
  begin_exchange(u);
  for (int k = 1; k < n - 1; k += block_) correct_planes(u, dt, phi, k, std::min(k + block_, n - 1));
  end_exchange(u);
}

template class PlaneStage<2>;
template class PlaneStage<3>;

}  // namespace kolmo::flow
