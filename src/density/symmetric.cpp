#include "symmetric.hpp"

#include <fmt/format.h>

#include "kolmo/base/error.hpp"

extern "C" {
/// LAPACK: eigenvalues and eigenvectors of a real symmetric matrix.
void dsyevd_(const char* job, const char* triangle, const int* n, double* a, const int* lda, double* w, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
}

namespace kolmo::density::detail {

namespace {

/// Overwrites a (symmetric, so rows are columns) with eigenvectors, one per row, if they are wanted.
void solve(bool with_vectors, int n, std::vector<double>& a, std::vector<double>& values) {
  values.resize(static_cast<std::size_t>(n));
  const char* job = with_vectors ? "V" : "N";
  int info = 0, integer_size = 0, query = -1;
  double size = 0.0;
  dsyevd_(job, "L", &n, a.data(), &n, values.data(), &size, &query, &integer_size, &query, &info);
  int work_size = static_cast<int>(size);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  std::vector<int> integers(static_cast<std::size_t>(integer_size));
  dsyevd_(job, "L", &n, a.data(), &n, values.data(), work.data(), &work_size, integers.data(), &integer_size, &info);
  if (info != 0) throw InternalError(fmt::format("LAPACK dsyevd returned {}", info));
}

}  // namespace

double smallest_eigenvalue(int n, const std::vector<double>& matrix) {
  std::vector<double> a(matrix), values;
  solve(false, n, a, values);
  return values.front();
}

void symmetric_eigenvectors(int n, const std::vector<double>& matrix, std::vector<double>& values,
                            std::vector<double>& vectors) {
  vectors = matrix;
  solve(true, n, vectors, values);
}

}  // namespace kolmo::density::detail
