/// Time series of named numbers: diagnostics.csv.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kolmo/base/parallel.hpp"
#include "kolmo/io/table.hpp"

namespace kolmo::diag {

/// The columns `step, time [s]` and whatever is added, one row per record. The functions are called on every rank in
/// the order they were added, so they may be collective; rank 0's values are written.
class Recorder {
 public:
  explicit Recorder(const Communicator& comm, std::string time_unit = "s");
  void add(const std::string& name, const std::string& unit, std::function<double()> value);
  /// Several columns computed together.
  void add(std::vector<io::Column> columns, std::function<void(std::span<double>)> values);
  /// After the last add. With resume_step the table is cut back to it and continued, else started anew.
  void open(const std::filesystem::path& path, std::optional<std::int64_t> resume_step = {});
  /// Throws InternalError before `open`.
  void record(std::int64_t step, double time);
  /// Of the last record; NaN before the first. Throws InternalError if there is no such column.
  double last(const std::string& name) const;
  const std::vector<io::Column>& columns() const { return columns_; }

 private:
  struct Source {
    std::size_t first, count;
    std::function<void(std::span<double>)> values;
  };
  Communicator comm_;
  std::vector<io::Column> columns_;
  std::vector<Source> sources_;
  std::vector<double> row_;
  std::unique_ptr<io::TableWriter> table_;
};

}  // namespace kolmo::diag
