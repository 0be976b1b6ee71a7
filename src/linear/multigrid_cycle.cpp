// The V-cycle.
#include <array>
#include <span>

#include "multigrid_hierarchy.hpp"

namespace kolmo::multigrid {

namespace {

/// Runs stages 0 .. stages-1 over the planes of a level as if each swept all planes before the next began, where stage
/// s of a plane needs stage s-1 of its neighbours: in one pass, each stage a plane behind the one before it, so that
/// planes are still in cache. Next to a cut (or where z wraps around) the stages go first, one by one on ever fewer
/// planes, with an exchange after each but the last. `follow(k)` is told when all stages are done up to plane k.
template <class Stage, class Follow>
void sweep_planes(Level& level, int stages, bool exchange_last, Stage&& stage, Follow&& follow) {
  const int planes = level.n[2];
  float* x = level.x();
  const auto run = [&](int s, int k) {
    stage(s, k);
    level.halo.refresh_plane(x, k);
  };
  const bool wraps = level.halo.cut(2) || level.halo.self(2);
  if (level.halo.cut(0) || level.halo.cut(1) || (wraps && planes < 2 * stages + 2)) {
    for (int s = 0; s < stages; ++s) {
      for (int k = 0; k < planes; ++k) stage(s, k);
      if (s + 1 < stages || exchange_last) level.halo.exchange(x);
    }
    for (int k = 0; k < planes; ++k) follow(k);
    return;
  }
  const int edge = wraps ? stages : 0;
  for (int s = 0; s < stages && wraps; ++s) {
    for (int k = 0; k < edge - s; ++k) {
      run(s, k);
      run(s, planes - 1 - k);
    }
    if (s + 1 < stages || exchange_last) level.halo.exchange(x);
  }
  for (int t = 0; t < planes + stages; ++t) {
    for (int s = 0; s < stages; ++s) {
      const int k = t - s, skip = wraps ? edge - s : 0;
      if (k >= skip && k < planes - skip) run(s, k);
    }
    // The last stage has reached plane t - stages + 1; a residual needs one plane more.
    if (t >= stages) follow(t - stages);
  }
}

// Weights of the half sweeps before the correction, in order. Red-black half sweeps with a weight of their own each are
// a polynomial smoother (cyclic Chebyshev: Golub & Varga 1961; shaped for the whole cycle as in Lottes 2023): these
// were found by a random search for the least residual after two iterations (constant coefficients) and three (density
// ratio 1000, three directions clustered), the lines' on one clustered direction. With equal weights of 1.15, V(4,4)
// takes one iteration more for constant coefficients and two for a density ratio of 1000. Every weight lies between 0
// and 2: no half sweep lets the energy of the error grow. That the whole cycle is positive is measured, not proven.
constexpr std::array<float, 12> point_weights{0.865f, 1.494f, 1.859f, 1.337f, 1.662f, 1.202f,
                                              1.574f, 0.990f, 1.460f, 0.755f, 1.001f, 0.516f};
constexpr std::array<float, 6> line_weights{0.975f, 1.166f, 1.637f, 1.003f, 1.016f, 0.524f};

}  // namespace

std::span<const float> sweep_weights(bool lines) {
  if (lines) return line_weights;
  return point_weights;
}

void Hierarchy::descend(Level& level, const Transfer& transfer, const Tile& coarse, bool from_zero) {
  const std::span<const float> weights = sweep_weights(level.lines);
  if (!from_zero) level.halo.exchange(level.x());
  const std::vector<int>& first = transfer.first[2];
  int done = 0;
  sweep_planes(
      level, static_cast<int>(weights.size()), true,
      [&](int s, int k) {
        if (s == 0 && from_zero)
          smooth_plane_from_zero(level, k, weights[0]);
        else
          smooth_plane(level, s & 1, k, weights[s]);
      },
      [&](int k) {
        if (k + 1 == first[done + 1]) restrict_plane(level, transfer, coarse, done++);
      });
}

void Hierarchy::ascend(Level& level, const Transfer& transfer, const Tile& coarse) {
  // Colours and weights in reverse order: the adjoint of the smoothing before, so that the cycle is symmetric.
  const std::span<const float> weights = sweep_weights(level.lines);
  const int half_sweeps = static_cast<int>(weights.size());
  sweep_planes(
      level, 1 + half_sweeps, false,
      [&](int s, int k) {
        if (s == 0)
          prolong_plane(level, transfer, coarse, k);
        else
          smooth_plane(level, s & 1, k, weights[half_sweeps - s]);
      },
      [](int) {});
}

void Hierarchy::cycle(std::size_t l, bool from_zero) {
  Level& level = *levels_[l];
  if (l == steps_.size()) {
    direct_.solve(level);
    return;
  }
  descend(level, steps_[l].transfer, coarse_b(l), from_zero);
  Level& coarse = *levels_[l + 1];
  if (steps_[l].gathered) steps_[l].vector.run(coarse.tile(coarse.b()));
  cycle(l + 1, true);
  if (steps_[l].twice) cycle(l + 1, false);
  ascend(level, steps_[l].transfer, coarse_x(l));
}

Tile Hierarchy::coarse_b(std::size_t l) {
  Level& coarse = *levels_[l + 1];
  return steps_[l].gathered ? steps_[l].vector.part() : coarse.tile(coarse.b());
}

Tile Hierarchy::coarse_x(std::size_t l) {
  Level& coarse = *levels_[l + 1];
  Tile tile = coarse.tile(coarse.x());
  const Boxes& boxes = steps_[l].to.boxes;
  if (steps_[l].gathered) {
    tile.origin = tile.row(boxes.begin(1), boxes.begin(2));
    tile.first = boxes.begin(0);
  }
  return tile;
}

}  // namespace kolmo::multigrid
