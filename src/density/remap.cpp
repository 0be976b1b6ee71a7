#include "kolmo/density/remap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "kolmo/base/error.hpp"
#include "kolmo/density/reconstruction.hpp"
#include "kolmo/grid/redistribution.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::density {

namespace {

bool same_nodes(const Axis& a, const Axis& b) {
  if (a.cells() != b.cells()) return false;
  const double small = 1e-12 * std::max(a.length(), b.length());
  for (int i = 0; i <= a.cells(); ++i)
    if (std::abs(a.node(i) - b.node(i)) > small) return false;
  return true;
}

/// p(s) = left + s (slope + curve s) for 0 <= s <= 1, with its mean.
struct Parabola {
  double left, slope, curve;

  Parabola(double low, double mean, double high) {
    curve = 3.0 * (low + high - 2.0 * mean);
    slope = high - low - curve;
    left = low;
    double least = std::min(low, high);
    if (const double s = -0.5 * slope / curve; curve > 0.0 && s > 0.0 && s < 1.0)
      least = left + s * (slope + curve * s);
    if (least >= 0.0) return;
    const double share = mean > 0.0 ? mean / (mean - least) : 0.0;
    left = mean + share * (left - mean);
    slope *= share;
    curve *= share;
  }
  double integral(double begin, double end) const {
    const auto primitive = [&](double s) { return s * (left + s * (slope / 2.0 + s * curve / 3.0)); };
    return begin == 0.0 && end == 1.0 ? primitive(1.0) : primitive(end) - primitive(begin);
  }
};

}  // namespace

LineRemap::LineRemap(const Axis& from, const Axis& to)
    : from_cells_(from.cells()), to_cells_(to.cells()), identical_(same_nodes(from, to)), periodic_(from.periodic()) {
  const CubicLine line(from);
  for (int f = 0; f <= from.cells(); ++f) {
    const CubicLine::Stencil s = line.at(std::min(f, from.cells() - 1), from.node(f));
    nodes_.push_back({s.first, s.count, s.weights});
  }
  for (int i = 0, j = 0; i < from.cells() && j < to.cells();) {
    const double begin = std::max(from.node(i), to.node(j)), end = std::min(from.node(i + 1), to.node(j + 1));
    if (end > begin)
      pieces_.push_back({i, j, (begin - from.node(i)) / from.width(i), (end - from.node(i)) / from.width(i),
                         from.width(i) / to.width(j)});
    from.node(i + 1) <= to.node(j + 1) ? ++i : ++j;
  }
}

void LineRemap::apply(const double* in, double* out) const {
  if (identical_) {
    std::copy(in, in + from_cells_, out);
    return;
  }
  std::fill(out, out + to_cells_, 0.0);
  const auto value = [&](int f) {
    double sum = 0.0;
    const NodeWeights& node = nodes_[f];
    for (int k = 0; k < node.count; ++k) {
      const int cell = node.first + k;
      sum += node.weights[k] * in[(cell % from_cells_ + from_cells_) % from_cells_];
    }
    return sum;
  };
  int at = -1;
  Parabola parabola(0.0, 0.0, 0.0);
  for (const Piece& piece : pieces_) {
    if (piece.source != at) {
      at = piece.source;
      parabola = Parabola(value(at), in[at], value(at + 1));
    }
    // Neither the clipping nor the primitive may make a tiny negative number of an empty cell.
    const double part = std::max(parabola.integral(piece.begin, piece.end), in[at] < 0.0 ? -HUGE_VAL : 0.0);
    out[piece.target] += piece.width * part;
  }
}

namespace {

/// An earlier run's density, whatever kind of file holds it.
template <int Dim>
class Source {
 public:
  Source(const Communicator& comm, const std::filesystem::path& path) : path_(path) {
    file_.emplace(io::H5File::open(comm, path));
    const std::string format = file_->has_attribute("/", "format") ? file_->read_text("/", "format") : "";
    if (!file_->has_array("density") || (format != "kolmo checkpoint" && format != "kolmo fields"))
      refuse("it holds no density of a run");
    if (format == "kolmo fields") {
      const io::H5File grid = io::H5File::open(comm, path.parent_path() / "grid.h5");
      if (grid.has_attribute("/", "variables")) variables_ = grid.read_text("/", "variables");
      for (int d = 0; d < Dim; ++d) read_nodes(grid, d, std::string(1, "xyzuvw"[d]));
    } else {
      // A checkpoint is sealed: what is in it is what was written.
      file_.reset();
      checkpoint_.emplace(io::CheckpointReader::open(comm, path, ""));
      time_ = checkpoint_->time();
      if (checkpoint_->has("variables")) variables_ = checkpoint_->text("variables");
      for (int d = 0; d < Dim; ++d) {
        const std::string name = fmt::format("nodes_{}", d);
        if (!checkpoint_->has(name)) refuse(fmt::format("its dimension is not {}", Dim));
        set_nodes(d, checkpoint_->numbers(name));
      }
      if (checkpoint_->has(fmt::format("nodes_{}", Dim))) refuse(fmt::format("its dimension is not {}", Dim));
      return;
    }
    time_ = file_->read_number("/", "time");
    if (file_->read_integer("/", "dimension") != Dim)
      refuse(fmt::format("its dimension is {}, not {}", file_->read_integer("/", "dimension"), Dim));
  }

  double time() const { return time_; }
  const std::string& variables() const { return variables_; }
  bool single() const { return file_ && file_->precision("density") == io::Precision::float32; }
  const std::array<Axis, Dim>& axes() const { return axes_; }
  void read(const Decomposition<Dim>& decomposition, std::vector<double>& packed) const {
    packed.resize(static_cast<std::size_t>(decomposition.local_size()));
    if (checkpoint_) {
      checkpoint_->template field<Dim>("density", decomposition, packed.data());
      return;
    }
    io::Slab slab = io::slab_of<Dim>(decomposition);
    if constexpr (Dim == 1) {  // on disk a strip one cell high
      slab.global.insert(slab.global.begin(), 1);
      slab.start.insert(slab.start.begin(), 0);
      slab.count.insert(slab.count.begin(), 1);
    }
    file_->read_array("density", slab, packed.data());
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw InputError(fmt::format("{}: {}", path_.string(), reason));
  }
  void read_nodes(const io::H5File& grid, int d, const std::string& name) {
    if (!grid.has_array(name)) refuse(fmt::format("its dimension is not {}", Dim));
    set_nodes(d, grid.read_numbers(name));
  }
  void set_nodes(int d, std::vector<double> nodes) {
    AxisSpec spec;
    spec.cells = static_cast<int>(nodes.size()) - 1;
    spec.from = nodes.front();
    spec.to = nodes.back();
    spec.spacing = Spacing::nodes;
    spec.nodes = std::move(nodes);
    axes_[d] = Axis(spec);
  }

  std::filesystem::path path_;
  std::optional<io::H5File> file_;
  std::optional<io::CheckpointReader> checkpoint_;
  double time_ = 0.0;
  std::string variables_;
  std::array<Axis, Dim> axes_;
};

/// Sum of volume * value over a packed box of a grid.
template <int Dim>
double mass_of(const std::array<Axis, Dim>& axes, const Decomposition<Dim>& decomposition, const double* packed) {
  double sum = 0.0;
  for_each<Dim>(decomposition.owned(), [&](const Index<Dim>& i) {
    double volume = 1.0;
    for (int d = 0; d < Dim; ++d) volume *= axes[d].width(i[d]);
    sum += volume * *packed++;
  });
  return decomposition.comm().sum(sum);
}

/// One direction: lines of a packed box, whole in direction d, from one axis to another.
template <int Dim>
std::vector<double> remap_direction(const LineRemap& remap, int d, const Box<Dim>& from, const Box<Dim>& to,
                                    const std::vector<double>& in) {
  std::vector<double> out(static_cast<std::size_t>(to.size()));
  if (from.empty()) return out;  // more ranks than lines
  std::vector<double> line_in(static_cast<std::size_t>(from.extent(d))),
      line_out(static_cast<std::size_t>(to.extent(d)));
  std::int64_t stride = 1, lines = 1;
  for (int e = 0; e < Dim; ++e) (e < d ? stride : lines) *= e == d ? 1 : from.extent(e);
  for (std::int64_t outer = 0; outer < lines; ++outer)
    for (std::int64_t inner = 0; inner < stride; ++inner) {
      const double* source = in.data() + outer * stride * from.extent(d) + inner;
      double* target = out.data() + outer * stride * to.extent(d) + inner;
      for (std::size_t i = 0; i < line_in.size(); ++i) line_in[i] = source[static_cast<std::int64_t>(i) * stride];
      remap.apply(line_in.data(), line_out.data());
      for (std::size_t i = 0; i < line_out.size(); ++i) target[static_cast<std::int64_t>(i) * stride] = line_out[i];
    }
  return out;
}

}  // namespace

template <int Dim>
DensityFile read_density(const std::filesystem::path& path, const Grid<Dim>& grid,
                         const Decomposition<Dim>& decomposition, Field<Dim>& p) {
  const Communicator& comm = decomposition.comm();
  io::on_root(comm, [&] {
    if (!std::filesystem::is_regular_file(path)) throw FileError(fmt::format("{}: no such file", path.string()));
  });
  const Source<Dim> source(comm, path);
  Index<Dim> cells, least;
  for (int d = 0; d < Dim; ++d) {
    cells[d] = source.axes()[d].cells();
    least[d] = std::min(cells[d], grid.axis(d).cells());
  }
  const Index<Dim> processes = Decomposition<Dim>::choose(comm.size(), least);
  Decomposition<Dim> from = Decomposition<Dim>(comm, cells, {}, processes);
  std::vector<double> values;
  source.read(from, values);
  DensityFile result{source.time(), source.single(), mass_of<Dim>(source.axes(), from, values.data()), 0.0,
                     source.variables()};
  for (int d = 0; d < Dim; ++d) {
    const LineRemap remap(source.axes()[d], grid.axis(d));
    if (remap.identical()) continue;
    const Decomposition<Dim> lines = Decomposition<Dim>(comm, cells, {}, processes).pencil(d);
    std::vector<double> whole(static_cast<std::size_t>(lines.local_size()));
    Redistribution<Dim>(from, lines).forward(values.data(), whole.data());
    cells[d] = grid.axis(d).cells();
    // Every rank keeps its lines, which have another length now.
    from = Decomposition<Dim>(comm, cells, {}, processes).pencil(d);
    values = remap_direction<Dim>(remap, d, lines.owned(), from.owned(), whole);
  }
  std::vector<double> packed(static_cast<std::size_t>(decomposition.local_size()));
  Redistribution<Dim>(from, decomposition).forward(values.data(), packed.data());
  unpack<Dim>(packed.data(), p.layout().interior(), p);
  result.mass_within = mass_of<Dim>(grid.axes(), decomposition, packed.data());
  return result;
}

#define KOLMO_INSTANTIATE(Dim)                                                                                      \
  template DensityFile read_density<Dim>(const std::filesystem::path&, const Grid<Dim>&, const Decomposition<Dim>&, \
                                         Field<Dim>&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::density
