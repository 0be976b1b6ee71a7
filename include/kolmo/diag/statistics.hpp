/// Means and second moments over time and over homogeneous directions.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kolmo/diag/probes.hpp"
#include "kolmo/grid/field.hpp"
#include "kolmo/grid/grid.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace kolmo::diag {

/// For quantities a, b, ... keeps the weighted sums of <a> and <a b> over time and over the axes named, each at the
/// location of its field; the product of fields at different locations is formed at cell centres, faces averaged to
/// them along their direction. The sums are the same on every rank where an axis is averaged over, and distributed like
/// the fields where none is. Dim 1 to 3.
template <int Dim>
class Statistics {
 public:
  /// Throws InputError for a name given twice.
  Statistics(const Grid<Dim>& grid, const Decomposition<Dim>& decomposition, std::vector<Quantity<Dim>> quantities,
             std::array<bool, Dim> over);
  /// Adds the fields as they are, weighted by dt (or 1). Faces at the high end of this rank must be up to date.
  /// Collective.
  void add(double weight);
  double weight() const { return weight_; }
  std::int64_t samples() const { return samples_; }

  /// Mean of a, or covariance <a b> - <a><b>, in natural order, x fastest, over the axes that are left (one number if
  /// none); where nothing is averaged over, over this rank's box. A covariance whose fields have different locations
  /// takes both means at cells. Throws InternalError for unknown names and before the first sample.
  std::vector<double> mean(const std::string& a) const;
  std::vector<double> covariance(const std::string& a, const std::string& b) const;
  /// Coordinates along a direction that is left, at the location of <a b>.
  std::vector<double> coordinates(const std::string& a, const std::string& b, int d) const;

  /// FOLDER/statistics.h5 with every mean and covariance and their coordinates; where one axis is left also
  /// FOLDER/statistics.csv at cell centres and faces as they are (one table per location: statistics_faces_y.csv ...).
  /// Collective, atomic.
  void write(const std::filesystem::path& folder) const;

  /// The state, bitwise, under names starting with `statistics.`.
  void store(io::CheckpointWriter& checkpoint) const;
  /// Throws RestartError if the checkpoint holds the statistics of other quantities. Without any, starts from nothing.
  void restore(const io::CheckpointReader& checkpoint);

 private:
  struct Moment {
    std::string name;  // "mean.u" or "product.u.v", and ".cells" behind it where the fields live elsewhere
    int a, b;          // b = -1: first moment
    Location location;
    Decomposition<Dim> decomposition;  // of the values at that location, the last face counted
    std::vector<double> sum;
  };
  void add_moment(int a, int b, Location location);
  const Moment& find(int a, int b, Location location) const;
  const Moment& find_mean(const std::string& a) const;
  const Moment& find_product(const std::string& a, const std::string& b) const;
  int index(const std::string& name) const;
  bool distributed() const;
  std::size_t length(const Moment& moment) const;
  /// Adds the moment of the fields as they are to values, averaged over `over_` as far as this rank's box goes.
  void sample(const Moment& moment, double* values) const;
  std::vector<double> covariance(const Moment& product) const;
  void write_csv(const std::filesystem::path& path, int d, bool faces) const;
  std::string description() const;

  Grid<Dim> grid_;
  Decomposition<Dim> decomposition_;
  std::vector<Quantity<Dim>> quantities_;
  std::array<bool, Dim> over_;
  std::vector<Moment> moments_;
  std::vector<double> scratch_;
  std::array<std::vector<double>, Dim> cell_weights_, face_weights_;  // shares of an axis that is averaged over
  double weight_ = 0.0;
  std::int64_t samples_ = 0;
};

}  // namespace kolmo::diag
