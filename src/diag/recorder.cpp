#include "kolmo/diag/recorder.hpp"

#include <limits>

#include "kolmo/base/error.hpp"

namespace kolmo::diag {

Recorder::Recorder(const Communicator& comm, std::string time_unit)
    : comm_(comm), columns_{{"step", ""}, {"time", std::move(time_unit)}} {}

void Recorder::add(const std::string& name, const std::string& unit, std::function<double()> value) {
  add({{name, unit}}, [value = std::move(value)](std::span<double> into) { into[0] = value(); });
}

void Recorder::add(std::vector<io::Column> columns, std::function<void(std::span<double>)> values) {
  if (table_) throw InternalError("a series was added after the first record");
  sources_.push_back({columns_.size(), columns.size(), std::move(values)});
  columns_.insert(columns_.end(), columns.begin(), columns.end());
}

void Recorder::open(const std::filesystem::path& path, std::optional<std::int64_t> resume_step) {
  if (resume_step) io::cut_back_table(comm_, path, "step", static_cast<double>(*resume_step));
  const auto start = resume_step ? io::TableWriter::Start::append : io::TableWriter::Start::fresh;
  table_ = std::make_unique<io::TableWriter>(comm_, path, columns_, start);
  row_.assign(columns_.size(), std::numeric_limits<double>::quiet_NaN());
}

void Recorder::record(std::int64_t step, double time) {
  if (!table_) throw InternalError("a record was asked for before the table was opened");
  row_[0] = static_cast<double>(step);
  row_[1] = time;
  for (const Source& source : sources_) source.values(std::span(row_).subspan(source.first, source.count));
  table_->row(row_);
}

double Recorder::last(const std::string& name) const {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].name == name) return row_.empty() ? std::numeric_limits<double>::quiet_NaN() : row_[i];
  throw InternalError("no series '" + name + "'");
}

}  // namespace kolmo::diag
