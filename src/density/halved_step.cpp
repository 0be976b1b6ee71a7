#include "halved_step.hpp"

#include <algorithm>

#include "kolmo/base/parallel.hpp"
#include "line_kernels.hpp"

namespace kolmo::density {

namespace {

constexpr int batch_lines = 64;                  // messages of 3 kB: small ones are sent at once
constexpr std::ptrdiff_t batch_numbers = 40000;  // of the factors of a batch, so that those under way stay in the cache
constexpr int message_tag = 0, fallback_tag = 1;

}  // namespace

template <int Dim>
HalvedPlan HalvedStep<Dim>::plan(const Index<Dim>& extent, int direction, int axis_cells, bool euler) {
  HalvedPlan plan;
  plan.lanes = LineSolver::lanes_for(axis_cells, Dim > 1 ? extent[across<Dim>(direction)] : 1);
  plan.blocks = block_count<Dim>(extent, direction, plan.lanes);
  const std::ptrdiff_t numbers = 5 * static_cast<std::ptrdiff_t>(axis_cells) * plan.lanes / 2;
  const std::ptrdiff_t most =
      std::min<std::ptrdiff_t>(batch_lines / plan.lanes, batch_numbers / std::max<std::ptrdiff_t>(numbers, 1));
  plan.panels = static_cast<int>(std::clamp<std::ptrdiff_t>(most, 1, std::max<std::ptrdiff_t>(plan.blocks, 1)));
  plan.batches = (plan.blocks + plan.panels - 1) / plan.panels;
  plan.under_way = static_cast<int>(std::clamp<std::ptrdiff_t>(plan.batches, 1, euler ? 2 : 4));
  return plan;
}

template <int Dim>
HalvedStep<Dim>::HalvedStep(const LineData<Dim>& data, const Decomposition<Dim>& cells, bool euler)
    : data_(data),
      euler_(euler),
      lower_(cells.coordinates()[data.direction] == 0),
      other_(lower_ ? 1 : 0),
      plan_(plan(data.extent, data.direction, data.axis_cells, euler)),
      lanes_(plan_.lanes),
      panels_(plan_.panels),
      solvers_(plan_.under_way * panels_, HalfSolver(data.n, lanes_)),
      fallback_(euler ? 0 : data.n, lanes_) {
  Index<Dim> first = cells.coordinates();
  first[data.direction] = 0;
  check_mpi(MPI_Comm_split(cells.comm().handle(), cells.rank_at(first), cells.coordinates()[data.direction], &comm_),
            "MPI_Comm_split");
  const std::size_t rows = static_cast<std::size_t>(data.n + 1) * lanes_;
  for (auto* copy : {&p_copy_, &low_copy_, &high_copy_}) copy->resize(rows);
  for (int k = 0; k < 2; ++k)
    for (auto* message : {&sent_[k], &received_[k]}) message->resize((euler ? 3 : sections) * size());
  if (!euler) {
    verdict_.resize(2 * plan_.under_way * size());
    border_.resize(6 * static_cast<std::size_t>(lanes_));
  }
  std::fill(std::begin(requests_), std::end(requests_), MPI_REQUEST_NULL);
  p_.direction = data.direction;
  p_.pieces.resize(1);
}

template <int Dim>
HalvedStep<Dim>::~HalvedStep() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized && comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

template <int Dim>
void HalvedStep<Dim>::take_weights() {
  for (int f = 0; f <= data_.n && data_.uniform; ++f) {
    std::fill_n(low_copy_.begin() + static_cast<std::ptrdiff_t>(f) * lanes_, lanes_, data_.line_low[data_.begin + f]);
    std::fill_n(high_copy_.begin() + static_cast<std::ptrdiff_t>(f) * lanes_, lanes_, data_.line_high[data_.begin + f]);
  }
}

/// body(panel, block) for the blocks of a batch.
template <int Dim>
template <class Body>
void HalvedStep<Dim>::for_panels(std::ptrdiff_t batch, Body&& body) {
  const std::ptrdiff_t first = batch * panels_, end = std::min(first + panels_, plan_.blocks);
  for (std::ptrdiff_t k = first; k < end; ++k)
    body(static_cast<int>(k - first), block_at<Dim>(data_.extent, data_.direction, lanes_, k));
}

template <int Dim>
HalfPanel HalvedStep<Dim>::prepare(const LineBlock<Dim>& block) {
  HalfPanel line;
  line.n = data_.n;
  line.lower = lower_;
  line.width = data_.width[data_.direction].data();
  line.inverse_width = data_.inverse_width.data();
  line.p = p_.rows(block, data_.n, lanes_, p_copy_.data(), line.step_p);
  if (data_.uniform || data_.evaluated) {
    if (data_.evaluated) data_.weights_of_lines(block, lanes_, low_copy_.data(), high_copy_.data());
    line.low = low_copy_.data();
    line.high = high_copy_.data();
    line.step_low = line.step_high = lanes_;
  } else {
    line.low = data_.low.rows(block, data_.n + 1, lanes_, low_copy_.data(), line.step_low);
    line.high = data_.high.rows(block, data_.n + 1, lanes_, high_copy_.data(), line.step_high);
  }
  if (data_.sources && data_.constants(block, lower_ ? 0 : 1, ends_)) line.constant = ends_;
  return line;
}

template <int Dim>
void HalvedStep<Dim>::begin(std::ptrdiff_t batch, double dt, std::vector<double>& send) {
  for_panels(batch, [&](int panel, const LineBlock<Dim>& block) {
    solver(batch, panel)
        .begin(prepare(block), dt, euler_,
               {section(send, kept, panel), section(send, rate, panel), section(send, sum, panel)});
  });
}

template <int Dim>
void HalvedStep<Dim>::next(std::ptrdiff_t batch, std::vector<double>& received, std::vector<double>& send) {
  for_panels(batch, [&](int panel, const LineBlock<Dim>&) {
    const HalfSolver::ConstBorder theirs{section(received, kept, panel), section(received, rate, panel),
                                         section(received, sum, panel)};
    if (euler_)
      solver(batch, panel).finish_euler(theirs);
    else
      solver(batch, panel).next(theirs, section(send, second, panel));
  });
}

template <int Dim>
void HalvedStep<Dim>::finish(std::ptrdiff_t batch, std::vector<double>& received, std::vector<double>& send) {
  for_panels(batch, [&](int panel, const LineBlock<Dim>&) {
    double *above = section(send, positive, panel), *below = section(send, negative, panel);
    solver(batch, panel).finish(section(received, second, panel), above, below);
    double* kept_here = verdict_.data() + ((batch % plan_.under_way) * panels_ + panel) * 2 * lanes_;
    std::copy_n(above, lanes_, kept_here);
    std::copy_n(below, lanes_, kept_here + lanes_);
  });
}

template <int Dim>
void HalvedStep<Dim>::store(std::ptrdiff_t batch, double dt, std::vector<double>& received, LineSums& sums) {
  for_panels(batch, [&](int panel, const LineBlock<Dim>& block) {
    HalfSolver& one = solver(batch, panel);
    if (!euler_) {
      double* mine = verdict_.data() + ((batch % plan_.under_way) * panels_ + panel) * 2 * lanes_;
      const double *above = section(received, positive, panel), *below = section(received, negative, panel);
      for (int k = 0; k < lanes_; ++k) {
        mine[k] += above[k];
        mine[lanes_ + k] += below[k];
      }
      repair(one, block, dt, mine, sums);
    }
    put(one, block, sums);
  });
}

/// Both ranks know the same sums of whole lines, and do the same.
template <int Dim>
void HalvedStep<Dim>::repair(HalfSolver& one, const LineBlock<Dim>& block, double dt, const double* masses,
                             LineSums& sums) {
  int fallbacks = 0, repairs = 0;
  std::fill_n(factor_, lanes_, 1.0);
  for (int k = 0; k < block.width; ++k) {
    const double above = masses[k], below = masses[lanes_ + k];
    if (!(below < 0.0)) continue;
    const bool gross = LineSolver::gross(above, below);
    factor_[k] = gross ? 0.0 : (above + below) / above;
    if (!gross && lower_) sums.dropped -= below * data_.area(block, k);
    ++(gross ? fallbacks : repairs);
  }
  if (fallbacks + repairs == 0) return;
  if (fallbacks > 0) fall_back(block, dt);
  one.repair(factor_, fallbacks > 0 ? &fallback_ : nullptr);
  if (!lower_) return;
  sums.fallbacks += fallbacks;
  sums.repairs += repairs;
}

template <int Dim>
void HalvedStep<Dim>::fall_back(const LineBlock<Dim>& block, double dt) {
  double *mine = border_.data(), *theirs = mine + 3 * lanes_;
  fallback_.begin(prepare(block), dt, true, {mine, mine + lanes_, mine + 2 * lanes_});
  check_mpi(MPI_Sendrecv(mine, 3 * lanes_, MPI_DOUBLE, other_, fallback_tag, theirs, 3 * lanes_, MPI_DOUBLE, other_,
                         fallback_tag, comm_, MPI_STATUS_IGNORE),
            "MPI_Sendrecv");
  fallback_.finish_euler({theirs, theirs + lanes_, theirs + 2 * lanes_});
}

template <int Dim>
void HalvedStep<Dim>::put(const HalfSolver& one, const LineBlock<Dim>& block, LineSums& sums) {
  p_.scatter_rows(block, one.result(), lanes_);
  for (int k = 0; k < block.width; ++k) sums.escaped[lower_ ? 0 : 1] += one.left(k) * data_.area(block, k);
}

/// In round t batch t begins, t - 1 goes on, t - 2 ends and t - 3 is stored, each with what the other rank sent in its
/// round t - 1.
template <int Dim>
void HalvedStep<Dim>::advance(const ArrayView<Dim>& p, double dt, LineSums& sums) {
  p_.pieces.front() = {0, data_.n, p};
  const int after = euler_ ? 1 : 3;  // rounds after which a batch is stored
  const auto under_way = [&](std::ptrdiff_t batch) { return batch >= 0 && batch < plan_.batches; };
  for (std::ptrdiff_t t = 0; t < plan_.batches + after; ++t) {
    std::vector<double>&send = sent_[t % 2], &received = received_[(t + 1) % 2];
    MPI_Request* before = requests_ + 2 * ((t + 1) % 2);
    MPI_Request* now = requests_ + 2 * (t % 2);
    if (t + 1 < plan_.batches + after)
      check_mpi(MPI_Irecv(received_[t % 2].data(), static_cast<int>(received.size()), MPI_DOUBLE, other_, message_tag,
                          comm_, now),
                "MPI_Irecv");
    if (under_way(t)) begin(t, dt, send);
    check_mpi(MPI_Waitall(2, before, MPI_STATUSES_IGNORE), "MPI_Waitall");
    if (under_way(t - 1)) next(t - 1, received, send);
    if (!euler_ && under_way(t - 2)) finish(t - 2, received, send);
    if (under_way(t - after)) store(t - after, dt, received, sums);
    if (t + 1 < plan_.batches + after)
      check_mpi(MPI_Isend(send.data(), static_cast<int>(send.size()), MPI_DOUBLE, other_, message_tag, comm_, now + 1),
                "MPI_Isend");
  }
  if (lower_) sums.lines += data_.lines();
}

template class HalvedStep<1>;
template class HalvedStep<2>;
template class HalvedStep<3>;
template class HalvedStep<4>;
template class HalvedStep<5>;
template class HalvedStep<6>;

}  // namespace kolmo::density
