#include "kolmo/diag/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/error.hpp"
#include "kolmo/diag/norms.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::diag {

namespace {

constexpr const char* axis_names[] = {"x", "y", "z"};

/// The field along a row, brought to a location: pointer and the distance to the second of two values to be averaged
/// (0: the value itself).
struct Row {
  const double* values;
  std::ptrdiff_t next;
  double operator[](int i) const { return 0.5 * (values[i] + values[i + next]); }
};

template <int Dim>
Row row_of(const Field<Dim>& field, const Index<Dim>& start, Location at) {
  const Location own = field.location();
  return {field.origin() + field.layout().offset(start), own == at ? 0 : field.layout().stride(own.direction)};
}

/// Where one index of the result lies, and how far apart neighbours are.
template <int Dim>
struct Shape {
  Index<Dim> origin{};  // added to local indices
  std::array<std::size_t, Dim> stride{};
  std::size_t size = 1;
};

template <int Dim>
Shape<Dim> shape_of(const Decomposition<Dim>& decomposition, const std::array<bool, Dim>& over, bool distributed) {
  Shape<Dim> shape;
  for (int d = 0; d < Dim; ++d) {
    if (over[d]) continue;
    shape.origin[d] = distributed ? 0 : decomposition.owned().begin[d];
    shape.stride[d] = shape.size;
    shape.size *= static_cast<std::size_t>(distributed ? decomposition.extent()[d] : decomposition.cells()[d]);
  }
  return shape;
}

}  // namespace

template <int Dim>
Statistics<Dim>::Statistics(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition,
                            std::vector<Quantity<Dim>> quantities, std::array<bool, Dim> over)
    : grid_(grid), decomposition_(decomposition), quantities_(std::move(quantities)), over_(over) {
  const int n = static_cast<int>(quantities_.size());
  for (int a = 0; a < n; ++a)
    for (int b = 0; b < a; ++b)
      if (quantities_[a].name == quantities_[b].name)
        throw InputError(fmt::format("statistics: '{}' is given twice", quantities_[a].name));
  const auto location = [&](int q) { return quantities_[q].field->location(); };
  for (int a = 0; a < n; ++a) {
    add_moment(a, -1, location(a));
    const bool mixed = std::any_of(quantities_.begin(), quantities_.end(),
                                   [&](const auto& q) { return !(q.field->location() == location(a)); });
    if (mixed && !location(a).at_cells()) add_moment(a, -1, Location::cells());
    for (int b = a; b < n; ++b) add_moment(a, b, location(a) == location(b) ? location(a) : Location::cells());
  }
  for (int d = 0; d < Dim; ++d) {
    for (int i = 0; i < grid_.axis(d).cells(); ++i)
      cell_weights_[d].push_back(grid_.axis(d).width(i) / grid_.axis(d).length());
    for (int i = 0; i <= grid_.axis(d).cells(); ++i)
      face_weights_[d].push_back(diag::weight<Dim>(grid_, Location::faces(d), d, i) / grid_.axis(d).length());
  }
  std::size_t total = 0;
  for (const Moment& moment : moments_) total += length(moment);
  scratch_.resize(total);
}

template <int Dim>
void Statistics<Dim>::add_moment(int a, int b, Location location) {
  std::string name = b < 0 ? fmt::format("mean.{}", quantities_[a].name)
                           : fmt::format("product.{}.{}", quantities_[a].name, quantities_[b].name);
  const bool elsewhere = !(quantities_[a].field->location() == location);
  if (elsewhere) name += ".cells";
  const int d = location.direction;
  const bool last_face = d >= 0 && !grid_.axis(d).periodic();
  Moment moment{std::move(name), a, b, location, last_face ? decomposition_.trimmed(d, 0, -1) : decomposition_, {}};
  moment.sum.assign(length(moment), 0.0);
  moments_.push_back(std::move(moment));
}

template <int Dim>
bool Statistics<Dim>::distributed() const {
  return std::none_of(over_.begin(), over_.end(), [](bool o) { return o; });
}

template <int Dim>
std::size_t Statistics<Dim>::length(const Moment& moment) const {
  return shape_of<Dim>(moment.decomposition, over_, distributed()).size;
}

template <int Dim>
void Statistics<Dim>::sample(const Moment& moment, double* values) const {
  const Shape<Dim> shape = shape_of<Dim>(moment.decomposition, over_, distributed());
  const Box<Dim> box = answered_box<Dim>(decomposition_, moment.location);
  const Index<Dim>& begin = decomposition_.owned().begin;
  const auto share = [&](int d, int local) {
    const auto& weights = moment.location.direction == d ? face_weights_[d] : cell_weights_[d];
    return weights[static_cast<std::size_t>(begin[d] + local)];
  };
  for_each_row<Dim>(box, [&](const Index<Dim>& start) {
    double outer = 1.0;
    double* into = values;
    for (int d = 0; d < Dim; ++d) {
      if (d > 0 && over_[d]) outer *= share(d, start[d]);
      into += static_cast<std::size_t>(shape.origin[d] + start[d]) * shape.stride[d];
    }
    const Row a = row_of<Dim>(*quantities_[moment.a].field, start, moment.location);
    const Row b = row_of<Dim>(*quantities_[std::max(moment.b, 0)].field, start, moment.location);
    const auto value = [&](int i) { return moment.b < 0 ? a[i] : a[i] * b[i]; };
    if (over_[0]) {
      double sum = 0.0;
      for (int i = 0; i < box.end[0]; ++i) sum += share(0, i) * value(i);
      into[0] += outer * sum;
    } else {
      for (int i = 0; i < box.end[0]; ++i) into[i] += outer * value(i);
    }
  });
}

template <int Dim>
void Statistics<Dim>::add(double weight) {
  std::fill(scratch_.begin(), scratch_.end(), 0.0);
  std::size_t at = 0;
  for (const Moment& moment : moments_) {
    sample(moment, scratch_.data() + at);
    at += moment.sum.size();
  }
  // One message for all moments. Summing now and not at the end keeps a restarted average bitwise that of an unbroken
  // run.
  if (!distributed()) decomposition_.comm().sum(scratch_.data(), static_cast<int>(scratch_.size()));
  at = 0;
  for (Moment& moment : moments_)
    for (double& sum : moment.sum) sum += weight * scratch_[at++];
  weight_ += weight;
  ++samples_;
}

template <int Dim>
int Statistics<Dim>::index(const std::string& name) const {
  for (std::size_t q = 0; q < quantities_.size(); ++q)
    if (quantities_[q].name == name) return static_cast<int>(q);
  throw InternalError(fmt::format("statistics: no quantity '{}'", name));
}

template <int Dim>
auto Statistics<Dim>::find(int a, int b, Location location) const -> const Moment& {
  for (const Moment& moment : moments_)
    if (moment.a == a && moment.b == b && moment.location == location) return moment;
  throw InternalError("statistics: no such moment");
}

template <int Dim>
auto Statistics<Dim>::find_mean(const std::string& a) const -> const Moment& {
  return find(index(a), -1, quantities_[index(a)].field->location());
}

template <int Dim>
auto Statistics<Dim>::find_product(const std::string& a, const std::string& b) const -> const Moment& {
  const auto [first, second] = std::minmax({index(a), index(b)});
  const Location one = quantities_[first].field->location(), other = quantities_[second].field->location();
  return find(first, second, one == other ? one : Location::cells());
}

template <int Dim>
std::vector<double> Statistics<Dim>::mean(const std::string& a) const {
  if (samples_ == 0) throw InternalError("statistics: no sample yet");
  std::vector<double> values = find_mean(a).sum;
  for (double& v : values) v /= weight_;
  return values;
}

template <int Dim>
std::vector<double> Statistics<Dim>::covariance(const Moment& product) const {
  const Moment& first = find(product.a, -1, product.location);
  const Moment& second = find(product.b, -1, product.location);
  std::vector<double> values = product.sum;
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = values[i] / weight_ - (first.sum[i] / weight_) * (second.sum[i] / weight_);
  return values;
}

template <int Dim>
std::vector<double> Statistics<Dim>::covariance(const std::string& a, const std::string& b) const {
  if (samples_ == 0) throw InternalError("statistics: no sample yet");
  return covariance(find_product(a, b));
}

template <int Dim>
std::vector<double> Statistics<Dim>::coordinates(const std::string& a, const std::string& b, int d) const {
  const Moment& moment = find_product(a, b);
  std::vector<double> values;
  for (int i = 0; i < moment.decomposition.cells()[d]; ++i)
    values.push_back(moment.location.direction == d ? grid_.axis(d).node(i) : grid_.axis(d).centre(i));
  return values;
}

// --- files ---------------------------------------------------------------------------------------------------------

template <int Dim>
void Statistics<Dim>::write_csv(const std::filesystem::path& path, int d, bool faces) const {
  const auto here = [&](const Moment& m) { return (m.location.direction == d) == faces; };
  std::vector<io::Column> columns{{axis_names[d], "m"}};
  std::vector<std::vector<double>> data(1);
  for (const Moment& m : moments_) {
    if (!here(m) || (m.b < 0 && !(m.location == quantities_[m.a].field->location()))) continue;
    const auto& a = quantities_[m.a];
    if (m.b < 0) {
      columns.push_back({a.name, a.unit});
      data.push_back(mean(a.name));
    } else {
      const auto& b = quantities_[m.b];
      columns.push_back({fmt::format("cov({}:{})", a.name, b.name), fmt::format("({})({})", a.unit, b.unit)});
      data.push_back(covariance(m));
    }
    if (data[0].empty())
      for (std::size_t i = 0; i < data.back().size(); ++i)
        data[0].push_back(faces ? grid_.axis(d).node(static_cast<int>(i)) : grid_.axis(d).centre(static_cast<int>(i)));
  }
  if (columns.size() > 1) io::write_table(path, columns, data);
}

template <int Dim>
void Statistics<Dim>::write(const std::filesystem::path& folder) const {
  if (samples_ == 0) return;
  const Communicator& comm = decomposition_.comm();
  io::on_root(comm, [&] { std::filesystem::create_directories(folder); });
  io::StagedFile staged(comm, folder / "statistics.h5");
  io::H5File file = io::H5File::create(comm, staged.temporary());
  file.write_text("/", "format", "kolmo statistics");
  file.write_number("/", "weight", weight_);
  file.write_integer("/", "samples", samples_);
  for (int d = 0; d < Dim; ++d) {
    std::vector<double> centres;
    for (int i = 0; i < grid_.axis(d).cells(); ++i) centres.push_back(grid_.axis(d).centre(i));
    file.write_numbers(fmt::format("{}.cells", axis_names[d]), centres);
    file.write_numbers(fmt::format("{}.faces", axis_names[d]), grid_.axis(d).node_list());
  }
  for (const Moment& m : moments_) {
    std::vector<double> values = m.sum;
    for (double& v : values) v /= weight_;
    if (m.b >= 0) values = covariance(m);
    const std::string name = m.b < 0 ? m.name : "covariance" + m.name.substr(m.name.find('.'));
    io::Slab slab = io::slab_of<Dim>(m.decomposition);
    if (!distributed()) {
      slab = {};
      for (int d = Dim - 1; d >= 0; --d)
        if (!over_[d]) slab.global.push_back(static_cast<std::uint64_t>(m.decomposition.cells()[d]));
      if (slab.global.empty()) slab.global.push_back(1);
      slab.start.assign(slab.global.size(), 0);
      slab.count = comm.root() ? slab.global : slab.start;
    }
    file.write_array(name, slab, values.data(), io::Precision::float64);
    const char* locations[] = {"cells", "faces x", "faces y", "faces z"};
    file.write_text(name, "location", locations[m.location.direction + 1]);
  }
  file.close();
  staged.publish();
  if (std::count(over_.begin(), over_.end(), false) != 1 || distributed()) return;
  const int d = static_cast<int>(std::find(over_.begin(), over_.end(), false) - over_.begin());
  io::on_root(comm, [&] {
    write_csv(folder / "statistics.csv", d, false);
    write_csv(folder / fmt::format("statistics_faces_{}.csv", axis_names[d]), d, true);
  });
}

template <int Dim>
std::string Statistics<Dim>::description() const {
  std::string text = "over";
  for (int d = 0; d < Dim; ++d) text += over_[d] ? fmt::format(" {}", axis_names[d]) : "";
  for (const Moment& moment : moments_) text += " " + moment.name;
  return text;
}

template <int Dim>
void Statistics<Dim>::store(io::CheckpointWriter& checkpoint) const {
  checkpoint.text("statistics.of", description());
  checkpoint.number("statistics.weight", weight_);
  checkpoint.integer("statistics.samples", samples_);
  for (const Moment& moment : moments_) {
    const std::string name = "statistics." + moment.name;
    if (distributed())
      checkpoint.field<Dim>(name, moment.decomposition, moment.sum.data());
    else
      checkpoint.numbers(name, moment.sum);
  }
}

template <int Dim>
void Statistics<Dim>::restore(const io::CheckpointReader& checkpoint) {
  if (!checkpoint.has("statistics.of")) return;
  if (const std::string stored = checkpoint.text("statistics.of"); stored != description())
    throw RestartError(fmt::format("'{}' holds other statistics ({}) than this run wants ({})",
                                   checkpoint.path().string(), stored, description()));
  weight_ = checkpoint.number("statistics.weight");
  samples_ = checkpoint.integer("statistics.samples");
  for (Moment& moment : moments_) {
    const std::string name = "statistics." + moment.name;
    if (distributed()) {
      checkpoint.field<Dim>(name, moment.decomposition, moment.sum.data());
      continue;
    }
    std::vector<double> sum = checkpoint.numbers(name);
    if (sum.size() != moment.sum.size())
      throw RestartError(fmt::format("'{}': '{}' has {} numbers, expected {}", checkpoint.path().string(), name,
                                     sum.size(), moment.sum.size()));
    moment.sum = std::move(sum);
  }
}

template class Statistics<1>;
template class Statistics<2>;
template class Statistics<3>;

}  // namespace kolmo::diag
