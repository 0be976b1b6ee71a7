#include "kolmo/linear/line_sweep.hpp"

#include <algorithm>
#include <numeric>

#include "kolmo/base/error.hpp"
#include "separator_system.hpp"

namespace kolmo {

LineSweep::LineSweep(LineOperator line, LineCut cut, std::ptrdiff_t stride, std::ptrdiff_t count)
    : line_(std::move(line)), cut_(std::move(cut)), stride_(stride), count_(count) {
  const std::ptrdiff_t modes = stride * count;
  const int ranks = cut_.comm.size(), rank = cut_.comm.rank();
  for (int p = 0; p < ranks; ++p) sizes_.push_back(cut_.starts[p + 1] - cut_.starts[p]);
  levels_ = sizes_[rank];
  separators_ = std::make_unique<SeparatorSystem>(cut_, line_.periodic, modes);
  inner_ = separators_->has_own() ? levels_ - 1 : levels_;
  left_ = separators_->has_below();
  pivot_.resize(levels_ * modes);
  if (left_) spike_.resize(levels_ * modes);
  if (separators_->size() > 0) {
    below_.resize(modes);
    own_.resize(modes);
    cross_.resize(modes);
  }
  column_.resize(line_.size());
}

LineSweep::~LineSweep() = default;
LineSweep::LineSweep(LineSweep&&) noexcept = default;
LineSweep& LineSweep::operator=(LineSweep&&) noexcept = default;

void LineSweep::factorise(const std::vector<double>& mu, double scale, double factor) {
  link_ = line_.conductance;
  weight_ = line_.weight;
  for (double& c : link_) c *= scale / factor;
  for (double& w : weight_) w /= factor;
  const int begin = cut_.starts[cut_.comm.rank()];
  links_ = link_.data() + begin;
  weights_ = weight_.data() + begin;
  singular_ = !mu.empty() && mu[0] == 0.0 && (line_.periodic || line_.neumann());
  if (singular_ && scale == 0.0)
    throw InternalError("a separable operator with neither shift nor scale cannot be solved");
  for (std::vector<double>* numbers : {&own_, &below_, &cross_}) std::fill(numbers->begin(), numbers->end(), 0.0);
  for (std::ptrdiff_t o = 0; o < count_; ++o) factorise_block(o, mu.data() + o * stride_);
  separators_->factorise(own_.data(), below_.data(), cross_.data(), singular_);
  if (!singular_) return;
  for (int i = 0; i < levels_; ++i) {  // the sweep leaves this mode at zero; solve_singular fills it in
    pivot_[i * stride_] = 0.0;
    if (left_) spike_[i * stride_] = 0.0;
  }
}

// L D L^T of the levels between separators. u, the entry of a level towards the separator below, is -link of the first
// level and fills in; spike = u / d. What elimination leaves: additions to both separators and the entry between them.
void LineSweep::factorise_block(std::ptrdiff_t o, const double* mu) {
  const std::ptrdiff_t stride = stride_;
  const bool separated = separators_->size() > 0;
  double* own = separated ? own_.data() + o * stride : nullptr;
  double* below = separated ? below_.data() + o * stride : nullptr;
  double* cross = separated ? cross_.data() + o * stride : nullptr;
  double* pivot = pivot_.data() + o * levels_ * stride;
  double* spike = left_ ? spike_.data() + o * levels_ * stride : nullptr;
  for (int i = 0; i < levels_; ++i, pivot += stride) {
    const double link = links_[i], w = weights_[i];
    // A periodic line of one cell is its own neighbour.
    const double diagonal = line_.periodic && line_.size() == 1 ? 0.0 : link + links_[i + 1];
    const double above = i > 0 ? link : 0.0;
    const double* before = i > 0 ? pivot - stride : pivot;
    if (i == inner_) {  // the separator
      for (std::ptrdiff_t s = 0; s < stride; ++s) {
        own[s] = mu[s] * w + diagonal - (i > 0 ? link * link * before[s] : 0.0);
        cross[s] = !left_ || line_.size() == 1 ? 0.0 : i > 0 ? link * spike[s - stride] : -link;
      }
      continue;
    }
    if (i == 0)
      for (std::ptrdiff_t s = 0; s < stride; ++s) pivot[s] = 1.0 / (mu[s] * w + diagonal);
    else
      for (std::ptrdiff_t s = 0; s < stride; ++s) pivot[s] = 1.0 / (mu[s] * w + diagonal - link * link * before[s]);
    if (!left_) continue;
    for (std::ptrdiff_t s = 0; s < stride; ++s) {
      const double u = i == 0 ? -link : above * spike[s - stride];
      spike[s] = u * pivot[s];
      below[s] -= u * spike[s];
    }
    spike += stride;
  }
}

void LineSweep::eliminate(int level, std::ptrdiff_t o, double* block) {
  const std::ptrdiff_t stride = stride_;
  double* q = block + level * stride;
  if (singular_ && o == 0) column_[cut_.starts[cut_.comm.rank()] + level] = q[0];
  const double link = level > 0 ? links_[level] : 0.0;
  if (level == inner_) {
    if (level > 0)
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] += link * q[s - stride];
    return;
  }
  const double* __restrict pivot = pivot_.data() + (o * levels_ + level) * stride;
  if (!left_) {
    if (level == 0)
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] *= pivot[s];
    else
      for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] = (q[s] + link * q[s - stride]) * pivot[s];
    return;
  }
  double* __restrict sum = below_.data() + o * stride;
  if (level == 0) std::fill_n(sum, stride, 0.0);
  const double* __restrict spike = spike_.data() + (o * levels_ + level) * stride;
  for (std::ptrdiff_t s = 0; s < stride; ++s) {
    const double z = level > 0 ? q[s] + link * q[s - stride] : q[s];
    sum[s] += spike[s] * z;
    q[s] = z * pivot[s];
  }
}

void LineSweep::turn(double* blocks) {
  if (separators_->size() > 0) {
    const bool mine = inner_ < levels_;
    if (left_ && inner_ == 0) std::fill(below_.begin(), below_.end(), 0.0);  // nothing was eliminated
    double* last = blocks + static_cast<std::ptrdiff_t>(levels_ - 1) * stride_;
    for (std::ptrdiff_t o = 0; o < count_ && mine; ++o)
      std::copy_n(last + o * levels_ * stride_, stride_, own_.data() + o * stride_);
    separators_->solve(own_.data(), below_.data());
    for (std::ptrdiff_t o = 0; o < count_ && mine; ++o)
      std::copy_n(own_.data() + o * stride_, stride_, last + o * levels_ * stride_);
  }
  if (singular_) solve_singular();
}

void LineSweep::substitute(int level, std::ptrdiff_t o, double* block) {
  const std::ptrdiff_t stride = stride_;
  double* __restrict q = block + level * stride;
  if (level < inner_) {
    const double* __restrict pivot = pivot_.data() + (o * levels_ + level) * stride;
    const double* __restrict after = q + stride;
    const double link = level + 1 < levels_ ? links_[level + 1] : 0.0;
    if (!left_) {
      if (link != 0.0)
        for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] += link * pivot[s] * after[s];
    } else {
      const double* __restrict spike = spike_.data() + (o * levels_ + level) * stride;
      const double* __restrict below = below_.data() + o * stride;
      if (link != 0.0)
        for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] += link * pivot[s] * after[s] - spike[s] * below[s];
      else
        for (std::ptrdiff_t s = 0; s < stride; ++s) q[s] -= spike[s] * below[s];
    }
  }
  if (singular_ && o == 0) q[0] = column_[cut_.starts[cut_.comm.rank()] + level];
}

// Every rank solves the whole column, the numbers of a single mode.
void LineSweep::solve_singular() {
  const int n = line_.size();
  std::vector<double>& q = column_;
  if (cut_.comm.size() > 1)
    check_mpi(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, q.data(), sizes_.data(), cut_.starts.data(),
                             MPI_DOUBLE, cut_.comm.handle()),
              "MPI_Allgatherv");
  const double length = std::accumulate(weight_.begin(), weight_.end(), 0.0);
  const double mean = std::accumulate(q.begin(), q.end(), 0.0) / length;
  // Fluxes link_i (q_i - q_{i-1}) = start + flux_i with flux_0 = 0, flux_{i+1} = flux_i - b_i; periodic lines must
  // close.
  double start = 0.0;
  if (line_.periodic) {
    double flux = 0.0, around = 0.0, resistance = 0.0;
    for (int i = 0; i < n; ++i) {
      around += flux / link_[i];
      resistance += 1.0 / link_[i];
      flux -= q[i] - mean * weight_[i];
    }
    start = -around / resistance;
  }
  double flux = start, value = 0.0, moment = 0.0;
  for (int i = 0; i < n; ++i) {
    if (i > 0) value += flux / link_[i];
    flux -= q[i] - mean * weight_[i];
    q[i] = value;
    moment += weight_[i] * value;
  }
  for (double& v : q) v -= moment / length;
}

}  // namespace kolmo
