/// What a density run keeps in its checkpoints.
#pragma once

#include "kolmo/density/grid_engine.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::drivers {

/// Cell averages in natural order, the nodes of the axes, times, what the boundaries took.
template <int Dim>
void store(density::GridEngine<Dim>& engine, io::CheckpointWriter& checkpoint);
/// Bitwise on the same ranks; the same values on any other number. Throws RestartError where it does not fit.
template <int Dim>
void restore(density::GridEngine<Dim>& engine, const io::CheckpointReader& checkpoint);

}  // namespace kolmo::drivers
