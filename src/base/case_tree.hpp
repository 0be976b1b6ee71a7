/// The contents of a case file as plain nodes with their places, independent of the TOML library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/schema.hpp"

namespace kolmo::detail {

enum class NodeKind { table, array, text, integer, real, flag, date };

struct Member;

struct Node {
  NodeKind kind = NodeKind::table;
  int line = 1, column = 1;          ///< of the value; of the header for a table
  int key_line = 1, key_column = 1;  ///< of the key
  std::string origin;                ///< "--set a.b=1" where an override made it; empty: the file
  std::string text;
  std::int64_t integer = 0;
  double real = 0.0;
  bool flag = false;
  std::vector<Member> members;  ///< of a table, in the order of the file
  std::vector<Node> items;      ///< of an array

  const Node* member(const std::string& name) const;
  Node* member(const std::string& name) { return const_cast<Node*>(std::as_const(*this).member(name)); }
};

/// An entry of a table; no std::pair, which Clang cannot make of a type that holds pairs of itself.
struct Member {
  std::string first;
  Node second;
};

/// One component of a dotted path: a name, and the number of the entry where it is "name[3]" (-1: none; -2: "name[]").
struct Component {
  std::string name;
  int index = -1;
};
std::vector<Component> split_path(const std::string& path);
/// Whether a component of a key's path stands for any name of a set or of the user's choice: FACE, NAME.
bool stands_for_names(const std::string& name);
std::string join(const std::string& table, const std::string& name);

const Node* find_node(const Node& root, const std::string& path);

/// Throws InputError for bytes that cannot stand where they do, with the place.
void scan_bytes(const std::string& text, const std::string& name);
/// Throws InputError for a syntax error or a key given twice, with the place.
Node parse_toml(const std::string& text, const std::string& name);
/// "a.b.c=value" put into the tree.
void apply_override(Node& root, const std::string& text);

/// `file:line:column: key: reason`, or `--set a.b=1: key: reason`; without control characters.
std::string error_line(const std::string& name, const Node& node, bool at_key, const std::string& key,
                       const std::string& reason);
std::string one_line(const std::string& text);
/// The value as an error shows it, shortened.
std::string shown(const Node& node);

/// What a file, its schema and its named numbers say together; shared by the checks and by the accessors.
struct Case {
  std::string name;    ///< path as given
  std::string folder;  ///< absolute, of the file
  std::string bytes;
  std::string kind;
  Node root;
  const Schema* schema = nullptr;
  std::map<std::string, double> parameters;

  /// Numbers as the schema takes them: integer, real, or a constant expression. Throws InputError.
  double number_of(const Node& node, const Key& key, const std::string& path) const;
  std::int64_t integer_of(const Node& node, const Key& key, const std::string& path) const;
  /// The nearest node at or above the path that is given.
  const Node& nearest(const std::string& path) const;
};

/// Evaluates the table of named numbers. Throws InputError.
void read_parameters(Case& content);
/// Checks every key. Throws InputError for the first that is wrong.
void check_case(const Case& content, const std::vector<const Schema*>& schemas);

}  // namespace kolmo::detail
