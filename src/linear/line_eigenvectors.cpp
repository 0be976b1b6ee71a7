// LineTransform by the eigenvectors of the line operator.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "dense_product.hpp"
#include "kolmo/base/error.hpp"
#include "line_method.hpp"

extern "C" void dsyevd_(const char* job, const char* uplo, const int* n, double* a, const int* lda, double* w,
                        double* work, const int* lwork, int* iwork, const int* liwork, int* info);

namespace kolmo {

namespace {

constexpr int panel = DenseProduct::panel;

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

double length(const LineOperator& line) {
  double sum = 0.0;
  for (double w : line.weight) sum += w;
  return sum;
}

bool constant_is_free(const LineOperator& line) { return line.periodic || line.neumann(); }

/// Copies `width` columns of an array with rows `step` apart into or out of a panel.
void gather(int rows, const double* from, std::ptrdiff_t step, double* to, int width) {
  for (int i = 0; i < rows; ++i) std::copy_n(from + i * step, width, to + i * panel);
}

}  // namespace

class LineTransform::Dense final : public LineTransform::Method {
 public:
  Dense(const LineOperator& line, std::ptrdiff_t stride) : Method(line.size(), stride) {
    std::vector<double> v = symmetric_matrix(line);
    eigenvalues_ = eigenvectors(v, n_);
    auto at = [n = n_](int i, int k) { return i + static_cast<std::size_t>(k) * n; };
    for (int k = 0; k < n_; ++k)
      for (int i = 0; i < n_; ++i) v[at(i, k)] /= std::sqrt(line.weight[i]);
    for (double& value : eigenvalues_) value = std::max(value, 0.0);
    if (constant_is_free(line)) {
      eigenvalues_[0] = 0.0;
      std::fill_n(v.begin(), n_, 1.0 / std::sqrt(length(line)));
    }
    forward_ = DenseProduct(n_, n_, stride_ == 1, [&](int k, int i) { return v[at(i, k)]; });
    backward_ = DenseProduct(n_, n_, stride_ == 1, [&](int i, int k) { return v[at(i, k)]; });
    panel_ = aligned_array(static_cast<std::size_t>(n_) * panel);
  }
  void forward(const double* in, double* out, std::ptrdiff_t count) const override { run(forward_, in, out, count); }
  void backward(const double* in, double* out, std::ptrdiff_t count) const override { run(backward_, in, out, count); }

 private:
  void run(const DenseProduct& product, const double* in, double* out, std::ptrdiff_t count) const {
    if (stride_ == 1) {
      product.lines(count, in, n_, out, n_);
      return;
    }
    for (std::ptrdiff_t o = 0; o < count; ++o)
      for (std::ptrdiff_t s = 0; s < stride_; s += panel) {
        const std::ptrdiff_t at = o * n_ * stride_ + s;
        const int width = static_cast<int>(std::min<std::ptrdiff_t>(panel, stride_ - s));
        gather(n_, in + at, stride_, panel_.get(), width);
        product.rows(width, panel_.get(), out + at, stride_);
      }
  }
  DenseProduct forward_, backward_;
  AlignedArray panel_;
};

/// Even and odd eigenvectors apart: a line is folded into sums and differences of mirrored entries, even modes come
/// first.
class LineTransform::Mirror final : public LineTransform::Method {
 public:
  Mirror(const LineOperator& line, std::ptrdiff_t stride)
      : Method(line.size(), stride), even_size_((n_ + 1) / 2), odd_size_(n_ / 2) {
    const std::vector<double> full = symmetric_matrix(line);
    std::vector<double> odd_values;
    std::vector<double> even = half(full, line, even_size_, +1.0, eigenvalues_);
    const std::vector<double> odd = half(full, line, odd_size_, -1.0, odd_values);
    if (constant_is_free(line)) {
      eigenvalues_[0] = 0.0;
      std::fill_n(even.begin(), even_size_, 1.0 / std::sqrt(length(line)));
    }
    eigenvalues_.insert(eigenvalues_.end(), odd_values.begin(), odd_values.end());
    for (double& value : eigenvalues_) value = std::max(value, 0.0);
    forward_ = {product(even, even_size_, true), product(odd, odd_size_, true)};
    backward_ = {product(even, even_size_, false), product(odd, odd_size_, false)};
    lines_ = std::max<std::ptrdiff_t>(6, 4096 / n_ / 6 * 6);
    const std::size_t size = static_cast<std::size_t>(n_) * (stride_ == 1 ? lines_ : panel);
    folded_ = aligned_array(size);
    gathered_ = aligned_array(stride_ == 1 ? 0 : size);
    name_ = "mirrored eigenvectors";
  }
  void forward(const double* in, double* out, std::ptrdiff_t count) const override {
    if (stride_ == 1)
      for_each_lines(count, [&](std::ptrdiff_t at, std::ptrdiff_t lines) { forward_lines(in + at, out + at, lines); });
    else
      for_each_panel(count, [&](std::ptrdiff_t at, int width) { forward_panel(in + at, out + at, width); });
  }
  void backward(const double* in, double* out, std::ptrdiff_t count) const override {
    if (stride_ == 1)
      for_each_lines(count, [&](std::ptrdiff_t at, std::ptrdiff_t lines) { backward_lines(in + at, out + at, lines); });
    else
      for_each_panel(count, [&](std::ptrdiff_t at, int width) { backward_panel(in + at, out + at, width); });
  }

 private:
  struct Halves {
    DenseProduct even, odd;
  };

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
  /// v: column k is eigenvector k.
  DenseProduct product(const std::vector<double>& v, int size, bool forward) const {
    return DenseProduct(size, size, stride_ == 1, [&](int to, int from) {
      return forward ? v[from + static_cast<std::size_t>(to) * size] : v[to + static_cast<std::size_t>(from) * size];
    });
  }
  template <class Body>
  void for_each_lines(std::ptrdiff_t count, Body&& body) const {
    for (std::ptrdiff_t c = 0; c < count; c += lines_) body(c * n_, std::min(lines_, count - c));
  }
  template <class Body>
  void for_each_panel(std::ptrdiff_t count, Body&& body) const {
    for (std::ptrdiff_t o = 0; o < count; ++o)
      for (std::ptrdiff_t s = 0; s < stride_; s += panel)
        body(o * n_ * stride_ + s, static_cast<int>(std::min<std::ptrdiff_t>(panel, stride_ - s)));
  }

  void forward_lines(const double* in, double* out, std::ptrdiff_t lines) const {
    double* p = folded_.get();
    for (std::ptrdiff_t c = 0; c < lines; ++c) fold_line(in + c * n_, p + c * n_);
    forward_.even.lines(lines, p, n_, out, n_);
    forward_.odd.lines(lines, p + even_size_, n_, out + even_size_, n_);
  }
  void backward_lines(const double* in, double* out, std::ptrdiff_t lines) const {
    double* p = folded_.get();
    backward_.even.lines(lines, in, n_, p, n_);
    backward_.odd.lines(lines, in + even_size_, n_, p + even_size_, n_);
    for (std::ptrdiff_t c = 0; c < lines; ++c) unfold_line(p + c * n_, out + c * n_);
  }
  void forward_panel(const double* in, double* out, int width) const {
    double* p = folded_.get();
    for (int i = 0; i < odd_size_; ++i)
      fold(in + i * stride_, in + (n_ - 1 - i) * stride_, p + i * panel, p + (even_size_ + i) * panel, width);
    if (odd_size_ < even_size_) std::copy_n(in + odd_size_ * stride_, width, p + odd_size_ * panel);
    forward_.even.rows(width, p, out, stride_);
    forward_.odd.rows(width, p + even_size_ * panel, out + even_size_ * stride_, stride_);
  }
  void backward_panel(const double* in, double* out, int width) const {
    double* p = folded_.get();
    gather(n_, in, stride_, gathered_.get(), width);
    backward_.even.rows(width, gathered_.get(), p, panel);
    backward_.odd.rows(width, gathered_.get() + even_size_ * panel, p + even_size_ * panel, panel);
    for (int i = 0; i < odd_size_; ++i)
      fold(p + i * panel, p + (even_size_ + i) * panel, out + i * stride_, out + (n_ - 1 - i) * stride_, width);
    if (odd_size_ < even_size_) std::copy_n(p + odd_size_ * panel, width, out + odd_size_ * stride_);
  }

  static void fold(const double* __restrict a, const double* __restrict b, double* __restrict sum,
                   double* __restrict difference, int width) {
    for (int s = 0; s < width; ++s) {
      sum[s] = a[s] + b[s];
      difference[s] = a[s] - b[s];
    }
  }
  void fold_line(const double* __restrict a, double* __restrict p) const {
    const int n = n_, half_size = odd_size_, even = even_size_;
    for (int i = 0; i < half_size; ++i) {
      p[i] = a[i] + a[n - 1 - i];
      p[even + i] = a[i] - a[n - 1 - i];
    }
    if (half_size < even) p[half_size] = a[half_size];
  }
  void unfold_line(const double* __restrict p, double* __restrict a) const {
    const int n = n_, half_size = odd_size_, even = even_size_;
    for (int i = 0; i < half_size; ++i) a[i] = p[i] + p[even + i];
    for (int i = 0; i < half_size; ++i) a[n - 1 - i] = p[i] - p[even + i];
    if (half_size < even) a[half_size] = p[half_size];
  }

  int even_size_, odd_size_;
  Halves forward_, backward_;
  std::ptrdiff_t lines_ = 6;
  AlignedArray folded_, gathered_;
};

std::unique_ptr<LineTransform::Method> LineTransform::make_dense(const LineOperator& line, std::ptrdiff_t stride) {
  return std::make_unique<Dense>(line, stride);
}
std::unique_ptr<LineTransform::Method> LineTransform::make_mirror(const LineOperator& line, std::ptrdiff_t stride) {
  return std::make_unique<Mirror>(line, stride);
}

}  // namespace kolmo
