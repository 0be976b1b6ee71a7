/// Stages, projections and exchanges done plane by plane along the last direction, while the planes are in the cache.
#pragma once

#include <optional>

#include "kolmo/flow/scheme.hpp"
#include "stage.hpp"

namespace kolmo::flow {

/// The same numbers, to round-off, as run_stage, Projection::project and VelocityBoundary::refresh leave, in fewer
/// passes over memory: the divergence of a stage is taken one plane behind it, a velocity is corrected one plane ahead
/// of the stage that reads it, ghosts within a plane are filled right after it, and what crosses a cut is under way
/// meanwhile: edge planes come first, and one message a component and neighbour carries them. Words a cell: see each
/// function.
template <int Dim>
class PlaneStage {
 public:
  explicit PlaneStage(const Parts<Dim>& parts);
  /// Walls that keep their velocity and periodic directions, cuts along the last direction only, nothing added to the
  /// sweep beyond uniform forces: what runs are mostly made of. Others go the general way.
  bool possible() const { return possible_; }

  /// A stage whose result is not projected: ghosts fresh afterwards. The sweep alone (14 words out of place). Where
  /// `blended` is the velocity the sweep reads, it becomes (1 - share) base0 + share in, a plane behind its last use
  /// (3 words more).
  void advance(const Sweep<Dim>& sweep, StageTimes<Dim> times, Velocity<Dim>* blended = nullptr, double share = 1.0);
  /// A stage and the right-hand side for its projection, in the workspace (which may be the velocity the sweep reads).
  /// In place: 9 words and 2. Ghosts of the result are not filled.
  void advance(const Sweep<Dim>& sweep, StageTimes<Dim> times, double factor, Velocity<Dim>& workspace);
  /// The same, and before it u -= dt G phi, ghosts fresh, for the velocity u that the sweep reads: 6 + 1, 6 and 2
  /// words.
  void correct_and_advance(Velocity<Dim>& u, double dt, const Field<Dim>& phi, const Sweep<Dim>& sweep,
                           StageTimes<Dim> times, double factor, Velocity<Dim>& workspace);
  /// u -= dt G phi, ghosts fresh: 7 words.
  void correct(Velocity<Dim>& u, double dt, const Field<Dim>& phi);

 private:
  int planes() const { return p_.domain.extent()[Dim - 1]; }
  Sweep<Dim> prepared(Sweep<Dim> sweep, StageTimes<Dim> times);
  void correct_planes(Velocity<Dim>& u, double dt, const Field<Dim>& phi, int begin, int end);
  void sweep_planes(const Sweep<Dim>& sweep, int begin, int end);
  void blend_planes(Velocity<Dim>& in, const Velocity<Dim>& base, double share, int begin, int end) const;
  void begin_exchange(Velocity<Dim>& u);
  void end_exchange(Velocity<Dim>& u);

  Parts<Dim> p_;
  bool possible_;
  int block_ = 1;  // planes done together
  std::optional<Halo<Dim>> along_, high_;
};

}  // namespace kolmo::flow
