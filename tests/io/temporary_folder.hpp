#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "kolmo/base/parallel.hpp"

namespace kolmo::test {

/// A folder that all ranks share and that goes when the test ends. Its name has a space and letters beyond ASCII, as
/// users' folders do.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name;
    if (comm_.root()) {
      name = (std::filesystem::temp_directory_path() / "kolmo tést ü XXXXXX").string();
      if (::mkdtemp(name.data()) == nullptr) name.clear();
    }
    comm_.broadcast(name);
    path_ = name;
  }
  ~TemporaryFolder() {
    comm_.barrier();
    std::error_code ignored;
    if (comm_.root()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  Communicator comm_;
  std::filesystem::path path_;
};

}  // namespace kolmo::test
