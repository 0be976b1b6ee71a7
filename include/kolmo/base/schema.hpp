/// Which keys a case file of one kind may hold: each declared once with type, unit, range, default and meaning. The
/// same table validates a file, fills `kolmo keys` and generates docs/input.md.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kolmo {

enum class ValueType {
  table,        ///< a table; declared only where it may be left out as a whole, or is required
  number,       ///< a finite number, or a constant expression of pi and the case's parameters in quotes ("2*pi")
  integer,      ///< a whole number
  flag,         ///< true or false
  text,         ///< a string, one of `choices` where they are given
  path,         ///< a string naming a file; relative to the folder of the case file
  expression,   ///< a number, or the text of an expression
  numbers,      ///< a list of numbers
  integers,     ///< a list of whole numbers
  texts,        ///< a list of strings, each one of `choices` where they are given
  expressions,  ///< a list of expressions
  number_rows,  ///< a list of lists of numbers
  text_rows,    ///< a list of lists of strings, each one of `choices` where they are given
  tensor,       ///< an expression, a list of expressions, or a list of equally long lists of expressions
  any           ///< anything; not checked
};

/// Allowed values of a number; holds for each entry of a list and for expressions that are constant.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  bool contains(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
  bool unlimited() const { return low == -std::numeric_limits<double>::infinity() && high == -low; }
  /// "> 0", "0 < value <= 1", or "" where unlimited.
  std::string text() const;

  static Range any() { return {}; }
  static Range positive() { return {.low = 0.0, .low_open = true}; }
  static Range at_least(double value) { return {.low = value}; }
  static Range closed(double from, double to) { return {.low = from, .high = to}; }
  static Range above_to(double from, double to) { return {.low = from, .high = to, .low_open = true}; }
};

/// One key. The path is dotted; a component in capitals stands for any name of a declared set (FACE) or, where no set
/// of that name is declared, for any name the user chooses (NAME); `[]` after a component stands for each table of an
/// array of tables.
struct Key {
  std::string path;
  ValueType type = ValueType::number;
  std::string unit = "-";
  Range range;
  std::vector<std::string> choices;
  std::optional<std::string>
      fallback;           ///< the default, as TOML text; none: may be left out, or must be given if required
  bool required = false;  ///< must stand in its table wherever that table stands
  std::string meaning;
  int length = 0;  ///< of a list; 0: any
};

/// The keys of one kind of run.
class Schema {
 public:
  std::string kind;
  std::vector<Key> keys;
  std::map<std::string, std::vector<std::string>> sets;  ///< names that a component in capitals stands for
  std::string parameters_table;  ///< table of named numbers usable in every expression; "" for none

  /// The key that a concrete path (boundary.x_min.type, output.lines[2].name) is an instance of; null if there is none.
  const Key* find(const std::string& path) const;
  /// Whether some key lies below this concrete path.
  bool has_table(const std::string& path) const;
  /// Whether keys below this concrete path are those of an array of tables.
  bool has_array(const std::string& path) const;
  /// All names that may stand at the end of this concrete table ("" for the top); user-chosen names are not listed.
  std::vector<std::string> children(const std::string& table) const;
  /// Keys whose parent is an instance of this concrete table and that are required there.
  std::vector<const Key*> required_in(const std::string& table) const;

  /// The table of keys for a terminal (`kolmo keys`) and as Markdown (docs/input.md).
  std::string plain() const;
  std::string markdown() const;
};

std::string to_string(ValueType type);

/// The name nearest to `given` by edit distance (a swap of neighbours counts 1), "" where none is near enough to be
/// meant.
std::string nearest_name(const std::string& given, const std::vector<std::string>& names);

}  // namespace kolmo
