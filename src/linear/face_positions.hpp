// Where the faces of a direction lie in a packed array.
#pragma once

#include "kolmo/grid/decomposition.hpp"

namespace kolmo {

/// Faces between one face of `direction` and the next one along d.
template <int Dim>
std::ptrdiff_t faces_below(const Index<Dim>& extent, int d, int direction) {
  std::ptrdiff_t stride = 1;
  for (int e = 0; e < d; ++e) stride *= extent[e] + (e == direction);
  return stride;
}

/// Position of the low face of local cell i in the packed faces of a direction.
template <int Dim>
std::ptrdiff_t face_position(const Index<Dim>& extent, const Index<Dim>& i, int direction) {
  std::ptrdiff_t at = 0;
  for (int d = 0; d < Dim; ++d) at += i[d] * faces_below<Dim>(extent, d, direction);
  return at;
}

}  // namespace kolmo
