// LineTransform by FFTW's real transforms.
#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dense_product.hpp"
#include "kolmo/base/error.hpp"
#include "line_method.hpp"

namespace kolmo {

namespace {

enum class End { neumann, face, node, other };

End end_of(double end, double inner) {
  if (end == 0.0) return End::neumann;
  if (std::abs(end - 2.0 * inner) <= 1e-11 * end) return End::face;
  if (std::abs(end - inner) <= 1e-11 * end) return End::node;
  return End::other;
}

/// FFTW's kinds for a uniform line, the angle of mode k = (k + offset) pi / denominator, and the length in the inverse.
struct FftPlan {
  fftw_r2r_kind forward, backward;
  double offset, denominator, length;
  const char* name;
};

bool fft_plan(const LineOperator& line, FftPlan& plan) {
  const int n = line.size();
  if (n < 2 || !line.uniform()) return false;
  if (line.periodic) {
    plan = {FFTW_R2HC, FFTW_HC2R, 0.0, n / 2.0, static_cast<double>(n), "FFT"};
    return true;
  }
  const double inner = line.conductance[1];
  const End low = end_of(line.conductance[0], inner), high = end_of(line.conductance[n], inner);
  if (low == End::neumann && high == End::neumann)
    plan = {FFTW_REDFT10, FFTW_REDFT01, 0.0, 1.0 * n, 2.0 * n, "DCT"};
  else if (low == End::face && high == End::face)
    plan = {FFTW_RODFT10, FFTW_RODFT01, 1.0, 1.0 * n, 2.0 * n, "DST"};
  else if (low == End::node && high == End::node)
    plan = {FFTW_RODFT00, FFTW_RODFT00, 1.0, n + 1.0, 2.0 * (n + 1), "DST"};
  else if (low == End::neumann && high == End::face)
    plan = {FFTW_REDFT11, FFTW_REDFT11, 0.5, 1.0 * n, 2.0 * n, "DCT"};
  else if (low == End::face && high == End::neumann)
    plan = {FFTW_RODFT11, FFTW_RODFT11, 0.5, 1.0 * n, 2.0 * n, "DST"};
  else
    return false;
  return true;
}

}  // namespace

int fft_length(const LineOperator& line) {
  FftPlan plan{};
  if (!fft_plan(line, plan)) return 0;
  return plan.forward == FFTW_RODFT00 ? line.size() + 1 : line.size();
}

/// Real transforms of FFTW, planned without timing so that every run takes the same path.
class LineTransform::Fft final : public LineTransform::Method {
 public:
  Fft(const LineOperator& line, std::ptrdiff_t stride) : Method(line.size(), stride) {
    FftPlan plan{};
    if (!fft_plan(line, plan)) throw InternalError("no FFT diagonalises this line operator");
    const double w = line.weight[0], c = line.conductance[1];
    eigenvalues_.resize(n_);
    for (int k = 0; k < n_; ++k) {
      const int mode = line.periodic ? std::min(k, n_ - k) : k;  // half-complex order: cosines up, sines down
      const double sine = std::sin(0.5 * (mode + plan.offset) * std::numbers::pi / plan.denominator);
      eigenvalues_[k] = 4.0 * c / w * sine * sine;
    }
    factor_ = 1.0 / (plan.length * w);
    name_ = plan.name;
    // Rows: a plan for one line at a time would waste the vector units; FFTW loops over a batch of lines itself.
    width_ = stride_ == 1 ? std::max<std::ptrdiff_t>(1, 8192 / n_) : std::min<std::ptrdiff_t>(stride_, 32);
    rest_ = stride_ == 1 ? 1 : stride_ % width_;
    in_ = aligned_array(n_ * width_);
    out_ = aligned_array(n_ * width_);
    forward_ = Plan(make(plan.forward, width_));
    backward_ = Plan(make(plan.backward, width_));
    if (rest_ > 0) {
      forward_rest_ = Plan(make(plan.forward, rest_));
      backward_rest_ = Plan(make(plan.backward, rest_));
    }
  }
  void forward(const double* in, double* out, std::ptrdiff_t count) const override {
    run(forward_.get(), forward_rest_.get(), in, out, count);
  }
  void backward(const double* in, double* out, std::ptrdiff_t count) const override {
    run(backward_.get(), backward_rest_.get(), in, out, count);
  }

 private:
  struct DestroyPlan {
    void operator()(fftw_plan plan) const { fftw_destroy_plan(plan); }
  };
  using Plan = std::unique_ptr<std::remove_pointer_t<fftw_plan>, DestroyPlan>;

  fftw_plan make(fftw_r2r_kind kind, std::ptrdiff_t batch) const {
    const int howmany = static_cast<int>(batch), step = stride_ == 1 ? 1 : howmany, jump = stride_ == 1 ? n_ : 1;
    fftw_plan plan = fftw_plan_many_r2r(1, &n_, howmany, in_.get(), nullptr, step, jump, out_.get(), nullptr, step,
                                        jump, &kind, FFTW_ESTIMATE);
    if (!plan) throw InternalError("FFTW made no plan");
    return plan;
  }
  void run(fftw_plan whole, fftw_plan rest, const double* in, double* out, std::ptrdiff_t count) const {
    if (stride_ == 1) {
      std::ptrdiff_t line = 0;
      for (; line + width_ <= count; line += width_) lines(whole, width_, in + line * n_, out + line * n_);
      for (; line < count; ++line) lines(rest, 1, in + line * n_, out + line * n_);
      return;
    }
    for (std::ptrdiff_t o = 0; o < count; ++o) {
      std::ptrdiff_t at = o * n_ * stride_;
      for (std::ptrdiff_t s = 0; s < stride_; s += width_) {
        const std::ptrdiff_t width = std::min(width_, stride_ - s);
        panel(width == width_ ? whole : rest, width, in + at + s, out + at + s);
      }
    }
  }
  void lines(fftw_plan plan, std::ptrdiff_t width, const double* in, double* out) const {
    std::copy_n(in, width * n_, in_.get());
    fftw_execute(plan);
    std::copy_n(out_.get(), width * n_, out);
  }
  void panel(fftw_plan plan, std::ptrdiff_t width, const double* in, double* out) const {
    for (int i = 0; i < n_; ++i) std::copy_n(in + i * stride_, width, in_.get() + i * width);
    fftw_execute(plan);
    for (int i = 0; i < n_; ++i) std::copy_n(out_.get() + i * width, width, out + i * stride_);
  }

  std::ptrdiff_t width_ = 1, rest_ = 0;
  AlignedArray in_, out_;
  Plan forward_, backward_, forward_rest_, backward_rest_;
};

std::unique_ptr<LineTransform::Method> LineTransform::make_fft(const LineOperator& line, std::ptrdiff_t stride) {
  return std::make_unique<Fft>(line, stride);
}

}  // namespace kolmo
