/// Ordered tree of named values, written as JSON (summary.json).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kolmo::io {

/// A value, a list of numbers, or named children in the order they were first named:
///   tree["status"] = "done";  tree["solves"]["pressure"]["count"] = 120;
class Tree {
 public:
  Tree() = default;
  /// The child of this name, made where it is missing. A value becomes a node.
  Tree& operator[](const std::string& name);
  Tree& operator=(bool value);
  Tree& operator=(int value) { return *this = static_cast<std::int64_t>(value); }
  Tree& operator=(std::int64_t value);
  Tree& operator=(double value);  ///< NaN and infinities become null in JSON
  Tree& operator=(const char* value) { return *this = std::string(value); }
  Tree& operator=(std::string value);
  Tree& operator=(std::vector<double> values);

  bool has(const std::string& name) const;
  /// Throws FileError if there is no such child or it has another type.
  const Tree& at(const std::string& name) const;
  double number() const;
  std::string text() const;
  std::string json() const;

 private:
  friend struct TreeJson;
  using Children = std::vector<std::pair<std::string, Tree>>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>, Children> value_;
};

/// Atomically. One rank.
void write_json(const std::filesystem::path& path, const Tree& tree);
/// Throws FileError if the file cannot be read or is no JSON object.
Tree read_json(const std::filesystem::path& path);

}  // namespace kolmo::io
