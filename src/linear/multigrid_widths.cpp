// Effective cell widths from conductances.
#include <algorithm>
#include <cmath>

#include "kolmo/base/parallel.hpp"
#include "multigrid_hierarchy.hpp"

namespace kolmo::multigrid {

namespace {

/// Conductance of a direction at one cell: the smaller of its two inner faces, so that a jump of the coefficient on one
/// side does not pass for a thin cell. 0 where there is none.
struct CellConductance {
  CellConductance(const Boxes& boxes, const Operator& op, int direction) : d(direction), n(boxes.extent(d)) {
    present = op.face[d] && boxes.cells(d) > 1;
    faces = op.face[d];
    stride = op.face_stride[d];
    low_end = boxes.neighbour(d, 0) == MPI_PROC_NULL;
    high_end = boxes.neighbour(d, 1) == MPI_PROC_NULL;
  }
  double operator()(const Extent& c) const {
    const std::ptrdiff_t at = c[0] * stride[0] + c[1] * stride[1] + c[2] * stride[2];
    const double low = low_end && c[d] == 0 ? 0.0 : faces[at];
    const double high = high_end && c[d] == n - 1 ? 0.0 : faces[at + stride[d]];
    return low > 0.0 && high > 0.0 ? std::min(low, high) : std::max(low, high);
  }
  int d, n;
  bool present, low_end, high_end;
  const double* faces;
  Strides stride;
};

/// Sums over planes of log(c_d / c_e) and their counts, for every direction d and index.
struct PlaneSums {
  std::array<std::array<std::vector<double>, 3>, 3> sum, count;  // [d][e][global index in d]
};

PlaneSums plane_sums(const Boxes& boxes, const Operator& op) {
  PlaneSums s;
  for (int d = 0; d < 3; ++d)
    for (int e = 0; e < 3; ++e) {
      s.sum[d][e].assign(boxes.cells(d), 0.0);
      s.count[d][e].assign(boxes.cells(d), 0.0);
    }
  const std::array<CellConductance, 3> c{CellConductance(boxes, op, 0), CellConductance(boxes, op, 1),
                                         CellConductance(boxes, op, 2)};
  const Extent n = boxes.extent();
  for (int k = 0; k < n[2]; ++k)
    for (int j = 0; j < n[1]; ++j)
      for (int i = 0; i < n[0]; ++i) {
        const Extent at{i, j, k};
        std::array<double, 3> logarithm{};
        std::array<bool, 3> known{};
        for (int d = 0; d < 3; ++d) {
          const double value = c[d].present ? c[d](at) : 0.0;
          known[d] = value > 0.0 && std::isfinite(value);
          if (known[d]) logarithm[d] = std::log(value);
        }
        for (int d = 0; d < 3; ++d)
          for (int e = 0; e < 3; ++e)
            if (d != e && known[d] && known[e]) {
              s.sum[d][e][boxes.begin(d) + at[d]] += logarithm[d] - logarithm[e];
              s.count[d][e][boxes.begin(d) + at[d]] += 1.0;
            }
      }
  const Communicator comm(boxes.comm);
  for (int d = 0; d < 3; ++d)
    for (int e = 0; e < 3; ++e) {
      comm.sum(s.sum[d][e].data(), boxes.cells(d));
      comm.sum(s.count[d][e].data(), boxes.cells(d));
    }
  return s;
}

double total(const std::vector<double>& values) {
  double sum = 0.0;
  for (double v : values) sum += v;
  return sum;
}

}  // namespace

Widths widths_of(const Boxes& boxes, const Operator& op) {
  const PlaneSums s = plane_sums(boxes, op);
  // Mean log width of each direction, H_d = -1/2 mean over e of <log c_d / c_e>, in the gauge sum of H_d = 0.
  std::array<double, 3> mean{};
  int directions = 0;
  for (int d = 0; d < 3; ++d) {
    if (boxes.cells(d) > 1) ++directions;
    for (int e = 0; e < 3; ++e) {
      const double count = total(s.count[d][e]);
      if (count > 0.0) mean[d] -= 0.5 * total(s.sum[d][e]) / count;
    }
  }
  Widths widths;
  for (int d = 0; d < 3; ++d) {
    mean[d] /= std::max(1, directions);
    for (int i = 0; i < boxes.cells(d); ++i) {
      double logarithm = 0.0;
      int known = 0;
      for (int e = 0; e < 3; ++e)
        if (s.count[d][e][i] > 0.0) {
          logarithm += -0.5 * s.sum[d][e][i] / s.count[d][e][i];
          ++known;
        }
      widths[d].push_back(known > 0 ? logarithm / known : mean[d]);
    }
  }
  // log h_d(i) = (mean over e of H_e) - 1/2 <log c_d / c_e>(i); the mean of H over the other directions is -H_d /
  // (directions - 1).
  for (int d = 0; d < 3; ++d)
    for (double& w : widths[d]) w = std::exp(directions > 1 ? w - mean[d] / (directions - 1) : 0.0);
  return widths;
}

}  // namespace kolmo::multigrid
