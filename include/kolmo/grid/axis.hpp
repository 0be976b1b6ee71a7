/// One coordinate axis of a tensor-product grid: nodes, cell widths and centre distances.
#pragma once

#include <string>
#include <vector>

namespace kolmo {

/// How the nodes of an axis are spaced.
enum class Spacing {
  uniform,
  tanh,  ///< clustered at both ends: x = a + (b-a)/2 [1 + tanh(s (2 xi - 1)) / tanh s], widest/narrowest about cosh^2 s
  tanh_low,   ///< clustered at the low end only
  tanh_high,  ///< clustered at the high end only
  geometric,  ///< each width is `ratio` times the one before
  nodes       ///< an explicit increasing list
};

/// What a case file says of an axis.
struct AxisSpec {
  double from = 0.0, to = 1.0;
  int cells = 0;
  Spacing spacing = Spacing::uniform;
  double strength = 0.0;      ///< s of the tanh spacings, > 0
  double ratio = 1.0;         ///< of the geometric spacing, > 0
  std::vector<double> nodes;  ///< of Spacing::nodes: cells + 1 increasing coordinates
  bool periodic = false;
};

/// Cells i = 0..cells-1 lie between nodes i and i+1. Two ghost cells continue the axis beyond each end: wrapped around
/// where it is periodic, mirrored at the end node elsewhere, so that a wall lies midway between the last cell and its
/// ghost.
class Axis {
 public:
  static constexpr int ghosts = 2;

  Axis() = default;
  /// Throws InputError where the specification makes no axis (no cells, inverted ends, nodes not increasing, ...).
  explicit Axis(const AxisSpec& spec);
  static Axis uniform(double from, double to, int cells, bool periodic = false);

  int cells() const { return cells_; }
  bool periodic() const { return periodic_; }
  double from() const { return node(0); }
  double to() const { return node(cells_); }
  double length() const { return to() - from(); }
  /// Widths equal to round-off.
  bool uniform() const { return uniform_; }
  /// Widths equal under reversal of the axis, to round-off.
  bool mirror_symmetric() const { return mirror_symmetric_; }

  double node(int i) const { return nodes_[i + ghosts]; }      ///< i = -2 .. cells+2
  double centre(int i) const { return centres_[i + ghosts]; }  ///< i = -2 .. cells+1
  double width(int i) const { return widths_[i + ghosts]; }    ///< of cell i, i = -2 .. cells+1
  double distance(int i) const {
    return distances_[i + 1];
  }  ///< centre(i) - centre(i-1) across face i, i = -1 .. cells+1
  double min_width() const;
  double max_width() const;
  /// All nodes 0..cells, as output files want them.
  std::vector<double> node_list() const;

 private:
  void finish();
  int cells_ = 0;
  bool periodic_ = false, uniform_ = true, mirror_symmetric_ = true;
  std::vector<double> nodes_, centres_, widths_, distances_;
};

}  // namespace kolmo
