#include "kolmo/linear/line_transform.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "kolmo/base/error.hpp"

extern "C" {
void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* b, const int* ldb, const double* beta, double* c,
            const int* ldc);
void dsyevd_(const char* job, const char* uplo, const int* n, double* a, const int* lda, double* w, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
}

namespace kolmo {

namespace {

// Blocks of this many numbers keep the copies between a fold and its GEMM in the second-level cache.
constexpr std::ptrdiff_t block_size = 32768;

struct FreeFftw {
  void operator()(double* memory) const { fftw_free(memory); }
};
using Aligned = std::unique_ptr<double, FreeFftw>;
Aligned aligned(std::size_t count) { return Aligned(fftw_alloc_real(std::max<std::size_t>(count, 1))); }

/// c := a b with op(b) = b or its transpose, column-major.
void multiply(bool transpose_a, bool transpose_b, std::ptrdiff_t m, int n, int k, const double* a, std::ptrdiff_t lda,
              const double* b, std::ptrdiff_t ldb, double* c, std::ptrdiff_t ldc) {
  if (m == 0 || n == 0 || k == 0) return;
  const double one = 1.0, zero = 0.0;
  const int rows = static_cast<int>(m), la = static_cast<int>(lda), lb = static_cast<int>(ldb),
            lc = static_cast<int>(ldc);
  dgemm_(transpose_a ? "T" : "N", transpose_b ? "T" : "N", &rows, &n, &k, &one, a, &la, b, &lb, &zero, c, &lc);
}

/// Eigenvalues ascending; the matrix (column-major) is replaced by the eigenvectors.
std::vector<double> eigenvectors(std::vector<double>& matrix, int n) {
  std::vector<double> values(n);
  if (n == 0) return values;
  int lwork = -1, liwork = -1, info = 0, iwork_size = 0;
  double work_size = 0.0;
  dsyevd_("V", "U", &n, matrix.data(), &n, values.data(), &work_size, &lwork, &iwork_size, &liwork, &info);
  lwork = static_cast<int>(work_size);
  liwork = iwork_size;
  std::vector<double> work(lwork);
  std::vector<int> iwork(liwork);
  dsyevd_("V", "U", &n, matrix.data(), &n, values.data(), work.data(), &lwork, iwork.data(), &liwork, &info);
  if (info != 0) throw InternalError("LAPACK dsyevd failed on a line operator");
  return values;
}

/// W^-1/2 C W^-1/2.
std::vector<double> symmetric_matrix(const LineOperator& line) {
  const int n = line.size();
  std::vector<double> s(static_cast<std::size_t>(n) * n, 0.0);
  auto add = [&](int i, int j, double value) {
    s[i + static_cast<std::size_t>(j) * n] += value / std::sqrt(line.weight[i] * line.weight[j]);
  };
  for (int i = 0; i < n; ++i) {
    if (line.periodic && n == 1) break;
    add(i, i, line.conductance[i] + line.conductance[i + 1]);
    const int before = i > 0 ? i - 1 : n - 1;
    if (i == 0 && !line.periodic) continue;
    add(i, before, -line.conductance[i]);
    add(before, i, -line.conductance[i]);
  }
  return s;
}

bool constant_is_free(const LineOperator& line) { return line.periodic || line.neumann(); }

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

int largest_prime_factor(int n) {
  int largest = 1;
  for (int p = 2; p * p <= n; ++p)
    while (n % p == 0) {
      largest = std::max(largest, p);
      n /= p;
    }
  return std::max(largest, n);
}

}  // namespace

class LineTransform::Method {
 public:
  Method(int n, std::ptrdiff_t stride) : n_(n), stride_(stride) {}
  virtual ~Method() = default;
  virtual void forward(const double* in, double* out, std::ptrdiff_t count) const = 0;
  virtual void backward(const double* in, double* out, std::ptrdiff_t count) const = 0;
  const std::vector<double>& eigenvalues() const { return eigenvalues_; }
  double factor() const { return factor_; }
  const char* name() const { return name_; }

 protected:
  int n_;
  std::ptrdiff_t stride_;
  std::vector<double> eigenvalues_;
  double factor_ = 1.0;
  const char* name_ = "eigenvectors";
};

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
    width_ = stride_ == 1 ? std::max<std::ptrdiff_t>(1, block_size / 4 / n_) : std::min<std::ptrdiff_t>(stride_, 32);
    rest_ = stride_ == 1 ? 1 : stride_ % width_;
    in_ = aligned(n_ * width_);
    out_ = aligned(n_ * width_);
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
  Aligned in_, out_;
  Plan forward_, backward_, forward_rest_, backward_rest_;
};

class LineTransform::Dense final : public LineTransform::Method {
 public:
  Dense(const LineOperator& line, std::ptrdiff_t stride) : Method(line.size(), stride) {
    matrix_ = symmetric_matrix(line);
    eigenvalues_ = eigenvectors(matrix_, n_);
    for (int k = 0; k < n_; ++k)
      for (int i = 0; i < n_; ++i) matrix_[i + static_cast<std::size_t>(k) * n_] /= std::sqrt(line.weight[i]);
    for (double& value : eigenvalues_) value = std::max(value, 0.0);
    if (!constant_is_free(line)) return;
    double length = 0.0;
    for (double w : line.weight) length += w;
    eigenvalues_[0] = 0.0;
    std::fill_n(matrix_.begin(), n_, 1.0 / std::sqrt(length));
  }
  void forward(const double* in, double* out, std::ptrdiff_t count) const override { run(in, out, count, true); }
  void backward(const double* in, double* out, std::ptrdiff_t count) const override { run(in, out, count, false); }

 private:
  void run(const double* in, double* out, std::ptrdiff_t count, bool forward) const {
    const double* v = matrix_.data();
    if (stride_ == 1) {
      const std::ptrdiff_t lines = std::max<std::ptrdiff_t>(8, block_size / n_);
      for (std::ptrdiff_t c = 0; c < count; c += lines)
        multiply(forward, false, n_, static_cast<int>(std::min(lines, count - c)), n_, v, n_, in + c * n_, n_,
                 out + c * n_, n_);
      return;
    }
    const std::ptrdiff_t width = std::max<std::ptrdiff_t>(64, block_size / n_ / 8 * 8);
    for (std::ptrdiff_t o = 0; o < count; ++o)
      for (std::ptrdiff_t s = 0; s < stride_; s += width) {
        const std::ptrdiff_t at = o * n_ * stride_ + s;
        multiply(false, !forward, std::min(width, stride_ - s), n_, n_, in + at, stride_, v, n_, out + at, stride_);
      }
  }
  std::vector<double> matrix_;  // column k: eigenvector k
};

/// Even and odd eigenvectors apart: a line is folded into sums and differences of mirrored entries, even modes come
/// first.
class LineTransform::Mirror final : public LineTransform::Method {
 public:
  Mirror(const LineOperator& line, std::ptrdiff_t stride)
      : Method(line.size(), stride), even_size_((n_ + 1) / 2), odd_size_(n_ / 2) {
    const std::vector<double> full = symmetric_matrix(line);
    std::vector<double> odd_values;
    even_ = half(full, line, even_size_, +1.0, eigenvalues_);
    odd_ = half(full, line, odd_size_, -1.0, odd_values);
    if (constant_is_free(line)) {
      double length = 0.0;
      for (double w : line.weight) length += w;
      eigenvalues_[0] = 0.0;
      std::fill_n(even_.begin(), even_size_, 1.0 / std::sqrt(length));
    }
    eigenvalues_.insert(eigenvalues_.end(), odd_values.begin(), odd_values.end());
    for (double& value : eigenvalues_) value = std::max(value, 0.0);
    width_ = stride_ == 1 ? std::max<std::ptrdiff_t>(8, block_size / n_)
                          : std::min(stride_, std::max<std::ptrdiff_t>(64, block_size / n_ / 8 * 8));
    panel_ = aligned(n_ * width_);
    name_ = "mirrored eigenvectors";
  }
  void forward(const double* in, double* out, std::ptrdiff_t count) const override {
    for_each_block(count, [&](std::ptrdiff_t at, std::ptrdiff_t width) {
      double* p = panel_.get();
      if (stride_ == 1) {
        for (std::ptrdiff_t c = 0; c < width; ++c) fold_line(in + at + c * n_, p + c * n_);
        columns(true, p, out + at, width);
      } else {
        for (int i = 0; i < odd_size_; ++i)
          fold(in + at + i * stride_, in + at + (n_ - 1 - i) * stride_, p + i * width, p + (even_size_ + i) * width,
               width);
        if (odd_size_ < even_size_) std::copy_n(in + at + odd_size_ * stride_, width, p + odd_size_ * width);
        rows(true, p, width, out + at, stride_, width);
      }
    });
  }
  void backward(const double* in, double* out, std::ptrdiff_t count) const override {
    for_each_block(count, [&](std::ptrdiff_t at, std::ptrdiff_t width) {
      double* p = panel_.get();
      if (stride_ == 1) {
        columns(false, in + at, p, width);
        for (std::ptrdiff_t c = 0; c < width; ++c) unfold_line(p + c * n_, out + at + c * n_);
      } else {
        rows(false, in + at, stride_, p, width, width);
        for (int i = 0; i < odd_size_; ++i)
          fold(p + i * width, p + (even_size_ + i) * width, out + at + i * stride_, out + at + (n_ - 1 - i) * stride_,
               width);
        if (odd_size_ < even_size_) std::copy_n(p + odd_size_ * width, width, out + at + odd_size_ * stride_);
      }
    });
  }

 private:
  /// Eigenvectors with q_i = sign q_{n-1-i}: the values of their first half, normalised by the weights over the whole
  /// line.
  std::vector<double> half(const std::vector<double>& full, const LineOperator& line, int size, double sign,
                           std::vector<double>& values) const {
    auto norm = [&](int i) { return i == n_ - 1 - i ? 1.0 : std::numbers::sqrt2; };
    std::vector<double> s(static_cast<std::size_t>(size) * size);
    for (int j = 0; j < size; ++j)
      for (int i = 0; i < size; ++i) {
        const std::size_t column = static_cast<std::size_t>(j) * n_,
                          mirrored = static_cast<std::size_t>(n_ - 1 - j) * n_;
        const double value = j == n_ - 1 - j ? full[i + column] : full[i + column] + sign * full[i + mirrored];
        s[i + static_cast<std::size_t>(j) * size] = value * norm(i) / norm(j);
      }
    values = eigenvectors(s, size);
    for (int j = 0; j < size; ++j)
      for (int i = 0; i < size; ++i) s[i + static_cast<std::size_t>(j) * size] /= norm(i) * std::sqrt(line.weight[i]);
    return s;
  }
  template <class Body>
  void for_each_block(std::ptrdiff_t count, Body&& body) const {
    if (stride_ == 1) {
      for (std::ptrdiff_t c = 0; c < count; c += width_) body(c * n_, std::min(width_, count - c));
      return;
    }
    for (std::ptrdiff_t o = 0; o < count; ++o)
      for (std::ptrdiff_t s = 0; s < stride_; s += width_) body(o * n_ * stride_ + s, std::min(width_, stride_ - s));
  }
  static void fold(const double* __restrict a, const double* __restrict b, double* __restrict sum,
                   double* __restrict difference, std::ptrdiff_t width) {
    for (std::ptrdiff_t s = 0; s < width; ++s) {
      sum[s] = a[s] + b[s];
      difference[s] = a[s] - b[s];
    }
  }
  void fold_line(const double* __restrict a, double* __restrict p) const {
    const int n = n_, half = odd_size_, even = even_size_;
    for (int i = 0; i < half; ++i) {
      p[i] = a[i] + a[n - 1 - i];
      p[even + i] = a[i] - a[n - 1 - i];
    }
    if (half < even) p[half] = a[half];
  }
  void unfold_line(const double* __restrict p, double* __restrict a) const {
    const int n = n_, half = odd_size_, even = even_size_;
    for (int i = 0; i < half; ++i) a[i] = p[i] + p[even + i];
    for (int i = 0; i < half; ++i) a[n - 1 - i] = p[i] - p[even + i];
    if (half < even) a[half] = p[half];
  }
  void columns(bool forward, const double* in, double* out, std::ptrdiff_t count) const {
    const int lines = static_cast<int>(count);
    multiply(forward, false, even_size_, lines, even_size_, even_.data(), even_size_, in, n_, out, n_);
    multiply(forward, false, odd_size_, lines, odd_size_, odd_.data(), std::max(odd_size_, 1), in + even_size_, n_,
             out + even_size_, n_);
  }
  void rows(bool forward, const double* in, std::ptrdiff_t step_in, double* out, std::ptrdiff_t step_out,
            std::ptrdiff_t width) const {
    multiply(false, !forward, width, even_size_, even_size_, in, step_in, even_.data(), even_size_, out, step_out);
    multiply(false, !forward, width, odd_size_, odd_size_, in + even_size_ * step_in, step_in, odd_.data(),
             std::max(odd_size_, 1), out + even_size_ * step_out, step_out);
  }

  int even_size_, odd_size_;
  std::vector<double> even_, odd_;
  std::ptrdiff_t width_ = 1;
  Aligned panel_;
};

LineTransform::Kind LineTransform::choose(const LineOperator& line) {
  Kind best = line.mirror_symmetric() ? Kind::mirror : Kind::dense;
  FftPlan plan{};
  if (fft_plan(line, plan) && cost(line, Kind::fft) < cost(line, best)) best = Kind::fft;
  return best;
}

double LineTransform::cost(const LineOperator& line, Kind kind) {
  // About nanoseconds per unknown on one core, measured once at 32 to 512 points; only their order matters.
  const double n = line.size();
  switch (kind) {
    case Kind::mirror:
      return 0.4 + n / 60.0;
    case Kind::dense:
      return 0.2 + n / 30.0;
    case Kind::fft:
      break;
  }
  FftPlan plan{};
  if (!fft_plan(line, plan)) return 1e300;
  const int length = plan.forward == FFTW_RODFT00 ? line.size() + 1 : line.size();
  const int prime = largest_prime_factor(length);
  const double rough = prime > 13 ? 4.0 : prime > 2 ? 1.4 : 1.0;
  return rough * (line.periodic ? 0.25 : 0.55) * std::log2(n);
}

LineTransform::LineTransform(const LineOperator& line, Kind kind, std::ptrdiff_t stride) {
  stride = std::max<std::ptrdiff_t>(stride, 1);
  switch (kind) {
    case Kind::fft:
      method_ = std::make_unique<Fft>(line, stride);
      break;
    case Kind::mirror:
      method_ = std::make_unique<Mirror>(line, stride);
      break;
    case Kind::dense:
      method_ = std::make_unique<Dense>(line, stride);
      break;
  }
}
LineTransform::~LineTransform() = default;
LineTransform::LineTransform(LineTransform&&) noexcept = default;
LineTransform& LineTransform::operator=(LineTransform&&) noexcept = default;

void LineTransform::forward(const double* in, double* out, std::ptrdiff_t count) const {
  method_->forward(in, out, count);
}
void LineTransform::backward(const double* in, double* out, std::ptrdiff_t count) const {
  method_->backward(in, out, count);
}
const std::vector<double>& LineTransform::eigenvalues() const { return method_->eigenvalues(); }
double LineTransform::factor() const { return method_->factor(); }
std::string LineTransform::name() const { return method_->name(); }

}  // namespace kolmo
