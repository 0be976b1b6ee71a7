/// The keys of a case file that describe one axis, the same for every kind of run.
#pragma once

#include <string>

#include "kolmo/base/case_file.hpp"
#include "kolmo/base/schema_builder.hpp"
#include "kolmo/grid/axis.hpp"

namespace kolmo {

/// from, to, cells, spacing, strength, ratio, nodes: into the table that the builder stands in.
void add_axis_keys(SchemaBuilder& builder, const std::string& unit);

/// Reads and checks them. Throws InputError, with the place, for what makes no axis.
AxisSpec read_axis(const CaseFile& file, const std::string& table);

}  // namespace kolmo
