/// Writes a schema down, one line per key.
#pragma once

#include "kolmo/base/schema.hpp"

namespace kolmo {

/// Collects keys; the table of the following keys is set by `in` or `table`.
class SchemaBuilder {
 public:
  using Text = std::string;
  using Fallback = std::optional<std::string>;

  explicit SchemaBuilder(Schema& schema) : schema_(schema) {}

  void in(const Text& table) { table_ = table; }
  /// The table itself: one that may be left out as a whole, or that must be there.
  void table(const Text& path, bool required, const Text& meaning) {
    Key key;
    key.path = path;
    key.type = ValueType::table;
    key.required = required;
    key.meaning = meaning;
    schema_.keys.push_back(key);
    table_ = path;
  }
  Key& add(const Text& name, ValueType type, const Text& unit, const Text& meaning,
           const Fallback& fallback = std::nullopt) {
    Key key;
    key.path = table_.empty() ? name : table_ + "." + name;
    key.type = type;
    key.unit = unit;
    key.meaning = meaning;
    key.fallback = fallback;
    schema_.keys.push_back(key);
    return schema_.keys.back();
  }
  void number(const Text& name, const Text& unit, const Range& range, const Fallback& fallback, const Text& meaning) {
    add(name, ValueType::number, unit, meaning, fallback).range = range;
  }
  void integer(const Text& name, const Range& range, const Fallback& fallback, const Text& meaning) {
    add(name, ValueType::integer, "-", meaning, fallback).range = range;
  }
  void choice(const Text& name, const std::vector<Text>& choices, const Fallback& fallback, const Text& meaning) {
    add(name, ValueType::text, "-", meaning, fallback).choices = choices;
  }
  void require_last() { schema_.keys.back().required = true; }

 private:
  Schema& schema_;
  Text table_;
};

}  // namespace kolmo
