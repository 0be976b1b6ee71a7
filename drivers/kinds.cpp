#include "kinds.hpp"

#include "density_simulation.hpp"
#include "flow_simulation.hpp"
#include "kolmo/base/error.hpp"
#include "kolmo/density/settings.hpp"
#include "kolmo/flow/settings.hpp"

namespace kolmo::drivers {

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {flow::schema, make_flow, check_flow},
      {density::schema, make_density, check_density},
  };
  return all;
}

const Kind& kind_of(const CaseFile& file) {
  for (const Kind& kind : kinds())
    if (kind.schema().kind == file.kind()) return kind;
  throw InternalError("no kind of run is called " + file.kind());
}

std::vector<const Schema*> all_schemas() {
  std::vector<const Schema*> schemas;
  for (const Kind& kind : kinds()) schemas.push_back(&kind.schema());
  return schemas;
}

}  // namespace kolmo::drivers
