#include "kolmo/io/xdmf.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/error.hpp"
#include "kolmo/io/files.hpp"
#include "kolmo/io/lock.hpp"

namespace kolmo::io {

namespace fs = std::filesystem;

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

int bytes(Precision precision) { return precision == Precision::float32 ? 4 : 8; }

std::string mesh_text(const std::vector<std::uint64_t>& cells) {
  std::vector<std::uint64_t> nodes = cells;
  for (auto& n : nodes) ++n;
  const std::size_t rank = cells.size();
  std::string text =
      fmt::format("        <Topology TopologyType=\"{}DRectMesh\" Dimensions=\"{}\"/>\n", rank, fmt::join(nodes, " "));
  text += fmt::format("        <Geometry GeometryType=\"{}\">\n", rank == 3 ? "VXVYVZ" : "VXVY");
  for (std::size_t d = 0; d < rank; ++d)
    text += fmt::format(
        "          <DataItem Dimensions=\"{}\" NumberType=\"Float\" Precision=\"8\" "
        "Format=\"HDF\">fields/grid.h5:/{}</DataItem>\n",
        nodes[rank - 1 - d], "xyz"[d]);
  return text + "        </Geometry>\n";
}

std::string array_text(const XdmfArray& array, const std::vector<std::uint64_t>& cells, std::int64_t step) {
  const std::string name = escaped(array.name);
  return fmt::format(
      "        <Attribute Name=\"{0}\" AttributeType=\"{1}\" Center=\"Cell\">\n"
      "          <DataItem Dimensions=\"{2}{3}\" NumberType=\"Float\" Precision=\"{4}\" "
      "Format=\"HDF\">fields/{5}:/{0}</DataItem>\n"
      "        </Attribute>\n",
      name, array.vector ? "Vector" : "Scalar", fmt::join(cells, " "), array.vector ? " 3" : "", bytes(array.precision),
      step_file_name(step));
}

Communicator alone() { return Communicator(MPI_COMM_SELF); }

std::vector<std::uint64_t> read_cells(const fs::path& run_folder) {
  const H5File grid = H5File::open(alone(), run_folder / "fields" / "grid.h5");
  std::vector<std::uint64_t> cells;
  for (const char* axis : {"z", "y", "x"}) {
    if (!grid.has_array(axis)) continue;
    const std::size_t nodes = grid.read_numbers(axis).size();
    if (nodes < 2) throw FileError(fmt::format("'{}' has an axis without cells", grid.path().string()));
    cells.push_back(nodes - 1);
  }
  if (cells.size() < 2) throw FileError(fmt::format("'{}' holds no grid", grid.path().string()));
  return cells;
}

XdmfStep read_step(const fs::path& path, const std::vector<std::uint64_t>& cells) {
  const H5File file = H5File::open(alone(), path);
  XdmfStep step{file.read_integer("/", "step"), file.read_number("/", "time"), {}};
  if (step.step != step_of(path)) throw FileError(fmt::format("'{}' says it is step {}", path.string(), step.step));
  std::vector<std::uint64_t> vector_extent = cells;
  vector_extent.push_back(3);
  for (const std::string& name : file.arrays()) {
    const std::vector<std::uint64_t> extent = file.extent(name);
    if (extent != cells && extent != vector_extent)
      throw FileError(fmt::format("array '{}' of '{}' does not fit the grid", name, path.string()));
    step.arrays.push_back({name, extent == vector_extent, file.precision(name)});
  }
  return step;
}

}  // namespace

Xdmf::Xdmf(fs::path run_folder, std::vector<std::uint64_t> cells)
    : run_folder_(std::move(run_folder)), cells_(std::move(cells)) {}

void Xdmf::add(XdmfStep step) {
  // In the order in which a file tells its arrays, so that XML written anew from the files is the same.
  std::sort(step.arrays.begin(), step.arrays.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  auto at = std::lower_bound(steps_.begin(), steps_.end(), step.step,
                             [](const XdmfStep& a, std::int64_t number) { return a.step < number; });
  if (at != steps_.end() && at->step == step.step)
    *at = std::move(step);
  else
    steps_.insert(at, std::move(step));
}

void Xdmf::cut_back(std::int64_t last_step) {
  std::erase_if(steps_, [&](const XdmfStep& step) { return step.step > last_step; });
}

std::string Xdmf::text() const {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Xdmf Version=\"3.0\">\n  <Domain>\n"
      "    <Grid Name=\"fields\" GridType=\"Collection\" CollectionType=\"Temporal\">\n";
  const std::string mesh = mesh_text(cells_);
  for (const XdmfStep& step : steps_) {
    text += fmt::format("      <Grid Name=\"step {}\" GridType=\"Uniform\">\n        <Time Value=\"{}\"/>\n", step.step,
                        step.time);
    text += mesh;
    for (const XdmfArray& array : step.arrays) text += array_text(array, cells_, step.step);
    text += "      </Grid>\n";
  }
  return text + "    </Grid>\n  </Domain>\n</Xdmf>\n";
}

void Xdmf::write() const {
  const fs::path path = run_folder_ / "fields.xdmf";
  if (!steps_.empty()) return write_text_atomically(path, text());
  std::error_code ignored;  // a series without steps is an error to viewers
  fs::remove(path, ignored);
}

Xdmf scan_fields(const fs::path& run_folder, std::vector<std::string>* skipped, std::int64_t last_step) {
  Xdmf xdmf(run_folder, read_cells(run_folder));
  const std::vector<std::uint64_t> cells = read_cells(run_folder);
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(run_folder / "fields", code)) {
    if (step_of(entry.path()) < 0 || step_of(entry.path()) > last_step) continue;
    try {
      xdmf.add(read_step(entry.path(), cells));
    } catch (const FileError& error) {
      if (skipped) skipped->emplace_back(error.what());
    }
  }
  return xdmf;
}

namespace {
/// A run at work keeps its own list, and would go on from that.
void refuse_at_work(const fs::path& run_folder) {
  const LockState lock = look_at_lock(run_folder);
  if (lock.holder == LockHolder::gone) return;
  std::string said = fmt::format("a run {} at work in '{}' ({}): it writes fields.xdmf itself",
                                 lock.holder == LockHolder::alive ? "is" : "may be", run_folder.string(), lock.who);
  if (lock.only_text)
    said += fmt::format("; this file system has no locks to tell. If it is not, remove its mark: rm '{}/.lock'",
                        run_folder.string());
  throw FileError(said);
}
}  // namespace

XdmfRebuild rebuild_xdmf(const fs::path& run_folder) {
  XdmfRebuild result;
  refuse_at_work(run_folder);
  const Xdmf xdmf = scan_fields(run_folder, &result.skipped);
  refuse_at_work(run_folder);  // reading many files may take a while
  xdmf.write();
  result.steps = xdmf.steps().size();
  return result;
}

}  // namespace kolmo::io
