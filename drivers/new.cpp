#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "commands.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/schema.hpp"

namespace kolmo::drivers {

namespace {

namespace fs = std::filesystem;

/// The shipped cases: of the installation if the program stands in PREFIX/bin, else of the source it was built from.
fs::path cases_folder() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  const fs::path installed = program.parent_path().parent_path() / "share" / "kolmo" / "cases";
  return fs::is_directory(installed, failure) ? installed : fs::path(KOLMO_SOURCE_DIR) / "cases";
}

std::vector<std::string> shipped_cases(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure))
    if (fs::exists(entry.path() / "case.toml", failure)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Of all names, or of their beginnings ("cavty": cavity2d, cavity3d); empty where none is near.
std::string nearest_case(const std::string& given, const std::vector<std::string>& names) {
  if (const std::string near = nearest_name(given, names); !near.empty()) return near;
  const auto beginning = [](const std::string& name) { return name.substr(0, name.find_first_of("_0123456789")); };
  std::vector<std::string> beginnings, found;
  for (const std::string& name : names) beginnings.push_back(beginning(name));
  const std::string near = nearest_name(given, beginnings);
  for (const std::string& name : names)
    if (!near.empty() && beginning(name) == near) found.push_back(name);
  return fmt::format("{}", fmt::join(found, " or "));
}

}  // namespace

int new_case(const CommandLine& line) {
  const fs::path folder = cases_folder();
  const std::vector<std::string> names = shipped_cases(folder);
  if (names.empty()) throw FileError(fmt::format("kolmo new: no shipped cases in {}", folder.string()));
  if (line.name.empty()) {
    fmt::print("{}\n", fmt::join(names, "\n"));
    return 0;
  }
  if (!std::count(names.begin(), names.end(), line.name)) {
    const std::string near = nearest_case(line.name, names);
    throw InputError(fmt::format(
        "kolmo new: unknown case {} ({})", line.name,
        near.empty() ? fmt::format("known: {}", fmt::join(names, ", ")) : fmt::format("did you mean {}?", near)));
  }
  std::ifstream stream(folder / line.name / "case.toml");
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) throw FileError(fmt::format("cannot read {}", (folder / line.name / "case.toml").string()));
  fmt::print("{}", text.str());
  return 0;
}

}  // namespace kolmo::drivers
