#include "density_checkpoint.hpp"

#include <fmt/format.h>

#include "kolmo/base/error.hpp"

namespace kolmo::drivers {

template <int Dim>
void store(density::GridEngine<Dim>& engine, io::CheckpointWriter& checkpoint) {
  checkpoint.text("variables", fmt::format("{}", fmt::join(engine.problem().variables(), ",")));
  checkpoint.number("dt", engine.last_step());
  checkpoint.number("proposed_step", engine.proposed_step());
  checkpoint.number("rate_of_change", engine.rate_of_change());
  checkpoint.numbers("escaped", engine.escaped());
  checkpoint.number("dropped_mass", engine.dropped_mass());
  checkpoint.number("mass_correction", engine.mass_correction());
  for (int d = 0; d < Dim; ++d) checkpoint.numbers(fmt::format("nodes_{}", d), engine.grid().axis(d).node_list());
  const Field<Dim>& p = engine.density();
  std::vector<double> packed(static_cast<std::size_t>(engine.decomposition().local_size()));
  pack<Dim>(p, p.layout().interior(), packed.data());
  checkpoint.field<Dim>("density", engine.decomposition(), packed.data());
}

template <int Dim>
void restore(density::GridEngine<Dim>& engine, const io::CheckpointReader& checkpoint) {
  std::vector<double> escaped = checkpoint.numbers("escaped");
  if (escaped.size() != 2 * Dim)
    throw RestartError(fmt::format("{}: not of a run in {} dimensions", checkpoint.path().string(), Dim));
  Field<Dim>& p = engine.density();
  std::vector<double> packed(static_cast<std::size_t>(engine.decomposition().local_size()));
  checkpoint.field<Dim>("density", engine.decomposition(), packed.data());
  unpack<Dim>(packed.data(), p.layout().interior(), p);
  engine.set_clock(checkpoint.time(), checkpoint.step(), checkpoint.number("dt"));
  engine.set_proposed_step(checkpoint.number("proposed_step"));
  engine.set_rate_of_change(checkpoint.number("rate_of_change"));
  engine.set_escaped(std::move(escaped));
  engine.set_repairs(checkpoint.number("dropped_mass"), checkpoint.number("mass_correction"));
  engine.resume();
}

#define KOLMO_INSTANTIATE(Dim)                                                \
  template void store<Dim>(density::GridEngine<Dim>&, io::CheckpointWriter&); \
  template void restore<Dim>(density::GridEngine<Dim>&, const io::CheckpointReader&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::drivers
