#include "digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace {

constexpr std::size_t block_bytes = 1 << 20;

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection, so that different inputs stay different.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

constexpr std::uint64_t odd = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio

/// Returns 0 or an error number; a file shorter than asked for is EIO.
int read_block(int descriptor, unsigned char* into, std::size_t count, std::uint64_t offset) {
  while (count > 0) {
    const ssize_t got = ::pread(descriptor, into, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EIO : errno;
    into += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
  return 0;
}

}  // namespace

std::uint64_t wrapped_sum(const Communicator& comm, std::uint64_t value) {
  std::uint64_t sum = 0;
  check_mpi(MPI_Allreduce(&value, &sum, 1, MPI_UINT64_T, MPI_SUM, comm.handle()), "MPI_Allreduce");
  return sum;
}

WordSum word_sum(const void* words, std::size_t count, std::uint64_t position) {
  constexpr std::uint64_t exponent = 0x7FF0000000000000u;
  const auto* bytes = static_cast<const unsigned char*>(words);
  std::uint64_t sum = 0, special = 0;
  std::uint64_t key = odd * (position + 1);
  for (std::size_t i = 0; i < count; ++i, key += odd) {
    std::uint64_t word;
    std::memcpy(&word, bytes + 8 * i, 8);
    sum += mixed(word + key);
    special |= (word & exponent) == exponent ? 1u : 0u;
  }
  return {sum, special == 0};
}

WordSum slab_sum(const Slab& slab, const double* packed, std::uint64_t position) {
  WordSum total;
  if (slab.size() == 0) return total;
  const std::size_t rank = slab.global.size();
  const std::size_t row = slab.count.back();
  std::vector<std::uint64_t> at(rank, 0);  // within the slab; the last entry stays 0
  for (std::size_t done = 0; done < slab.size(); done += row) {
    std::uint64_t index = 0;
    for (std::size_t d = 0; d < rank; ++d) index = index * slab.global[d] + slab.start[d] + at[d];
    const WordSum part = word_sum(packed + done, row, position + index);
    total.sum += part.sum;
    total.finite = total.finite && part.finite;
    for (std::size_t d = rank - 1; d-- > 0;) {
      if (++at[d] < slab.count[d]) break;
      at[d] = 0;
    }
  }
  return total;
}

namespace {

/// What is left of [0, length), in pieces of at most a block.
std::vector<ByteRange> blocks_of(std::uint64_t length, const std::vector<ByteRange>& without) {
  std::vector<ByteRange> blocks;
  const auto add = [&](std::uint64_t begin, std::uint64_t end) {
    for (; begin < end; begin += block_bytes) blocks.push_back({begin, std::min(end, begin + block_bytes)});
  };
  std::uint64_t at = 0;
  for (const ByteRange& range : without) {
    add(at, range.begin);
    at = range.end;
  }
  add(at, length);
  return blocks;
}

}  // namespace

std::uint64_t file_sum(const Communicator& comm, const std::filesystem::path& path, std::uint64_t length,
                       const std::vector<ByteRange>& without) {
  const std::vector<ByteRange> blocks = blocks_of(length, without);
  const std::size_t size = static_cast<std::size_t>(comm.size()), me = static_cast<std::size_t>(comm.rank());
  const std::size_t begin = blocks.size() * me / size, end = blocks.size() * (me + 1) / size;

  std::vector<unsigned char> buffer(block_bytes);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int code = descriptor < 0 ? errno : 0;
  std::uint64_t sum = 0;
  for (std::size_t b = begin; b < end && code == 0; ++b) {
    const std::size_t count = blocks[b].end - blocks[b].begin, words = (count + 7) / 8;
    std::memset(buffer.data() + count, 0, 8 * words - count);
    code = read_block(descriptor, buffer.data(), count, blocks[b].begin);
    if (code == 0) sum += word_sum(buffer.data(), words, blocks[b].begin / 8).sum;
  }
  if (descriptor >= 0) ::close(descriptor);
  agree(comm, code == 0 ? "" : system_failure("cannot read", path, code));
  return wrapped_sum(comm, sum);
}

}  // namespace kolmo::io
