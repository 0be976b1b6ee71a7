#include "kolmo/diag/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"

namespace kolmo::diag {

namespace {

constexpr const char* axis_names[] = {"x", "y", "z"};

template <int Dim>
int main_axis(const Point<Dim>& from, const Point<Dim>& to) {
  int axis = 0;
  for (int d = 1; d < Dim; ++d)
    if (std::abs(to[d] - from[d]) > std::abs(to[axis] - from[axis])) axis = d;
  return axis;
}

template <int Dim>
std::vector<Sampler<Dim>> make_samplers(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition,
                                        const std::vector<Quantity<Dim>>& quantities,
                                        const std::vector<Point<Dim>>& points) {
  std::vector<Sampler<Dim>> samplers;
  for (const auto& quantity : quantities)
    samplers.emplace_back(grid, decomposition, quantity.field->location(), points, quantity.walls);
  return samplers;
}

/// InputErrors of a probe say whose they are.
template <class Make>
auto of_probe(const char* kind, const std::string& name, Make&& make) {
  try {
    return make();
  } catch (const InputError& error) {
    throw InputError(fmt::format("{} '{}': {}", kind, name, error.what()));
  }
}

}  // namespace

Distance distance(const std::vector<double>& values, const std::vector<double>& reference) {
  if (values.size() != reference.size() || values.empty())
    throw InternalError(fmt::format("{} values cannot be compared with {}", values.size(), reference.size()));
  Distance result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double e = std::abs(values[i] - reference[i]);
    if (!(e <= result.max)) result.max = e;  // keeps a NaN
    result.rms += e * e;
  }
  result.rms = std::sqrt(result.rms / static_cast<double>(values.size()));
  if (std::isnan(result.rms)) result.max = result.rms;
  return result;
}

template <int Dim>
std::vector<Point<Dim>> line_points(const Point<Dim>& from, const Point<Dim>& to, int n) {
  if (from == to) throw InputError("its two ends coincide");
  if (n < 2) throw InputError(fmt::format("it needs at least 2 points, not {}", n));
  std::vector<Point<Dim>> points(static_cast<std::size_t>(n));
  for (int k = 0; k < n; ++k) {
    const double s = static_cast<double>(k) / (n - 1);
    for (int d = 0; d < Dim; ++d) points[static_cast<std::size_t>(k)][d] = (1.0 - s) * from[d] + s * to[d];
  }
  return points;
}

template <int Dim>
std::vector<Point<Dim>> points_at(const Point<Dim>& from, const Point<Dim>& to,
                                  const std::vector<double>& coordinates) {
  if (from == to) throw InputError("its two ends coincide");
  const int axis = main_axis<Dim>(from, to);
  std::vector<Point<Dim>> points;
  for (const double coordinate : coordinates) {
    const double s = (coordinate - from[axis]) / (to[axis] - from[axis]);
    if (!(s >= -1e-9 && s <= 1.0 + 1e-9))
      throw InputError(
          fmt::format("{} = {} lies outside the line [{}, {}]", axis_names[axis], coordinate, from[axis], to[axis]));
    Point<Dim> point;
    for (int d = 0; d < Dim; ++d) point[d] = d == axis ? coordinate : (1.0 - s) * from[d] + s * to[d];
    points.push_back(point);
  }
  return points;
}

namespace {

/// Centres strictly between two coordinates, in the direction from one to the other.
std::vector<double> centres_between(const Axis& axis, double from, double to) {
  const auto [low, high] = std::minmax(from, to);
  std::vector<double> centres;
  for (int i = 0; i < axis.cells(); ++i)
    if (axis.centre(i) > low && axis.centre(i) < high) centres.push_back(axis.centre(i));
  if (from > to) std::reverse(centres.begin(), centres.end());
  return centres;
}

}  // namespace

template <int Dim>
std::vector<Point<Dim>> grid_points(const Grid<Dim>& grid, const Point<Dim>& from, const Point<Dim>& to) {
  const int axis = main_axis<Dim>(from, to);
  std::vector<double> along = centres_between(grid.axis(axis), from[axis], to[axis]);
  std::size_t cells = 0;
  for (int d = 0; d < Dim; ++d) cells += centres_between(grid.axis(d), from[d], to[d]).size();
  Point<Dim> straight = from;
  straight[axis] = to[axis];
  if (straight != to) return line_points<Dim>(from, to, std::max(static_cast<int>(cells), 2));
  std::vector<Point<Dim>> points = points_at<Dim>(from, to, along);
  points.insert(points.begin(), from);
  points.push_back(to);
  return points;
}

template <int Dim>
LineProbe<Dim>::LineProbe(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::string name,
                          const Point<Dim>& from, const Point<Dim>& to, int points,
                          std::vector<Quantity<Dim>> quantities)
    : grid_(grid),
      decomposition_(decomposition),
      name_(std::move(name)),
      from_(from),
      to_(to),
      quantities_(std::move(quantities)) {
  of_probe("line", name_, [&] {
    // The ends first: a complaint names what the user wrote.
    (void)Sampler<Dim>(grid, decomposition, Location::cells(), {from, to}, Walls::unknown);
    points_ = points == 0 ? grid_points<Dim>(grid, from, to) : line_points<Dim>(from, to, points);
    samplers_ = make_samplers<Dim>(grid_, decomposition_, quantities_, points_);
  });
}

template <int Dim>
void LineProbe<Dim>::write(const std::filesystem::path& folder, std::optional<std::int64_t> step) const {
  std::vector<io::Column> columns;
  std::vector<std::vector<double>> data;
  for (int d = 0; d < Dim; ++d) {
    columns.push_back({axis_names[d], "m"});
    data.emplace_back();
    for (const auto& point : points_) data.back().push_back(point[d]);
  }
  for (std::size_t q = 0; q < quantities_.size(); ++q) {
    columns.push_back({quantities_[q].name, quantities_[q].unit});
    data.push_back(samplers_[q].sample(*quantities_[q].field));
  }
  const std::string file = step ? fmt::format("{}_{:06}.csv", name_, *step) : name_ + ".csv";
  io::on_root(decomposition_.comm(), [&] {
    std::filesystem::create_directories(folder);
    io::write_table(folder / file, columns, data);
  });
}

template <int Dim>
std::vector<double> LineProbe<Dim>::values(const std::string& quantity, const std::vector<double>& coordinates) const {
  return of_probe("line", name_, [&] {
    for (const auto& candidate : quantities_) {
      if (candidate.name != quantity) continue;
      const Sampler<Dim> sampler(grid_, decomposition_, candidate.field->location(),
                                 points_at<Dim>(from_, to_, coordinates), candidate.walls);
      return sampler.sample(*candidate.field);
    }
    throw InputError(fmt::format("it has no quantity '{}'", quantity));
  });
}

template <int Dim>
Distance LineProbe<Dim>::write_comparison(const std::filesystem::path& folder, const std::string& quantity,
                                          const std::vector<double>& coordinates,
                                          const std::vector<double>& reference) const {
  const std::vector<double> computed = values(quantity, coordinates);
  const auto& of =
      *std::find_if(quantities_.begin(), quantities_.end(), [&](const auto& q) { return q.name == quantity; });
  const std::vector<io::Column> columns{
      {axis_names[main_axis<Dim>(from_, to_)], "m"}, {"reference", of.unit}, {quantity, of.unit}};
  io::on_root(decomposition_.comm(), [&] {
    std::filesystem::create_directories(folder);
    io::write_table(folder / fmt::format("{}_{}_reference.csv", name_, quantity), columns,
                    {coordinates, reference, computed});
  });
  return distance(computed, reference);
}

template <int Dim>
PointProbe<Dim>::PointProbe(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::string name,
                            const Point<Dim>& at, std::vector<Quantity<Dim>> quantities)
    : comm_(decomposition.comm()), name_(std::move(name)), quantities_(std::move(quantities)) {
  samplers_ = of_probe("point", name_, [&] { return make_samplers<Dim>(grid, decomposition, quantities_, {at}); });
}

template <int Dim>
void PointProbe<Dim>::open(const std::filesystem::path& folder, std::optional<std::int64_t> resume_step) {
  const std::filesystem::path path = folder / (name_ + ".csv");
  io::on_root(comm_, [&] { std::filesystem::create_directories(folder); });
  if (resume_step) io::cut_back_table(comm_, path, "step", static_cast<double>(*resume_step));
  std::vector<io::Column> columns{{"step", ""}, {"time", "s"}};
  for (const auto& quantity : quantities_) columns.push_back({quantity.name, quantity.unit});
  const auto start = resume_step ? io::TableWriter::Start::append : io::TableWriter::Start::fresh;
  row_.resize(columns.size());
  table_ = std::make_unique<io::TableWriter>(comm_, path, std::move(columns), start);
}

template <int Dim>
void PointProbe<Dim>::record(std::int64_t step, double time) {
  if (!table_) throw InternalError(fmt::format("point '{}': a record before the table was opened", name_));
  row_[0] = static_cast<double>(step);
  row_[1] = time;
  for (std::size_t q = 0; q < quantities_.size(); ++q)
    samplers_[q].sample(*quantities_[q].field, std::span(row_).subspan(2 + q, 1));
  table_->row(row_);
}

#define KOLMO_INSTANTIATE(Dim)                                                                                       \
  template std::vector<Point<Dim>> line_points<Dim>(const Point<Dim>&, const Point<Dim>&, int);                      \
  template std::vector<Point<Dim>> points_at<Dim>(const Point<Dim>&, const Point<Dim>&, const std::vector<double>&); \
  template std::vector<Point<Dim>> grid_points<Dim>(const Grid<Dim>&, const Point<Dim>&, const Point<Dim>&);         \
  template class LineProbe<Dim>;                                                                                     \
  template class PointProbe<Dim>;
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo::diag
