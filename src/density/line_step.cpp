#include "kolmo/density/line_step.hpp"

#include <algorithm>
#include <list>

#include "kolmo/base/phase.hpp"
#include "line_data.hpp"
#include "line_exponential.hpp"
#include "line_kernels.hpp"
#include "line_transport.hpp"

namespace kolmo::density {

namespace {

constexpr int panel = LineProduct::panel;
constexpr int rows_along = 48;  // contiguous lines taken together by the exponential
constexpr int kept_propagators = 4;

/// An exponential with the product that applies it, for one dt.
struct Propagator {
  explicit Propagator(int n) : exponential(n), product(n) {}
  double dt = -1.0;
  LineExponential exponential;
  LineProduct product;
};

const Phase& phase_lines() {
  static const Phase phase("density line solves");
  return phase;
}
const Phase& phase_moves() {
  static const Phase phase("density redistribution");
  return phase;
}

}  // namespace

template <int Dim>
struct LineStep<Dim>::Parts {
  enum class Kind { exponential, implicit, transport };
  using View = ArrayView<Dim>;
  using Block = LineBlock<Dim>;

  Parts(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction, const LineOptions& options_)
      : data(grid, cells, direction), options(options_) {}
  void set(const DirectionWeights<Dim>& given);
  void make_room();
  void process(const View& p, double dt);

  Propagator& propagator(double dt);
  void exponential(const View& p, double dt);
  void add_leaving(const LineExponential& e, const Block& block, const double* p, std::ptrdiff_t step_cell,
                   std::ptrdiff_t step_line);
  void respond(const LineExponential& e, const Block& block, const View& p);

  void implicit(const View& p, double dt);
  void prepare(LinePanel& line, const Block& block, const View& p, int lanes);
  const double* rows_of(const ArrayView<Dim, const double>& a, const Block& block, int rows, int lanes,
                        std::vector<double>& copy, std::ptrdiff_t& step) const;

  void transport(const View& p, double dt);

  LineData<Dim> data;
  LineOptions options;
  Kind kind = Kind::implicit;
  std::list<Propagator> propagators;          // the latest first
  std::vector<double> known_low, known_high;  // the weights they belong to
  std::unique_ptr<LineSolver> solver;
  std::unique_ptr<LineTransport> transporter;
  std::vector<double> p_panel, low_panel, high_panel, faces;
  std::array<double, panel> ends[2] = {};
  std::array<double, 2> escaped{};
  std::int64_t fallbacks = 0, repairs = 0, lines = 0;
};

template <int Dim>
void LineStep<Dim>::Parts::set(const DirectionWeights<Dim>& given) {
  data.set(given);
  const bool short_enough = data.n <= options.max_exponential && !options.euler;
  kind = given.transport ? Kind::transport : data.uniform && short_enough ? Kind::exponential : Kind::implicit;
  if (data.uniform && data.periodic) {
    data.line_low.back() = data.line_low.front();
    data.line_high.back() = data.line_high.front();
  }
  if (kind == Kind::exponential && (known_low != data.line_low || known_high != data.line_high)) {
    known_low = data.line_low;
    known_high = data.line_high;
    for (Propagator& one : propagators) one.dt = -1.0;
  }
  make_room();
}

template <int Dim>
void LineStep<Dim>::Parts::make_room() {
  const int n = data.n;
  const std::size_t rows = static_cast<std::size_t>(n + 1) * std::max(panel, rows_along);
  if (p_panel.empty()) p_panel.resize(rows);
  if (kind == Kind::implicit) {
    if (!solver) solver = std::make_unique<LineSolver>(n, data.periodic);
    if (low_panel.empty()) low_panel.resize(rows), high_panel.resize(rows);
    for (int f = 0; f <= n && data.uniform; ++f) {
      std::fill_n(low_panel.begin() + static_cast<std::ptrdiff_t>(f) * panel, panel, data.line_low[f]);
      std::fill_n(high_panel.begin() + static_cast<std::ptrdiff_t>(f) * panel, panel, data.line_high[f]);
    }
  }
  if (kind == Kind::transport && !transporter) {
    transporter = std::make_unique<LineTransport>(data.width[data.direction].data(), n, data.periodic);
    faces.resize(n + 1);
  }
}

template <int Dim>
void LineStep<Dim>::Parts::process(const View& p, double dt) {
  const Phase::Scope timed(phase_lines());
  const FlushSubnormals flush;
  if (kind == Kind::exponential)
    exponential(p, dt);
  else if (kind == Kind::implicit)
    implicit(p, dt);
  else
    transport(p, dt);
  lines += data.lines();
}

template <int Dim>
Propagator& LineStep<Dim>::Parts::propagator(double dt) {
  auto found = std::find_if(propagators.begin(), propagators.end(), [&](const Propagator& q) { return q.dt == dt; });
  if (found == propagators.end()) {
    // Out-of-date ones stand at the end of the list, or take their turn.
    found = std::find_if(propagators.begin(), propagators.end(), [](const Propagator& q) { return q.dt < 0.0; });
    if (found == propagators.end() && propagators.size() == kept_propagators) found = std::prev(propagators.end());
    if (found == propagators.end()) found = propagators.emplace(propagators.begin(), data.n);
    const LineWeights line{data.n, data.line_low.data(), data.line_high.data(), data.width[data.direction].data(),
                           data.periodic};
    found->exponential.compute(line, dt, data.sources);
    found->product.assign(found->exponential.matrix().data());
    found->dt = dt;
  }
  propagators.splice(propagators.begin(), propagators, found);
  return propagators.front();
}

template <int Dim>
void LineStep<Dim>::Parts::exponential(const View& p, double dt) {
  const Propagator& one = propagator(dt);
  const int n = data.n;
  const std::ptrdiff_t step = p.stride[data.direction], next = Dim > 1 ? p.stride[data.along] : n;
  const bool open = !data.periodic && (data.line_high.front() != 0.0 || data.line_low.back() != 0.0 || data.sources);
  const bool contiguous = data.direction == 0;
  for_each_block<Dim>(data.extent, data.direction, contiguous ? rows_along : panel, [&](const Block& block) {
    double* at = p.at(block.first);
    if (contiguous) {
      for (int k = 0; k < block.width; ++k) std::copy_n(at + k * next, n, p_panel.data() + k * n);
      if (open) add_leaving(one.exponential, block, p_panel.data(), 1, n);
      one.product.along(block.width, p_panel.data(), n, at, next);
    } else {
      for (int i = 0; i < n; ++i) std::copy_n(at + i * step, block.width, p_panel.data() + i * panel);
      if (open) add_leaving(one.exponential, block, p_panel.data(), panel, 1);
      one.product.across(block.width, p_panel.data(), at, step);
    }
    if (data.sources) respond(one.exponential, block, p);
  });
}

template <int Dim>
void LineStep<Dim>::Parts::add_leaving(const LineExponential& e, const Block& block, const double* p,
                                       std::ptrdiff_t step_cell, std::ptrdiff_t step_line) {
  const std::vector<double>& w = data.width[data.direction];
  for (int side = 0; side < 2; ++side) {
    const std::vector<double>& part = e.leaving(side);
    std::array<double, rows_along> sum{};
    for (int i = 0; i < data.n; ++i)
      for (int k = 0; k < block.width; ++k) sum[k] += part[i] * w[i] * p[i * step_cell + k * step_line];
    for (int k = 0; k < block.width; ++k) escaped[side] += sum[k] * data.area(block, k);
  }
}

/// What flows in at the ends, spread over the line. A flux is positive upwards: it enters at the low end.
template <int Dim>
void LineStep<Dim>::Parts::respond(const LineExponential& e, const Block& block, const View& p) {
  std::array<double, rows_along> given;
  const std::ptrdiff_t step = p.stride[data.direction], next = p.stride[data.along];
  for (int side = 0; side < 2; ++side) {
    if (!data.constants(block, side, given.data())) continue;
    double total = e.response_leaving(side, 0) + e.response_leaving(side, 1);
    for (int i = 0; i < data.n; ++i) total += e.response(side)[i] * data.width[data.direction][i];
    for (int k = 0; k < block.width; ++k) {
      const double enters = side == 0 ? given[k] : -given[k], area = data.area(block, k);
      double* line = p.at(block.first) + k * next;
      for (int i = 0; i < data.n; ++i) line[i * step] += enters * e.response(side)[i];
      for (int through = 0; through < 2; ++through)
        escaped[through] += enters * area * e.response_leaving(side, through);
      escaped[side] -= enters * area * total;
    }
  }
}

/// n (or more) rows of a block, in place if it fills the lanes and its lines lie side by side, else copied.
template <int Dim>
const double* LineStep<Dim>::Parts::rows_of(const ArrayView<Dim, const double>& a, const Block& block, int rows,
                                            int lanes, std::vector<double>& copy, std::ptrdiff_t& step) const {
  const double* from = a.at(block.first);
  if (data.direction == 0) {
    transpose_in(from, Dim > 1 ? a.stride[data.along] : 0, block.width, rows, copy.data(), lanes);
  } else if (block.width == lanes) {
    step = a.stride[data.direction];
    return from;
  } else {
    for (int i = 0; i < rows; ++i)
      std::copy_n(from + i * a.stride[data.direction], block.width,
                  copy.data() + static_cast<std::ptrdiff_t>(i) * lanes);
  }
  step = lanes;
  return copy.data();
}

template <int Dim>
void LineStep<Dim>::Parts::prepare(LinePanel& line, const Block& block, const View& p, int lanes) {
  const ArrayView<Dim, const double> values{p.origin, p.stride};
  line.p = rows_of(values, block, data.n, lanes, p_panel, line.step_p);
  if (data.uniform) {
    line.low = low_panel.data();
    line.high = high_panel.data();
    line.step_low = line.step_high = panel;
  } else {
    const int faces_of_line = data.periodic ? data.n : data.n + 1;
    line.low = rows_of(data.low, block, faces_of_line, lanes, low_panel, line.step_low);
    line.high = rows_of(data.high, block, faces_of_line, lanes, high_panel, line.step_high);
  }
  for (int side = 0; side < 2 && data.sources; ++side)
    line.constant[side] = data.constants(block, side, ends[side].data()) ? ends[side].data() : nullptr;
}

template <int Dim>
void LineStep<Dim>::Parts::implicit(const View& p, double dt) {
  const int n = data.n;
  const std::ptrdiff_t lines_along = Dim > 1 ? data.extent[data.along] : 1;
  const int lanes = LineSolver::lanes_for(n, lines_along);
  LinePanel line;
  line.n = n;
  line.periodic = data.periodic;
  line.open = !data.periodic;
  line.width = data.width[data.direction].data();
  line.inverse_width = data.inverse_width.data();
  LineSolver::Outcome outcome;
  for_each_block<Dim>(data.extent, data.direction, lanes, [&](const Block& block) {
    prepare(line, block, p, lanes);
    const double* result = solver->advance(line, lanes, block.width, dt, options.euler, outcome);
    double* to = p.at(block.first);
    if (data.direction == 0)
      transpose_out(result, lanes, block.width, n, to, Dim > 1 ? p.stride[data.along] : 0);
    else
      for (int i = 0; i < n; ++i)
        std::copy_n(result + static_cast<std::ptrdiff_t>(i) * lanes, block.width, to + i * p.stride[data.direction]);
    fallbacks += outcome.fallbacks;
    repairs += outcome.repairs;
    for (int side = 0; side < 2 && line.open; ++side)
      for (int k = 0; k < block.width; ++k) escaped[side] += outcome.left[side][k] * data.area(block, k);
  });
}

template <int Dim>
void LineStep<Dim>::Parts::transport(const View& p, double dt) {
  const int n = data.n;
  const std::ptrdiff_t step = p.stride[data.direction], next = Dim > 1 ? p.stride[data.along] : 0;
  double* lines_panel = p_panel.data();
  bool known = false;
  for_each_block<Dim>(data.extent, data.direction, panel, [&](const Block& block) {
    double* at = p.at(block.first);
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < block.width; ++k) lines_panel[k * n + i] = at[i * step + k * next];
    ends[0].fill(0.0);
    ends[1].fill(0.0);
    for (int side = 0; side < 2 && data.sources; ++side) data.constants(block, side, ends[side].data());
    for (int k = 0; k < block.width; ++k) {
      std::array<double, 2> left{};
      if (!known || !data.uniform || data.sources) {
        data.velocities(block, k, faces.data());
        transporter->set_velocity(faces.data(), {ends[0][k], ends[1][k]}, dt);
        known = true;
      }
      transporter->remap(lines_panel + k * n, left);
      for (int side = 0; side < 2; ++side) escaped[side] += left[side] * data.area(block, k);
    }
    for (int i = 0; i < n; ++i)
      for (int k = 0; k < block.width; ++k) at[i * step + k * next] = lines_panel[k * n + i];
  });
}

template <int Dim>
LineStep<Dim>::LineStep(const Grid<Dim>& grid, const Decomposition<Dim>& cells, int direction,
                        const LineOptions& options)
    : parts_(std::make_unique<Parts>(grid, cells, direction, options)) {}
template <int Dim>
LineStep<Dim>::~LineStep() = default;
template <int Dim>
LineStep<Dim>::LineStep(LineStep&&) noexcept = default;
template <int Dim>
LineStep<Dim>& LineStep<Dim>::operator=(LineStep&&) noexcept = default;

template <int Dim>
void LineStep<Dim>::set(const DirectionWeights<Dim>& weights) {
  parts_->set(weights);
}

template <int Dim>
void LineStep<Dim>::advance(Field<Dim>& p, double dt) {
  Pencils<Dim>* pencils = parts_->data.pencils.get();
  ArrayView<Dim> view;
  if (!pencils) {
    view.origin = p.origin();
    for (int d = 0; d < Dim; ++d) view.stride[d] = p.layout().stride(d);
    parts_->process(view, dt);
    return;
  }
  {
    const Phase::Scope timed(phase_moves());
    pack<Dim>(p, p.layout().interior(), pencils->packed.data());
    pencils->cell_moves.forward(pencils->packed.data(), pencils->cell_values.data());
  }
  view.origin = pencils->cell_values.data();
  std::ptrdiff_t stride = 1;
  for (int d = 0; d < Dim; stride *= parts_->data.extent[d++]) view.stride[d] = stride;
  parts_->process(view, dt);
  const Phase::Scope timed(phase_moves());
  pencils->cell_moves.backward(pencils->cell_values.data(), pencils->packed.data());
  unpack<Dim>(pencils->packed.data(), p.layout().interior(), p);
}

template <int Dim>
int LineStep<Dim>::direction() const {
  return parts_->data.direction;
}
template <int Dim>
bool LineStep<Dim>::uniform() const {
  return parts_->data.uniform;
}
template <int Dim>
bool LineStep<Dim>::has_sources() const {
  return parts_->data.sources;
}
template <int Dim>
const std::array<double, 2>& LineStep<Dim>::escaped() const {
  return parts_->escaped;
}
template <int Dim>
std::int64_t LineStep<Dim>::fallbacks() const {
  return parts_->fallbacks;
}
template <int Dim>
std::int64_t LineStep<Dim>::repairs() const {
  return parts_->repairs;
}
template <int Dim>
std::int64_t LineStep<Dim>::lines() const {
  return parts_->lines;
}

template <int Dim>
const char* LineStep<Dim>::method() const {
  using Kind = typename Parts::Kind;
  if (parts_->kind == Kind::exponential) return "exponential";
  if (parts_->kind == Kind::transport) return "semi-lagrangian";
  return parts_->options.euler ? "backward euler" : "sdirk2";
}

template class LineStep<1>;
template class LineStep<2>;
template class LineStep<3>;
template class LineStep<4>;
template class LineStep<5>;
template class LineStep<6>;

}  // namespace kolmo::density
