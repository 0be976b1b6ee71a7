// What a run holds in memory, before it is made.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "face_coefficients.hpp"
#include "halved_step.hpp"
#include "kolmo/density/grid_engine.hpp"
#include "kolmo/density/line_step.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "line_kernels.hpp"
#include "time_scheme.hpp"

namespace kolmo::density {

namespace {

/// The largest rank's share, times the ranks. Bytes throughout.
template <int Dim>
class Estimate {
 public:
  Estimate(const Settings& settings, int ranks)
      : s_(settings), ranks_(ranks), grid_(make_grid<Dim>(settings)), options_(generator_options(settings)) {
    coefficients_.emplace(s_, grid_, options_.split);
    processes_ = Decomposition<Dim>::choose(ranks, grid_.cells());
    if (settings.processes.size() == Dim && settings.processes[0] > 0)
      std::copy_n(settings.processes.begin(), Dim, processes_.begin());
    for (int d = 0; d < Dim; ++d) {
      extent_[d] = (grid_.axis(d).cells() + processes_[d] - 1) / processes_[d];
      limited_ = limited_ || limited(d);
    }
    for (int d = 0; d < Dim; ++d)
      if (processes_[d] > 1 || grid_.axis(d).periodic())
        ghosts_.low[d] = ghosts_.high[d] = limited_ || s_.flux == FluxKind::fitted4 ? 2 : 1;
    cells_ = 1.0;
    for (const int n : extent_) cells_ *= n;
  }

  double total() const {
    double bytes = field() + weights() + axes();
    if (s_.time.stationary)
      bytes += stationary();
    else if (const Scheme scheme = chosen_scheme(s_); scheme == Scheme::splitting)
      bytes += splitting();
    else if (is_explicit(scheme))
      bytes += (s_.time.tolerance > 0.0 ? 3.0 : 2.0) * field();
    else
      bytes += implicit(scheme);
    return bytes * ranks_;
  }

 private:
  bool limited(int d) const {
    return coefficients_->limited(d) && (!options_.linear || (options_.frozen && !coefficients_->ratio()));
  }
  bool crossed() const { return coefficients_->crossed(); }
  /// A field of cells with the ghosts of the fluxes.
  double field() const { return 8.0 * static_cast<double>(Layout<Dim>(extent_, ghosts_).size()); }
  double plain() const { return 8.0 * cells_; }
  /// What every rank knows of every cell of an axis: its places and widths, and numbers of the fluxes and quantities.
  double axes() const {
    double bytes = 0.0;
    for (int d = 0; d < Dim; ++d) bytes += axis_bytes * grid_.axis(d).cells();
    return bytes;
  }

  /// A table of numbers that vary along some directions: one more along those in `more`.
  double table(const std::array<bool, Dim>& varies, std::array<bool, Dim> more) const {
    Index<Dim> extent = extent_;
    Ghosts<Dim> ghosts;
    for (int d = 0; d < Dim; ++d) {
      const bool kept = d == 0 || varies[d];
      if (!kept) extent[d] = 1;
      ghosts.high[d] = kept && more[d] ? 1 : 0;
    }
    return 8.0 * static_cast<double>(Layout<Dim>(extent, ghosts).size());
  }
  bool uniform(int d) const { return coefficients_->uniform(d) && !limited(d); }

  bool recomputed(int d) const { return coefficients_->recomputed(d) && !limited(d); }

  double weights() const {
    double bytes = 0.0;
    for (int d = 0; d < Dim; ++d) {
      std::array<bool, Dim> varies = coefficients_->depends(d), more{};
      if (options_.frozen && limited(d)) varies.fill(true);
      more[d] = true;
      if (!uniform(d) && !recomputed(d)) bytes += (limited(d) ? 3.0 : 2.0) * table(varies, more);
      for (int e = d + 1; e < Dim; ++e) {
        if (!coefficients_->crossed(d, e)) continue;
        more[e] = true;
        bytes += 2.0 * table(coefficients_->cross_depends(d, e), more);
        more[e] = false;
      }
    }
    if (limited_ && coefficients_->ratio() && !options_.linear) bytes += 2.0 * field();
    return bytes;
  }

  double splitting() const {
    double bytes = (control() ? 2.0 : 0.0) * field() + (crossed() ? 2.0 : 0.0) * field();
    for (int d = 0; d < Dim; ++d) {
      // Parts of lines of other ranks: of p there and back, and of the weights. Lines in two halves stay where they
      // are.
      const bool halves = halved(d);
      const double moved = processes_[d] > 1 && !halves ? plain() * (processes_[d] - 1.0) / processes_[d] : 0.0;
      bytes += moved * (uniform(d) || recomputed(d) ? 2.0 : 4.0);
      bytes += 8.0 * (halves ? half_solvers(d) : solvers(d));
    }
    return bytes;
  }

  bool halved(int d) const {
    return processes_[d] == 2 && !grid_.axis(d).periodic() && !coefficients_->transport(d) && !exponential(d);
  }
  /// Numbers of what advances some whole lines at a time.
  double solvers(int d) const {
    const double n = grid_.axis(d).cells();
    const int side_by_side = LineProduct::panel;
    if (coefficients_->transport(d)) return (side_by_side + 30.0) * n;
    if (exponential(d)) return 5.0 * n * n * (control() ? 4.0 : 2.0) + 2.0 * 1.5 * side_by_side * n;
    const int lanes = LineSolver::lanes_for(grid_.axis(d).cells(), lines_along(d));
    return (LineSolver::numbers(grid_.axis(d).periodic(), false) + 3.0) * n * lanes;
  }
  double half_solvers(int d) const {
    const HalvedPlan plan = HalvedStep<Dim>::plan(extent_, d, grid_.axis(d).cells(), false);
    return (HalfSolver::numbers * (plan.under_way * plan.panels + 1.0) + 3.0) * extent_[d] * plan.lanes;
  }
  /// Lines side by side on a rank.
  std::ptrdiff_t lines_along(int d) const { return Dim > 1 ? extent_[across<Dim>(d)] : 1; }

  bool exponential(int d) const {
    if (!uniform(d)) return false;
    std::int64_t lines = 1;
    for (int e = 0; e < Dim; ++e)
      if (e != d) lines *= grid_.axis(e).cells();
    return LineOptions{.varying = !s_.problem.autonomous()}.exponential(grid_.axis(d).cells(), lines);
  }
  bool control() const { return !s_.time.step && s_.time.tolerance > 0.0; }

  double row() const { return 2 * Dim + 1 + (crossed() ? 2.0 * Dim * (Dim - 1) : 0.0); }
  /// A row of a matrix and of its incomplete factors; two parts of it where it is cut. 12 bytes per entry.
  double matrix() const { return cells_ * 12.0 * row(); }
  /// Factors of a plane by nested dissection: about 31 n log2 n entries for n^2 cells (A. George 1973); of a line: 3 n.
  double factors() const {
    const double n = std::max(2.0, std::sqrt(cells_));
    return 12.0 * (Dim == 1 ? 3.0 * cells_ : (crossed() ? 1.5 : 1.0) * lu_entries * cells_ * std::log2(n));
  }

  double implicit(Scheme scheme) const {
    double fields = scheme == Scheme::tr_bdf2 ? 3.0 + (limited_ ? 2.0 : 0.0) + (control() ? 1.0 : 0.0)
                    : scheme == Scheme::crank_nicolson || control() ? 3.0
                                                                    : 2.0;
    const bool assembled =
        s_.solver.method == LinearMethod::aij || (s_.solver.method == LinearMethod::automatic && Dim <= 3);
    const bool direct = Dim <= 2 && ranks_ == 1 && cells_ <= (Dim == 1 ? 1e6 : 3e5) && !control() &&
                        s_.problem.autonomous() && s_.solver.method == LinearMethod::automatic;
    double bytes = fields * field() + 3.0 * plain();
    if (!assembled) return bytes + 2.0 * field() + (Dim <= 3 ? 14.0 : 10.0) * plain();
    bytes += matrix();
    // Four-point fluxes are applied by themselves: two fields, and iterations in front of the factors of two points.
    const bool wide = s_.flux == FluxKind::fitted4;
    if (wide) bytes += 2.0 * field();
    if (direct) return bytes + factors() + (wide ? krylov_vectors : 4.0) * plain();
    const double fill = s_.solver.method == LinearMethod::aij ? 2.5 : Dim == 2 && ranks_ == 1 ? 2.2 : 1.0;
    return bytes + fill * matrix() + krylov_vectors * plain();
  }

  double stationary() const {
    if (Dim == 1 && !grid_.axis(0).periodic()) return plain();
    const double bytes = field() + 2.0 * plain() + matrix();
    return bytes + (Dim <= 2 ? factors() + 8.0 * plain() : 2.5 * matrix() + 2.0 * krylov_vectors * plain());
  }

  static constexpr double lu_entries = 6.6, krylov_vectors = 16.0;
  static constexpr double axis_bytes = 570.0;  // as measured
  const Settings& s_;
  int ranks_;
  Grid<Dim> grid_;
  GeneratorOptions options_;
  std::optional<FaceCoefficients<Dim>> coefficients_;
  Index<Dim> processes_{}, extent_{};
  Ghosts<Dim> ghosts_;
  double cells_ = 0.0;
  bool limited_ = false;
};

}  // namespace

template <int Dim>
double GridEngine<Dim>::memory_estimate(const Settings& settings, int ranks) {
  return Estimate<Dim>(settings, ranks).total();
}

template double GridEngine<1>::memory_estimate(const Settings&, int);
template double GridEngine<2>::memory_estimate(const Settings&, int);
template double GridEngine<3>::memory_estimate(const Settings&, int);
template double GridEngine<4>::memory_estimate(const Settings&, int);
template double GridEngine<5>::memory_estimate(const Settings&, int);
template double GridEngine<6>::memory_estimate(const Settings&, int);

}  // namespace kolmo::density
