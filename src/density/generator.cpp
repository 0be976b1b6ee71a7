#include "generator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kolmo/base/error.hpp"
#include "kolmo/base/phase.hpp"

namespace kolmo::density {

using transport::FaceWeights;

template <int Dim>
Generator<Dim>::Generator(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells,
                          GeneratorOptions options)
    : settings_(&settings),
      grid_(&grid),
      cells_(&cells),
      linear_(options.linear),
      frozen_(options.frozen),
      coefficients_(settings, grid, options.split),
      volumes_(std::make_shared<transport::ControlVolumes<Dim>>(grid, cells)) {
  autonomous_ = settings.problem.autonomous();
  if (coefficients_.crossed() && crossed_too_strongly(settings.time.start)) set_mixed();
  for (int d = 0; d < Dim; ++d) {
    for (int s = 0; s < 2; ++s) {
      const BoundarySettings& b = settings.boundary[2 * d + s];
      closed_ = closed_ && (b.type == BoundaryType::no_flux || b.type == BoundaryType::periodic);
      if (b.type == BoundaryType::inflow && b.density.depends_on_time()) autonomous_ = false;
    }
    make_fields(d);
  }
  if (coefficients_.ratio()) find_reference();
  make_boundary();
  cross_.set_up(coefficients_, grid, cells, *volumes_);
  if (settings.flux == FluxKind::fitted4) {
    if (options.frozen) throw InputError("engine.flux: fitted4 is for steps in time; a stationary solve takes fitted");
    wide_.emplace(settings, grid, cells);
  }
  Ghosts<Dim> ghosts;
  bool any_limited = false;
  for (int d = 0; d < Dim; ++d) any_limited = any_limited || has_limited_part(d);
  for (int d = 0; d < Dim; ++d) {
    const bool read = cells.cut(d) || cells.periodic()[d];
    ghosts.low[d] = ghosts.high[d] = read ? (any_limited || wide_ ? 2 : 1) : 0;
  }
  layout_ = Layout<Dim>(cells.extent(), ghosts);
  halo_.emplace(cells, layout_, ghosts, cross_.active() ? Stencil::box : Stencil::star);
  flux_.emplace(StoredWeights<Dim>{&tables_}, boundary_);
  if (any_limited) {
    LimitedPart<Dim> law;
    law.zeros = std::make_shared<std::vector<double>>(cells.extent()[0] + 1, 0.0);
    for (int d = 0; d < Dim; ++d)
      if (has_limited_part(d)) law.velocity[d] = &weights_[d].velocity;
    limited_.emplace(law, closed_boundary());  // what is given on a face is in flux_ already
    if (coefficients_.ratio()) find_potential();
  }
  check_settings();
  set_time(settings.time.start);
}

/// Some face would be left with less than no conductance. What is made for the fluxes depends on it, and so it is asked
/// first. Collective.
template <int Dim>
bool Generator<Dim>::crossed_too_strongly(double t) const {
  std::int64_t negative = 0;
  for (int d = 0; d < Dim; ++d) {
    const std::array<bool, Dim> depends = coefficients_.depends(d);
    Box<Dim> faces = volumes_->box();
    ++faces.end[d];
    for (int e = 0; e < Dim; ++e)
      if (!depends[e]) faces.end[e] = std::min(faces.end[e], faces.begin[e] + 1);
    for_each<Dim>(faces, [&](const Index<Dim>& i) {
      negative += coefficients_.negative(face_site<Dim>(*grid_, d, global(i)), t) ? 1 : 0;
    });
  }
  return cells_->comm().sum(negative) > 0;
}

/// From here on nothing carries the potential.
template <int Dim>
void Generator<Dim>::set_mixed() {
  cross_.set_mixed();
  coefficients_.set_mixed();
}

template <int Dim>
void Generator<Dim>::check_settings() const {
  if (!limited_) return;
  for (int d = 0; d < Dim; ++d) {
    const std::vector<int>& starts = cells_->starts(d);
    for (std::size_t k = 0; k + 1 < starts.size(); ++k)
      if (starts.size() > 2 && starts[k + 1] - starts[k] < 2)
        throw InputError("grid: a limited flux needs at least two cells per rank in every direction that is cut");
  }
}

template <int Dim>
std::shared_ptr<transport::Boundary<Dim>> Generator<Dim>::closed_boundary() const {
  return std::make_shared<transport::Boundary<Dim>>(
      volumes_, transport::same_rules(*volumes_, transport::Rule<Dim>::diffusive_flux(0.0)));
}

/// Weights hold the rules already: what is left to the boundary are given fluxes.
template <int Dim>
void Generator<Dim>::make_boundary() {
  boundary_ = closed_boundary();
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides)
      if (settings_->boundary[2 * d + static_cast<int>(side)].type == BoundaryType::inflow) boundary_->data(d, side);
}

template <int Dim>
void Generator<Dim>::make_fields(int d) {
  DirectionWeights<Dim>& w = weights_[d];
  w.direction = d;
  w.transport = coefficients_.transport(d) && !linear_;
  w.uniform = coefficients_.uniform(d) && !has_limited_part(d);
  const int n = grid_->axis(d).cells();
  typename StoredWeights<Dim>::Table& table = tables_[d];
  table.weights = &w;
  table.origin = cells_->owned().begin[d];
  table.length = cells_->extent()[0];
  Ghosts<Dim> ghosts;
  ghosts.high[d] = 1;
  const Layout<Dim> layout(cells_->extent(), ghosts);
  if (w.uniform) {
    for (std::vector<double>* line : {&w.line_low, &w.line_high, &w.line_constant}) line->assign(n + 1, 0.0);
    const std::size_t held = static_cast<std::size_t>(cells_->extent()[d] + 1) * table.length;
    if (d > 0) {
      table.low.assign(held, 0.0);
      table.high.assign(held, 0.0);
    }
    return;
  }
  if (coefficients_.recomputed(d) && !has_limited_part(d)) {
    recompute(d);
    return;
  }
  w.low = FaceTable<Dim>(layout, varies(d));
  w.high = FaceTable<Dim>(layout, varies(d));
  if (has_limited_part(d)) w.velocity = FaceTable<Dim>(layout, varies(d));
}

/// Nothing is kept: weights are evaluated line by line for the splitting, row by row for fluxes and rates.
template <int Dim>
void Generator<Dim>::recompute(int d) {
  typename StoredWeights<Dim>::Table& table = tables_[d];
  for (std::vector<double>& row : table.rows) row.assign(2 * static_cast<std::size_t>(table.length + 1), 0.0);
  table.fill = [this, d](const Index<Dim>& index, int count, double* low, double* high) {
    Index<Dim> cell = global(index);
    for (int k = 0; k < count; ++k, ++cell[0]) {
      const FaceWeights w = closed_face(face_site<Dim>(*grid_, d, cell), time_).weights;
      low[k] = w.low;
      high[k] = w.high;
    }
  };
  weights_[d].on_lines = [this, d](const LineFaces<Dim>& faces, double* low, double* high) {
    for (int f = 0; f < faces.count; ++f) {
      Index<Dim> cell = faces.first;
      cell[d] += f;
      for (int k = 0; k < faces.width; ++k, ++cell[faces.along]) {
        const FaceWeights w = closed_face(face_site<Dim>(*grid_, d, cell), time_).weights;
        low[static_cast<std::ptrdiff_t>(f) * faces.lanes + k] = w.low;
        high[static_cast<std::ptrdiff_t>(f) * faces.lanes + k] = w.high;
      }
    }
  };
}

/// Along which directions the weights of direction d are kept: those they depend on. Frozen ones depend on p.
template <int Dim>
std::array<bool, Dim> Generator<Dim>::varies(int d) const {
  std::array<bool, Dim> along = coefficients_.depends(d);
  if (frozen_ && has_limited_part(d)) along.fill(true);
  return along;
}

template <int Dim>
void Generator<Dim>::find_reference() {
  double least = std::numeric_limits<double>::infinity();
  for_each<Dim>(volumes_->box(), [&](const Index<Dim>& i) {
    least = std::min(least, settings_->problem.potential(volumes_->position(i).data()));
  });
  coefficients_.set_reference(cells_->comm().min(least));
}

template <int Dim>
void Generator<Dim>::find_potential() {
  inverse_density_ = make_field();
  ratio_ = make_field();
  for_each<Dim>(volumes_->box(), [&](const Index<Dim>& i) {
    inverse_density_(i) = std::exp(coefficients_.lifted(volumes_->position(i)));
  });
  halo_->exchange(inverse_density_);
  limited_->law().factor = &inverse_density_;
}

/// Numbers of a face with the boundary rule folded in.
template <int Dim>
typename Generator<Dim>::Numbers Generator<Dim>::closed_face(const FaceSite<Dim>& s, double t, double* constant) const {
  if (s.boundary >= 0 && no_flux(s.direction, s.boundary)) return {};
  Numbers n = coefficients_.at(s, t);
  if (s.boundary < 0) return n;
  const bool low = s.boundary == 0;
  const BoundarySettings& rule = settings_->boundary[2 * s.direction + s.boundary];
  const double outwards = low ? -n.drift : n.drift;
  const bool free = rule.type == BoundaryType::inflow && outwards >= 0.0;
  if (free) n.weights = low ? FaceWeights{0.0, n.drift} : FaceWeights{n.drift, 0.0};
  double& outside = low ? n.weights.low : n.weights.high;
  if (constant && !free && rule.type == BoundaryType::inflow) {
    double x[Dim + 1];
    std::copy(s.centre.begin(), s.centre.end(), x);
    x[Dim] = t;
    *constant = outside * rule.density.evaluate(x);
  }
  outside = 0.0;
  return n;
}

template <int Dim>
void Generator<Dim>::set_time(double t) {
  if (filled_ && (autonomous_ || t == time_)) return;
  static const Phase phase("density coefficients");
  const Phase::Scope scope(phase);
  negative_faces_ = 0;
  time_ = t;
  for (int d = 0; d < Dim; ++d) fill(d, t);
  if (cross_.active() && !cross_.mixed() && cells_->comm().sum(negative_faces_) > 0) {
    set_mixed();
    for (int d = 0; d < Dim; ++d) fill(d, t);
  }
  cross_.fill(t);
  if (!filled_ || coefficients_.watch().moves()) {
    cross_.see_minors(t);
    coefficients_.watch().check(cells_->comm());
  }
  filled_ = true;
  ++version_;
}

template <int Dim>
void Generator<Dim>::fill(int d, double t) {
  if (weights_[d].uniform)
    fill_uniform(d, t);
  else
    fill_fields(d, t);
  if (wide_) wide_->fill(t, weights_[d]);
  fill_constants(d, t);
}

template <int Dim>
void Generator<Dim>::fill_uniform(int d, double t) {
  DirectionWeights<Dim>& w = weights_[d];
  Index<Dim> cell;
  for (int e = 0; e < Dim; ++e) cell[e] = grid_->axis(e).cells() / 2;
  for (int f = 0; f <= grid_->axis(d).cells(); ++f) {
    cell[d] = f;
    const Numbers n = closed_face(face_site<Dim>(*grid_, d, cell), t);
    w.line_low[f] = n.weights.low;
    w.line_high[f] = n.weights.high;
  }
  typename StoredWeights<Dim>::Table& table = tables_[d];
  if (Dim == 1 || d == 0) return;
  for (int f = 0; f <= cells_->extent()[d]; ++f) {
    std::fill_n(table.low.begin() + static_cast<std::ptrdiff_t>(f) * table.length, table.length,
                w.line_low[table.origin + f]);
    std::fill_n(table.high.begin() + static_cast<std::ptrdiff_t>(f) * table.length, table.length,
                w.line_high[table.origin + f]);
  }
}

template <int Dim>
void Generator<Dim>::fill_fields(int d, double t) {
  DirectionWeights<Dim>& w = weights_[d];
  const std::array<bool, Dim> depends = coefficients_.depends(d);
  Box<Dim> faces = volumes_->box();
  ++faces.end[d];
  const Index<Dim> first = faces.begin;
  if (w.on_lines) {  // whether L is an M-matrix and D nowhere negative is still asked
    if ((cross_.active() && !cross_.mixed()) || !filled_ || coefficients_.watch().moves())
      for_each<Dim>(faces, [&](const Index<Dim>& i) {
        negative_faces_ += coefficients_.negative(face_site<Dim>(*grid_, d, global(i)), t) ? 1 : 0;
      });
    return;
  }
  for_each<Dim>(w.low.once(faces), [&](const Index<Dim>& i) {
    // Where a coordinate does not matter, the numbers of its first index are there already.
    Index<Dim> same = i;
    for (int e = 0; e < Dim; ++e)
      if (!depends[e]) same[e] = first[e];
    if (same != i) {
      w.low(i) = w.low(same);
      w.high(i) = w.high(same);
      if (w.velocity) w.velocity(i) = w.velocity(same);
      return;
    }
    const Numbers n = closed_face(face_site<Dim>(*grid_, d, global(i)), t);
    w.low(i) = n.weights.low;
    w.high(i) = n.weights.high;
    if (w.velocity) w.velocity(i) = n.velocity;
    negative_faces_ += n.negative ? 1 : 0;
  });
}

template <int Dim>
void Generator<Dim>::fill_constants(int d, double t) {
  for (const Side side : both_sides) {
    const int s = static_cast<int>(side);
    if (settings_->boundary[2 * d + s].type != BoundaryType::inflow || !boundary_->slab(d, side).present) continue;
    std::vector<double>& data = boundary_->data(d, side);
    std::vector<double>& kept = s == 0 ? weights_[d].constant_low : weights_[d].constant_high;
    kept.resize(data.size());
    for_each<Dim>(boundary_->inside_box(d, side), [&](Index<Dim> i) {
      const std::ptrdiff_t at = boundary_->slab_offset(d, side, i);
      i[d] += s;
      double constant = 0.0;
      closed_face(face_site<Dim>(*grid_, d, global(i)), t, &constant);
      kept[at] = constant;
      data[at] = s == 0 ? constant : -constant;
    });
  }
}

template <int Dim>
void Generator<Dim>::apply(const Field<Dim>& p, Field<Dim>& rate, double factor, double rate_factor) {
  flux_->apply(p, rate, factor, rate_factor);
  if (cross_.active()) cross_.apply(p, rate, factor);
  if (wide_) wide_->apply(p, rate, factor);
}

template <int Dim>
void Generator<Dim>::lift(const Field<Dim>& p) {
  for_each_row<Dim>(volumes_->box(), [&](const Index<Dim>& row) {
    const std::ptrdiff_t at = p.layout().offset(row);
    const double *from = p.origin() + at, *factor = inverse_density_.origin() + at;
    double* to = ratio_.origin() + at;
    for (int k = 0; k < volumes_->box().extent(0); ++k) to[k] = from[k] * factor[k];
  });
  halo_->exchange(ratio_);
}

template <int Dim>
void Generator<Dim>::add_limited(const Field<Dim>& p, Field<Dim>& rate, double factor, double step) {
  if (!limited()) return;
  limited_->law().step = step;
  if (coefficients_.ratio()) {
    lift(p);
    limited_->apply(ratio_, rate, factor, 1.0);
  } else {
    limited_->apply(p, rate, factor, 1.0);
  }
  limited_->law().step = 0.0;
}

template <int Dim>
void Generator<Dim>::add_outflow(const Field<Dim>& p, double factor, std::vector<double>& out, double linear,
                                 double given) const {
  for (int d = 0; d < Dim; ++d)
    for (const Side side : both_sides) {
      const int s = static_cast<int>(side);
      if (!boundary_->slab(d, side).present || no_flux(d, s)) continue;
      double sum = 0.0;
      for_each<Dim>(boundary_->inside_box(d, side), [&](const Index<Dim>& inside) {
        Index<Dim> face = inside;
        face[d] += s;
        const transport::LinearFlux f = flux_->face(d, face);
        sum += volumes_->area(d, inside) * (linear * (f.low + f.high) * p(inside) + given * f.constant);
      });
      out[2 * d + s] += factor * (s == 0 ? -sum : sum);
    }
}

template <int Dim>
double Generator<Dim>::explicit_limit() const {
  double largest = 0.0;
  for_each<Dim>(volumes_->box(), [&](const Index<Dim>& i) {
    double leaving = cross_.diagonal(i);
    for (int d = 0; d < Dim; ++d) {
      Index<Dim> above = i;
      ++above[d];
      const transport::LinearFlux low = flux_->face(d, i), high = flux_->face(d, above);
      double sum = high.low - low.high;
      // A limited face value is at most twice the value of the cell it comes from.
      if (limited() && weights_[d].velocity) {
        const double scale = coefficients_.ratio() ? inverse_density_(i) : 1.0;
        sum += scale * (std::max(weights_[d].velocity(above), 0.0) - std::min(weights_[d].velocity(i), 0.0));
      }
      leaving += sum * volumes_->line(d).inverse_width()[i[d]];
    }
    largest = std::max(largest, leaving);
  });
  largest = cells_->comm().max(largest);
  if (wide_) largest *= 4.0 / 3.0;  // the fastest mode of four-point differences; not a limit of positivity
  return largest > 0.0 ? 1.0 / largest : std::numeric_limits<double>::infinity();
}

template <int Dim>
double Generator<Dim>::courant_rate() const {
  double largest = 0.0;
  for_each<Dim>(volumes_->box(), [&](const Index<Dim>& i) {
    double sum = 0.0;
    for (int d = 0; d < Dim; ++d) {
      const transport::LinearFlux f = flux_->face(d, i);
      sum += std::abs(f.low + f.high) * volumes_->line(d).inverse_width()[i[d]];
    }
    largest = std::max(largest, sum);
  });
  return cells_->comm().max(largest);
}

template <int Dim>
void Generator<Dim>::flux(const Field<Dim>& p, std::array<Field<Dim>, Dim>& components) {
  if (limited() && coefficients_.ratio()) lift(p);
  const Field<Dim>& carried = coefficients_.ratio() && limited() ? ratio_ : p;
  for (int d = 0; d < Dim; ++d) {
    if (!components[d]) {
      Ghosts<Dim> ghosts;
      ghosts.high[d] = 1;
      components[d] = Field<Dim>(Layout<Dim>(cells_->extent(), ghosts), Location::faces(d));
    }
    Box<Dim> faces = volumes_->box();
    ++faces.end[d];
    for_each<Dim>(faces, [&](const Index<Dim>& i) {
      Index<Dim> below = i;
      --below[d];
      const transport::LinearFlux f = flux_->face(d, i);
      double value = f.constant;
      if (f.low != 0.0) value += f.low * p(below);
      if (f.high != 0.0) value += f.high * p(i);
      if (limited() && weights_[d].velocity) value += limited_rest(d, i, carried);
      components[d](i) = value;
    });
  }
  cross_.add_flux(p, components);
  if (wide_) wide_->add_flux(p, components);
}

/// The limited part of the flux through one face; 0 on the boundary of the domain.
template <int Dim>
double Generator<Dim>::limited_rest(int d, const Index<Dim>& i, const Field<Dim>& p) const {
  const transport::ControlLine& line = volumes_->line(d);
  const bool low_end = line.at_boundary(Side::low), high_end = line.at_boundary(Side::high);
  if ((low_end && i[d] == line.begin()) || (high_end && i[d] == line.end())) return 0.0;
  Index<Dim> below = i, below2 = i, above2 = i;
  --below[d], below2[d] -= 2, ++above2[d];
  if (low_end && i[d] == line.begin() + 1) below2 = below;
  if (high_end && i[d] == line.end() - 1) above2 = i;
  const auto weights = limited_->law().row(transport::inner_row<Dim, false>(*volumes_, d, i));
  return weights.rest(0, p(below2), p(below), p(i), p(above2));
}

template <int Dim>
void Generator<Dim>::freeze(const Field<Dim>& p) {
  for (int d = 0; d < Dim; ++d) {
    DirectionWeights<Dim>& w = weights_[d];
    if (!w.velocity) continue;
    Box<Dim> faces = volumes_->box();
    ++faces.end[d];
    for_each<Dim>(faces, [&](const Index<Dim>& i) {
      const double v = w.velocity(i), rest = limited_rest(d, i, p);
      Index<Dim> upwind = i;
      if (v > 0.0) --upwind[d];
      // The weight of the other cell is diffusion alone, and as large here.
      const double share = rest != 0.0 && p(upwind) > 0.0 ? rest / p(upwind) : 0.0;
      const transport::LinearFlux face = flux_->face(d, i);
      if (face.low == 0.0 && face.high == 0.0) return;
      if (v > 0.0) w.low(i) = v - w.high(i) + share;
      if (v < 0.0) w.high(i) = v - w.low(i) + share;
    });
  }
  ++version_;
}

template <int Dim>
std::string Generator<Dim>::description() const {
  std::string text = coefficients_.description();
  for (int d = 0; d < Dim; ++d)
    if (coefficients_.transport(d) && settings_->flux != FluxKind::central)
      text += fmt::format("; {} transported, {}", settings_->problem.variables()[d],
                          has_limited_part(d) ? "limited" : "upwind");
  for (int d = 0; d < Dim; ++d)
    if (weights_[d].on_lines) text += fmt::format("; {} recomputed", settings_->problem.variables()[d]);
  if (cross_.active())
    text += cross_.mixed() ? "; cross terms mixed, NOT positive (|D_ij| / h_j sum up to more than D_ii / h_i)"
                           : "; cross terms along diagonals, positive" + coefficients_.watch().note();
  return text;
}

template class Generator<1>;
template class Generator<2>;
template class Generator<3>;
template class Generator<4>;
template class Generator<5>;
template class Generator<6>;

}  // namespace kolmo::density
