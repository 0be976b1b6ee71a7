/// Direct solver of separable operators on tensor-product grids, PETSc type `tensor`.
#pragma once

#include <memory>
#include <string>

#include "kolmo/base/petsc.hpp"
#include "kolmo/linear/operators.hpp"

namespace kolmo {

/// Fast diagonalisation (Lynch, Rice & Thomas 1964; Swarztrauber 1977): every direction but the last is transformed to
/// the eigenvectors of its line operator (FFTW real transforms on uniform axes where boundary kinds allow, dense
/// eigenvectors applied by GEMM elsewhere), the last is solved by a (cyclic) tridiagonal sweep per mode. Exact up to
/// round-off. A singular operator is solved with the weighted mean of b / W removed, and the solution has zero weighted
/// mean. Across ranks, packed arrays move between pencils, one collective each.
template <int Dim>
class TensorSolver {
 public:
  TensorSolver(const Decomposition<Dim>& unknowns, const SeparableOperator<Dim>& op);
  ~TensorSolver();
  TensorSolver(TensorSolver&&) noexcept;
  TensorSolver& operator=(TensorSolver&&) noexcept;
  void set_shift(double shift, double scale);
  /// A q = b with A of SeparableOperator (weights included in b); packed, in place allowed.
  void solve(const double* b, double* q);
  std::string description() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kolmo
