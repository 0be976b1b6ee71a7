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

/// Four independent lanes of h = (h ^ word) * odd, each step a bijection of the word; `bytes` is a multiple of 32.
std::uint64_t block_digest(const unsigned char* bytes, std::size_t count, std::uint64_t index) {
  std::array<std::uint64_t, 4> lane{index, index + odd, index + 2 * odd, index + 3 * odd};
  for (std::size_t at = 0; at < count; at += 32) {
    std::array<std::uint64_t, 4> word;
    std::memcpy(word.data(), bytes + at, 32);
    for (int k = 0; k < 4; ++k) lane[k] = std::rotl((lane[k] ^ word[k]) * odd, 29);
  }
  std::uint64_t digest = index;
  for (std::uint64_t l : lane) digest = mixed(digest ^ l) * odd;
  return mixed(digest);
}

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

std::uint64_t content_sum(const Slab& slab, const double* packed) {
  if (slab.size() == 0) return 0;
  const std::size_t rank = slab.global.size();
  const std::size_t row = slab.count.back();
  std::vector<std::uint64_t> at(rank, 0);  // within the slab; the last entry stays 0
  std::uint64_t sum = 0;
  for (std::size_t done = 0; done < slab.size(); done += row) {
    std::uint64_t index = 0;
    for (std::size_t d = 0; d < rank; ++d) index = index * slab.global[d] + slab.start[d] + at[d];
    for (std::size_t i = 0; i < row; ++i)
      sum += mixed(std::bit_cast<std::uint64_t>(packed[done + i]) + odd * (index + i + 1));
    for (std::size_t d = rank - 1; d-- > 0;) {
      if (++at[d] < slab.count[d]) break;
      at[d] = 0;
    }
  }
  return sum;
}

std::uint64_t file_digest(const Communicator& comm, const std::filesystem::path& path, std::uint64_t length) {
  const std::uint64_t blocks = (length + block_bytes - 1) / block_bytes;
  const auto size = static_cast<std::uint64_t>(comm.size()), me = static_cast<std::uint64_t>(comm.rank());
  const std::uint64_t begin = blocks / size * me + std::min(blocks % size, me);
  const std::uint64_t end = begin + blocks / size + (me < blocks % size ? 1 : 0);

  std::vector<unsigned char> buffer(block_bytes);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int code = descriptor < 0 ? errno : 0;
  std::uint64_t sum = 0;
  for (std::uint64_t block = begin; block < end && code == 0; ++block) {
    const std::uint64_t offset = block * block_bytes;
    const std::size_t count = std::min<std::uint64_t>(block_bytes, length - offset);
    const std::size_t whole = (count + 31) / 32 * 32;
    std::memset(buffer.data() + count, 0, whole - count);
    code = read_block(descriptor, buffer.data(), count, offset);
    if (code == 0) sum += block_digest(buffer.data(), whole, mixed(block + 1));
  }
  if (descriptor >= 0) ::close(descriptor);
  agree(comm, code == 0 ? "" : system_failure("cannot read", path, code));
  return wrapped_sum(comm, sum);
}

}  // namespace kolmo::io
