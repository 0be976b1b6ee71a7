// Which file of an earlier run a density is taken from.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/density/remap.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/hdf5.hpp"

namespace kolmo::density {

namespace {

namespace fs = std::filesystem;

/// Files named after their step, from the first to the last.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (io::step_of(entry.path()) >= 0) files.push_back(entry.path());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return io::step_of(a) < io::step_of(b); });
  return files;
}

struct Held {
  bool density = false;
  double time = 0.0;
};

Held look_into(const Communicator& comm, const fs::path& path) {
  const io::H5File file = io::H5File::open(comm, path);
  return {file.has_array("density"), file.read_number("/", "time")};
}

/// Collective: every rank sees the same folder.
std::vector<fs::path> series_of(const Communicator& comm, const fs::path& path) {
  for (const fs::path& folder : {path / "fields", path / "checkpoint", path})
    if (const std::vector<fs::path> files = files_in(folder); !files.empty())
      if (look_into(comm, files.back()).density) return files;
  throw InputError(fmt::format("{}: there is no density of a run in it", path.string()));
}

}  // namespace

fs::path find_density(const Communicator& comm, const fs::path& path, std::optional<std::int64_t> step,
                      std::optional<double> time) {
  io::on_root(comm, [&] {
    if (!fs::exists(path)) throw FileError(fmt::format("{}: no such file", path.string()));
  });
  if (!fs::is_directory(path)) {
    if (step || time) throw InputError(fmt::format("{}: a file has one density: give its folder", path.string()));
    return path;
  }
  const std::vector<fs::path> files = series_of(comm, path);
  const auto [first, last] = std::pair{io::step_of(files.front()), io::step_of(files.back())};
  if (!time) {
    if (!step) return files.back();
    for (const fs::path& file : files)
      if (io::step_of(file) == *step) return file;
    throw InputError(fmt::format("{}: there is no step {} (there are {}, {} to {})", path.string(), *step, files.size(),
                                 first, last));
  }
  double nearest = HUGE_VAL;
  for (const fs::path& file : files) {
    const double there = look_into(comm, file).time;
    if (std::abs(there - *time) <= 1e-9 * std::max(1.0, std::abs(*time))) return file;
    if (std::abs(there - *time) < std::abs(nearest - *time)) nearest = there;
  }
  throw InputError(fmt::format("{}: there is no time {} (the nearest is {})", path.string(), *time, nearest));
}

}  // namespace kolmo::density
