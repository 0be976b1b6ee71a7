#include "kolmo/grid/axis_keys.hpp"

#include <fmt/format.h>

#include "kolmo/base/names.hpp"

namespace kolmo {

namespace {

const Names<Spacing> spacings{{Spacing::uniform, "uniform"},
                              {Spacing::tanh, "tanh"},
                              {Spacing::tanh_low, "tanh-low"},
                              {Spacing::tanh_high, "tanh-high"},
                              {Spacing::geometric, "geometric"}};

[[noreturn]] void refuse(const CaseFile& file, const std::string& path, const std::string& reason) {
  throw file.error_at(path, reason);
}

AxisSpec spec_of(const CaseFile& file, const std::string& path) {
  AxisSpec spec;
  const auto only_without_nodes = {".from", ".to", ".cells", ".spacing", ".strength", ".ratio"};
  if (file.has(path + ".nodes")) {
    for (const char* key : only_without_nodes)
      if (file.has(path + key)) refuse(file, path + key, "give either nodes or from, to, cells and spacing");
    spec.spacing = Spacing::nodes;
    spec.nodes = file.numbers(path + ".nodes");
    if (spec.nodes.size() < 2) refuse(file, path + ".nodes", "at least 2 nodes are needed");
    spec.cells = static_cast<int>(spec.nodes.size()) - 1;
    spec.from = spec.nodes.front();
    spec.to = spec.nodes.back();
    return spec;
  }
  spec.from = file.number(path + ".from");
  spec.to = file.number(path + ".to");
  spec.cells = static_cast<int>(file.integer(path + ".cells"));
  if (!(spec.to > spec.from))
    refuse(file, path + ".to", fmt::format("must be above from = {} (given {})", spec.from, spec.to));
  if (file.has(path + ".spacing")) spec.spacing = named(spacings, file.text(path + ".spacing"));
  const bool geometric = spec.spacing == Spacing::geometric, plain = spec.spacing == Spacing::uniform;
  if (file.has(path + ".strength") && (geometric || plain))
    refuse(file, path + ".strength", "only the tanh spacings take a strength");
  if (file.has(path + ".ratio") && !geometric)
    refuse(file, path + ".ratio", "only the geometric spacing takes a ratio");
  if (geometric) spec.ratio = file.number(path + ".ratio");
  if (!geometric && !plain) spec.strength = file.number(path + ".strength");
  return spec;
}

}  // namespace

void add_axis_keys(SchemaBuilder& b, const std::string& unit) {
  constexpr auto none = std::nullopt;
  constexpr double largest_axis = 1e6;
  b.number("from", unit, Range::any(), none, "Low end.");
  b.number("to", unit, Range::any(), none, "High end, above `from`.");
  b.integer("cells", Range::closed(1, largest_axis), none, "Number of cells.");
  b.choice("spacing", words(spacings), none,
           "uniform where left out; tanh: clustered at both ends, x = a + (b-a)/2 [1 + tanh(s (2 xi - 1))/tanh s]; "
           "tanh-low, "
           "tanh-high: at that end only; geometric: each cell `ratio` times the one before.");
  b.number("strength", "-", Range::above_to(0, 10), none,
           "s of the tanh spacings; the widest cell is about cosh^2 s times the narrowest.");
  b.number("ratio", "-", Range::closed(0.1, 10), none, "Of the geometric spacing.");
  b.add("nodes", ValueType::numbers, unit, "Increasing list of all cell ends, instead of from, to, cells and spacing.");
}

AxisSpec read_axis(const CaseFile& file, const std::string& table) {
  AxisSpec spec = spec_of(file, table);
  try {
    (void)Axis(spec);
  } catch (const InputError& error) {
    const std::string nodes = table + ".nodes";
    refuse(file, file.has(nodes) ? nodes : table, error.what());
  }
  return spec;
}

}  // namespace kolmo
