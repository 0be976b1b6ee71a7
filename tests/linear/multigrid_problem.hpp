/// A diffusion problem on a tensor grid, its operator in double precision and a conjugate gradient, for tests of the
/// multigrid.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "kolmo/grid/halo.hpp"
#include "kolmo/linear/multigrid.hpp"

namespace kolmo {

/// -div(1/density grad q) + shift q on the cells of a grid; ends[d] = two letters of N (Neumann) and D (Dirichlet at
/// the face), or PP.
template <int Dim>
struct DiffusionSetup {
  std::array<AxisSpec, Dim> axes;
  std::array<std::string, Dim> ends;
  std::function<double(const Point<Dim>&)> density = [](const Point<Dim>&) { return 1.0; };
  double shift = 0.0;
  Index<Dim> processes{};  ///< zeros: chosen

  static DiffusionSetup box(const Index<Dim>& cells, const std::string& both_ends = "NN") {
    DiffusionSetup s;
    for (int d = 0; d < Dim; ++d) {
      s.axes[d].cells = cells[d];
      s.ends[d] = both_ends;
    }
    return s;
  }
  DiffusionSetup& stretch(int d, double strength) {
    axes[d].spacing = Spacing::tanh;
    axes[d].strength = strength;
    return *this;
  }
};

template <int Dim>
class Diffusion {
 public:
  explicit Diffusion(const DiffusionSetup<Dim>& setup) : setup_(setup) {
    std::array<Axis, Dim> axes;
    std::array<bool, Dim> periodic;
    Index<Dim> cells;
    for (int d = 0; d < Dim; ++d) {
      AxisSpec spec = setup.axes[d];
      spec.periodic = periodic[d] = setup.ends[d] == "PP";
      axes[d] = Axis(spec);
      cells[d] = spec.cells;
    }
    grid_ = Grid<Dim>(axes);
    const Communicator world;
    const Index<Dim> processes =
        setup.processes[0] > 0 ? setup.processes : Decomposition<Dim>::choose(world.size(), cells);
    decomposition_ = Decomposition<Dim>(world, cells, periodic, processes);
    layout_ = Layout<Dim>(decomposition_.extent(), Ghosts<Dim>::uniform(1, 1));
    field_ = Field<Dim>(layout_);
    halo_ = std::make_unique<Halo<Dim>>(decomposition_, layout_, Ghosts<Dim>::uniform(1, 1), Stencil::star);
    fill();
  }

  const Decomposition<Dim>& decomposition() const { return decomposition_; }
  const FaceConductances<Dim>& op() const { return op_; }
  bool singular() const { return singular_; }
  std::size_t size() const { return static_cast<std::size_t>(decomposition_.local_size()); }
  double dot(const std::vector<double>& a, const std::vector<double>& b) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return decomposition_.comm().sum(sum);
  }

  /// q := A p.
  void apply(const std::vector<double>& p, std::vector<double>& q) {
    unpack(p.data(), layout_.interior(), field_);
    halo_->exchange(field_);
    const Index<Dim> n = layout_.extent();
    std::size_t cell = 0;
    for_each<Dim>(layout_.interior(), [&](const Index<Dim>& i) {
      double sum = op_.shift.empty() ? 0.0 : op_.shift[cell] * p[cell];
      for (int d = 0; d < Dim; ++d)
        for (int side = 0; side < 2; ++side) {
          Index<Dim> face = i, to = i;
          face[d] += side;
          to[d] += 2 * side - 1;
          const bool outside = to[d] < 0 ? decomposition_.at_boundary(d, Side::low)
                                         : to[d] >= n[d] && decomposition_.at_boundary(d, Side::high);
          sum += op_.conductance[d][face_index(d, face)] * (p[cell] - (outside ? 0.0 : field_(to)));
        }
      q[cell++] = sum;
    });
  }

  /// Noise that depends on the global index only; without mean where the problem is singular.
  std::vector<double> noise(unsigned seed) const {
    std::vector<double> v;
    for_each<Dim>(decomposition_.owned(), [&](const Index<Dim>& i) {
      std::uint64_t h = seed + 1;
      for (int d = 0; d < Dim; ++d) h = (h ^ static_cast<std::uint64_t>(i[d] + 1)) * 0x9e3779b97f4a7c15ull;
      h ^= h >> 31;
      h *= 0xbf58476d1ce4e5b9ull;
      h ^= h >> 29;
      v.push_back(static_cast<double>(h >> 11) * 0x1p-53 - 0.5);
    });
    if (singular_) remove_mean(v);
    return v;
  }
  void remove_mean(std::vector<double>& v) const {
    double sum = 0.0;
    for (double x : v) sum += x;
    const double mean = decomposition_.comm().sum(sum) / static_cast<double>(decomposition_.global_size());
    for (double& x : v) x -= mean;
  }

 private:
  std::size_t face_index(int d, const Index<Dim>& face) const {
    std::size_t at = 0, step = 1;
    for (int e = 0; e < Dim; ++e) {
      at += static_cast<std::size_t>(face[e]) * step;
      step *= static_cast<std::size_t>(layout_.extent()[e] + (e == d));
    }
    return at;
  }

  void fill() {
    const Box<Dim> owned = decomposition_.owned();
    singular_ = setup_.shift == 0.0;
    for (int d = 0; d < Dim; ++d) {
      if (setup_.ends[d].find('D') != std::string::npos) singular_ = false;
      Box<Dim> faces = owned;
      ++faces.end[d];
      for_each<Dim>(faces, [&](const Index<Dim>& i) {
        double area = 1.0;
        for (int e = 0; e < Dim; ++e)
          if (e != d) area *= grid_.axis(e).width(i[e]);
        Point<Dim> high = grid_.point(i, Location::cells()), low = high;
        const Axis& axis = grid_.axis(d);
        low[d] = axis.centre(i[d] - 1);
        double distance = axis.distance(i[d]), factor = 1.0;
        if (!axis.periodic() && (i[d] == 0 || i[d] == axis.cells())) {
          factor = setup_.ends[d][i[d] == 0 ? 0 : 1] == 'D' ? 1.0 : 0.0;
          distance *= 0.5;
        }
        if (axis.periodic() && i[d] == 0) low[d] = axis.centre(axis.cells() - 1);
        if (axis.periodic() && i[d] == axis.cells()) high[d] = axis.centre(0);
        const double density = 0.5 * (setup_.density(low) + setup_.density(high));
        op_.conductance[d].push_back(factor * area / (distance * density));
      });
    }
    if (setup_.shift != 0.0)
      for_each<Dim>(owned, [&](const Index<Dim>& i) {
        double volume = setup_.shift;
        for (int d = 0; d < Dim; ++d) volume *= grid_.axis(d).width(i[d]);
        op_.shift.push_back(volume);
      });
  }

  DiffusionSetup<Dim> setup_;
  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  Layout<Dim> layout_;
  Field<Dim> field_;
  std::unique_ptr<Halo<Dim>> halo_;
  FaceConductances<Dim> op_;
  bool singular_ = false;
};

struct CgResult {
  int iterations = 0;
  double residual = 1.0;  ///< true residual over right-hand side
};

/// Preconditioned conjugate gradient from zero, stopped by the recurrence residual.
template <int Dim>
CgResult conjugate_gradient(Diffusion<Dim>& problem, Multigrid<Dim>& multigrid, const std::vector<double>& b,
                            std::vector<double>& q, double tolerance, int limit = 100) {
  const std::size_t n = problem.size();
  std::vector<double> r = b, z(n), p(n), ap(n);
  q.assign(n, 0.0);
  const double norm = std::sqrt(problem.dot(b, b));
  CgResult result;
  double rz_old = 1.0;
  while (result.iterations < limit && std::sqrt(problem.dot(r, r)) > tolerance * norm) {
    multigrid.apply(r.data(), z.data());
    const double rz = problem.dot(r, z), beta = result.iterations == 0 ? 0.0 : rz / rz_old;
    for (std::size_t i = 0; i < n; ++i) p[i] = z[i] + beta * p[i];
    problem.apply(p, ap);
    const double alpha = rz / problem.dot(p, ap);
    for (std::size_t i = 0; i < n; ++i) {
      q[i] += alpha * p[i];
      r[i] -= alpha * ap[i];
    }
    rz_old = rz;
    ++result.iterations;
  }
  problem.apply(q, ap);
  for (std::size_t i = 0; i < n; ++i) ap[i] = b[i] - ap[i];
  result.residual = std::sqrt(problem.dot(ap, ap)) / norm;
  if (problem.singular()) problem.remove_mean(q);
  return result;
}

}  // namespace kolmo
