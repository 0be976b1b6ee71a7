/// What is tried with inputs that nobody meant: the parser of cases of every kind, and the reader of checkpoints.
#pragma once

#include <filesystem>
#include <string>

namespace kolmo::fuzz {

/// What a test must do when the rule is broken that wrong input ends with one line of the error made for it. Does not
/// return.
using Fail = void (*)(const std::string& what);

/// A case as the program reads it, all checks included; its first line may be "--set KEY=VALUE" instead. True if it is
/// a valid one.
bool read_case(const std::string& text, Fail fail);

constexpr std::size_t seal_bytes = 24;  // magic, length, sum

/// A file that says it is a checkpoint. True if it is taken for one.
bool read_checkpoint(const std::filesystem::path& path, Fail fail);

/// The bytes as a file whose seal (its last bytes) fits, so that what stands behind the seal is tried as well.
void write_sealed(const std::filesystem::path& path, std::string bytes);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);

/// FOLDER/000007.h5 of a flow in two dimensions, FOLDER/000008.h5 of a density in one.
void write_checkpoints(const std::filesystem::path& folder);

/// A folder in memory where there is one, removed at the end.
struct Area {
  std::filesystem::path folder;
  Area();
  ~Area();
};

}  // namespace kolmo::fuzz
