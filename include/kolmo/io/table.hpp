/// Tables as CSV: one header line `name [unit],...`, one row per record.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kolmo/base/parallel.hpp"

namespace kolmo::io {

struct Column {
  std::string name;
  std::string unit;  ///< empty: a pure number
  friend bool operator==(const Column&, const Column&) = default;
};

/// Appends rows to a file and flushes each. Collective: rank 0 writes, every rank learns of a failure (FileError with
/// the path).
class TableWriter {
 public:
  enum class Start { fresh, append };
  /// fresh replaces the file; append goes on after its last row and throws RestartError if its header differs.
  TableWriter(const Communicator& comm, std::filesystem::path path, std::vector<Column> columns, Start start);
  /// Shortest decimal form that reads back to the same double.
  void row(std::span<const double> values);
  const std::vector<Column>& columns() const { return columns_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };
  Communicator comm_;
  std::filesystem::path path_;
  std::vector<Column> columns_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string line_;
};

/// Drops the rows whose value in a column lies above the limit, and a last line cut short by a crash. A file that does
/// not exist is left so. Collective.
void cut_back_table(const Communicator& comm, const std::filesystem::path& path, const std::string& column,
                    double limit);

/// A CSV file in memory: commas, one header line, blank lines and lines starting with # ignored, "quoted" cells
/// allowed.
class Table {
 public:
  /// Throws FileError if the file cannot be read, InputError (path:line: reason) if it is no table.
  static Table read(const std::filesystem::path& path);
  const std::vector<Column>& columns() const { return columns_; }
  std::size_t rows() const { return cells_.size(); }
  bool has(const std::string& column) const;
  std::size_t index(const std::string& column) const;  ///< throws InputError naming the columns there are
  /// A column as finite numbers; throws InputError (path:line: ...) where a cell is none.
  std::vector<double> numbers(const std::string& column) const;
  std::vector<double> numbers(std::size_t column) const;
  std::vector<std::string> texts(const std::string& column) const;

 private:
  std::filesystem::path path_;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> cells_;  // by row
  std::vector<int> lines_;
};

/// Writes a whole table at once, atomically. data is by column, all of the same length. One rank.
void write_table(const std::filesystem::path& path, const std::vector<Column>& columns,
                 const std::vector<std::vector<double>>& data);

}  // namespace kolmo::io
