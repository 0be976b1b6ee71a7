#include "kolmo/io/snapshot.hpp"

#include <fmt/format.h>

#include "kolmo/base/error.hpp"
#include "kolmo/base/log.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace fs = std::filesystem;

namespace {

/// Extent of the arrays on disk: a line becomes a strip one cell high.
template <int Dim>
Slab disk_slab(const Decomposition<Dim>& decomposition, int components) {
  Slab slab = slab_of<Dim>(decomposition, components);
  if constexpr (Dim == 1) {
    slab.global.insert(slab.global.begin(), 1);
    slab.start.insert(slab.start.begin(), 0);
    slab.count.insert(slab.count.begin(), 1);
  }
  return slab;
}

template <int Dim>
std::vector<std::uint64_t> disk_cells(const Decomposition<Dim>& decomposition) {
  return disk_slab<Dim>(decomposition, 1).global;
}

/// Removes the outputs after a step (all of them for -1). One rank.
void remove_steps_after(const fs::path& fields, std::int64_t last) {
  std::error_code code;
  std::vector<fs::path> doomed;
  for (const auto& entry : fs::directory_iterator(fields, code))
    if (step_of(entry.path()) > last) doomed.push_back(entry.path());
  for (const fs::path& path : doomed) fs::remove(path, code);
}

}  // namespace

template <int Dim>
SnapshotWriter<Dim>::SnapshotWriter(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition,
                                    const fs::path& run_folder, SnapshotOptions options,
                                    std::optional<std::int64_t> resume_step)
    : grid_(grid),
      decomposition_(decomposition),
      run_folder_(run_folder),
      options_(std::move(options)),
      xdmf_(run_folder, disk_cells<Dim>(decomposition)) {
  const Communicator& comm = decomposition_.comm();
  const fs::path fields = run_folder_ / "fields";
  on_root(comm, [&] { fs::create_directories(fields); });
  write_grid();
  on_root(comm, [&] {
    // The XML first: a step it names must exist at every moment.
    std::vector<std::string> skipped;
    if (resume_step) xdmf_ = scan_fields(run_folder_, &skipped, *resume_step);
    for (const std::string& reason : skipped) Log(true).warning("left out of fields.xdmf: " + reason);
    xdmf_.cut_back(resume_step.value_or(-1));
    xdmf_.write();
    remove_steps_after(fields, resume_step.value_or(-1));
  });
}

template <int Dim>
void SnapshotWriter<Dim>::write_grid() {
  const Communicator& comm = decomposition_.comm();
  StagedFile staged(comm, run_folder_ / "fields" / "grid.h5");
  H5File file = H5File::create(comm, staged.temporary());
  file.write_text("/", "format", "kolmo grid");
  file.write_integer("/", "dimension", Dim);
  file.write_text("/", "length_unit", options_.length_unit);
  file.write_text("/", "version", options_.version);
  file.write_text("/", "git", options_.git);
  if (!options_.variables.empty()) file.write_text("/", "variables", options_.variables);
  for (int d = 0; d < Dim; ++d) file.write_numbers(std::string(1, "xyz"[d]), grid_.axis(d).node_list());
  if constexpr (Dim == 1) file.write_numbers("y", {0.0, 0.1 * grid_.axis(0).length()});
  file.close();
  staged.publish();
}

template <int Dim>
void SnapshotWriter<Dim>::begin(std::int64_t step, double time) {
  abandon();
  const Communicator& comm = decomposition_.comm();
  current_ = {step, time, {}};
  staged_ = std::make_unique<StagedFile>(comm, run_folder_ / "fields" / step_file_name(step));
  file_ = H5File::create(comm, staged_->temporary());
  file_->write_text("/", "format", "kolmo fields");
  file_->write_integer("/", "dimension", Dim);
  file_->write_integer("/", "step", step);
  file_->write_number("/", "time", time);
  file_->write_text("/", "time_unit", options_.time_unit);
  file_->write_text("/", "grid", "grid.h5");
  file_->write_text("/", "location", "cells");
  file_->write_text("/", "version", options_.version);
  file_->write_text("/", "git", options_.git);
}

template <int Dim>
void SnapshotWriter<Dim>::gather_component(const Field<Dim>& field, int component, int components) {
  const Layout<Dim>& layout = field.layout();
  const Location location = field.location();
  const std::ptrdiff_t next = location.at_cells() ? 0 : layout.stride(location.direction);
  double* out = packed_.data() + component;
  for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& row) {
    const double* in = field.origin() + layout.offset(row);
    for (int i = 0; i < layout.extent()[0]; ++i, out += components) *out = 0.5 * (in[i] + in[i + next]);
  });
}

template <int Dim>
void SnapshotWriter<Dim>::add(const std::string& name, const std::string& unit, const Field<Dim>& field) {
  packed_.resize(static_cast<std::size_t>(decomposition_.local_size()));
  gather_component(field, 0, 1);
  file_->write_array(name, disk_slab<Dim>(decomposition_, 1), packed_.data(), options_.precision);
  collective_ = file_->last_transfer_collective();
  file_->write_text(name, "unit", unit);
  current_.arrays.push_back({name, false, options_.precision});
}

template <int Dim>
void SnapshotWriter<Dim>::add(const std::string& name, const std::string& unit,
                              const std::vector<const Field<Dim>*>& components) {
  if (components.empty() || components.size() > 3)
    throw InternalError(fmt::format("vector '{}' has {} components", name, components.size()));
  packed_.assign(static_cast<std::size_t>(decomposition_.local_size()) * 3, 0.0);
  for (std::size_t c = 0; c < components.size(); ++c) gather_component(*components[c], static_cast<int>(c), 3);
  file_->write_array(name, disk_slab<Dim>(decomposition_, 3), packed_.data(), options_.precision);
  collective_ = file_->last_transfer_collective();
  file_->write_text(name, "unit", unit);
  current_.arrays.push_back({name, true, options_.precision});
}

template <int Dim>
void SnapshotWriter<Dim>::commit() {
  file_->close();
  file_.reset();
  staged_->publish();
  staged_.reset();
  on_root(decomposition_.comm(), [&] {
    xdmf_.add(current_);
    xdmf_.write();
  });
}

template <int Dim>
void SnapshotWriter<Dim>::abandon() {
  file_.reset();
  staged_.reset();
}

template class SnapshotWriter<1>;
template class SnapshotWriter<2>;
template class SnapshotWriter<3>;

}  // namespace kolmo::io
