// Products of a small dense matrix with many vectors.
#pragma once

#include <fftw3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace kolmo {

struct FreeFftw {
  void operator()(double* memory) const { fftw_free(memory); }
};
using AlignedArray = std::unique_ptr<double, FreeFftw>;
inline AlignedArray aligned_array(std::size_t count) {
  AlignedArray memory(fftw_alloc_real(std::max<std::size_t>(count, 8)));
  std::fill_n(memory.get(), std::max<std::size_t>(count, 8), 0.0);
  return memory;
}

/// out := M in for a matrix M of `outputs` rows and `inputs` columns, packed once for register tiles. Written here
/// rather than left to BLAS: the matrices are small and fixed, so packing them once and blocking for the cache of the
/// surrounding sweep gives twice the rate of a general GEMM, whatever BLAS is installed. Bands of zeros are skipped.
class DenseProduct {
 public:
  /// Vectors lie side by side in rows of `panel` numbers: in(i, s) at in[i * panel + s].
  static constexpr int panel = 32;
  /// About nanoseconds per number of a vector and per input.
#ifdef __AVX512F__
  static constexpr double cost = 1.0 / 46.0;
#else
  static constexpr double cost = 1.0 / 23.0;
#endif

  DenseProduct() = default;
  /// element(o, i) = M(o, i).
  template <class Element>
  DenseProduct(int outputs, int inputs, bool along_lines, Element&& element) : outputs_(outputs), inputs_(inputs) {
    std::vector<double> matrix(static_cast<std::size_t>(outputs) * inputs);
    for (int o = 0; o < outputs; ++o)
      for (int i = 0; i < inputs; ++i) matrix[static_cast<std::size_t>(o) * inputs + i] = element(o, i);
    pack(matrix.data(), along_lines);
  }

  /// Takes another matrix (row-major, outputs * inputs) into the same memory.
  void assign(const double* matrix, bool along_lines) { pack(matrix, along_lines); }

  /// Vectors contiguous: in(i) of vector v at in[v * step_in + i], likewise out. Packed with along_lines.
  void lines(std::ptrdiff_t count, const double* in, std::ptrdiff_t step_in, double* out,
             std::ptrdiff_t step_out) const;
  /// Up to `panel` vectors side by side: in[i * panel + s], out(o, s) at out[o * step_out + s], s < width. Packed
  /// without along_lines.
  void rows(int width, const double* in, double* out, std::ptrdiff_t step_out) const;

 private:
  void pack(const double* matrix, bool along_lines);
  int outputs_ = 0, inputs_ = 0;
  AlignedArray packed_;
  std::vector<int> first_, last_;  // by group of outputs: the inputs that are not zero for all of them
};

}  // namespace kolmo
