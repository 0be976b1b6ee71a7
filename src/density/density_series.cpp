// Which file of an earlier run a density is taken from.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kolmo/base/error.hpp"
#include "kolmo/density/remap.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/hdf5.hpp"

namespace kolmo::density {

namespace {

namespace fs = std::filesystem;

using Series = std::map<std::int64_t, fs::path>;

/// Files named after their step.
Series files_in(const fs::path& folder) {
  Series files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const std::int64_t step = io::step_of(entry.path()); step >= 0) files[step] = entry.path();
  return files;
}

io::H5File open(const fs::path& path) { return io::H5File::open(Communicator(MPI_COMM_SELF), path); }

/// Of a run's folder, or of one of the two in it. A step's checkpoint hides its field file.
Series series_of(const fs::path& path) {
  Series all;
  for (const fs::path& folder : {path / "checkpoint", path / "fields", path})
    if (Series files = files_in(folder); !files.empty() && open(files.rbegin()->second).has_array("density"))
      all.merge(files);
  return all;
}

/// On one rank. Throws InputError without a place: `key` of problem.initial is what it is about.
fs::path choose(const fs::path& path, const Settings& settings, std::string& key) {
  key = settings.initial_step ? "step" : settings.initial_time ? "time" : "file";
  if (!fs::is_directory(path)) {
    if (key != "file") throw InputError(fmt::format("{}: a file has one density: give its folder", path.string()));
    return path;
  }
  const Series files = series_of(path);
  if (files.empty()) {
    key = "file";
    throw InputError(fmt::format("{}: there is no density of a run in it", path.string()));
  }
  const auto [first, last] = std::pair{files.begin()->first, files.rbegin()->first};
  if (settings.initial_step) {
    if (const auto found = files.find(*settings.initial_step); found != files.end()) return found->second;
    throw InputError(fmt::format("{}: there is no step {} (there are {}, {} to {})", path.string(),
                                 *settings.initial_step, files.size(), first, last));
  }
  if (!settings.initial_time) return files.rbegin()->second;
  const double wanted = *settings.initial_time;
  double nearest = HUGE_VAL, low = HUGE_VAL, high = -HUGE_VAL;
  fs::path best;
  for (const auto& [step, file] : files) {
    const double time = open(file).read_number("/", "time");
    low = std::min(low, time);
    high = std::max(high, time);
    if (!(std::abs(time - wanted) < std::abs(nearest - wanted))) continue;
    nearest = time;
    best = file;
  }
  if (std::abs(nearest - wanted) <= std::max(1e-9 * (high - low), 1e-14 * std::abs(wanted))) return best;
  throw InputError(fmt::format("{}: there is no time {} (the nearest is {})", path.string(), wanted, nearest));
}

}  // namespace

fs::path find_density(const CaseFile& file, const Settings& settings, const Communicator& comm) {
  const fs::path path = settings.initial_file;
  std::string chosen;
  io::on_root(comm, [&] {
    if (!fs::exists(path)) throw FileError(fmt::format("{}: no such file", path.string()));
    std::string key;
    try {
      chosen = choose(path, settings, key).string();
    } catch (const InputError& error) {
      throw file.error_at("problem.initial." + key, error.what());
    }
  });
  comm.broadcast(chosen);
  return chosen;
}

}  // namespace kolmo::density
