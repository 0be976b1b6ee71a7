#include "case_tree.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "kolmo/base/error.hpp"

namespace kolmo::detail {

const Node* Node::member(const std::string& name) const {
  for (const auto& [key, node] : members)
    if (key == name) return &node;
  return nullptr;
}

std::vector<Component> split_path(const std::string& path) {
  std::vector<Component> parts;
  std::size_t begin = 0;
  while (begin <= path.size() && !path.empty()) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    Component part{path.substr(begin, end - begin), -1};
    const std::size_t bracket = part.name.find('[');
    if (bracket != std::string::npos && part.name.back() == ']') {
      const std::string digits = part.name.substr(bracket + 1, part.name.size() - bracket - 2);
      if (digits.empty()) {
        part.index = -2;
      } else if (digits.size() < 7 && digits.find_first_not_of("0123456789") == std::string::npos) {
        part.index = std::stoi(digits);
      }
      if (part.index != -1) part.name.resize(bracket);
    }
    parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

bool stands_for_names(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string join(const std::string& table, const std::string& name) {
  return table.empty() ? name : table + "." + name;
}

const Node* find_node(const Node& root, const std::string& path) {
  const Node* node = &root;
  for (const Component& part : split_path(path)) {
    node = node->kind == NodeKind::table ? node->member(part.name) : nullptr;
    if (node && part.index >= 0)
      node = node->kind == NodeKind::array && part.index < static_cast<int>(node->items.size())
                 ? &node->items[part.index]
                 : nullptr;
    if (!node) return nullptr;
  }
  return node;
}

std::string one_line(const std::string& text) {
  std::string line = text;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

std::string error_line(const std::string& name, const Node& node, bool at_key, const std::string& key,
                       const std::string& reason) {
  const std::string place = !node.origin.empty() ? node.origin
                            : at_key             ? fmt::format("{}:{}:{}", name, node.key_line, node.key_column)
                                                 : fmt::format("{}:{}:{}", name, node.line, node.column);
  return one_line(fmt::format("{}: {}: {}", place, key, reason));
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case NodeKind::table:
      return "a table";
    case NodeKind::array:
      return fmt::format("a list of {}", node.items.size());
    case NodeKind::integer:
      return fmt::format("{}", node.integer);
    case NodeKind::real:
      return fmt::format("{}", node.real);
    case NodeKind::flag:
      return node.flag ? "true" : "false";
    case NodeKind::date:
      return "a date";
    case NodeKind::text:
      break;
  }
  constexpr std::size_t longest = 60;
  std::size_t length = std::min(node.text.size(), longest);
  while (length > 0 && length < node.text.size() && (node.text[length] & 0xC0) == 0x80)
    --length;  // whole UTF-8 characters
  return fmt::format("\"{}{}\"", node.text.substr(0, length), length < node.text.size() ? "..." : "");
}

namespace {

void set_place(Node& node, const toml::source_region& source) {
  if (!source.begin) return;
  node.line = static_cast<int>(source.begin.line);
  node.column = static_cast<int>(source.begin.column);
}

Node converted(const toml::node& value);

Node converted_table(const toml::table& table) {
  Node node;
  for (const auto& [key, value] : table) {
    Node child = converted(value);
    if (const auto begin = key.source().begin) {
      child.key_line = static_cast<int>(begin.line);
      child.key_column = static_cast<int>(begin.column);
    }
    if (!value.source().begin) {
      child.line = child.key_line;
      child.column = child.key_column;
    }
    node.members.push_back({std::string(key.str()), std::move(child)});
  }
  std::stable_sort(node.members.begin(), node.members.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.key_line, a.second.key_column) < std::pair(b.second.key_line, b.second.key_column);
  });
  return node;
}

Node converted(const toml::node& value) {
  Node node;
  if (const auto* table = value.as_table()) {
    node = converted_table(*table);
  } else if (const auto* array = value.as_array()) {
    node.kind = NodeKind::array;
    for (const auto& item : *array) node.items.push_back(converted(item));
    for (Node& item : node.items) {
      item.key_line = item.line;
      item.key_column = item.column;
    }
  } else if (const auto* text = value.as_string()) {
    node.kind = NodeKind::text;
    node.text = text->get();
  } else if (const auto* integer = value.as_integer()) {
    node.kind = NodeKind::integer;
    node.integer = integer->get();
  } else if (const auto* real = value.as_floating_point()) {
    node.kind = NodeKind::real;
    node.real = real->get();
  } else if (const auto* flag = value.as_boolean()) {
    node.kind = NodeKind::flag;
    node.flag = flag->get();
  } else {
    node.kind = NodeKind::date;
  }
  set_place(node, value.source());
  return node;
}

std::size_t offset_of_line(const std::string& text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line && begin < text.size(); ++i) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  return begin;
}

bool line_begins_with(const std::string& text, int line, char mark) {
  const std::size_t first = text.find_first_not_of(" \t", offset_of_line(text, line));
  return first != std::string::npos && text[first] == mark;
}

/// Column where the name begins that toml++ found given twice at the end of its value; the column itself if it is not
/// seen.
int column_of_key(const std::string& text, int line, int column, const std::string& name) {
  std::size_t begin = 0;
  for (int i = 1; i < line && begin != std::string::npos; ++i) begin = text.find('\n', begin) + 1;
  const std::string until =
      text.substr(std::min(begin, text.size()), static_cast<std::size_t>(std::max(column - 1, 0)));
  const std::size_t found = until.rfind(name);
  return found == std::string::npos || until.find('\n') != std::string::npos ? column : static_cast<int>(found) + 1;
}

/// The table header above a line of the file, for a key that toml++ names without its table; empty at the top.
std::string header_above(const std::string& text, int line) {
  std::string header;
  std::size_t begin = 0;
  for (int i = 1; i < line && begin < text.size(); ++i) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::size_t first = text.find_first_not_of(" \t", begin);
    if (first < end && text[first] == '[') {
      const std::size_t from = text.find_first_not_of('[', first), to = text.find(']', first);
      if (from < to && to < end) header = text.substr(from, to - from);
    }
    begin = end + 1;
  }
  return header;
}

/// "cannot redefine existing integer 'name' as ..." becomes "given twice", with the full key where the line shows it.
[[noreturn]] void throw_syntax_error(const toml::parse_error& error, const std::string& text, const std::string& name) {
  const std::string message(error.description());
  Node place;
  set_place(place, error.source());
  const std::size_t redefined = message.find("cannot redefine existing");
  const std::size_t open = message.find('\'', redefined == std::string::npos ? 0 : redefined);
  const std::size_t close = open == std::string::npos ? open : message.find('\'', open + 1);
  if (redefined != std::string::npos && close != std::string::npos) {
    std::string key = message.substr(open + 1, close - open - 1);
    place.column = column_of_key(text, place.line, place.column, key);
    const bool is_header = line_begins_with(text, place.line, '[');
    if (!is_header) key = join(header_above(text, place.line), key);
    throw InputError(error_line(name, place, false, key, "given twice"));
  }
  throw InputError(error_line(name, place, false, "TOML syntax", message));
}

Node override_value(const std::string& value) {
  try {
    scan_bytes(value, "--set");
    const toml::table parsed = toml::parse("value = " + value);
    if (const auto* node = parsed.get("value"); node && parsed.size() == 1) return converted(*node);
  } catch (const toml::parse_error&) {
    // Not a TOML value: a bare word or an expression, meant as text.
  } catch (const InputError&) {
    // The same, with characters outside of ASCII.
  }
  Node node;
  node.kind = NodeKind::text;
  node.text = value;
  return node;
}

void mark_origin(Node& node, const std::string& origin) {
  node.origin = origin;
  for (auto& [key, child] : node.members) mark_origin(child, origin);
  for (Node& item : node.items) mark_origin(item, origin);
}

/// The table or entry that a component of an override's path names; tables are made where they are missing.
Node& descend(Node& node, const Component& part, const std::string& origin) {
  if (node.kind != NodeKind::table)
    throw InputError(one_line(fmt::format("{}: {} is not in a table", origin, part.name)));
  Node* child = node.member(part.name);
  if (!child) {
    Node table;
    table.origin = origin;
    node.members.push_back({part.name, std::move(table)});
    child = &node.members.back().second;
  }
  if (part.index == -1) return *child;
  if (child->kind != NodeKind::array || part.index < 0 || part.index >= static_cast<int>(child->items.size()))
    throw InputError(one_line(fmt::format("{}: {} has no entry [{}]", origin, part.name, part.index)));
  return child->items[part.index];
}

}  // namespace

Node parse_toml(const std::string& text, const std::string& name) {
  scan_bytes(text, name);
  try {
    Node root = converted_table(toml::parse(text));
    root.line = root.column = 1;
    return root;
  } catch (const toml::parse_error& error) {
    throw_syntax_error(error, text, name);
  }
}

void apply_override(Node& root, const std::string& text) {
  const std::string origin = "--set " + text;
  const std::size_t equals = text.find('=');
  const std::vector<Component> parts = split_path(text.substr(0, equals));
  const bool named = !parts.empty() &&
                     std::none_of(parts.begin(), parts.end(), [](const Component& part) { return part.name.empty(); });
  if (equals == std::string::npos || !named)
    throw InputError(one_line(fmt::format("{}: expected --set table.key=value", origin)));
  Node* table = &root;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) table = &descend(*table, parts[i], origin);
  const std::string value = text.substr(equals + 1);
  if (value.empty() && parts.back().index == -1) {
    std::erase_if(table->members, [&](const auto& member) { return member.first == parts.back().name; });
    return;
  }
  Node& target = descend(*table, parts.back(), origin);
  target = override_value(value);
  mark_origin(target, origin);
}

}  // namespace kolmo::detail
