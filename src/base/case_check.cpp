// The checks of a case file against its schema: every key known, given where it must be, of its type and in its range.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "case_tree.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/base/expression.hpp"

namespace kolmo::detail {

namespace {

InputError value_error(const Case& content, const Node& node, const std::string& path, const std::string& reason) {
  return InputError(error_line(content.name, node, false, path, reason));
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", name);
  return text;
}

InputError type_error(const Case& content, const Node& node, const Key& key, const std::string& path) {
  return value_error(content, node, path, fmt::format("expected {} (given {})", to_string(key.type), shown(node)));
}

double constant_of(const Case& content, const Node& node, const Key& key, const std::string& path) {
  try {
    return Expression(node.text, content.parameters, {}).value();
  } catch (const ExpressionError& error) {
    Node place = node;
    if (error.position() > 0 && node.text.find('\n') == std::string::npos) place.column += 1 + error.position();
    throw value_error(content, place, path,
                      fmt::format("{}; expected a {} (given {})", error.reason(), to_string(key.type), shown(node)));
  }
}

void check_range(const Case& content, const Node& node, const Key& key, const std::string& path, double value) {
  if (!std::isfinite(value)) throw value_error(content, node, path, fmt::format("must be finite (given {})", value));
  if (!key.range.contains(value))
    throw value_error(content, node, path, fmt::format("must be {} (given {})", key.range.text(), shown(node)));
}

void check_choice(const Case& content, const Node& node, const Key& key, const std::string& path) {
  if (node.kind != NodeKind::text) throw type_error(content, node, key, path);
  if (key.choices.empty() || std::count(key.choices.begin(), key.choices.end(), node.text)) return;
  const std::string near = nearest_name(node.text, key.choices);
  const std::string hint = near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near);
  throw value_error(content, node, path,
                    fmt::format("unknown value {} ({}allowed: {})", shown(node), hint, quoted_list(key.choices)));
}

void check_scalar(const Case& content, const Node& node, const Key& key, const std::string& path, ValueType type) {
  switch (type) {
    case ValueType::number:
      content.number_of(node, key, path);
      break;
    case ValueType::integer:
      content.integer_of(node, key, path);
      break;
    case ValueType::flag:
      if (node.kind != NodeKind::flag) throw type_error(content, node, key, path);
      break;
    case ValueType::text:
    case ValueType::path:
      check_choice(content, node, key, path);
      break;
    case ValueType::expression:
      if (node.kind == NodeKind::text) break;  // compiled when the value is asked for: the variables are known then
      if (node.kind != NodeKind::integer && node.kind != NodeKind::real) throw type_error(content, node, key, path);
      content.number_of(node, key, path);
      break;
    default:
      throw type_error(content, node, key, path);
  }
}

ValueType entry_type(ValueType list) {
  switch (list) {
    case ValueType::numbers:
      return ValueType::number;
    case ValueType::integers:
      return ValueType::integer;
    case ValueType::texts:
      return ValueType::text;
    case ValueType::expressions:
      return ValueType::expression;
    case ValueType::number_rows:
      return ValueType::numbers;
    case ValueType::text_rows:
      return ValueType::texts;
    default:
      return ValueType::any;
  }
}

void check_list(const Case& content, const Node& node, const Key& key, const std::string& path, ValueType type) {
  const ValueType entry = entry_type(type);
  if (entry == ValueType::any) return check_scalar(content, node, key, path, type);
  if (node.kind != NodeKind::array) throw type_error(content, node, key, path);
  for (const Node& item : node.items) check_list(content, item, key, path, entry);
}

/// A value, a list, or a list of lists, which must then be equally long.
void check_tensor(const Case& content, const Node& node, const Key& key, const std::string& path) {
  if (node.kind != NodeKind::array) return check_scalar(content, node, key, path, ValueType::expression);
  const bool nested = !node.items.empty() && node.items.front().kind == NodeKind::array;
  for (const Node& item : node.items) {
    if ((item.kind == NodeKind::array) != nested) throw type_error(content, item, key, path);
    if (nested && item.items.size() != node.items.front().items.size())
      throw value_error(content, item, path,
                        fmt::format("expected {} entries as in the row above (given {})",
                                    node.items.front().items.size(), item.items.size()));
    check_list(content, item, key, path, nested ? ValueType::expressions : ValueType::expression);
  }
}

void check_value(const Case& content, const Node& node, const Key& key, const std::string& path) {
  if (key.type == ValueType::any) return;
  if (key.type == ValueType::tensor) return check_tensor(content, node, key, path);
  if (entry_type(key.type) == ValueType::any) return check_scalar(content, node, key, path, key.type);
  if (node.kind != NodeKind::array) throw type_error(content, node, key, path);
  const int count = static_cast<int>(node.items.size());
  if (key.length > 0 && count != key.length)
    throw value_error(content, node, path, fmt::format("expected {} entries (given {})", key.length, count));
  check_list(content, node, key, path, key.type);
}

/// Where else the name is at home: another table of this kind, or another kind of run.
std::string home_of(const Case& content, const std::string& path, const std::vector<const Schema*>& schemas) {
  const std::string name = split_path(path).back().name;
  for (const Schema* other : schemas)
    if (other != content.schema && (other->find(path) || other->has_table(path)))
      return fmt::format("a key of kind \"{}\"; this case is of kind \"{}\"", other->kind, content.kind);
  for (const Key& key : content.schema->keys)
    if (split_path(key.path).back().name == name && key.path.find('[') == std::string::npos)
      return fmt::format("did you mean {}?", key.path);
  return {};
}

InputError unknown_key(const Case& content, const Node& node, const std::string& table, const std::string& name,
                       const std::vector<const Schema*>& schemas) {
  const std::string path = join(table, name);
  const std::vector<std::string> known = content.schema->children(table);
  std::string hint;
  if (const std::string near = nearest_name(name, known); !near.empty())
    hint = fmt::format("did you mean {}?", join(table, near));
  if (hint.empty()) hint = home_of(content, path, schemas);
  if (hint.empty() && known.size() <= 14) hint = fmt::format("known here: {}", fmt::join(known, ", "));
  return InputError(
      error_line(content.name, node, true, path, "unknown key" + (hint.empty() ? "" : fmt::format(" ({})", hint))));
}

bool plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

class Checker {
 public:
  Checker(const Case& content, const std::vector<const Schema*>& schemas) : content_(content), schemas_(schemas) {}

  void table(const Node& node, const std::string& path) const {
    for (const auto& [name, child] : node.members) member(child, path, name);
    for (const Key* key : content_.schema->required_in(path)) {
      const std::string name = split_path(key->path).back().name;
      if (!node.member(name)) throw value_error(content_, node, join(path, name), missing(*key));
    }
  }

 private:
  static std::string missing(const Key& key) {
    if (key.type == ValueType::table) return "missing table";
    std::string what = to_string(key.type);
    if (key.unit != "-") what += ", " + key.unit;
    if (!key.range.unlimited()) what += ", " + key.range.text();
    if (!key.choices.empty()) what += ": " + quoted_list(key.choices);
    return fmt::format("missing key ({})", what);
  }

  void member(const Node& node, const std::string& table_path, const std::string& name) const {
    const Schema& schema = *content_.schema;
    const std::string path = join(table_path, name);
    if (!plain_name(name)) throw unknown_key(content_, node, table_path, name, schemas_);
    const Key* key = schema.find(path);
    if (key && key->type == ValueType::any) return;
    const bool is_table = schema.has_table(path), is_array = schema.has_array(path);
    if (is_array) {
      entries(node, path);
    } else if (is_table && node.kind == NodeKind::table) {
      table(node, path);
    } else if (is_table && (!key || key->type == ValueType::table)) {
      throw value_error(content_, node, path, fmt::format("expected a table (given {})", shown(node)));
    } else if (key) {
      check_value(content_, node, *key, path);
    } else {
      throw unknown_key(content_, node, table_path, name, schemas_);
    }
  }

  void entries(const Node& node, const std::string& path) const {
    if (node.kind != NodeKind::array)
      throw value_error(content_, node, path, fmt::format("expected a list of tables (given {})", shown(node)));
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string entry = fmt::format("{}[{}]", path, i);
      if (node.items[i].kind != NodeKind::table)
        throw value_error(content_, node.items[i], entry,
                          fmt::format("expected a table (given {})", shown(node.items[i])));
      table(node.items[i], entry);
    }
  }

  const Case& content_;
  const std::vector<const Schema*>& schemas_;
};

}  // namespace

double Case::number_of(const Node& node, const Key& key, const std::string& path) const {
  double value = 0.0;
  switch (node.kind) {
    case NodeKind::integer:
      value = static_cast<double>(node.integer);
      break;
    case NodeKind::real:
      value = node.real;
      break;
    case NodeKind::text:
      value = constant_of(*this, node, key, path);
      break;
    default:
      throw type_error(*this, node, key, path);
  }
  check_range(*this, node, key, path, value);
  return value;
}

std::int64_t Case::integer_of(const Node& node, const Key& key, const std::string& path) const {
  const double value = number_of(node, key, path);
  if (node.kind == NodeKind::integer) return node.integer;
  constexpr double exact = 9007199254740992.0;  // 2^53: every whole number below has its own double
  if (value != std::floor(value) || std::abs(value) > exact)
    throw value_error(*this, node, path, fmt::format("expected a whole number (given {})", shown(node)));
  return static_cast<std::int64_t>(value);
}

const Node& Case::nearest(const std::string& path) const {
  std::string at = path;
  while (true) {
    if (const Node* node = find_node(root, at)) return *node;
    if (!at.empty() && at.back() == ']' && at.rfind('[') > at.rfind('.') + 1) {
      at.resize(at.rfind('['));
    } else {
      const std::size_t dot = at.rfind('.');
      if (dot == std::string::npos) return root;
      at.resize(dot);
    }
  }
}

void read_parameters(Case& content) {
  if (content.schema->parameters_table.empty()) return;
  const std::string table = content.schema->parameters_table;
  const Node* node = find_node(content.root, table);
  if (!node || node->kind != NodeKind::table) return;  // a wrong kind is reported by the checks
  std::vector<Member> pending = node->members;
  for (const auto& [name, value] : pending) {
    try {
      (void)Expression("0", {{name, 0.0}});
    } catch (const ExpressionError& error) {
      throw InputError(error_line(content.name, value, true, join(table, name), error.reason()));
    }
  }
  // A parameter may use others, in any order: take those that can be evaluated until none is left.
  while (!pending.empty()) {
    const std::size_t before = pending.size();
    std::erase_if(pending, [&](const auto& entry) {
      const std::string path = join(table, entry.first);
      const Key* key = content.schema->find(path);
      if (!key) return true;
      try {
        const double value = content.number_of(entry.second, *key, path);
        content.parameters[entry.first] = value;
        return true;
      } catch (const InputError&) {
        return false;
      }
    });
    if (pending.size() == before) {
      const std::string path = join(table, pending.front().first);
      (void)content.number_of(pending.front().second, *content.schema->find(path), path);  // throws the reason
    }
  }
}

void check_case(const Case& content, const std::vector<const Schema*>& schemas) {
  Checker(content, schemas).table(content.root, "");
}

}  // namespace kolmo::detail
