#include "kolmo/density/line_step.hpp"

#include <algorithm>
#include <list>

#include "halved_step.hpp"
#include "kolmo/base/error.hpp"
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
  static const Phase phase("density line exchange");
  return phase;
}

}  // namespace

template <int Dim>
struct LineStep<Dim>::Parts {
  enum class Kind { exponential, implicit, transport };
  using Block = LineBlock<Dim>;

  Parts(const Grid<Dim>& grid_, const Decomposition<Dim>& cells_, int direction_, const LineOptions& options_)
      : grid(grid_),
        cells(cells_),
        direction(direction_),
        options(options_),
        all_lines(cells.global_size() / cells.cells()[direction]) {}
  static void enlarge(std::vector<double>& room, std::size_t size) {
    if (room.size() < size) room.resize(size);
  }
  void make_data(bool half);
  void set(const DirectionWeights<Dim>& given);
  void make_room();
  void process(double dt);

  Propagator& propagator(double dt);
  void exponential(double dt);
  void add_leaving(const LineExponential& e, const Block& block, const double* values, std::ptrdiff_t step_cell,
                   std::ptrdiff_t step_line);
  void respond(const LineExponential& e, const Block& block);

  void implicit(double dt);
  void prepare(LinePanel& line, const Block& block);

  void transport(double dt);

  const Grid<Dim> grid;
  const Decomposition<Dim> cells;
  int direction;
  std::unique_ptr<LineData<Dim>> data;  // made when it is known what advances them
  std::unique_ptr<HalvedStep<Dim>> halved;
  LineOptions options;
  std::int64_t all_lines;                   // of all ranks
  LineArray<Dim> p;                         // of the field being advanced
  typename LineExchange<Dim>::Parts parts;  // of other ranks
  Kind kind = Kind::implicit;
  std::list<Propagator> propagators;                            // the latest first
  std::vector<double> known_low, known_high, known_wide, wide;  // the weights they belong to; those of (D12)
  std::unique_ptr<LineSolver> solver;
  int lanes = 1;  // of the solver
  std::unique_ptr<LineTransport> transporter;
  std::vector<double> p_panel, out_panel, low_panel, high_panel, faces;
  std::array<double, panel> ends[2] = {};
  LineSums sums;
};

template <int Dim>
void LineStep<Dim>::Parts::set(const DirectionWeights<Dim>& given) {
  const bool exponential = given.uniform && options.exponential(cells.cells()[direction], all_lines);
  kind = given.transport ? Kind::transport : exponential ? Kind::exponential : Kind::implicit;
  make_data(kind == Kind::implicit && HalvedStep<Dim>::possible(cells, direction));
  data->set(given);
  if (data->uniform && data->periodic) {
    data->line_low.back() = data->line_low.front();
    data->line_high.back() = data->line_high.front();
  }
  if (!options.euler) wide = given.line_wide;  // an approximate inverse does without
  if (!wide.empty() && kind != Kind::exponential)
    throw InputError(
        "engine.flux: with splitting, fitted4 needs lines of at most 1024 cells and, with coefficients that depend on "
        "t, 14 lines per cell of a line; use tr-bdf2, or fitted");
  if (kind == Kind::exponential &&
      (known_low != data->line_low || known_high != data->line_high || known_wide != wide)) {
    known_low = data->line_low;
    known_high = data->line_high;
    known_wide = wide;
    for (Propagator& one : propagators) one.dt = -1.0;
  }
  if (halved)
    halved->take_weights();
  else
    make_room();
}

template <int Dim>
void LineStep<Dim>::Parts::make_data(bool half) {
  if (data && half == static_cast<bool>(halved)) return;
  halved.reset();
  parts.clear();
  data = std::make_unique<LineData<Dim>>(grid, cells, direction, half);
  data->linear = options.linear;
  if (half) halved = std::make_unique<HalvedStep<Dim>>(*data, cells, options.euler);
}

template <int Dim>
void LineStep<Dim>::Parts::make_room() {
  const int n = data->n;
  lanes = LineSolver::lanes_for(n, Dim > 1 ? data->extent[data->along] : 1);
  const std::size_t rows = n + 1, side_by_side = kind == Kind::exponential ? std::max(panel, rows_along)
                                                 : kind == Kind::transport ? panel
                                                                           : lanes;
  const bool in_place = kind == Kind::implicit && lanes == 1 && !data->exchange;
  if (!in_place) enlarge(p_panel, rows * side_by_side);
  if (data->exchange && parts.empty()) parts = data->exchange->make_parts(false);
  if (data->exchange && kind == Kind::exponential) enlarge(out_panel, rows * side_by_side);
  if (kind == Kind::implicit) {
    if (!solver) solver = std::make_unique<LineSolver>(n, lanes, data->periodic, options.euler);
    if (!in_place || data->uniform || data->evaluated)
      for (auto* weights : {&low_panel, &high_panel}) enlarge(*weights, rows * lanes);
    for (int f = 0; f <= n && data->uniform; ++f) {
      std::fill_n(low_panel.begin() + static_cast<std::ptrdiff_t>(f) * lanes, lanes, data->line_low[f]);
      std::fill_n(high_panel.begin() + static_cast<std::ptrdiff_t>(f) * lanes, lanes, data->line_high[f]);
    }
  }
  if (kind == Kind::transport && !transporter) {
    transporter = std::make_unique<LineTransport>(data->width[data->direction].data(), n, data->periodic);
    faces.resize(n + 1);
  }
}

template <int Dim>
void LineStep<Dim>::Parts::process(double dt) {
  const Phase::Scope timed(phase_lines());
  const FlushSubnormals flush;
  if (kind == Kind::exponential)
    exponential(dt);
  else if (kind == Kind::implicit)
    implicit(dt);
  else
    transport(dt);
  sums.lines += data->lines();
}

template <int Dim>
Propagator& LineStep<Dim>::Parts::propagator(double dt) {
  auto found = std::find_if(propagators.begin(), propagators.end(), [&](const Propagator& q) { return q.dt == dt; });
  if (found == propagators.end()) {
    // Out-of-date ones stand at the end of the list, or take their turn.
    found = std::find_if(propagators.begin(), propagators.end(), [](const Propagator& q) { return q.dt < 0.0; });
    if (found == propagators.end() && propagators.size() == kept_propagators) found = std::prev(propagators.end());
    if (found == propagators.end()) found = propagators.emplace(propagators.begin(), data->n);
    const LineWeights line{data->n,
                           data->line_low.data(),
                           data->line_high.data(),
                           data->width[data->direction].data(),
                           data->periodic,
                           wide.empty() ? nullptr : wide.data()};
    found->exponential.compute(line, dt, data->sources);
    found->product.assign(found->exponential.matrix().data());
    found->dt = dt;
  }
  propagators.splice(propagators.begin(), propagators, found);
  return propagators.front();
}

template <int Dim>
void LineStep<Dim>::Parts::exponential(double dt) {
  const Propagator& one = propagator(dt);
  const int n = data->n;
  const bool open =
      !data->periodic && (data->line_high.front() != 0.0 || data->line_low.back() != 0.0 || data->sources);
  const bool contiguous = data->direction == 0;
  for_each_block<Dim>(data->extent, data->direction, contiguous ? rows_along : panel, [&](const Block& block) {
    const ArrayView<Dim>& view = p.pieces.front().view;
    if (contiguous) {
      const std::ptrdiff_t next = p.whole() && Dim > 1 ? view.stride[data->along] : n;
      p.gather_lines(block, n, p_panel.data());
      if (open) add_leaving(one.exponential, block, p_panel.data(), 1, n);
      one.product.along(block.width, p_panel.data(), n, p.whole() ? view.at(block.first) : out_panel.data(), next);
      if (!p.whole()) p.scatter_lines(block, n, out_panel.data());
    } else {
      const std::ptrdiff_t step = p.whole() ? view.stride[data->direction] : panel;
      p.gather_rows(block, n, panel, p_panel.data());
      if (open) add_leaving(one.exponential, block, p_panel.data(), panel, 1);
      one.product.across(block.width, p_panel.data(), p.whole() ? view.at(block.first) : out_panel.data(), step);
      if (!p.whole()) p.scatter_rows(block, out_panel.data(), panel);
    }
    if (data->sources) respond(one.exponential, block);
  });
}

template <int Dim>
void LineStep<Dim>::Parts::add_leaving(const LineExponential& e, const Block& block, const double* values,
                                       std::ptrdiff_t step_cell, std::ptrdiff_t step_line) {
  const std::vector<double>& w = data->width[data->direction];
  for (int side = 0; side < 2; ++side) {
    const std::vector<double>& part = e.leaving(side);
    std::array<double, rows_along> sum{};
    for (int i = 0; i < data->n; ++i)
      for (int k = 0; k < block.width; ++k) sum[k] += part[i] * w[i] * values[i * step_cell + k * step_line];
    for (int k = 0; k < block.width; ++k) sums.escaped[side] += sum[k] * data->area(block, k);
  }
}

/// What flows in at the ends, spread over the line. A flux is positive upwards: it enters at the low end.
template <int Dim>
void LineStep<Dim>::Parts::respond(const LineExponential& e, const Block& block) {
  std::array<double, rows_along> given;
  for (int side = 0; side < 2; ++side) {
    if (!data->constants(block, side, given.data())) continue;
    double total = e.response_leaving(side, 0) + e.response_leaving(side, 1);
    for (int i = 0; i < data->n; ++i) total += e.response(side)[i] * data->width[data->direction][i];
    for (int k = 0; k < block.width; ++k) {
      const double enters = side == 0 ? given[k] : -given[k], area = data->area(block, k);
      for (const LinePiece<Dim>& piece : p.pieces) {
        double* line = piece.view.at(block.first) + k * piece.view.stride[data->along];
        for (int i = piece.begin; i < piece.end; ++i)
          line[(i - piece.begin) * piece.view.stride[data->direction]] += enters * e.response(side)[i];
      }
      for (int through = 0; through < 2; ++through)
        sums.escaped[through] += enters * area * e.response_leaving(side, through);
      sums.escaped[side] -= enters * area * total;
    }
  }
}

template <int Dim>
void LineStep<Dim>::Parts::prepare(LinePanel& line, const Block& block) {
  line.p = p.rows(block, data->n, lanes, p_panel.data(), line.step_p);
  if (data->uniform) {
    line.low = low_panel.data();
    line.high = high_panel.data();
    line.step_low = line.step_high = lanes;
  } else if (data->evaluated) {
    data->weights_of_lines(block, lanes, low_panel.data(), high_panel.data());
    line.low = low_panel.data();
    line.high = high_panel.data();
    line.step_low = line.step_high = lanes;
  } else {
    const int faces_of_line = data->periodic ? data->n : data->n + 1;
    line.low = data->low.rows(block, faces_of_line, lanes, low_panel.data(), line.step_low);
    line.high = data->high.rows(block, faces_of_line, lanes, high_panel.data(), line.step_high);
  }
  for (int side = 0; side < 2 && data->sources; ++side)
    line.constant[side] = data->constants(block, side, ends[side].data()) ? ends[side].data() : nullptr;
}

template <int Dim>
void LineStep<Dim>::Parts::implicit(double dt) {
  const int n = data->n;
  LinePanel line;
  line.n = n;
  line.periodic = data->periodic;
  line.open = !data->periodic;
  line.width = data->width[data->direction].data();
  line.inverse_width = data->inverse_width.data();
  LineSolver::Outcome outcome;
  for_each_block<Dim>(data->extent, data->direction, lanes, [&](const Block& block) {
    prepare(line, block);
    const double* result = solver->advance(line, block.width, dt, options.euler, outcome);
    p.scatter_rows(block, result, lanes);
    sums.fallbacks += outcome.fallbacks;
    sums.repairs += outcome.repairs;
    for (int k = 0; k < block.width && outcome.repairs > 0; ++k)
      sums.dropped += outcome.dropped[k] * data->area(block, k);
    for (int side = 0; side < 2 && line.open; ++side)
      for (int k = 0; k < block.width; ++k) sums.escaped[side] += outcome.left[side][k] * data->area(block, k);
  });
}

template <int Dim>
void LineStep<Dim>::Parts::transport(double dt) {
  const int n = data->n;
  double* lines_panel = p_panel.data();
  bool known = false;
  for_each_block<Dim>(data->extent, data->direction, panel, [&](const Block& block) {
    p.gather_lines(block, n, lines_panel);
    ends[0].fill(0.0);
    ends[1].fill(0.0);
    for (int side = 0; side < 2 && data->sources; ++side) data->constants(block, side, ends[side].data());
    for (int k = 0; k < block.width; ++k) {
      std::array<double, 2> left{};
      if (!known || !data->uniform || data->sources) {
        data->velocities(block, k, faces.data());
        transporter->set_velocity(faces.data(), {ends[0][k], ends[1][k]}, dt);
        known = true;
      }
      transporter->remap(lines_panel + k * n, left);
      for (int side = 0; side < 2; ++side) sums.escaped[side] += left[side] * data->area(block, k);
    }
    p.scatter_lines(block, n, lines_panel);
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
  Parts& parts = *parts_;
  ArrayView<Dim> own{p.origin(), {}};
  for (int d = 0; d < Dim; ++d) own.stride[d] = p.layout().stride(d);
  if (parts.halved) {
    const Phase::Scope timed(phase_lines());
    const FlushSubnormals flush;
    parts.halved->advance(own, dt, parts.sums);
    return;
  }
  LineExchange<Dim>* exchange = parts.data->exchange.get();
  if (!exchange) {
    parts.p.direction = parts.data->direction;
    parts.p.pieces.assign(1, {0, parts.data->n, own});
    parts.process(dt);
    return;
  }
  {
    const Phase::Scope timed(phase_moves());
    exchange->collect(p, parts.parts);
    exchange->assemble(own, parts.parts, false, parts.p);
  }
  parts.process(dt);
  const Phase::Scope timed(phase_moves());
  exchange->give_back(parts.parts, p);
}

template <int Dim>
int LineStep<Dim>::direction() const {
  return parts_->direction;
}
template <int Dim>
bool LineStep<Dim>::uniform() const {
  return parts_->data && parts_->data->uniform;
}
template <int Dim>
bool LineStep<Dim>::has_sources() const {
  return parts_->data && parts_->data->sources;
}
template <int Dim>
const std::array<double, 2>& LineStep<Dim>::escaped() const {
  return parts_->sums.escaped;
}
template <int Dim>
void LineStep<Dim>::reset_sums() {
  parts_->sums.escaped = {};
  parts_->sums.dropped = 0.0;
}
template <int Dim>
double LineStep<Dim>::dropped() const {
  return parts_->sums.dropped;
}
template <int Dim>
std::int64_t LineStep<Dim>::fallbacks() const {
  return parts_->sums.fallbacks;
}
template <int Dim>
std::int64_t LineStep<Dim>::repairs() const {
  return parts_->sums.repairs;
}
template <int Dim>
std::int64_t LineStep<Dim>::lines() const {
  return parts_->sums.lines;
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
