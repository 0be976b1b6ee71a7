/// 64-bit sums over the words of a file that do not depend on how they are spread over ranks; for src/io only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "kolmo/io/hdf5.hpp"

namespace kolmo::io {

/// Sum over words of 8 bytes of mix(word + (position + 1) * odd), modulo 2^64, where mix is a bijection: one changed
/// word changes the sum for certain, more escape with a chance of 2^-64. Words may be summed in any order and by any
/// rank.
struct WordSum {
  std::uint64_t sum = 0;
  bool finite = true;  ///< no word has the bits of a double that is infinite or not a number
};
WordSum word_sum(const void* words, std::size_t count, std::uint64_t position);

/// Of this rank's doubles of an array whose first one has that position.
WordSum slab_sum(const Slab& slab, const double* packed, std::uint64_t position);

/// Sum over the first `length` bytes of a file (filled up with zeros to whole words) but those of `without`, each rank
/// reading a share; the ranges begin and end at multiples of 8, in ascending order. Added over the ranks. Collective;
/// throws FileError.
std::uint64_t file_sum(const Communicator& comm, const std::filesystem::path& path, std::uint64_t length,
                       const std::vector<ByteRange>& without = {});

/// Modulo 2^64, over the ranks.
std::uint64_t wrapped_sum(const Communicator& comm, std::uint64_t value);

}  // namespace kolmo::io
