/// The words a case file uses for the values of an enumeration.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "kolmo/base/error.hpp"

namespace kolmo {

template <class Enum>
using Names = std::vector<std::pair<Enum, std::string>>;

/// The value of a word that the schema has checked to be one of its choices.
template <class Enum>
Enum named(const Names<Enum>& names, const std::string& name) {
  for (const auto& [value, text] : names)
    if (text == name) return value;
  throw InternalError(fmt::format("the schema allows \"{}\", which the settings do not know", name));
}

/// The first word of a value.
template <class Enum>
std::string name_of(const Names<Enum>& names, Enum value) {
  for (const auto& [candidate, text] : names)
    if (candidate == value) return text;
  return "?";
}

/// The words, for the choices of a key.
template <class Enum>
std::vector<std::string> words(const Names<Enum>& names) {
  std::vector<std::string> list;
  for (const auto& [value, text] : names) list.push_back(text);
  return list;
}

}  // namespace kolmo
