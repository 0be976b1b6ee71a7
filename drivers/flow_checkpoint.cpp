#include "flow_checkpoint.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>

namespace kolmo::drivers {

namespace {

// What may differ after a restart: these sections, the process grid, and of [time] all but the scheme and the start.
bool may_change(const std::string& section, const std::string& key) {
  for (const char* name : {"run", "case", "output", "solver", "reference", "exact"})
    if (section == name || section.rfind(std::string(name) + ".", 0) == 0) return true;
  if (section == "grid" && key == "processes") return true;
  return section == "time" && key != "scheme" && key != "start";
}

/// A box of a velocity component with one ghost layer beyond every boundary that is not periodic: at an outflow these
/// are state.
template <int Dim>
struct Extended {
  Decomposition<Dim> decomposition;
  Box<Dim> box;
};

template <int Dim>
Extended<Dim> extended(const flow::Domain<Dim>& domain, int component) {
  Extended<Dim> e{domain.decomposition, domain.layout.interior()};
  for (int d = 0; d < Dim; ++d) {
    if (domain.grid.axis(d).periodic()) continue;
    const int low =
        d == component ? 0 : 1;  // along its own direction the face on the high boundary is all there is beyond
    e.decomposition = e.decomposition.trimmed(d, -low, -1);
    if (domain.at_boundary(d, Side::low)) e.box.begin[d] -= low;
    if (domain.at_boundary(d, Side::high)) e.box.end[d] += 1;
  }
  return e;
}

template <int Dim>
void write(io::CheckpointWriter& writer, const std::string& name, const Extended<Dim>& e, const Field<Dim>& field) {
  std::vector<double> packed(static_cast<std::size_t>(e.box.size()));
  pack<Dim>(field, e.box, packed.data());
  writer.template field<Dim>(name, e.decomposition, packed.data());
}

template <int Dim>
void read(const io::CheckpointReader& reader, const std::string& name, const Extended<Dim>& e, Field<Dim>& field) {
  std::vector<double> packed(static_cast<std::size_t>(e.box.size()));
  reader.template field<Dim>(name, e.decomposition, packed.data());
  unpack<Dim>(packed.data(), e.box, field);
}

/// Calls visit(name, box, field) for every field of a checkpoint, so that writing and reading cannot disagree.
template <int Dim, class Visit>
void for_each_field(flow::Model<Dim>& model, Visit&& visit) {
  const flow::Domain<Dim>& domain = model.domain();
  const Extended<Dim> cells{domain.decomposition, domain.layout.interior()};
  for (int c = 0; c < Dim; ++c)
    visit(fmt::format("velocity_{}", "xyz"[c]), extended<Dim>(domain, c), model.state().velocity[c]);
  visit("pressure", cells, model.state().p);
  visit("pressure_before", cells, model.state().p_old);
  for (int s = 0; s < model.scalars().count(); ++s)
    visit("scalar_" + model.scalars().name(s), cells, model.scalars().field(s));
  int k = 0;
  for (flow::Velocity<Dim>* history : model.scheme().history()) {
    for (int c = 0; c < Dim; ++c)
      visit(fmt::format("history{}_{}", k, "xyz"[c]), extended<Dim>(domain, c), (*history)[c]);
    ++k;
  }
  k = 0;
  for (Field<Dim>* history : model.scheme().cell_history()) visit(fmt::format("cell_history{}", k++), cells, *history);
}

}  // namespace

std::string case_hash(const CaseFile& file) {
  std::istringstream lines(file.effective());
  std::string line, section;
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line.substr(line.find_first_not_of('['), line.find(']') - line.find_first_not_of('['));
      continue;
    }
    if (may_change(section, line.substr(0, line.find_first_of(" =")))) continue;
    for (const char c : section + "." + line) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return fmt::format("{:016x}", hash);
}

template <int Dim>
void store(flow::Model<Dim>& model, io::CheckpointWriter& checkpoint) {
  const flow::State<Dim>& state = model.state();
  checkpoint.text("kind", "flow");
  checkpoint.number("dt", state.dt);
  checkpoint.number("dt_before", state.dt_old);
  for_each_field<Dim>(model, [&](const std::string& name, const Extended<Dim>& e, Field<Dim>& field) {
    write<Dim>(checkpoint, name, e, field);
  });
}

template <int Dim>
void restore(flow::Model<Dim>& model, const io::CheckpointReader& checkpoint) {
  if (checkpoint.text("kind") != "flow")
    throw RestartError(
        fmt::format("{}: holds a run of kind {}, not flow", checkpoint.path().string(), checkpoint.text("kind")));
  flow::State<Dim>& state = model.state();
  state.step = checkpoint.step();
  state.t = checkpoint.time();
  state.dt = checkpoint.number("dt");
  state.dt_old = checkpoint.number("dt_before");
  for_each_field<Dim>(model, [&](const std::string& name, const Extended<Dim>& e, Field<Dim>& field) {
    read<Dim>(checkpoint, name, e, field);
  });
  model.resume();
}

template void store<2>(flow::Model<2>&, io::CheckpointWriter&);
template void store<3>(flow::Model<3>&, io::CheckpointWriter&);
template void restore<2>(flow::Model<2>&, const io::CheckpointReader&);
template void restore<3>(flow::Model<3>&, const io::CheckpointReader&);

}  // namespace kolmo::drivers
