#include "kolmo/linear/line_transform.hpp"

#include <algorithm>
#include <cmath>

#include "dense_product.hpp"
#include "kolmo/base/error.hpp"
#include "line_method.hpp"

namespace kolmo {

namespace {

int largest_prime_factor(int n) {
  if (n < 1) return 1;
  int largest = 1;
  for (int p = 2; p * p <= n; ++p)
    while (n % p == 0) {
      largest = std::max(largest, p);
      n /= p;
    }
  return std::max(largest, n);
}

}  // namespace

LineTransform::Kind LineTransform::choose(const LineOperator& line) {
  Kind best = line.mirror_symmetric() ? Kind::mirror : Kind::dense;
  if (cost(line, Kind::fft) < cost(line, best)) best = Kind::fft;
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
  const int length = fft_length(line);
  if (length == 0) return 1e300;
  const int prime = largest_prime_factor(length);
  const double rough = prime > 13 ? 4.0 : prime > 2 ? 1.4 : 1.0;
  return rough * (line.periodic ? 0.4 : 0.6) * std::log2(n);
}

LineTransform::LineTransform(const LineOperator& line, Kind kind, std::ptrdiff_t stride) {
  if (line.size() < 1) throw InternalError("a line without unknowns has no transform");
  stride = std::max<std::ptrdiff_t>(stride, 1);
  switch (kind) {
    case Kind::fft:
      method_ = make_fft(line, stride);
      break;
    case Kind::mirror:
      method_ = make_mirror(line, stride);
      break;
    case Kind::dense:
      method_ = make_dense(line, stride);
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
