// The stationary density as the null vector of the generator.
#pragma once

#include <string>

#include "generator.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::density {

/// p := solution of L p = 0 with mass 1. One-dimensional lines without flux through their ends by the ratios of their
/// weights; else inverse iteration with I - a L, a large: by LU factors (PETSc's on one rank, MUMPS on several) up to
/// two dimensions, by GMRES with algebraic multigrid above; `-density_` options change it. Transport directions take
/// central weights here: second order, not positive. Throws InputError where nothing can be stationary (open
/// boundaries, coefficients that depend on time), NotConverged.
template <int Dim>
void find_stationary(const Settings& settings, const Grid<Dim>& grid, const Decomposition<Dim>& cells, Field<Dim>& p,
                     SolveStatistics& statistics, std::string& description);

}  // namespace kolmo::density
