// The generator on the grid: dp/dt = L p + N(p) + constants, and everything read off the same faces.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cross_terms.hpp"
#include "face_coefficients.hpp"
#include "kolmo/density/face_weights.hpp"
#include "kolmo/grid/halo.hpp"
#include "kolmo/transport/flux.hpp"
#include "kolmo/transport/laws.hpp"
#include "wide_flux.hpp"

namespace kolmo::density {

/// Numbers kept on faces, as a transport law. Tables of uniform directions are repeated along x, so that every row of
/// faces is contiguous.
template <int Dim>
struct StoredWeights {
  static constexpr bool limited = false;
  static constexpr bool symmetric = false;
  struct Table {
    const DirectionWeights<Dim>* weights = nullptr;
    std::vector<double> low, high;  ///< uniform, direction > 0: [face][x]
    int origin = 0, length = 0;     ///< first face of this rank, cells of an x row
    /// Where nothing is kept: evaluates a row, into one of some that take turns.
    std::function<void(const Index<Dim>& index, int count, double* low, double* high)> fill;
    mutable std::array<std::vector<double>, 4> rows;
    mutable int turn = 0;
  };
  const std::array<Table, Dim>* tables = nullptr;

  /// Where the numbers of the row whose first face is the low face of cell `index` begin.
  std::array<const double*, 2> row_of(int d, const Index<Dim>& index) const {
    const Table& t = (*tables)[d];
    const DirectionWeights<Dim>& w = *t.weights;
    if (t.fill) {
      std::vector<double>& row = t.rows[t.turn = (t.turn + 1) % t.rows.size()];
      const int count = t.length + (d == 0 ? 1 : 0) - index[0];
      t.fill(index, count, row.data(), row.data() + row.size() / 2);
      return {row.data(), row.data() + row.size() / 2};
    }
    if (!w.uniform) {
      const std::ptrdiff_t at = w.low.offset(index);
      return {w.low.origin() + at, w.high.origin() + at};
    }
    const std::ptrdiff_t f = index[d] + (d == 0 ? t.origin : 0);
    if (d == 0) return {w.line_low.data() + f, w.line_high.data() + f};
    return {t.low.data() + f * t.length, t.high.data() + f * t.length};
  }
  /// The first face of a row alone.
  template <bool Along>
  transport::FaceWeights single(const transport::FaceRow<Dim, Along>& r) const {
    transport::FaceWeights w;
    if (const Table& t = (*tables)[r.direction]; t.fill)
      t.fill(r.index, 1, &w.low, &w.high);
    else
      w = row(r)(0);
    return w;
  }
  template <bool Along>
  auto row(const transport::FaceRow<Dim, Along>& r) const {
    const std::array<const double*, 2> at = row_of(r.direction, r.index);
    return [low = at[0], high = at[1]](int k) { return transport::FaceWeights{low[k], high[k]}; };
  }
};

/// The limited part alone: velocity times the limited increment (T6); nothing in directions without one. Beside
/// implicit upwind fluxes the increments are explicit: where one would move more than a cell holds in a step (dt |v| /
/// width > 1), it is taken in proportion, or the scheme would blow up.
template <int Dim>
struct LimitedPart {
  static constexpr bool limited = true;
  static constexpr bool symmetric = false;
  std::array<const FaceTable<Dim>*, Dim> velocity{};
  std::shared_ptr<const std::vector<double>> zeros;
  double step = 0.0;                   ///< dt of increments beside implicit fluxes; 0: as they are
  const Field<Dim>* factor = nullptr;  ///< q = factor * p is what is limited; null: p

  template <bool Along>
  struct Row {
    const double* u;
    transport::Metric<Along> inverse, before, after, width_low, width_high;
    double step;
    const double *factor_low, *factor_high;  ///< null: 1
    transport::FaceWeights operator()(int) const { return {}; }
    double carried(int k) const {
      if (step == 0.0) return u[k];
      const double low = (factor_low ? factor_low[k] : 1.0) / width_low(k);
      const double high = (factor_high ? factor_high[k] : 1.0) / width_high(k);
      return u[k] / std::max(1.0, step * std::abs(u[k]) * std::max(low, high));
    }
    double rest(int k, double low2, double low, double high, double high2) const {
      const double v = carried(k), across = high - low;
      const double from_low = transport::limited_increment(low - low2, across, before(k), inverse(k), width_low(k));
      const double from_high = transport::limited_increment(high2 - high, across, after(k), inverse(k), width_high(k));
      return v * (v > 0.0 ? from_low : -from_high);
    }
  };
  template <bool Along>
  auto row(const transport::FaceRow<Dim, Along>& r) const {
    const FaceTable<Dim>* field = velocity[r.direction];
    const double* u = field ? field->origin() + field->offset(r.index) : zeros->data();
    const double *low = nullptr, *high = nullptr;
    if (factor && step > 0.0) {
      high = factor->origin() + factor->layout().offset(r.index);
      low = high - factor->layout().stride(r.direction);
    }
    return Row<Along>{u,   r.inverse_distance, r.inverse_before, r.inverse_after, r.width_low, r.width_high, step, low,
                      high};
  }
};

struct GeneratorOptions {
  /// Transport directions keep their upwind weights and get no limited part: dp/dt = L p alone.
  bool linear = false;
  /// With linear: `freeze` can take the limited fluxes of a density into the weights (stationary solves).
  bool frozen = false;
  /// For the splitting, which transports the density itself: no ratio where a direction has no diffusion.
  bool split = false;
};

template <int Dim>
class Generator {
 public:
  /// Throws InputError where the scheme cannot treat the problem.
  Generator(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells,
            GeneratorOptions options = {});
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  const std::vector<std::string>& variables() const { return settings_->problem.variables(); }
  /// Coefficients of time t; keeps them where nothing depends on it. `version` counts the changes.
  void set_time(double t);
  std::int64_t version() const { return version_; }
  bool autonomous() const { return autonomous_; }
  /// N is there beside L.
  bool limited() const { return limited_.has_value() && !linear_; }
  /// Fluxes have a limited part that `freeze` can take into L.
  bool freezes() const { return limited_.has_value() && linear_; }
  /// No flux through any boundary.
  bool closed() const { return closed_; }
  /// L is an M-matrix: implicit Euler keeps p >= 0.
  bool positive() const { return settings_->flux != FluxKind::central && !wide_ && !cross_.mixed(); }
  /// L is more than its two-point weights: (D12).
  bool wide() const { return wide_.has_value(); }

  const std::array<DirectionWeights<Dim>, Dim>& weights() const { return weights_; }
  const CrossTerms<Dim>& cross_terms() const { return cross_; }
  const FaceCoefficients<Dim>& coefficients() const { return coefficients_; }
  const Grid<Dim>& grid() const { return *grid_; }
  const Decomposition<Dim>& cells() const { return *cells_; }
  const transport::ControlVolumes<Dim>& volumes() const { return *volumes_; }
  const Layout<Dim>& layout() const { return layout_; }
  /// A field of cells with the ghosts that the fluxes read.
  Field<Dim> make_field() const { return Field<Dim>(layout_, Location::cells()); }
  void exchange(Field<Dim>& p) { halo_->exchange(p); }

  /// rate := rate_factor * rate + factor * (L p + constants). Ghosts of p fresh.
  void apply(const Field<Dim>& p, Field<Dim>& rate, double factor = 1.0, double rate_factor = 0.0);
  /// rate += factor * N(p). Ghosts of p fresh; two layers. step > 0: increments for explicit steps of this length
  /// beside implicit ones of L.
  void add_limited(const Field<Dim>& p, Field<Dim>& rate, double factor = 1.0, double step = 0.0);
  /// rate += factor * constants.
  void add_constants(Field<Dim>& rate, double factor) const { flux_->add_constants(rate, factor); }
  /// Where freezes(): makes the weights those with which L p are the limited fluxes of this p, value on the face over
  /// value upwind kept as a number: between 0 and 2, so that L stays an M-matrix. Ghosts of p fresh; two layers.
  void freeze(const Field<Dim>& p);
  /// out[2 * axis + side] += factor * flux of p out of the domain: what goes with p, times `linear`, and what is given,
  /// times `given`. No communication: this rank's share.
  void add_outflow(const Field<Dim>& p, double factor, std::vector<double>& out, double linear = 1.0,
                   double given = 1.0) const;
  /// J at faces. Ghosts of p fresh.
  void flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components);
  /// The largest dt for which forward Euler keeps p >= 0 (infinite: none). Collective.
  double explicit_limit() const;
  /// The largest drift per width, of all faces. Collective.
  double courant_rate() const;
  double mass(const Field<Dim>& p) const { return volumes_->integral(p); }

  const transport::Flux<Dim, StoredWeights<Dim>>& linear_flux() const { return *flux_; }
  std::string description() const;

 private:
  using Numbers = typename FaceCoefficients<Dim>::Numbers;
  void check_settings() const;
  bool crossed_too_strongly(double t) const;
  void set_mixed();
  std::shared_ptr<transport::Boundary<Dim>> closed_boundary() const;
  void make_boundary();
  void make_fields(int d);
  bool has_limited_part(int d) const {
    return coefficients_.limited(d) && (!linear_ || (frozen_ && !coefficients_.ratio()));
  }
  std::array<bool, Dim> varies(int d) const;
  double limited_rest(int d, const Index<Dim>& face, const Field<Dim>& p) const;
  void fill(int d, double t);
  void fill_uniform(int d, double t);
  void fill_fields(int d, double t);
  void fill_constants(int d, double t);
  void recompute(int d);
  void find_reference();
  void find_potential();
  Numbers closed_face(const FaceSite<Dim>& site, double t, double* constant = nullptr) const;
  bool no_flux(int d, int side) const { return settings_->boundary[2 * d + side].type == BoundaryType::no_flux; }
  Index<Dim> global(Index<Dim> local) const {
    for (int d = 0; d < Dim; ++d) local[d] += cells_->owned().begin[d];
    return local;
  }
  void lift(const Field<Dim>& p);

  const Settings* settings_;
  const Grid<Dim>* grid_;
  const Decomposition<Dim>* cells_;
  bool linear_, frozen_;
  FaceCoefficients<Dim> coefficients_;
  std::shared_ptr<const transport::ControlVolumes<Dim>> volumes_;
  std::shared_ptr<transport::Boundary<Dim>> boundary_;
  Layout<Dim> layout_;
  std::optional<Halo<Dim>> halo_;
  std::array<DirectionWeights<Dim>, Dim> weights_;
  std::array<typename StoredWeights<Dim>::Table, Dim> tables_;
  std::optional<transport::Flux<Dim, StoredWeights<Dim>>> flux_;
  std::optional<transport::Flux<Dim, LimitedPart<Dim>>> limited_;
  CrossTerms<Dim> cross_;
  std::optional<WideFlux<Dim>> wide_;
  Field<Dim> inverse_density_, ratio_;  ///< exp(U) and p exp(U), for the limited part of a ratio
  bool autonomous_ = true, closed_ = true, filled_ = false;
  double time_ = 0.0;
  std::int64_t version_ = 0, negative_faces_ = 0;
};

}  // namespace kolmo::density
