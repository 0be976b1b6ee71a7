/// Small dense symmetric matrices.
#pragma once

#include <vector>

namespace kolmo::density::detail {

/// Of a symmetric matrix, row by row; n >= 1.
double smallest_eigenvalue(int n, const std::vector<double>& matrix);

/// Eigenvalues in increasing order; row k of `vectors` is the eigenvector of value k, of length 1.
void symmetric_eigenvectors(int n, const std::vector<double>& matrix, std::vector<double>& values,
                            std::vector<double>& vectors);

}  // namespace kolmo::density::detail
