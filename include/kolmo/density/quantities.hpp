/// Numbers that describe a density: mass, moments, entropy, score, flux.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "kolmo/density/problem.hpp"
#include "kolmo/density/reconstruction.hpp"
#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/field.hpp"

namespace kolmo::density {

/// What one pass over the cell averages gives. (D22)
template <int Dim>
struct Integrals {
  double mass = 0.0;           ///< sum of volume * p
  double negative_mass = 0.0;  ///< sum of volume * max(-p, 0)
  double min_density = 0.0, max_density = 0.0;
  double entropy = 0.0;  ///< -sum of volume * p log p over p > 0
  std::array<double, Dim> mean{};
  std::array<std::array<double, Dim>, Dim> covariance{};
};

/// The probability flux at the cell centres. (D23)
struct FluxNumbers {
  double largest = 0.0;             ///< max |J|
  double entropy_production = 0.0;  ///< 2 int J . D^-1 J / p dx, over the directions in which D is not zero
};

/// Of cell averages p on a grid, any number of ranks. p: owned cells valid, ghosts not read. Every call is collective.
template <int Dim>
class Quantities {
 public:
  Quantities(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition);

  /// Mean and covariance are those of the cubic reconstruction (D20), divided by the mass: of fourth order, where sums
  /// over centres would be off by h^2 / 12.
  Integrals<Dim> integrals(const Field<Dim>& p) const;

  /// (D21) calls visit(local index, score) for every owned cell whose density is more than `negligible` times the
  /// largest: in four and more dimensions most cells are not.
  static constexpr double negligible = 1e-16;
  void for_each_score(const Field<Dim>& p,
                      const std::function<void(const Index<Dim>&, const Point<Dim>&)>& visit) const;
  /// d log p / dx_direction as a field (owned cells; 0 where p <= 0).
  void score(const Field<Dim>& p, int direction, Field<Dim>& out) const;

  /// From the fluxes at the faces of every direction (face n of this rank in the ghosts).
  FluxNumbers flux_numbers(const Problem& problem, double t, const Field<Dim>& p,
                           const std::array<Field<Dim>, Dim>& flux) const;
  /// From J = p (f - 1/2 div D - 1/2 D score) at the cell centres, where there is no room for fluxes at faces (above
  /// 3-D).
  FluxNumbers flux_numbers(const Problem& problem, double t, const Field<Dim>& p) const;

  /// (D24) Density of one or two variables: averages over their cells of the integral over all others, the first
  /// variable fastest. Every rank gets all of it.
  std::vector<double> marginal(const Field<Dim>& p, const std::vector<int>& variables) const;

  const Grid<Dim>& grid() const { return grid_; }
  const Decomposition<Dim>& decomposition() const { return decomposition_; }
  double volume(const Index<Dim>& local) const;
  Point<Dim> centre(const Index<Dim>& local) const;

 private:
  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  std::array<CubicLine, Dim> lines_;
  std::array<LogSlope, Dim> slopes_;
};

/// Adds rows of a density up to a marginal.
template <int Dim>
class MarginalSum {
 public:
  /// Throws InputError unless `variables` are one or two different directions.
  MarginalSum(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::vector<int> variables);
  /// values: the cells of the row that starts at local index `row` (row[0] = 0).
  void add_row(const Index<Dim>& row, const double* values);
  /// Over all ranks. Collective.
  std::vector<double> finish();

 private:
  const Grid<Dim>& grid_;
  const Decomposition<Dim>& decomposition_;
  std::vector<int> variables_;
  std::vector<double> sums_;
};

}  // namespace kolmo::density
