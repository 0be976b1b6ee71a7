/// The linear fluxes of a density along one direction, as numbers on faces: what the splitting solves line by line.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "kolmo/transport/control_volumes.hpp"

namespace kolmo::density {

/// Numbers on faces (or edges) that are the same along some directions, and kept once along those: an array with the
/// indices of a Field and stride 0 there. Along x all are kept, so that rows are contiguous.
template <int Dim>
class FaceTable {
 public:
  FaceTable() = default;
  /// A field is a table that varies with everything.
  FaceTable(Field<Dim>&& field) : layout_(field.layout()), numbers_(std::move(field)) {
    for (int d = 0; d < Dim; ++d) strides_[d] = layout_.stride(d);
  }
  /// layout: of the field that this would be; varies: along which directions.
  FaceTable(const Layout<Dim>& layout, const std::array<bool, Dim>& varies) : layout_(layout) {
    Index<Dim> extent = layout.extent();
    Ghosts<Dim> ghosts = layout.ghosts();
    for (int d = 1; d < Dim; ++d)
      if (!varies[d]) extent[d] = 1, ghosts.low[d] = ghosts.high[d] = 0;
    numbers_ = Field<Dim>(Layout<Dim>(extent, ghosts));
    for (int d = 0; d < Dim; ++d) strides_[d] = d == 0 || varies[d] ? numbers_.layout().stride(d) : 0;
  }

  /// Of the field: extents and ghosts. Strides are the table's own.
  const Layout<Dim>& layout() const { return layout_; }
  std::ptrdiff_t stride(int d) const { return strides_[d]; }
  std::ptrdiff_t offset(const Index<Dim>& i) const {
    std::ptrdiff_t at = i[0];
    for (int d = 1; d < Dim; ++d) at += i[d] * strides_[d];
    return at;
  }
  double& operator()(const Index<Dim>& i) { return numbers_.origin()[offset(i)]; }
  double operator()(const Index<Dim>& i) const { return numbers_.origin()[offset(i)]; }
  const double* origin() const { return numbers_.origin(); }
  void fill(double value) { numbers_.fill(value); }
  explicit operator bool() const { return static_cast<bool>(numbers_); }
  /// Directions without a stride have one number: a box of indices with each number once.
  Box<Dim> once(Box<Dim> box) const {
    for (int d = 0; d < Dim; ++d)
      if (strides_[d] == 0) box.end[d] = box.begin[d] + 1;
    return box;
  }

 private:
  Layout<Dim> layout_;
  std::array<std::ptrdiff_t, Dim> strides_{};
  Field<Dim> numbers_;
};

/// Faces f < count of the lines k < width, which lie side by side along a direction.
template <int Dim>
struct LineFaces {
  Index<Dim> first{};  ///< global index of the cell above face 0 of line 0
  int count = 0, along = 0, width = 0;
  int lanes = 0;  ///< of the arrays: numbers of face f and line k at [f * lanes + k]
};

/// (D4) F_f = low_f p_{f-1} + high_f p_f + constant_f per unit area through face f normal to one direction, boundary
/// rules folded in (the weight of a point outside is zero; no-flux: all three are exactly zero). With w_i the width of
/// cell i,    (L_d p)_i = -(F_{i+1} - F_i) / w_i,    which is an M-matrix if low >= 0 >= high everywhere.
template <int Dim>
struct DirectionWeights {
  int direction = 0;
  /// The same on every line: then `line_*` hold the n + 1 faces of the whole axis (a periodic axis has face n = face 0)
  /// on every rank, and the fields are empty.
  bool uniform = false;
  std::vector<double> line_low, line_high, line_constant;
  /// (D12) What four cells add to F_f, 4 (n + 1) numbers of a uniform direction; empty: nothing.
  std::vector<double> line_wide;
  /// Else tables at the faces of `direction`, owned cells and one ghost layer on the high side (face n of the rank's
  /// box lies there, and is valid).
  FaceTable<Dim> low, high;
  /// Else, where nothing is kept: evaluates the numbers of some faces.
  std::function<void(const LineFaces<Dim>& faces, double* low, double* high)> on_lines;
  /// Fluxes given on the boundary (prescribed inflow): add per cell next to the boundary; empty: all zero.
  std::vector<double> constant_low, constant_high;  ///< one per boundary face held by this rank, x fastest
  /// No diffusion in this direction (pure transport): `velocity` at the faces is what remains, and the weights above
  /// are its upwind ones.
  bool transport = false;
  FaceTable<Dim> velocity;
};

}  // namespace kolmo::density
