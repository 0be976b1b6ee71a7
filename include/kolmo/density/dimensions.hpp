/// From the number of variables, known at run time, to the templates over it.
#pragma once

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

/// body(std::integral_constant<int, dimension>()) for 1 to 6. Throws InputError for what has no grid.
template <class Body>
decltype(auto) with_dimension(int dimension, Body&& body) {
  switch (dimension) {
    case 1:
      return body(std::integral_constant<int, 1>());
    case 2:
      return body(std::integral_constant<int, 2>());
    case 3:
      return body(std::integral_constant<int, 3>());
    case 4:
      return body(std::integral_constant<int, 4>());
    case 5:
      return body(std::integral_constant<int, 5>());
    case 6:
      return body(std::integral_constant<int, 6>());
    default:
      throw InputError(fmt::format("a grid has 1 to 6 dimensions, not {}", dimension));
  }
}

}  // namespace kolmo::density
