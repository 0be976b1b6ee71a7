#include "flow_checkpoint.hpp"

#include <fmt/format.h>

namespace kolmo::drivers {

namespace {

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

template <int Dim>
void store(flow::Model<Dim>& model, io::CheckpointWriter& checkpoint) {
  const flow::State<Dim>& state = model.state();
  checkpoint.number("dt", state.dt);
  checkpoint.number("dt_before", state.dt_old);
  checkpoint.number("courant", model.courant());
  checkpoint.number("rate_of_change", model.rate_of_change());
  for_each_field<Dim>(model, [&](const std::string& name, const Extended<Dim>& e, Field<Dim>& field) {
    write<Dim>(checkpoint, name, e, field);
  });
}

template <int Dim>
void restore(flow::Model<Dim>& model, const io::CheckpointReader& checkpoint) {
  flow::State<Dim>& state = model.state();
  state.step = checkpoint.step();
  state.t = checkpoint.time();
  state.dt = checkpoint.number("dt");
  state.dt_old = checkpoint.number("dt_before");
  for_each_field<Dim>(model, [&](const std::string& name, const Extended<Dim>& e, Field<Dim>& field) {
    read<Dim>(checkpoint, name, e, field);
  });
  model.restore_reports(checkpoint.number("courant"), checkpoint.number("rate_of_change"));
  model.resume();
}

template void store<2>(flow::Model<2>&, io::CheckpointWriter&);
template void store<3>(flow::Model<3>&, io::CheckpointWriter&);
template void restore<2>(flow::Model<2>&, const io::CheckpointReader&);
template void restore<3>(flow::Model<3>&, const io::CheckpointReader&);

}  // namespace kolmo::drivers
