/// Pressure-like problems for the linear solvers, and one solve of each.
#pragma once

#include <cmath>

#include <fmt/format.h>

#include "bench.hpp"
#include "kolmo/linear/solver.hpp"
#include "linear/multigrid_problem.hpp"

namespace kolmo::bench {

/// Unit cube, Neumann all round, densities `inside` and 1 with a sharp jump at a sphere of radius 1/4.
inline DiffusionSetup<3> cube(int n, double inside = 1.0) {
  auto setup = DiffusionSetup<3>::box({n, n, n});
  setup.density = [inside](const Point<3>& p) {
    double r2 = 0.0;
    for (double x : p) r2 += (x - 0.5) * (x - 0.5);
    return r2 < 0.0625 ? inside : 1.0;
  };
  return setup;
}

struct LinearProblem {
  std::string name;
  DiffusionSetup<3> setup;
};

inline std::vector<LinearProblem> linear_problems() {
  std::vector<LinearProblem> all;
  for (int n : {64, 128}) {
    const std::string size = fmt::format("_{}", n);
    all.push_back({"constant" + size, cube(n)});
    all.push_back({"one_clustered" + size, cube(n).stretch(1, 2.5)});
    all.push_back({"three_clustered" + size, cube(n).stretch(0, 1.5).stretch(1, 1.5).stretch(2, 1.5)});
    all.push_back({"drop" + size, cube(n, 1000.0)});
    all.push_back({"bubble" + size, cube(n, 1e-3)});
  }
  return all;
}

}  // namespace kolmo::bench
