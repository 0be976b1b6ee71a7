/// Lines and points along which fields are written and compared with references.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/diag/sampler.hpp"
#include "kolmo/io/table.hpp"

namespace kolmo::diag {

/// A field under the name it has in the output. The field must outlive the probe.
template <int Dim>
struct Quantity {
  std::string name, unit;
  const Field<Dim>* field = nullptr;
  Walls walls = Walls::from_ghosts;
};

/// How far values are from a reference.
struct Distance {
  double max = 0.0, rms = 0.0;
};
/// Throws InternalError if the lengths differ or there is nothing to compare.
Distance distance(const std::vector<double>& values, const std::vector<double>& reference);

/// n >= 2 points from one end to the other, both included.
template <int Dim>
std::vector<Point<Dim>> line_points(const Point<Dim>& from, const Point<Dim>& to, int n);
/// The points of the line through `from` and `to` whose coordinate on the line's main axis (the one it covers most of)
/// is given. Throws InputError if a coordinate lies outside the line by more than round-off.
template <int Dim>
std::vector<Point<Dim>> points_at(const Point<Dim>& from, const Point<Dim>& to, const std::vector<double>& coordinates);
/// Points as dense as the grid: both ends and the cell centres between them where the line runs along an axis, else as
/// many equally spaced ones as it passes cells.
template <int Dim>
std::vector<Point<Dim>> grid_points(const Grid<Dim>& grid, const Point<Dim>& from, const Point<Dim>& to);

/// Columns x, y, z and one per quantity.
template <int Dim>
class LineProbe {
 public:
  /// points: 0 for both ends and the cell centres between them, where the line runs along an axis, else as many as
  /// cells it passes. Throws InputError (naming the line) for ends that coincide or lie outside.
  LineProbe(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::string name, const Point<Dim>& from,
            const Point<Dim>& to, int points, std::vector<Quantity<Dim>> quantities);
  const std::string& name() const { return name_; }
  /// Collective: FOLDER/NAME_000100.csv, or FOLDER/NAME.csv without a step.
  void write(const std::filesystem::path& folder, std::optional<std::int64_t> step = {}) const;
  /// Values at given coordinates along the line's main axis, interpolated straight from the field. Collective.
  std::vector<double> values(const std::string& quantity, const std::vector<double>& coordinates) const;
  Distance compare(const std::string& quantity, const std::vector<double>& coordinates,
                   const std::vector<double>& reference) const {
    return distance(values(quantity, coordinates), reference);
  }

  /// FOLDER/NAME_QUANTITY_reference.csv: coordinate, reference, and the field at that coordinate; what scripts/plot.py
  /// draws. Collective.
  Distance write_comparison(const std::filesystem::path& folder, const std::string& quantity,
                            const std::vector<double>& coordinates, const std::vector<double>& reference) const;

 private:
  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  std::string name_;
  Point<Dim> from_, to_;
  std::vector<Point<Dim>> points_;
  std::vector<Quantity<Dim>> quantities_;
  std::vector<Sampler<Dim>> samplers_;
};

/// A series at one point: FOLDER/NAME.csv with columns step, time and one per quantity.
template <int Dim>
class PointProbe {
 public:
  PointProbe(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::string name, const Point<Dim>& at,
             std::vector<Quantity<Dim>> quantities);
  const std::string& name() const { return name_; }
  /// With resume_step the file is cut back to it and continued.
  void open(const std::filesystem::path& folder, std::optional<std::int64_t> resume_step = {});
  void record(std::int64_t step, double time);

 private:
  Communicator comm_;
  std::string name_;
  std::vector<Quantity<Dim>> quantities_;
  std::vector<Sampler<Dim>> samplers_;
  std::vector<double> row_;
  std::unique_ptr<io::TableWriter> table_;
};

}  // namespace kolmo::diag
