/// Where numbers of a flow are none: for the message that ends the run.
#pragma once

#include <string>

#include "kolmo/flow/scalars.hpp"
#include "kolmo/flow/state.hpp"

namespace kolmo::flow {

/// "velocity_x is not finite in cell (12, 3)": the first field and the lowest global cell (from 0, x fastest) that
/// holds a NaN or an infinity; a face counts to the cell above it. Where none is found, that the velocity is not.
/// Collective.
template <int Dim>
std::string describe_not_finite(const Domain<Dim>& domain, const State<Dim>& state, Scalars<Dim>& scalars);

}  // namespace kolmo::flow
