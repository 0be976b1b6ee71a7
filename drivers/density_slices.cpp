#include "density_slices.hpp"

#include "density_fields.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::drivers {

namespace {

using Values = std::vector<std::pair<std::string, std::vector<double>>>;

/// A writer for a grid made of some of the axes, held by one rank.
template <int Dim, int Of>
std::unique_ptr<io::SnapshotWriter<Of>> writer_of(density::GridEngine<Dim>& engine, const std::vector<int>& variables,
                                                  const std::filesystem::path& folder,
                                                  std::optional<std::int64_t> kept) {
  std::array<Axis, Of> axes;
  Index<Of> alone;
  for (int k = 0; k < Of; ++k) axes[k] = engine.grid().axis(variables[k]);
  alone.fill(1);
  const Grid<Of> grid(std::move(axes));
  const Decomposition<Of> decomposition(Communicator(MPI_COMM_SELF), grid.cells(), grid.periodic(), alone);
  io::SnapshotOptions options = snapshot_options(engine.settings());
  options.precision = io::Precision::float64;  // small
  return std::make_unique<io::SnapshotWriter<Of>>(grid, decomposition, folder, options, kept);
}

template <int Dim, int Of>
void write_to(io::SnapshotWriter<Of>& writer, density::GridEngine<Dim>& engine, const std::vector<int>& variables,
              const Values& values) {
  Index<Of> cells;
  for (int k = 0; k < Of; ++k) cells[k] = engine.grid().axis(variables[k]).cells();
  Field<Of> field(Layout<Of>(cells, Ghosts<Of>::uniform(0, 0)));
  writer.begin(engine.step_count(), engine.time());
  for (const auto& [name, numbers] : values) {
    unpack<Of>(numbers.data(), field.layout().interior(), field);
    writer.add(name, "-", field);
  }
  writer.commit();
}

}  // namespace

template <int Dim>
DensitySlices<Dim>::DensitySlices(density::GridEngine<Dim>& engine, const density::Comparison<Dim>* comparison,
                                  const io::RunFolder& folder, std::optional<std::int64_t> kept)
    : engine_(engine), comparison_(comparison) {
  const std::vector<density::SliceSettings>& asked = engine.settings().output.slices;
  if (asked.empty()) return;
  const std::filesystem::path all = folder.path() / "slices";
  folder.make(all);
  for (const density::SliceSettings& s : asked)
    slices_.push_back(
        {density::Slice<Dim>(engine.grid(), engine.decomposition(), s.variables, s.at), nullptr, nullptr});
  io::on_root(engine.decomposition().comm(), [&] {
    for (std::size_t k = 0; k < asked.size(); ++k) {
      if (asked[k].variables.size() == 2)
        slices_[k].plane = writer_of<Dim, 2>(engine, asked[k].variables, all / asked[k].name, kept);
      else
        slices_[k].space = writer_of<Dim, 3>(engine, asked[k].variables, all / asked[k].name, kept);
    }
  });
}

template <int Dim>
void DensitySlices<Dim>::write() {
  for (const One& one : slices_) {
    Values values;
    values.emplace_back("density", one.slice.values(engine_.density()));
    if (comparison_) values.emplace_back("exact", one.slice.exact(*comparison_, engine_.time()));
    io::on_root(engine_.decomposition().comm(), [&] {
      if (one.plane)
        write_to<Dim, 2>(*one.plane, engine_, one.slice.variables(), values);
      else
        write_to<Dim, 3>(*one.space, engine_, one.slice.variables(), values);
    });
  }
}

#define KOLMO_INSTANTIATE(Dim) template class DensitySlices<Dim>;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::drivers
