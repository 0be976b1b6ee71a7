/// What a flow run keeps in its checkpoints.
#pragma once

#include <string>

#include "kolmo/base/case_file.hpp"
#include "kolmo/flow/model.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::drivers {

/// Digest of the effective keys that must not change between the legs of a run: all but output, solver options, and how
/// long and how finely time is stepped.
std::string case_hash(const CaseFile& file);

/// Velocity with the ghosts that are state (outflow), pressures, scalars, times, and the scheme's own history, all in
/// natural order.
template <int Dim>
void store(flow::Model<Dim>& model, io::CheckpointWriter& checkpoint);
/// Bitwise on the same ranks; the same values on any other number.
template <int Dim>
void restore(flow::Model<Dim>& model, const io::CheckpointReader& checkpoint);

}  // namespace kolmo::drivers
