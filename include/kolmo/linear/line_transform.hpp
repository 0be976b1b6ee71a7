/// What diagonalises one direction of a separable operator.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// With W the weights and C = -W L the stiffness of the line, the transforms F (forward) and G (backward) satisfy
///     (shift W + scale C)^-1 = factor G diag(1 / (shift + scale lambda)) F,
/// lambda the eigenvalues of -L. The number `factor` is 1 for eigenvectors (normalised by the weights) and 1 / (length
/// weight) for FFTW's transforms, which do not normalise; the sweep along the last direction takes it in.
class LineTransform {
 public:
  enum class Kind {
    fft,     ///< uniform axes: real DFT (periodic), DCT or DST of the kind the ends ask for
    mirror,  ///< eigenvectors by GEMM, even and odd ones apart: half the work on lines equal under reversal
    dense    ///< eigenvectors by GEMM
  };
  /// The cheapest kind by size (never by clock), and its cost in arbitrary units per unknown.
  static Kind choose(const LineOperator& line);
  static double cost(const LineOperator& line, Kind kind);

  /// stride: product of the extents of the lower directions, as stored.
  LineTransform(const LineOperator& line, Kind kind, std::ptrdiff_t stride);
  ~LineTransform();
  LineTransform(LineTransform&&) noexcept;
  LineTransform& operator=(LineTransform&&) noexcept;

  /// Arrays [count][n][stride], last index fastest; in != out.
  void forward(const double* in, double* out, std::ptrdiff_t count) const;
  void backward(const double* in, double* out, std::ptrdiff_t count) const;
  /// Of -L in transformed order; the first is exactly zero where the constant is an eigenvector of it.
  const std::vector<double>& eigenvalues() const;
  double factor() const;
  /// "FFT", "DCT", "eigenvectors" ...
  std::string name() const;

 private:
  class Method;
  class Fft;
  class Dense;
  class Mirror;
  static std::unique_ptr<Method> make_fft(const LineOperator& line, std::ptrdiff_t stride);
  static std::unique_ptr<Method> make_dense(const LineOperator& line, std::ptrdiff_t stride);
  static std::unique_ptr<Method> make_mirror(const LineOperator& line, std::ptrdiff_t stride);
  std::unique_ptr<Method> method_;
};

}  // namespace kolmo
