// Mutation of what the program reads: case files, and checkpoints. Nothing may crash, hang, or take more than 1 GiB at
// once, and whatever is refused is refused with the error made for it. Inputs are drawn, the same ones for the same
// seed, by the compiler that builds everything else; libfuzzer.cpp finds them by coverage.
// Usage: mutate case|checkpoint SECONDS SEED [FILE...]
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "kolmo/base/petsc.hpp"
#include "targets.hpp"

namespace {

using namespace kolmo;
namespace fs = std::filesystem;
using namespace kolmo::fuzz;
using Bytes = std::string;

constexpr unsigned patience_seconds = 30;
constexpr std::size_t most_bytes = std::size_t{1} << 30;

// --- what is tried, for the one who has to look at it ---------------------------------------------------------------

Bytes present;
char present_path[4096] = "fuzz-failure";

void keep_present(const char* what) {
  const int file = ::open(present_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, present.data(), present.size()) >= 0) (void)::close(file);
  (void)!::write(2, what, std::strlen(what));
  (void)!::write(2, "; the input is in ", 18);
  (void)!::write(2, present_path, std::strlen(present_path));
  (void)!::write(2, "\n", 1);
}

void on_signal(int number) {
  keep_present(number == SIGALRM ? "hang" : "crash");
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void fail(const std::string& what) {
  keep_present(what.c_str());
  std::abort();
}

// --- mutations -------------------------------------------------------------------------------------------------------

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  Bytes mutate(const std::vector<Bytes>& seeds) {
    Bytes bytes = seeds[below(seeds.size())];
    for (std::size_t n = 1 + below(6); n > 0; --n) change(bytes, seeds);
    if (bytes.size() > 1 << 20) bytes.resize(1 << 20);
    return bytes;
  }
  /// Bits, bytes and words only: the length stays.
  Bytes damage(const Bytes& whole, std::size_t end) {
    Bytes bytes = whole;
    for (std::size_t n = 1 + below(8); n > 0; --n) {
      const std::size_t at = below(end);
      if (below(2) == 0)
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      else
        for (std::size_t i = at; i < std::min(end, at + (std::size_t{1} << below(4))); ++i)
          bytes[i] = static_cast<char>(below(3) == 0 ? 0xFF : below(256));
    }
    return bytes;
  }

 private:
  void change(Bytes& bytes, const std::vector<Bytes>& seeds) {
    static constexpr std::array words{"nan",
                                      "inf",
                                      "-1",
                                      "0",
                                      "1e308",
                                      "1e-320",
                                      "99999999999999999999",
                                      "-0.0",
                                      "\"",
                                      "'''",
                                      "\"\"\"",
                                      "[",
                                      "]",
                                      "[[",
                                      "]]",
                                      "{",
                                      "}",
                                      "=",
                                      ",",
                                      ".",
                                      "#",
                                      "\n",
                                      "\r\n",
                                      "\0x",
                                      "true",
                                      "[[]]",
                                      "\"x^y\"",
                                      "\"1/0\"",
                                      "\xff",
                                      "\xc3\x28",
                                      "1979-05-27T07:32:00Z",
                                      "0x7f",
                                      "cells = 1000000",
                                      "x",
                                      "(((((((((((",
                                      "!",
                                      "?:",
                                      "--set time.end=",
                                      "x_min",
                                      "variables = [\"x\", \"y\", \"z\"]",
                                      "dimension = 100",
                                      "kind = \"density\"",
                                      "velocity = [\"y\", \"0\"]",
                                      "type = \"periodic\"",
                                      "\"sin(sin(sin(x)))\""};
    const std::size_t at = below(bytes.size() + 1), length = below(std::min<std::size_t>(bytes.size() - at, 64) + 1);
    switch (below(8)) {
      case 0:
        bytes.insert(at, words[below(words.size())]);
        break;
      case 1:
        bytes.replace(at, length, words[below(words.size())]);
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 5:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 6: {  // a line of another case
        const Bytes& other = seeds[below(seeds.size())];
        const std::size_t begin = other.rfind('\n', below(other.size() + 1)) + 1, end = other.find('\n', begin);
        const std::size_t line = bytes.find('\n', at);
        bytes.insert(line == Bytes::npos ? bytes.size() : line + 1, other.substr(begin, end - begin) + "\n");
        break;
      }
      default: {  // another number
        const std::size_t digit = bytes.find_first_of("0123456789", at);
        if (digit == Bytes::npos) break;
        const std::size_t end = std::min(bytes.find_first_not_of("0123456789.e+-", digit), bytes.size());
        bytes.replace(digit, end - digit, below(2) ? words[below(8)] : std::to_string(below(1000000)));
      }
    }
  }
  std::mt19937_64 random_;
};

// --- the two runs ----------------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

Bytes content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void fuzz_cases(Mutator& mutator, Clock::time_point end, const std::vector<Bytes>& seeds) {
  long count = 0, valid = 0;
  for (const Bytes& seed : seeds) valid += read_case(present = seed, fail) ? 1 : 0;
  if (valid == 0) fail("no shipped case is valid");  // those whose references another one has overwritten are not
  for (; Clock::now() < end; ++count) {
    present = mutator.mutate(seeds);
    ::alarm(patience_seconds);
    valid += read_case(present, fail) ? 1 : 0;
  }
  fmt::print("{} mutated cases, {} of them valid\n", count, valid);
}

void fuzz_checkpoints(Mutator& mutator, Clock::time_point end) {
  const Area area;
  write_checkpoints(area.folder);
  const fs::path path = area.folder / "000007.h5";
  const Bytes whole = content(path);
  if (!read_checkpoint(path, fail)) fail("a good checkpoint is refused");
  long count = 0, sealed = 0, taken = 0;
  for (; Clock::now() < end; ++count) {
    ::alarm(patience_seconds);
    present = mutator.damage(whole, whole.size());
    if (mutator.below(8) == 0) present = mutator.mutate({whole});
    write_bytes(path, present);
    if (present != whole && read_checkpoint(path, fail)) fail("a damaged checkpoint is taken for a good one");
    // And with a seal that fits.
    present = mutator.damage(whole, whole.size() - seal_bytes);
    write_sealed(path, present);
    ++sealed;
    taken += read_checkpoint(path, fail) ? 1 : 0;
  }
  fmt::print("{} damaged checkpoints, none taken; {} sealed again, {} of them read\n", count, sealed, taken);
}

}  // namespace

// More than this at once is what a mutated number must not lead to. Forwarded to glibc's own.
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);
extern "C" void* __libc_realloc(void* old, std::size_t size);
#ifndef __SANITIZE_ADDRESS__
extern "C" void* malloc(std::size_t size) {
  if (size > most_bytes) fail("an allocation beyond 1 GiB");
  return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > most_bytes / size) fail("an allocation beyond 1 GiB");
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* old, std::size_t size) {
  if (size > most_bytes) fail("an allocation beyond 1 GiB");
  return __libc_realloc(old, size);
}
#endif

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  int one = 1;
  const petsc::Session session(one, argv);
  std::snprintf(present_path, sizeof present_path, "%s/fuzz-failure-%s", fs::current_path().c_str(), argv[1]);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM}) std::signal(number, on_signal);
  const auto end = Clock::now() + std::chrono::seconds(std::atol(argv[2]));
  Mutator mutator(std::strtoull(argv[3], nullptr, 10));
  if (std::strcmp(argv[1], "checkpoint") == 0) {
    fuzz_checkpoints(mutator, end);
  } else {
    std::vector<Bytes> seeds;
    const Area area;  // tables of references are found beside the case
    for (int i = 4; i < argc; ++i) {
      seeds.push_back(content(argv[i]));
      for (const auto& entry : fs::directory_iterator(fs::path(argv[i]).parent_path()))
        if (entry.path().extension() == ".csv")
          fs::copy_file(entry.path(), area.folder / entry.path().filename(), fs::copy_options::overwrite_existing);
    }
    fs::current_path(area.folder);
    fuzz_cases(mutator, end, seeds);
  }
  ::alarm(0);
  return 0;
}
