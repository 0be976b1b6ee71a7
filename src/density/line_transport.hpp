// Transport along one line: a conservative, positive semi-Lagrangian step.
#pragma once

#include <array>
#include <vector>

namespace kolmo::density {

/// dp/dt + d(a p)/dx = 0 over dt on a line of n cells, with velocities a at the faces, linear in between. The material
/// in cell i at t + dt is what lay between the points X_i and X_{i+1} from which its two faces come: along the
/// characteristics, which are integrated exactly, so that the points keep their order and dt has no limit. Its mass is
/// the integral of a parabola per cell (edge values of fourth order as in PPM, Colella & Woodward, J. Comput. Phys. 54,
/// 1984) that is flattened only where it would become negative (Lin & Rood, Mon. Weather Rev. 124, 1996). Conservative
/// as every piece of a cell goes to one cell, positive, third order in space.
class LineTransport {
 public:
  LineTransport(const double* width, int n, bool periodic);

  /// Finds the points of departure. velocity: n + 1; flux: given at the low and high end (inflow), per unit area.
  void set_velocity(const double* velocity, std::array<double, 2> flux, double dt);
  /// p at t + dt, in place. left: what went out through the low and high end per unit area is added.
  void remap(double* p, std::array<double, 2>& left);

 private:
  struct Departure {
    int cell;   ///< -1 and n: outside; periodic: may lie beyond the ends by up to n
    double at;  ///< in [0, 1] from its low face; outside: distance from the end, negative below
  };
  /// A line seen from one of its ends.
  struct Seen {
    std::vector<double> velocity, width,
        crossing;  ///< crossing: time to cross a cell; infinite across a change of sign
    std::vector<Departure> from;
  };
  void set_edges();
  void find_crossing_times(const double* velocity);
  void see(const double* velocity, bool reversed);
  void trace(double dt);
  void reconstruct(const double* p);
  double piece(const double* p, int cell, double from, double to) const;
  double whole(const double* p, int cell) const;
  double between(const double* p, const Departure& from, const Departure& to) const;
  int wrapped(int cell) const { return cell < 0 ? cell + n_ : cell >= n_ ? cell - n_ : cell; }

  int n_;
  bool periodic_;
  std::vector<double> width_;
  std::vector<std::array<double, 4>> edge_;  // face values: weights of the cells from stencil_ on
  std::vector<int> stencil_;
  std::vector<double> crossing_;
  Seen seen_;
  std::vector<Departure> from_;
  std::array<double, 2> outside_{};  // density that flows in
  std::vector<double> low_, high_, edges_, moved_;
};

}  // namespace kolmo::density
