#include "kolmo/base/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "case_tree.hpp"

namespace kolmo {

namespace {

using detail::Component;
using detail::stands_for_names;

bool matches(const Schema& schema, const Component& pattern, const Component& concrete) {
  if ((pattern.index == -2) != (concrete.index >= 0)) return false;
  if (!stands_for_names(pattern.name)) return pattern.name == concrete.name;
  const auto set = schema.sets.find(pattern.name);
  return set == schema.sets.end() ||
         std::find(set->second.begin(), set->second.end(), concrete.name) != set->second.end();
}

/// Whether the first components of a key's path match the whole of a concrete path.
bool starts_with(const Schema& schema, const std::vector<Component>& pattern, const std::vector<Component>& concrete) {
  if (pattern.size() < concrete.size()) return false;
  for (std::size_t i = 0; i < concrete.size(); ++i)
    if (!matches(schema, pattern[i], concrete[i])) return false;
  return true;
}

}  // namespace

std::string Range::text() const {
  const bool lower = low > -std::numeric_limits<double>::infinity();
  const bool upper = high < std::numeric_limits<double>::infinity();
  if (lower && upper) return fmt::format("{} {} value {} {}", low, low_open ? "<" : "<=", high_open ? "<" : "<=", high);
  if (lower) return fmt::format("{} {}", low_open ? ">" : ">=", low);
  if (upper) return fmt::format("{} {}", high_open ? "<" : "<=", high);
  return {};
}

const Key* Schema::find(const std::string& path) const {
  const auto concrete = detail::split_path(path);
  const Key* found = nullptr;
  for (const Key& key : keys) {
    const auto pattern = detail::split_path(key.path);
    if (pattern.size() != concrete.size() || !starts_with(*this, pattern, concrete)) continue;
    if (!stands_for_names(pattern.back().name)) return &key;  // a literal name comes before a name of the user's choice
    if (!found) found = &key;
  }
  return found;
}

bool Schema::has_table(const std::string& path) const {
  const auto concrete = detail::split_path(path);
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    const auto pattern = detail::split_path(key.path);
    return pattern.size() > concrete.size() && starts_with(*this, pattern, concrete);
  });
}

bool Schema::has_array(const std::string& path) const { return has_table(path + "[0]"); }

std::vector<std::string> Schema::children(const std::string& table) const {
  const auto concrete = detail::split_path(table);
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Key& key : keys) {
    const auto pattern = detail::split_path(key.path);
    if (pattern.size() <= concrete.size() || !starts_with(*this, pattern, concrete)) continue;
    const std::string& name = pattern[concrete.size()].name;
    if (!stands_for_names(name)) {
      add(name);
    } else if (const auto set = sets.find(name); set != sets.end()) {
      for (const std::string& member : set->second) add(member);
    }
  }
  return names;
}

std::vector<const Key*> Schema::required_in(const std::string& table) const {
  const auto concrete = detail::split_path(table);
  std::vector<const Key*> required;
  for (const Key& key : keys) {
    const auto pattern = detail::split_path(key.path);
    if (key.required && pattern.size() == concrete.size() + 1 && starts_with(*this, pattern, concrete))
      required.push_back(&key);
  }
  return required;
}

std::string to_string(ValueType type) {
  switch (type) {
    case ValueType::table:
      return "table";
    case ValueType::number:
      return "number";
    case ValueType::integer:
      return "whole number";
    case ValueType::flag:
      return "true or false";
    case ValueType::text:
      return "text";
    case ValueType::path:
      return "path";
    case ValueType::expression:
      return "number or expression";
    case ValueType::numbers:
      return "list of numbers";
    case ValueType::integers:
      return "list of whole numbers";
    case ValueType::texts:
      return "list of texts";
    case ValueType::expressions:
      return "list of numbers or expressions";
    case ValueType::number_rows:
      return "list of lists of numbers";
    case ValueType::text_rows:
      return "list of lists of texts";
    case ValueType::tensor:
      return "number or expression, a list of them, or a list of equally long lists of them";
    case ValueType::any:
      return "anything";
  }
  return {};
}

namespace {

/// Damerau-Levenshtein distance with swaps of neighbours only.
int edit_distance(const std::string& a, const std::string& b) {
  const std::size_t n = b.size();
  std::vector<int> before(n + 1), above(n + 1), row(n + 1);
  for (std::size_t j = 0; j <= n; ++j) above[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[n];
}

}  // namespace

std::string nearest_name(const std::string& given, const std::vector<std::string>& names) {
  if (given.size() > 200) return {};
  std::string best;
  int least = 0;
  for (const std::string& name : names) {
    const int distance = edit_distance(given, name);
    if (best.empty() || distance < least) {
      best = name;
      least = distance;
    }
  }
  const int longest = static_cast<int>(std::max(given.size(), best.size()));
  return least <= std::max(1, longest / 3) ? best : std::string{};
}

namespace {

std::string allowed(const Key& key) {
  std::string text = key.range.text();
  for (const std::string& choice : key.choices) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", choice);
  if (key.length > 0) text += fmt::format("{}{} entries", text.empty() ? "" : "; ", key.length);
  return text;
}

std::string default_text(const Key& key) {
  if (key.fallback) return *key.fallback;
  return key.required ? "required" : "";
}

}  // namespace

std::string Schema::plain() const {
  std::string text = fmt::format("Keys of a case of kind \"{}\"\n", kind);
  for (const Key& key : keys) {
    text += fmt::format("\n{}\n    {}", key.path, to_string(key.type));
    if (key.unit != "-") text += fmt::format(", {}", key.unit);
    if (const std::string range = allowed(key); !range.empty()) text += fmt::format("; {}", range);
    if (const std::string fallback = default_text(key); !fallback.empty())
      text += key.fallback ? fmt::format("; default {}", fallback) : fmt::format("; {}", fallback);
    text += fmt::format("\n    {}\n", key.meaning);
  }
  for (const auto& [name, members] : sets) text += fmt::format("\n{} is one of {}\n", name, fmt::join(members, ", "));
  return text;
}

namespace {

/// A vertical bar would end the table's cell.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string Schema::markdown() const {
  std::string text, section;
  for (const Key& key : keys) {
    const std::string table = detail::split_path(key.path).front().name;
    if (table != section) {
      section = table;
      text += fmt::format(
          "\n### [{}]\n\n| key | type | unit | allowed | default | meaning |\n|---|---|---|---|---|---|\n", section);
    }
    const std::string fallback = key.fallback ? fmt::format("`{}`", *key.fallback) : default_text(key);
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", key.path, to_string(key.type), key.unit,
                        cell(allowed(key)), cell(fallback), cell(key.meaning));
  }
  text += "\n";
  for (const auto& [name, members] : sets) text += fmt::format("{} is one of {}.\n", name, fmt::join(members, ", "));
  return text;
}

}  // namespace kolmo
