#include "case_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>

#include "kolmo/io/files.hpp"

namespace kolmo::drivers {

namespace {

struct Entry {
  std::string section, key, value;
  std::string path;  ///< with the number of the table in a list of tables
};

/// The keys of a text that CaseFile::effective wrote: one per line.
std::vector<Entry> entries_of(const std::string& text) {
  std::vector<Entry> entries;
  std::istringstream lines(text);
  std::string line, section, place;
  std::map<std::string, int> tables;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      const std::size_t begin = line.find_first_not_of('[');
      section = place = line.substr(begin, line.find(']') - begin);
      if (begin == 2) place += fmt::format("[{}]", tables[section]++);
      continue;
    }
    const std::size_t end = line.find_first_of(" =");
    const std::size_t value = line.find('=') == std::string::npos ? line.size() : line.find('=') + 1;
    const std::size_t start = std::min(line.find_first_not_of(' ', value), line.size());
    const std::string key = line.substr(0, end);
    entries.push_back({section, key, line.substr(start), place.empty() ? key : place + "." + key});
  }
  return entries;
}

// What may differ after a restart: these sections, the process grid, and of [time] all but the scheme and the start.
bool may_change(const Entry& entry) {
  for (const char* name : {"run", "case", "output", "solver", "reference", "exact"})
    if (entry.section == name || entry.section.rfind(std::string(name) + ".", 0) == 0) return entry.path != "case.kind";
  if (entry.section == "grid" && entry.key == "processes") return true;
  return entry.section == "time" && entry.key != "scheme" && entry.key != "start";
}

/// The text between the quotes of a TOML string.
std::string unquoted(const std::string& text) {
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

}  // namespace

std::string case_hash(const CaseFile& file) {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const Entry& entry : entries_of(file.effective())) {
    if (may_change(entry)) continue;
    for (const char c : entry.path + "=" + entry.value + "\n")
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return fmt::format("{:016x}", hash);
}

std::string CaseChange::text() const { return fmt::format("{}: {} -> {}", key, before, now); }

std::vector<CaseChange> case_changes(const std::filesystem::path& run_toml, const CaseFile& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(run_toml, ignored)) return {};
  std::map<std::string, CaseChange> all;
  for (const Entry& entry : entries_of(io::read_text_file(run_toml)))
    if (entry.section != "run") all[entry.path] = {entry.path, entry.value, "none", may_change(entry)};
  for (const Entry& entry : entries_of(file.effective())) {
    auto [place, added] = all.try_emplace(entry.path, CaseChange{entry.path, "none", "", may_change(entry)});
    place->second.now = entry.value;
  }
  std::vector<CaseChange> changes;
  for (const auto& [path, change] : all)
    if (change.before != change.now) changes.push_back(change);
  return changes;
}

std::vector<std::string> recorded_changes(const std::filesystem::path& run_toml) {
  std::vector<std::string> texts;
  std::error_code ignored;
  if (!std::filesystem::exists(run_toml, ignored)) return texts;
  for (const Entry& entry : entries_of(io::read_text_file(run_toml)))
    if (entry.section == "run" && entry.key.rfind("change_", 0) == 0) texts.push_back(unquoted(entry.value));
  return texts;
}

}  // namespace kolmo::drivers
