/// 64-bit digests that do not depend on how the data is spread over ranks; for src/io only.
#pragma once

#include <cstdint>
#include <filesystem>

#include "kolmo/io/hdf5.hpp"

namespace kolmo::io {

/// Sum over this rank's numbers of a mixed (bits, global index). Added over the ranks modulo 2^64 it belongs to the
/// values alone.
std::uint64_t content_sum(const Slab& slab, const double* packed);

/// Of the first `length` bytes of a file, each rank reading a share. Any single changed word changes it. Collective;
/// throws FileError.
std::uint64_t file_digest(const Communicator& comm, const std::filesystem::path& path, std::uint64_t length);

/// Modulo 2^64, over the ranks.
std::uint64_t wrapped_sum(const Communicator& comm, std::uint64_t value);

}  // namespace kolmo::io
