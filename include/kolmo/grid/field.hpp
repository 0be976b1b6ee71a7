/// Memory of the fields: one padded, aligned, ghosted array per component.
#pragma once

#include <cstddef>
#include <memory>

#include "kolmo/grid/decomposition.hpp"
#include "kolmo/grid/grid.hpp"

namespace kolmo {

/// Widths of the ghost slabs on each side of each direction.
template <int Dim>
struct Ghosts {
  Index<Dim> low{}, high{};
  static Ghosts uniform(int low, int high) {
    Ghosts g;
    g.low.fill(low);
    g.high.fill(high);
    return g;
  }
};

/// Shape of the array a rank keeps for a field: owned extents, ghost widths, strides. Local index 0 is the first owned
/// cell or face; ghosts have indices -low..-1 and n..n+high-1. Faces of direction d use the same index range as cells
/// (face i is the low side of cell i); the face at a domain's high boundary, index n, lies in the ghost slab. Row
/// starts (index 0 in x) are 64-byte aligned; the low ghosts of a row lie in the padding of the row before it.
template <int Dim>
class Layout {
 public:
  Layout() = default;
  Layout(const Index<Dim>& extent, const Ghosts<Dim>& ghosts);
  const Index<Dim>& extent() const { return extent_; }
  const Ghosts<Dim>& ghosts() const { return ghosts_; }
  std::ptrdiff_t stride(int d) const { return strides_[d]; }
  std::ptrdiff_t offset(const Index<Dim>& i) const {
    std::ptrdiff_t at = i[0];
    for (int d = 1; d < Dim; ++d) at += i[d] * strides_[d];
    return at;
  }
  /// Owned indices, local.
  Box<Dim> interior() const;
  /// Owned indices and all ghosts, local.
  Box<Dim> padded() const;
  /// Doubles to allocate, and where local index 0 sits in them.
  std::size_t size() const { return size_; }
  std::size_t origin() const { return origin_; }
  friend bool operator==(const Layout& a, const Layout& b) {
    return a.extent_ == b.extent_ && a.strides_ == b.strides_ && a.origin_ == b.origin_;
  }

 private:
  Index<Dim> extent_{};
  Ghosts<Dim> ghosts_;
  std::array<std::ptrdiff_t, Dim> strides_{};
  std::size_t size_ = 0, origin_ = 0;
};

/// One component. Starts as zeros. Move-only; `copy_from` copies. Arrays are placed at different offsets modulo the
/// page, and ask for huge pages, so that sweeps over many of them do not fight for the same cache sets.
template <int Dim>
class Field {
 public:
  Field() = default;
  explicit Field(const Layout<Dim>& layout, Location location = Location::cells());
  Field(Field&&) noexcept = default;
  Field& operator=(Field&&) noexcept = default;

  const Layout<Dim>& layout() const { return layout_; }
  Location location() const { return location_; }
  double& operator()(const Index<Dim>& i) { return origin_[layout_.offset(i)]; }
  double operator()(const Index<Dim>& i) const { return origin_[layout_.offset(i)]; }
  /// Pointer to local index 0; neighbours by layout().stride(d).
  double* origin() { return origin_; }
  const double* origin() const { return origin_; }
  /// The whole array with ghosts and padding.
  double* data() { return data_; }
  const double* data() const { return data_; }
  std::size_t size() const { return layout_.size(); }
  void fill(double value);
  void copy_from(const Field& other);
  explicit operator bool() const { return origin_ != nullptr; }

 private:
  struct Release {
    std::size_t bytes;
    void operator()(void* memory) const;
  };
  Layout<Dim> layout_;
  Location location_;
  std::unique_ptr<void, Release> memory_{nullptr, Release{0}};
  double* data_ = nullptr;
  double* origin_ = nullptr;
};

template <int Dim>
void swap(Field<Dim>& a, Field<Dim>& b) noexcept {
  Field<Dim> c(std::move(a));
  a = std::move(b);
  b = std::move(c);
}

/// Copies a box (local indices) between a field and a packed array, x fastest.
template <int Dim>
void pack(const Field<Dim>& field, const Box<Dim>& box, double* packed);
template <int Dim>
void unpack(const double* packed, const Box<Dim>& box, Field<Dim>& field);

}  // namespace kolmo
