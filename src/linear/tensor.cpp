#include "kolmo/linear/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "kolmo/base/error.hpp"
#include "kolmo/grid/redistribution.hpp"
#include "kolmo/linear/line_sweep.hpp"
#include "kolmo/linear/line_transform.hpp"

namespace kolmo {

namespace {

// Numbers that pass through several transforms while they are in the second-level cache.
constexpr std::ptrdiff_t slab_limit = 65536;
constexpr std::ptrdiff_t slab_size = 16384;

struct FreeMemory {
  void operator()(double* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<double, FreeMemory>;

Buffer make_buffer(std::ptrdiff_t count) {
  const std::size_t bytes =
      (static_cast<std::size_t>(std::max<std::ptrdiff_t>(count, 8)) * sizeof(double) + 63) / 64 * 64;
  auto* memory = static_cast<double*>(std::aligned_alloc(64, bytes));
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, bytes);
  return Buffer(memory);
}

struct Events {
  petsc::Event transform{"TensorTransform"}, sweep{"TensorSweep"}, move{"TensorMove"};
};
const Events& events() {
  static const Events all;
  return all;
}

/// Transforms of consecutive directions applied together, slab by slab.
struct Group {
  std::vector<LineTransform> lines;
  std::vector<std::ptrdiff_t> counts;  // lines[j] handles counts[j] blocks per unit
  std::ptrdiff_t unit = 1;             // numbers in the smallest part that is closed under all of them
  double* scratch = nullptr;

  std::ptrdiff_t chunk() const { return std::max<std::ptrdiff_t>(1, slab_size / unit); }
  void run(bool forward, const double* in, double* out, std::ptrdiff_t units) const {
    const std::ptrdiff_t step = lines.size() == 1 ? std::max<std::ptrdiff_t>(units, 1) : chunk();
    for (std::ptrdiff_t u = 0; u < units; u += step)
      run_chunk(forward, in + u * unit, out + u * unit, std::min(step, units - u));
  }

 private:
  void run_chunk(bool forward, const double* in, double* out, std::ptrdiff_t units) const {
    const int last = static_cast<int>(lines.size()) - 1;
    const double* from = in;
    for (int j = 0; j <= last; ++j) {
      const int which = forward ? j : last - j;
      double* to = (last - j) % 2 == 0 ? out : scratch;
      if (forward)
        lines[which].forward(from, to, counts[which] * units);
      else
        lines[which].backward(from, to, counts[which] * units);
      from = to;
    }
  }
};

std::string direction_name(int d, int dimensions) {
  return dimensions <= 3 ? std::string(1, "xyz"[d]) : fmt::format("x{}", d + 1);
}

}  // namespace

template <int Dim>
struct TensorSolver<Dim>::Parts {
  /// What happens in one decomposition: transforms of directions that are whole there, then a move to the next one.
  struct Stage {
    Decomposition<Dim> boxes;
    std::vector<int> directions;
    std::vector<Group> groups;
    std::optional<Redistribution<Dim>> next;
  };

  Parts(const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& separable) : op(separable) {
    check(unknowns);
    for (int d = 0; d < Dim; ++d) kinds[d] = LineTransform::choose(op.line[d]);
    choose_last(unknowns);
    stages = plan(unknowns, last);
    prepare();
    factorise();
  }

  void check(const Decomposition<Dim>& unknowns) const {
    for (int d = 0; d < Dim; ++d)
      if (op.line[d].size() != unknowns.cells()[d] || op.line[d].conductance.size() != op.line[d].weight.size() + 1)
        throw InternalError("tensor solver: line operator and decomposition differ in size");
  }

  /// Transforms every whole direction where the array lies, then moves to pencils along one that is still cut, and so
  /// on; the direction of the sweep comes last and stays cut if it is.
  static std::vector<Stage> plan(const Decomposition<Dim>& unknowns, int last) {
    std::vector<Stage> stages;
    stages.push_back({unknowns, {}, {}, {}});
    std::array<bool, Dim> done{};
    done[last] = true;
    for (;;) {
      Stage& stage = stages.back();
      int next = -1;
      for (int d = 0; d < Dim; ++d) {
        if (done[d]) continue;
        if (stage.boxes.cut(d)) {
          next = d;
        } else {
          stage.directions.push_back(d);
          done[d] = true;
        }
      }
      if (next < 0) return stages;
      stages.push_back({stage.boxes.pencil(next, last), {}, {}, {}});
    }
  }

  /// The direction of the sweep: the one that leaves the cheapest transforms and the fewest moves. Not x where there is
  /// a choice, since sweeps run along contiguous modes.
  void choose_last(const Decomposition<Dim>& unknowns) {
    double best = 0.0;
    for (int l = Dim - 1; l >= (Dim > 1 ? 1 : 0); --l) {
      double cost = op.line[l].periodic ? 1.5 : 0.8;
      for (int d = 0; d < Dim; ++d)
        if (d != l) cost += LineTransform::cost(op.line[d], kinds[d]);
      const std::vector<Stage> all = plan(unknowns, l);
      cost += 4.0 * static_cast<double>(all.size() - 1) + (all.back().boxes.cut(l) ? 0.5 : 0.0);
      if (l == Dim - 1 || cost < 0.999 * best) {
        best = cost;
        last = l;
      }
    }
  }

  void prepare() {
    std::ptrdiff_t largest = 0, scratch_size = 0;
    for (std::size_t s = 0; s < stages.size(); ++s) {
      Stage& stage = stages[s];
      largest = std::max<std::ptrdiff_t>(largest, stage.boxes.local_size());
      add_groups(stage);
      for (const Group& g : stage.groups)
        if (g.lines.size() > 1) scratch_size = std::max(scratch_size, g.chunk() * g.unit);
      if (s + 1 < stages.size()) stage.next.emplace(stage.boxes, stages[s + 1].boxes);
    }
    scratch = make_buffer(scratch_size);
    for (Stage& stage : stages)
      for (Group& g : stage.groups) g.scratch = scratch.get();
    const Index<Dim> n = stages.back().boxes.extent();
    stride = count = 1;
    for (int d = 0; d < Dim; ++d) (d < last ? stride : count) *= d == last ? 1 : n[d];
    levels = n[last];
    block_levels = std::max<std::ptrdiff_t>(1, slab_size / std::max<std::ptrdiff_t>(stride, 1));
    sweep.emplace(op.line[last], cut_of(stages.back().boxes), stride, count);
    take_fused();
    moves = stages.size() - 1;
    for (const Stage& stage : stages) moves += stage.groups.size();
    // Two transforms of a slab go through the scratch memory and may return to where they came from.
    in_place = moves == 0 && fused && fused->lines.size() == 2;
    if (!in_place) work[0] = make_buffer(largest);
    if (moves > 0) work[1] = make_buffer(largest);
  }

  LineCut cut_of(const Decomposition<Dim>& boxes) {
    if (!boxes.cut(last)) return {Communicator(MPI_COMM_SELF), {0, boxes.cells()[last]}};
    Index<Dim> first = boxes.coordinates();
    first[last] = 0;
    line_comm.emplace(boxes.comm(), boxes.rank_at(first), boxes.coordinates()[last]);
    return {line_comm->get(), boxes.starts(last)};
  }

  void add_groups(Stage& stage) {
    const Index<Dim> n = stage.boxes.extent();
    for (int d : stage.directions) {
      std::ptrdiff_t below = 1;
      for (int e = 0; e < d; ++e) below *= n[e];
      const std::ptrdiff_t unit = std::max<std::ptrdiff_t>(1, below * n[d]);
      if (stage.groups.empty() || unit > slab_limit) stage.groups.emplace_back();
      Group& group = stage.groups.back();
      group.unit = unit;
      group.lines.emplace_back(op.line[d], kinds[d], below);
      group.counts.push_back(1);
      factor *= group.lines.back().factor();
      eigenvalues[d] = group.lines.back().eigenvalues();
    }
    count_blocks(stage, n);
  }

  /// How many blocks [n][stride] of each direction a unit of its group holds.
  static void count_blocks(Stage& stage, const Index<Dim>& n) {
    std::size_t at = 0;
    for (Group& group : stage.groups)
      for (std::size_t j = 0; j < group.lines.size(); ++j, ++at) {
        std::ptrdiff_t block = 1;
        for (int e = 0; e <= stage.directions[at]; ++e) block *= n[e];
        group.counts[j] = group.unit / std::max<std::ptrdiff_t>(block, 1);
      }
  }

  /// The last group goes along with the sweep, slab by slab, where its directions lie below the sweep's.
  void take_fused() {
    Stage& stage = stages.back();
    if (stage.groups.empty()) return;
    int directions = static_cast<int>(stage.directions.size() - stage.groups.back().lines.size());
    for (std::size_t i = directions; i < stage.directions.size(); ++i)
      if (stage.directions[i] > last) return;
    fused.emplace(std::move(stage.groups.back()));
    stage.groups.pop_back();
  }

  void factorise() {
    const Box<Dim> box = stages.back().boxes.owned();
    mu.clear();
    mu.reserve(stride * count);
    Box<Dim> modes = box;
    modes.end[last] = modes.begin[last] + 1;
    for_each<Dim>(modes, [&](const Index<Dim>& i) {
      double sum = 0.0;
      for (int d = 0; d < Dim; ++d)
        if (d != last) sum += eigenvalues[d][i[d]];
      mu.push_back(op.shift + op.scale * sum);
    });
    sweep->factorise(mu, op.scale, factor);
  }

  double* other(const double* at) const { return at == work[0].get() ? work[1].get() : work[0].get(); }

  void solve(const double* b, double* q) {
    const double* at = b;
    for (Stage& stage : stages) {
      for (Group& group : stage.groups) at = transform(stage, group, true, at, other(at));
      if (stage.next) at = move(stage, true, at, other(at));
    }
    double* modes = in_place ? q : fused || at == b ? other(at) : const_cast<double*>(at);  // never b
    sweep_forward(at, modes);
    std::size_t left = moves;
    double* to = left == 0 ? q : fused ? other(modes) : modes;
    sweep_backward(modes, to);
    at = to;
    for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
      if (stage->next) at = move(*stage, false, at, --left == 0 ? q : other(at));
      for (auto group = stage->groups.rbegin(); group != stage->groups.rend(); ++group)
        at = transform(*stage, *group, false, at, --left == 0 ? q : other(at));
    }
  }

  const double* transform(const Stage& stage, const Group& group, bool forward, const double* from, double* to) const {
    events().transform.begin();
    group.run(forward, from, to, stage.boxes.local_size() / group.unit);
    events().transform.end();
    return to;
  }

  const double* move(const Stage& stage, bool forward, const double* from, double* to) const {
    events().move.begin();
    if (forward)
      stage.next->forward(from, to);
    else
      stage.next->backward(from, to);
    events().move.end();
    return to;
  }

  void sweep_forward(const double* from, double* modes) {
    events().sweep.begin();
    for (std::ptrdiff_t o = 0; o < count; ++o) {
      const std::ptrdiff_t start = o * levels * stride;
      for (int level = 0; level < levels; level += block_levels) {
        const int end = static_cast<int>(std::min<std::ptrdiff_t>(levels, level + block_levels));
        pass(true, from + start + level * stride, modes + start + level * stride, (end - level) * stride);
        for (int i = level; i < end; ++i) sweep->eliminate(i, o, modes + start);
      }
    }
    sweep->turn(modes);
    events().sweep.end();
  }

  void sweep_backward(double* modes, double* to) {
    events().sweep.begin();
    for (std::ptrdiff_t o = 0; o < count; ++o) {
      const std::ptrdiff_t start = o * levels * stride;
      // A slab leaves once the one below is done, which needs its lowest level.
      const auto leave = [&](int level, int end) {
        pass(false, modes + start + level * stride, to + start + level * stride, (end - level) * stride);
      };
      int above = levels;
      for (int end = levels; end > 0;) {
        const int level = static_cast<int>(std::max<std::ptrdiff_t>(0, end - block_levels));
        for (int i = end - 1; i >= level; --i) sweep->substitute(i, o, modes + start);
        if (above > end) leave(end, above);
        above = end;
        end = level;
      }
      leave(0, above);
    }
    events().sweep.end();
  }

  /// The fused transforms of a slab, or a copy, or nothing where the slab stays in place.
  void pass(bool forward, const double* from, double* to, std::ptrdiff_t size) const {
    if (fused)
      fused->run(forward, from, to, size / fused->unit);
    else if (from != to)
      std::copy_n(from, size, to);
  }

  std::string description() const {
    std::string text = "tensor:";
    std::vector<std::string> names(Dim);
    auto note = [&](const std::vector<int>& directions, std::size_t first, const Group& group) {
      for (std::size_t j = 0; j < group.lines.size(); ++j) names[directions[first + j]] = group.lines[j].name();
    };
    for (const Stage& stage : stages) {
      std::size_t first = 0;
      for (const Group& group : stage.groups) {
        note(stage.directions, first, group);
        first += group.lines.size();
      }
      if (fused && &stage == &stages.back()) note(stage.directions, first, *fused);
    }
    for (int d = 0; d < Dim; ++d)
      if (d != last) text += fmt::format(" {} in {},", names[d], direction_name(d, Dim));
    const int parts = stages.back().boxes.processes()[last];
    text += fmt::format(" {}tridiagonal in {}{}", op.line[last].periodic ? "cyclic " : "", direction_name(last, Dim),
                        parts > 1 ? fmt::format(" in {} parts", parts) : "");
    if (stages.size() > 1) text += fmt::format("; {} move(s) between pencils each way", stages.size() - 1);
    return text;
  }

  SeparableOperator<Dim> op;
  std::array<LineTransform::Kind, Dim> kinds{};
  std::array<std::vector<double>, Dim> eigenvalues;
  double factor = 1.0;
  int last = Dim - 1;
  std::vector<Stage> stages;
  std::optional<Group> fused;
  std::optional<OwnCommunicator> line_comm;
  std::optional<LineSweep> sweep;
  std::vector<double> mu;  // shift + scale * (sum of the other directions' eigenvalues), per mode
  std::ptrdiff_t stride = 1, count = 1, block_levels = 1;
  int levels = 0;
  std::size_t moves = 0;
  bool in_place = false;  // the result's memory is all it takes
  Buffer scratch, work[2];
};

template <int Dim>
TensorSolver<Dim>::TensorSolver(const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op)
    : parts_(std::make_unique<Parts>(unknowns, op)) {}
template <int Dim>
TensorSolver<Dim>::~TensorSolver() = default;
template <int Dim>
TensorSolver<Dim>::TensorSolver(TensorSolver&&) noexcept = default;
template <int Dim>
TensorSolver<Dim>& TensorSolver<Dim>::operator=(TensorSolver&&) noexcept = default;

template <int Dim>
void TensorSolver<Dim>::set_shift(double shift, double scale) {
  if (shift == parts_->op.shift && scale == parts_->op.scale) return;
  parts_->op.shift = shift;
  parts_->op.scale = scale;
  parts_->factorise();
}

template <int Dim>
void TensorSolver<Dim>::solve(const double* b, double* q) {
  parts_->solve(b, q);
}

template <int Dim>
std::string TensorSolver<Dim>::description() const {
  return parts_->description();
}

template class TensorSolver<1>;
template class TensorSolver<2>;
template class TensorSolver<3>;
template class TensorSolver<4>;
template class TensorSolver<5>;
template class TensorSolver<6>;

}  // namespace kolmo
