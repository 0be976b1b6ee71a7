// The stationary density as the null vector of the generator.
#pragma once

#include <string>

#include "generator.hpp"
#include "kolmo/linear/solver.hpp"

namespace kolmo::density {

struct Stationary {
  std::string description;
  double moved = 0.0;    ///< what the last round for limited fluxes changed of p, in L1
  double dropped = 0.0;  ///< mass below zero that was set to zero
};

/// p := solution of L p = 0 with mass 1. One-dimensional lines without flux through their ends by the ratios of their
/// weights; else inverse iteration with I - a L, a large: by LU factors (PETSc's on one rank, MUMPS on several) up to
/// two dimensions, by GMRES with algebraic multigrid above; `-density_` options change it. The generator is linear.
/// Where it freezes(), p is solved for again with the weights that the limited fluxes of the last p have, until p
/// stays: each of these p is the null vector of an M-matrix, so that none is negative, and the fluxes of `generator`,
/// which keeps the weights, are free of divergence whether or not the limiter has come to rest. Throws InputError where
/// nothing can be stationary (open boundaries, coefficients that depend on time); NotConverged, also where the last
/// round still moves more than a hundredth of the mass.
template <int Dim>
void find_stationary(const Settings& settings, Generator<Dim>& generator, Field<Dim>& p, SolveStatistics& statistics,
                     Stationary& found);

}  // namespace kolmo::density
