#include "kolmo/io/summary.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

using Json = nlohmann::ordered_json;

struct TreeJson {
  static Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

  struct Writer {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(std::int64_t value) const { return value; }
    Json operator()(double value) const { return number(value); }
    Json operator()(const std::string& value) const { return value; }
    Json operator()(const std::vector<double>& values) const {
      Json list = Json::array();
      for (double value : values) list.push_back(number(value));
      return list;
    }
    Json operator()(const Tree::Children& children) const {
      Json object = Json::object();
      for (const auto& [name, child] : children) object[name] = to_json(child);
      return object;
    }
  };
  static Json to_json(const Tree& tree) { return std::visit(Writer{}, tree.value_); }

  static Tree from_json(const Json& json) {
    Tree tree;
    if (json.is_boolean()) tree = json.get<bool>();
    if (json.is_number_float()) tree = json.get<double>();
    if (json.is_number_integer()) tree = json.get<std::int64_t>();
    if (json.is_string()) tree = json.get<std::string>();
    if (json.is_array()) {
      std::vector<double> values;
      for (const Json& entry : json) values.push_back(entry.is_number() ? entry.get<double>() : std::nan(""));
      tree = std::move(values);
    }
    if (json.is_object()) {
      tree.value_ = Tree::Children{};
      for (const auto& [name, child] : json.items()) tree[name] = from_json(child);
    }
    return tree;
  }
};

Tree& Tree::operator[](const std::string& name) {
  if (!std::holds_alternative<Children>(value_)) value_ = Children{};
  auto& children = std::get<Children>(value_);
  for (auto& [key, child] : children)
    if (key == name) return child;
  return children.emplace_back(name, Tree()).second;
}

Tree& Tree::operator=(bool value) {
  value_ = value;
  return *this;
}
Tree& Tree::operator=(std::int64_t value) {
  value_ = value;
  return *this;
}
Tree& Tree::operator=(double value) {
  value_ = value;
  return *this;
}
Tree& Tree::operator=(std::string value) {
  value_ = std::move(value);
  return *this;
}
Tree& Tree::operator=(std::vector<double> values) {
  value_ = std::move(values);
  return *this;
}

bool Tree::has(const std::string& name) const {
  const auto* children = std::get_if<Children>(&value_);
  if (!children) return false;
  for (const auto& [key, child] : *children)
    if (key == name) return true;
  return false;
}

const Tree& Tree::at(const std::string& name) const {
  if (const auto* children = std::get_if<Children>(&value_))
    for (const auto& [key, child] : *children)
      if (key == name) return child;
  throw FileError("no entry '" + name + "' in the summary");
}

double Tree::number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  throw FileError("an entry of the summary is no number");
}

std::string Tree::text() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  throw FileError("an entry of the summary is no text");
}

std::string Tree::json() const {
  // Bytes that are no UTF-8 (paths) become replacement characters: a summary is written whatever the names are.
  return TreeJson::to_json(*this).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_json(const std::filesystem::path& path, const Tree& tree) { write_text_atomically(path, tree.json()); }

Tree read_json(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw FileError("'" + path.string() + "' is no JSON object");
  return TreeJson::from_json(json);
}

}  // namespace kolmo::io
