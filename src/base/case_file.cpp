#include "kolmo/base/case_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "case_tree.hpp"

namespace kolmo {

using detail::Case;
using detail::Node;
using detail::NodeKind;

struct CaseFile::Content : detail::Case {
  std::optional<Communicator> comm;  ///< of `read`
};

namespace {

/// The bytes of a file, or why they cannot be had.
struct FileText {
  std::string bytes, error;
};

FileText read_bytes(const std::string& path) {
  constexpr std::size_t largest = 16u << 20;  // a case file is kilobytes: this is a wrong file
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return {{}, "is a folder, not a case file"};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return {{}, std::string("cannot be opened: ") + std::strerror(errno)};
  FileText result;
  char buffer[65536];
  std::size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0 && result.bytes.size() <= largest)
    result.bytes.append(buffer, count);
  if (std::ferror(file)) result.error = std::string("cannot be read: ") + std::strerror(errno);
  if (result.bytes.size() > largest) result.error = "is larger than 16 MiB: this is no case file";
  (void)std::fclose(file);
  return result;
}

/// Read on rank 0 and broadcast where there is a communicator.
FileText read_bytes(const std::string& path, const Communicator* comm) {
  FileText file;
  if (!comm || comm->root()) file = read_bytes(path);
  if (comm) {
    comm->broadcast(file.error);
    comm->broadcast(file.bytes);
  }
  return file;
}

const Schema& schema_of(const Case& content, const std::vector<const Schema*>& schemas) {
  std::vector<std::string> kinds;
  std::string list;
  for (const Schema* schema : schemas) {
    kinds.push_back(schema->kind);
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", schema->kind);
  }
  const Node* kind = detail::find_node(content.root, "case.kind");
  if (!kind)
    throw InputError(detail::error_line(content.name, content.nearest("case.kind"), false, "case.kind",
                                        fmt::format("missing key (text: {})", list)));
  for (const Schema* schema : schemas)
    if (kind->kind == NodeKind::text && kind->text == schema->kind) return *schema;
  const std::string near = kind->kind == NodeKind::text ? nearest_name(kind->text, kinds) : "";
  const std::string hint = near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near);
  throw InputError(
      detail::error_line(content.name, *kind, false, "case.kind",
                         fmt::format("unknown value {} ({}allowed: {})", detail::shown(*kind), hint, list)));
}

const Key& key_of(const Case& content, const std::string& path) {
  const Key* key = content.schema->find(path);
  if (!key) throw InternalError(fmt::format("the key {} is not in the schema of kind {}", path, content.kind));
  return *key;
}

/// The value of a path: the node of the file, or one made of the schema's default.
Node value_of(const Case& content, const std::string& path) {
  if (const Node* given = detail::find_node(content.root, path)) return *given;
  const Key& key = key_of(content, path);
  if (!key.fallback)
    throw InputError(detail::error_line(content.name, content.nearest(path), false, path,
                                        fmt::format("missing key ({})", to_string(key.type))));
  Node table;
  detail::apply_override(table, "value=" + *key.fallback);
  return *table.member("value");
}

Expression expression_of(const Case& content, const Node& node, const std::string& path,
                         const Expression::Variables& variables) {
  const Key& key = key_of(content, path);
  if (node.kind != NodeKind::text) return Expression(content.number_of(node, key, path));
  Node place = node;
  std::string reason;
  try {
    Expression expression(node.text, content.parameters, variables);
    if (!expression.constant() || key.range.contains(expression.value())) return expression;
    reason = fmt::format("must be {} (given {} = {})", key.range.text(), detail::shown(node), expression.value());
  } catch (const ExpressionError& error) {
    reason = error.reason();
    if (reason.starts_with("unknown name"))
      reason += fmt::format(" (variables: {}; parameters from the case)", fmt::join(variables, ", "));
    if (error.position() > 0 && node.text.find('\n') == std::string::npos) place.column += 1 + error.position();
  }
  throw InputError(detail::error_line(content.name, place, false, path, reason));
}

}  // namespace

CaseFile CaseFile::read(const Communicator& comm, const std::string& path, const std::vector<std::string>& overrides,
                        const std::vector<const Schema*>& schemas) {
  const FileText file = read_bytes(path, &comm);
  if (!file.error.empty()) throw InputError(detail::one_line(path + ": " + file.error));
  CaseFile result = parse(file.bytes, path, overrides, schemas);
  auto content = std::make_shared<Content>(*result.content_);
  content->comm = comm;
  return CaseFile(std::move(content));
}

CaseFile CaseFile::parse(const std::string& text, const std::string& name, const std::vector<std::string>& overrides,
                         const std::vector<const Schema*>& schemas) {
  auto content = std::make_shared<Content>();
  content->name = name;
  std::error_code failure;
  content->folder = std::filesystem::absolute(name, failure).parent_path().string();
  content->bytes = text;
  content->root = detail::parse_toml(text, name);
  for (const std::string& assignment : overrides) detail::apply_override(content->root, assignment);
  content->schema = &schema_of(*content, schemas);
  content->kind = content->schema->kind;
  detail::read_parameters(*content);
  detail::check_case(*content, schemas);
  return CaseFile(std::move(content));
}

const std::string& CaseFile::name() const { return content_->name; }
const std::string& CaseFile::kind() const { return content_->kind; }
const std::string& CaseFile::text() const { return content_->bytes; }
const Schema& CaseFile::schema() const { return *content_->schema; }
Communicator CaseFile::communicator() const { return content_->comm ? *content_->comm : Communicator(MPI_COMM_SELF); }
const std::map<std::string, double>& CaseFile::parameters() const { return content_->parameters; }

bool CaseFile::has(const std::string& path) const { return detail::find_node(content_->root, path) != nullptr; }

int CaseFile::size(const std::string& path) const {
  const Node* node = detail::find_node(content_->root, path);
  return node ? static_cast<int>(node->items.size()) : 0;
}

std::vector<std::string> CaseFile::names(const std::string& path) const {
  std::vector<std::string> found;
  if (const Node* node = detail::find_node(content_->root, path))
    for (const auto& [name, child] : node->members) found.push_back(name);
  return found;
}

double CaseFile::number(const std::string& path) const {
  return content_->number_of(value_of(*content_, path), key_of(*content_, path), path);
}

std::int64_t CaseFile::integer(const std::string& path) const {
  return content_->integer_of(value_of(*content_, path), key_of(*content_, path), path);
}

bool CaseFile::flag(const std::string& path) const { return value_of(*content_, path).flag; }

std::string CaseFile::text(const std::string& path) const { return value_of(*content_, path).text; }

std::string CaseFile::file_path(const std::string& path) const {
  return (std::filesystem::path(content_->folder) / text(path)).lexically_normal().string();
}

std::vector<double> CaseFile::numbers(const std::string& path) const {
  std::vector<double> values;
  for (const Node& item : value_of(*content_, path).items)
    values.push_back(content_->number_of(item, key_of(*content_, path), path));
  return values;
}

std::vector<std::int64_t> CaseFile::integers(const std::string& path) const {
  std::vector<std::int64_t> values;
  for (const Node& item : value_of(*content_, path).items)
    values.push_back(content_->integer_of(item, key_of(*content_, path), path));
  return values;
}

std::vector<std::string> CaseFile::texts(const std::string& path) const {
  std::vector<std::string> values;
  for (const Node& item : value_of(*content_, path).items) values.push_back(item.text);
  return values;
}

Expression CaseFile::expression(const std::string& path, const Expression::Variables& variables) const {
  return expression_of(*content_, value_of(*content_, path), path, variables);
}

std::vector<Expression> CaseFile::expressions(const std::string& path, const Expression::Variables& variables) const {
  std::vector<Expression> values;
  for (const Node& item : value_of(*content_, path).items)
    values.push_back(expression_of(*content_, item, path, variables));
  return values;
}

std::vector<std::vector<double>> CaseFile::number_rows(const std::string& path) const {
  std::vector<std::vector<double>> rows;
  for (const Node& row : value_of(*content_, path).items) {
    rows.emplace_back();
    for (const Node& item : row.items) rows.back().push_back(content_->number_of(item, key_of(*content_, path), path));
  }
  return rows;
}

std::vector<std::vector<std::string>> CaseFile::text_rows(const std::string& path) const {
  std::vector<std::vector<std::string>> rows;
  for (const Node& row : value_of(*content_, path).items) {
    rows.emplace_back();
    for (const Node& item : row.items) rows.back().push_back(item.text);
  }
  return rows;
}

ExpressionTensor CaseFile::tensor(const std::string& path, const Expression::Variables& variables) const {
  const Node node = value_of(*content_, path);
  ExpressionTensor tensor;
  if (node.kind != NodeKind::array) {
    tensor.entries.push_back(expression_of(*content_, node, path, variables));
    return tensor;
  }
  tensor.depth = 1;
  tensor.rows = static_cast<int>(node.items.size());
  for (const Node& item : node.items) {
    if (item.kind == NodeKind::array) {
      tensor.depth = 2;
      tensor.columns = static_cast<int>(item.items.size());
      for (const Node& entry : item.items) tensor.entries.push_back(expression_of(*content_, entry, path, variables));
    } else {
      tensor.entries.push_back(expression_of(*content_, item, path, variables));
    }
  }
  return tensor;
}

InputError CaseFile::error_at(const std::string& path, const std::string& reason) const {
  return InputError(detail::error_line(content_->name, content_->nearest(path), false, path, reason));
}

namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

/// Writes the effective values of a case as TOML, section by section.
class Writer {
 public:
  explicit Writer(const Case& content) : content_(content) {}

  std::string write() {
    for (const Key& key : content_.schema->keys) {
      const auto parts = detail::split_path(key.path);
      if (key.type != ValueType::any && key.type != ValueType::table) expand(key, parts, 0, "");
    }
    return text_;
  }

 private:
  /// Every concrete path of a key: names of the user's choice as they are given, arrays of tables written once as a
  /// whole.
  void expand(const Key& key, const std::vector<detail::Component>& parts, std::size_t depth, const std::string& path) {
    if (depth == parts.size()) return leaf(key, path);
    if (depth > 0 && left_out(path)) return;
    const std::string& name = parts[depth].name;
    if (parts[depth].index == -2) return array(detail::join(path, name));
    if (!detail::stands_for_names(name)) return expand(key, parts, depth + 1, detail::join(path, name));
    if (const Node* table = detail::find_node(content_.root, path))
      for (const auto& [child, node] : table->members)
        if (expands_to(key, detail::join(path, child), depth)) expand(key, parts, depth + 1, detail::join(path, child));
  }

  bool expands_to(const Key& key, const std::string& path, std::size_t depth) const {
    const auto set = content_.schema->sets.find(detail::split_path(key.path)[depth].name);
    const std::string name = detail::split_path(path).back().name;
    return set == content_.schema->sets.end() || std::count(set->second.begin(), set->second.end(), name) > 0;
  }

  /// A table that may be left out as a whole, and is.
  bool left_out(const std::string& path) const {
    const Key* key = content_.schema->find(path);
    return key && key->type == ValueType::table && !detail::find_node(content_.root, path);
  }

  void leaf(const Key& key, const std::string& path) {
    const Node* given = detail::find_node(content_.root, path);
    if (given ? given->kind == NodeKind::table : !key.fallback) return;  // a table's keys are written one by one
    line(path, render(value_of(content_, path), key, path));
  }

  void array(const std::string& path) {
    const Node* node = detail::find_node(content_.root, path);
    if (!node || written_.contains(path)) return;
    written_[path] = true;
    if (path.find('.') == std::string::npos) return sections(path, node->items.size());
    std::string text;
    for (std::size_t i = 0; i < node->items.size(); ++i)
      text += fmt::format("{}{{ {} }}", i ? ", " : "", entry(fmt::format("{}[{}]", path, i), ", "));
    line(path, "[" + text + "]");
  }

  /// An array of tables at the top stands as [[name]] sections: as a value it would need a section of its own name.
  void sections(const std::string& path, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      text_ += fmt::format("\n[[{}]]\n{}\n", path, entry(fmt::format("{}[{}]", path, i), "\n"));
    section_.clear();
  }

  std::string entry(const std::string& path, const std::string& separator) const {
    std::string text;
    for (const std::string& name : content_.schema->children(path)) {
      const std::string child = detail::join(path, name);
      const Key* key = content_.schema->find(child);
      if (!key || (!detail::find_node(content_.root, child) && !key->fallback)) continue;
      text +=
          fmt::format("{}{} = {}", text.empty() ? "" : separator, name, render(value_of(content_, child), *key, child));
    }
    return text;
  }

  std::string render(const Node& node, const Key& key, const std::string& path) const {
    if (node.kind == NodeKind::array) {
      std::string text;
      for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + render(item, key, path);
      return "[" + text + "]";
    }
    if (key.type == ValueType::path)
      return quoted((std::filesystem::path(content_.folder) / node.text).lexically_normal().string());
    if (node.kind == NodeKind::flag) return node.flag ? "true" : "false";
    if (node.kind == NodeKind::text) return quoted(node.text);
    return detail::shown(node);
  }

  void line(const std::string& path, const std::string& value) {
    const std::size_t dot = path.find('.');
    const std::string section = path.substr(0, dot);
    if (section != section_) text_ += fmt::format("{}[{}]\n", text_.empty() ? "" : "\n", section);
    section_ = section;
    text_ += fmt::format("{} = {}\n", path.substr(dot + 1), value);
  }

  const Case& content_;
  std::string text_, section_;
  std::map<std::string, bool> written_;
};

}  // namespace

std::string CaseFile::effective(const std::vector<std::pair<std::string, std::string>>& run_facts) const {
  std::string text = Writer(*content_).write();
  if (!run_facts.empty()) text += "\n[run]\n";
  for (const auto& [name, value] : run_facts) text += fmt::format("{} = {}\n", name, quoted(value));
  return text;
}

}  // namespace kolmo
