// The kinds of LineTransform.
#pragma once

#include "kolmo/linear/line_transform.hpp"

namespace kolmo {

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

/// Length of the FFT that diagonalises a line, 0 where there is none.
int fft_length(const LineOperator& line);

}  // namespace kolmo
