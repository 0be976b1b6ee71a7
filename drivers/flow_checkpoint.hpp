/// What a flow run keeps in its checkpoints.
#pragma once

#include "kolmo/flow/model.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::drivers {

/// Velocity with the ghosts that are state (outflow), pressures, scalars, times, and the scheme's own history, all in
/// natural order.
template <int Dim>
void store(flow::Model<Dim>& model, io::CheckpointWriter& checkpoint);
/// Bitwise on the same ranks; the same values on any other number.
template <int Dim>
void restore(flow::Model<Dim>& model, const io::CheckpointReader& checkpoint);

}  // namespace kolmo::drivers
