// The entry of libFuzzer, which finds new inputs by what they reach: fuzz_case and, with KOLMO_FUZZ_CHECKPOINT,
// fuzz_checkpoint. Built by the preset `fuzz`, started by scripts/fuzz.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>

#include "kolmo/base/petsc.hpp"
#include "targets.hpp"

namespace {

using namespace kolmo;

void fail(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  std::abort();
}

const fuzz::Area& area() {
  static const fuzz::Area one;
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char*** arguments) {
  int one = 1;
  static petsc::Session session(one, *arguments);
#ifdef KOLMO_FUZZ_CHECKPOINT  // one writer: both targets start at the same time
  if (const char* seeds = std::getenv("KOLMO_FUZZ_SEEDS")) fuzz::write_checkpoints(seeds);
#endif
  (void)area();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
#ifdef KOLMO_FUZZ_CHECKPOINT
  const std::filesystem::path path = area().folder / "checkpoint.h5";
  fuzz::write_bytes(path, bytes);
  (void)fuzz::read_checkpoint(path, fail);
  fuzz::write_sealed(path, bytes);
  (void)fuzz::read_checkpoint(path, fail);
#else
  (void)fuzz::read_case(bytes, fail);
#endif
  return 0;
}
