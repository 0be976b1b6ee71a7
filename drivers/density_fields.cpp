#include "density_fields.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/table.hpp"
#include "run_options.hpp"

namespace kolmo::drivers {

namespace fs = std::filesystem;

io::SnapshotOptions snapshot_options(const density::Settings& settings) {
  io::SnapshotOptions options;
  for (const auto& [name, value] : version_facts()) {
    if (name == "kolmo") options.version = value;
    if (name == "git") options.git = value;
  }
  options.precision = settings.output.float64 ? io::Precision::float64 : io::Precision::float32;
  options.length_unit = options.time_unit = std::string("-");
  return options;
}

template <int Dim>
DensityFields<Dim>::DensityFields(density::GridEngine<Dim>& engine, const density::Quantities<Dim>& quantities,
                                  const io::RunFolder& folder, std::optional<std::int64_t> kept)
    : engine_(engine), quantities_(quantities), folder_(folder), options_(snapshot_options(engine.settings())) {
  options_.variables = fmt::format("{}", fmt::join(engine.problem().variables(), ","));
  if constexpr (for_viewers) {
    snapshots_ =
        std::make_unique<io::SnapshotWriter<Dim>>(engine.grid(), engine.decomposition(), folder.path(), options_, kept);
  } else {
    folder_.make(folder_.path() / "fields");
    write_grid();
    io::on_root(engine.decomposition().comm(), [&] {
      std::vector<fs::path> doomed;
      for (const auto& entry : fs::directory_iterator(folder_.path() / "fields"))
        if (io::step_of(entry.path()) > kept.value_or(-1)) doomed.push_back(entry.path());
      for (const fs::path& path : doomed) fs::remove(path);
    });
  }
}

template <int Dim>
void DensityFields<Dim>::write() {
  if constexpr (for_viewers) {
    snapshots_->begin(engine_.step_count(), engine_.time());
    for (const std::string& name : engine_.settings().output.field_names) add(name);
    snapshots_->commit();
  } else {
    write_plain();
  }
}

template <int Dim>
void DensityFields<Dim>::add(const std::string& name) {
  if constexpr (for_viewers) {
    const Field<Dim>& p = engine_.density();
    const auto field = [&](Location location) { return Field<Dim>(p.layout(), location); };
    if (name == "density") {
      snapshots_->add("density", "-", p);
    } else if (name == "log_density") {
      Field<Dim> log = field(Location::cells());
      // Where p is 0 or below: NaN, which viewers leave blank.
      for_each<Dim>(p.layout().interior(), [&](const Index<Dim>& i) { log(i) = p(i) > 0.0 ? std::log(p(i)) : NAN; });
      snapshots_->add("log_density", "-", log);
    } else {
      std::array<Field<Dim>, Dim> parts;
      std::vector<const Field<Dim>*> pointers;
      if (name == "flux") engine_.flux(parts);  // which makes them
      for (int d = 0; d < Dim && name == "score"; ++d) {
        parts[d] = field(Location::cells());
        quantities_.score(p, d, parts[d]);
      }
      for (const Field<Dim>& part : parts) pointers.push_back(&part);
      snapshots_->add(name, "-", pointers);
    }
  }
}

template <int Dim>
void DensityFields<Dim>::write_grid() {
  const Communicator& comm = engine_.decomposition().comm();
  io::StagedFile staged(comm, folder_.path() / "fields" / "grid.h5");
  io::H5File file = io::H5File::create(comm, staged.temporary());
  file.write_text("/", "format", "kolmo grid");
  file.write_integer("/", "dimension", Dim);
  file.write_text("/", "variables", options_.variables);
  for (int d = 0; d < Dim; ++d) file.write_numbers(std::string(1, "xyzuvw"[d]), engine_.grid().axis(d).node_list());
  file.close();
  staged.publish();
}

template <int Dim>
void DensityFields<Dim>::write_plain() {
  const Decomposition<Dim>& decomposition = engine_.decomposition();
  io::StagedFile staged(decomposition.comm(), folder_.path() / "fields" / io::step_file_name(engine_.step_count()));
  io::H5File file = io::H5File::create(decomposition.comm(), staged.temporary());
  file.write_text("/", "format", "kolmo fields");
  file.write_integer("/", "dimension", Dim);
  file.write_integer("/", "step", engine_.step_count());
  file.write_number("/", "time", engine_.time());
  file.write_text("/", "grid", "grid.h5");
  file.write_text("/", "version", options_.version);
  file.write_text("/", "git", options_.git);
  const Field<Dim>& p = engine_.density();
  std::vector<double> packed(static_cast<std::size_t>(decomposition.local_size()));
  pack<Dim>(p, p.layout().interior(), packed.data());
  file.write_array("density", io::slab_of<Dim>(decomposition), packed.data(), options_.precision);
  file.close();
  staged.publish();
}

template <int Dim>
DensityMarginals<Dim>::DensityMarginals(density::GridEngine<Dim>& engine, const density::Quantities<Dim>& quantities,
                                        const density::Comparison<Dim>* comparison, const io::RunFolder& folder,
                                        std::optional<std::int64_t> kept)
    : engine_(engine), quantities_(quantities), comparison_(comparison), folder_(folder.path() / "marginals") {
  const density::Settings& settings = engine.settings();
  for (const std::vector<int>& variables : settings.output.marginals) {
    std::string name;
    for (const int v : variables) name += (name.empty() ? "" : "_") + settings.problem.variables()[v];
    marginals_.push_back({variables, name, nullptr});
  }
  if (marginals_.empty()) return;
  folder.make(folder_);
  io::on_root(engine.decomposition().comm(), [&] {
    for (Marginal& marginal : marginals_) {
      if (marginal.variables.size() == 2) {
        open_plane(marginal, kept);
        continue;
      }
      std::vector<fs::path> doomed;
      for (const auto& entry : fs::directory_iterator(folder_)) {
        const std::string stem = entry.path().stem().string();
        if (entry.path().extension() != ".csv" || !stem.starts_with(marginal.name + "_")) continue;
        if (io::step_of(stem.substr(marginal.name.size() + 1) + ".h5") > kept.value_or(-1))
          doomed.push_back(entry.path());
      }
      for (const fs::path& path : doomed) fs::remove(path);
    }
  });
}

template <int Dim>
void DensityMarginals<Dim>::open_plane(Marginal& marginal, std::optional<std::int64_t> kept) {
  const Grid<2> grid({engine_.grid().axis(marginal.variables[0]), engine_.grid().axis(marginal.variables[1])});
  const Decomposition<2> alone(Communicator(MPI_COMM_SELF), grid.cells(), grid.periodic(), {1, 1});
  io::SnapshotOptions options = snapshot_options(engine_.settings());
  options.precision = io::Precision::float64;  // small
  marginal.snapshots = std::make_unique<io::SnapshotWriter<2>>(grid, alone, folder_ / marginal.name, options, kept);
}

template <int Dim>
void DensityMarginals<Dim>::write(bool last) {
  for (const Marginal& marginal : marginals_)
    if (marginal.variables.size() == 1)
      write_line(marginal, last);
    else
      write_plane(marginal);
}

template <int Dim>
void DensityMarginals<Dim>::write_line(const Marginal& marginal, bool last) {
  const Axis& axis = engine_.grid().axis(marginal.variables[0]);
  std::vector<std::vector<double>> columns(1);
  for (int i = 0; i < axis.cells(); ++i) columns[0].push_back(axis.centre(i));
  std::vector<io::Column> names{{marginal.name, ""}, {"density", ""}};
  columns.push_back(quantities_.marginal(engine_.density(), marginal.variables));
  if (comparison_) {
    names.push_back({"exact", ""});
    columns.push_back(comparison_->marginal(engine_.time(), marginal.variables));
  }
  io::on_root(engine_.decomposition().comm(), [&] {
    const std::string step = fs::path(io::step_file_name(engine_.step_count())).stem().string();
    io::write_table(folder_ / fmt::format("{}_{}.csv", marginal.name, step), names, columns);
    if (last) io::write_table(folder_ / (marginal.name + ".csv"), names, columns);
  });
}

template <int Dim>
void DensityMarginals<Dim>::write_plane(const Marginal& marginal) {
  std::vector<std::pair<std::string, std::vector<double>>> values;
  values.emplace_back("density", quantities_.marginal(engine_.density(), marginal.variables));
  if (comparison_) values.emplace_back("exact", comparison_->marginal(engine_.time(), marginal.variables));
  io::on_root(engine_.decomposition().comm(), [&] {
    Field<2> plane(Layout<2>(
        {engine_.grid().axis(marginal.variables[0]).cells(), engine_.grid().axis(marginal.variables[1]).cells()},
        Ghosts<2>::uniform(0, 0)));
    marginal.snapshots->begin(engine_.step_count(), engine_.time());
    for (const auto& [name, numbers] : values) {
      unpack<2>(numbers.data(), plane.layout().interior(), plane);
      marginal.snapshots->add(name, "-", plane);
    }
    marginal.snapshots->commit();
  });
}

#define KOLMO_INSTANTIATE(Dim)       \
  template class DensityFields<Dim>; \
  template class DensityMarginals<Dim>;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::drivers
