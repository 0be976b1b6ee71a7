// Which cells merge on the next level, and the operator there.
#include <algorithm>
#include <limits>

#include "multigrid_parts.hpp"

namespace kolmo::multigrid {

namespace {

/// Greedy pairs from the low end of every rank's part, as long as the merged width stays within `limit`.
std::vector<int> merge_line(const std::vector<double>& widths, const std::vector<int>& starts, double limit) {
  std::vector<int> first;
  for (std::size_t r = 0; r + 1 < starts.size(); ++r)
    for (int i = starts[r]; i < starts[r + 1];) {
      first.push_back(i);
      i += i + 1 < starts[r + 1] && widths[i] + widths[i + 1] <= limit ? 2 : 1;
    }
  first.push_back(starts.back());
  return first;
}

std::vector<double> merged_widths(const std::vector<double>& widths, const std::vector<int>& first) {
  std::vector<double> merged;
  for (std::size_t c = 0; c + 1 < first.size(); ++c) {
    double sum = 0.0;
    for (int i = first[c]; i < first[c + 1]; ++i) sum += widths[i];
    merged.push_back(sum);
  }
  return merged;
}

/// Distance across every coarse face: fine over coarse.
std::vector<float> distance_ratios(const std::vector<double>& fine, const std::vector<double>& coarse,
                                   const std::vector<int>& first, bool periodic) {
  const int n = static_cast<int>(coarse.size());
  std::vector<float> factor(n + 1);
  for (int c = 1; c < n; ++c)
    factor[c] = static_cast<float>((fine[first[c] - 1] + fine[first[c]]) / (coarse[c - 1] + coarse[c]));
  if (periodic) {
    factor[0] = factor[n] = static_cast<float>((fine.back() + fine.front()) / (coarse.back() + coarse.front()));
  } else {
    factor[0] = static_cast<float>(fine.front() / coarse.front());
    factor[n] = static_cast<float>(fine.back() / coarse.back());
  }
  return factor;
}

}  // namespace

Coarsening coarsen(const Boxes& boxes, const Widths& widths, bool lines) {
  const bool frozen = lines && (boxes.cells(0) > 1 || boxes.cells(2) > 1);
  double smallest = std::numeric_limits<double>::infinity(), largest = 0.0;
  for (int d = 0; d < 3; ++d) {
    if (boxes.cells(d) == 1 || (d == 1 && frozen)) continue;
    smallest = std::min(smallest, *std::min_element(widths[d].begin(), widths[d].end()));
    largest = std::max(largest, *std::max_element(widths[d].begin(), widths[d].end()));
  }
  // Pairs up to 3 times the smallest width, so that couplings more than (3/2)^2 times weaker than the strongest wait
  // for a later level. A level that would shrink too little widens the limit, to 5 times the smallest width at most:
  // with more, point smoothing fails (tanh clustering of strength 2.5 in one direction: 5 iterations to 1e-6 below this
  // cap, 28 without).
  constexpr double start = 3.0, widen = 1.2, cap = 5.0, enough = 0.7, some = 0.85;
  Coarsening to;
  to.boxes = boxes;
  for (double limit = start * smallest;; limit *= widen) {
    double ratio = 1.0;
    for (int d = 0; d < 3; ++d) {
      to.merging[d].first = merge_line(widths[d], boxes.starts[d], d == 1 && frozen ? 0.0 : limit);
      ratio *= static_cast<double>(to.merging[d].coarse()) / boxes.cells(d);
    }
    if (ratio <= enough || (ratio <= some && limit > cap * smallest) || !(limit < 2.0 * largest)) break;
  }
  for (int d = 0; d < 3; ++d) {
    Merging& m = to.merging[d];
    for (int& start_of_rank : to.boxes.starts[d])
      start_of_rank =
          static_cast<int>(std::lower_bound(m.first.begin(), m.first.end(), start_of_rank) - m.first.begin());
    to.widths[d] = merged_widths(widths[d], m.first);
    m.factor = distance_ratios(widths[d], to.widths[d], m.first, boxes.periodic[d]);
  }
  return to;
}

void coarsen_operator(const Level& fine, const Coarsening& to, const OperatorTiles& coarse) {
  if (to.boxes.empty()) return;
  const Extent n = to.boxes.extent();
  Extent begin, begin_fine;
  for (int d = 0; d < 3; ++d) {
    begin[d] = to.boxes.begin(d);
    begin_fine[d] = fine.boxes.begin(d);
  }
  const auto first = [&](int d, int c) { return to.merging[d].first[begin[d] + c] - begin_fine[d]; };
  // Sum of a fine array over the cells of coarse cell c, or over its low face in direction `normal`.
  const auto sum = [&](auto* array, int normal, const Extent& c) {
    Extent low, high;
    for (int d = 0; d < 3; ++d) {
      low[d] = first(d, c[d]);
      high[d] = d == normal ? low[d] + 1 : first(d, c[d] + 1);
    }
    const auto tile = fine.tile(array);
    double total = 0.0;
    for (int k = low[2]; k < high[2]; ++k)
      for (int j = low[1]; j < high[1]; ++j)
        for (int i = low[0]; i < high[0]; ++i) total += tile(i, j, k);
    return total;
  };
  const auto for_cells = [](const Extent& extent, auto&& body) {
    for (int k = 0; k < extent[2]; ++k)
      for (int j = 0; j < extent[1]; ++j)
        for (int i = 0; i < extent[0]; ++i) body(Extent{i, j, k});
  };
  if (coarse.shift.origin)
    for_cells(n, [&](const Extent& c) {
      coarse.shift(c[0], c[1], c[2]) = fine.has_shift ? static_cast<float>(sum(fine.shift(), -1, c)) : 0.0f;
    });
  for (int d = 0; d < 3; ++d) {
    if (!fine.active[d]) continue;
    const std::vector<float>& factor = to.merging[d].factor;
    if (to.boxes.cells(d) > 1) {
      Extent faces = n;
      ++faces[d];
      for_cells(faces, [&](const Extent& c) {
        const auto value = static_cast<float>(sum(fine.face(d), d, c) * factor[begin[d] + c[d]]);
        if (coarse.part[d].origin)
          coarse.part[d](c[0], c[1], c[2]) = value;
        else
          coarse.face[d](c[0], c[1], c[2]) = value;
      });
    } else if (!to.boxes.periodic[d]) {
      for_cells(n, [&](const Extent& c) {
        Extent end = c;
        end[d] = 1;
        coarse.shift(c[0], c[1], c[2]) +=
            static_cast<float>(sum(fine.face(d), d, c) * factor[0] + sum(fine.face(d), d, end) * factor[1]);
      });
    }
  }
}

}  // namespace kolmo::multigrid
