/// What may change between the legs of a run, and what did.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kolmo/base/case_file.hpp"

namespace kolmo::drivers {

/// Digest of the effective keys that must not change between the legs of a run: all but output, solver options, and how
/// long and how finely time is stepped.
std::string case_hash(const CaseFile& file);

/// One key of an earlier leg that has another value now.
struct CaseChange {
  std::string key, before, now;  ///< "none" where it is not there
  bool allowed = false;
  std::string text() const;
};

/// Against the run.toml of an earlier leg; nothing where there is none. One rank. Throws FileError.
std::vector<CaseChange> case_changes(const std::filesystem::path& run_toml, const CaseFile& file);
/// What earlier legs have recorded as changed, in order. One rank.
std::vector<std::string> recorded_changes(const std::filesystem::path& run_toml);

}  // namespace kolmo::drivers
