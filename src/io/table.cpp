#include "kolmo/io/table.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/io/agree.hpp"
#include "kolmo/io/files.hpp"

namespace kolmo::io {

namespace {

std::string header_cell(const Column& column) {
  return column.unit.empty() ? column.name : fmt::format("{} [{}]", column.name, column.unit);
}

std::string header_line(const std::vector<Column>& columns) {
  std::string line;
  for (const Column& column : columns) {
    if (!line.empty()) line += ',';
    line += header_cell(column);
  }
  return line;
}

void append_row(std::string& line, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    fmt::format_to(std::back_inserter(line), "{}{}", i == 0 ? "" : ",", values[i]);
  line += '\n';
}

std::string_view trimmed(std::string_view text) {
  const char* blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Splits at commas outside "quotes"; a doubled quote inside quotes is one.
std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      cells.back() += line[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      cells.emplace_back();
    else
      cells.back() += c;
  }
  for (std::string& cell : cells) cell = std::string(trimmed(cell));
  return cells;
}

Column parse_header(const std::string& cell) {
  const std::size_t open = cell.rfind('[');
  if (open == std::string::npos || cell.back() != ']') return {cell, ""};
  return {std::string(trimmed(cell.substr(0, open))), cell.substr(open + 1, cell.size() - open - 2)};
}

/// False where the whole text is not one finite number.
bool parse_number(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && !text.empty() && std::isfinite(value);
}

std::string first_line(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  return text.substr(0, text.find('\n'));
}

}  // namespace

void TableWriter::Close::operator()(std::FILE* file) const { (void)std::fclose(file); }

TableWriter::TableWriter(const Communicator& comm, std::filesystem::path path, std::vector<Column> columns, Start start)
    : comm_(comm), path_(std::move(path)), columns_(std::move(columns)) {
  on_root(comm_, [&] {
    const std::string header = header_line(columns_);
    std::error_code ignored;
    const bool go_on = start == Start::append && std::filesystem::exists(path_, ignored);
    if (go_on && first_line(path_) != header)
      throw RestartError(fmt::format("'{}' has other columns than this run: '{}', now '{}'", path_.string(),
                                     first_line(path_), header));
    errno = 0;
    file_.reset(std::fopen(path_.c_str(), go_on ? "ae" : "we"));
    if (!file_) throw FileError(system_failure("cannot write", path_, errno));
    if (go_on) return;
    line_ = header + '\n';
    if (std::fputs(line_.c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
      throw FileError(system_failure("cannot write", path_, errno));
  });
}

void TableWriter::row(std::span<const double> values) {
  std::string failure;
  if (comm_.root()) {
    line_.clear();
    append_row(line_, values);
    errno = 0;
    const bool ok = values.size() == columns_.size() &&
                    std::fwrite(line_.data(), 1, line_.size(), file_.get()) == line_.size() &&
                    std::fflush(file_.get()) == 0;
    if (!ok) failure = system_failure("cannot write", path_, errno ? errno : EINVAL);
  }
  agree(comm_, failure);
}

void cut_back_table(const Communicator& comm, const std::filesystem::path& path, const std::string& column,
                    double limit) {
  on_root(comm, [&] {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return;
    const std::string text = read_text_file(path);
    std::size_t begin = text.find('\n');
    if (begin == std::string::npos) {  // not even its header reached the disk: it is begun anew
      std::filesystem::remove(path);
      return;
    }
    const std::vector<std::string> header = split(std::string_view(text).substr(0, begin));
    std::size_t index = 0;
    while (index < header.size() && parse_header(header[index]).name != column) ++index;
    if (index == header.size()) throw RestartError(fmt::format("'{}' has no column '{}'", path.string(), column));
    std::string kept = text.substr(0, ++begin);
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(text).substr(begin, end - begin);
      const std::vector<std::string> cells = split(line);
      double value = 0.0;
      if (cells.size() != header.size() || !parse_number(cells[index], value) || value > limit) continue;
      kept.append(line).push_back('\n');
    }
    if (kept != text) write_text_atomically(path, kept);
  });
}

Table Table::read(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  Table table;
  table.path_ = path;
  int number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = trimmed(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    if (++number == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // byte order mark of spreadsheets
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> cells = split(line);
    if (table.columns_.empty()) {
      for (const std::string& cell : cells) table.columns_.push_back(parse_header(cell));
      continue;
    }
    if (cells.size() != table.columns_.size())
      throw InputError(fmt::format("{}:{}: {} cells, but the header has {}", path.string(), number, cells.size(),
                                   table.columns_.size()));
    table.cells_.push_back(std::move(cells));
    table.lines_.push_back(number);
  }
  if (table.columns_.empty()) throw InputError(fmt::format("{}: no header line", path.string()));
  return table;
}

bool Table::has(const std::string& column) const {
  for (const Column& c : columns_)
    if (c.name == column) return true;
  return false;
}

std::size_t Table::index(const std::string& column) const {
  std::string names;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == column) return i;
    names += (i == 0 ? "" : ", ") + columns_[i].name;
  }
  throw InputError(fmt::format("{}: no column '{}' (there are {})", path_.string(), column, names));
}

std::vector<double> Table::numbers(const std::string& column) const { return numbers(index(column)); }

std::vector<double> Table::numbers(std::size_t column) const {
  if (column >= columns_.size())
    throw InputError(
        fmt::format("{}: no column number {} (there are {})", path_.string(), column + 1, columns_.size()));
  std::vector<double> values(rows());
  for (std::size_t row = 0; row < rows(); ++row)
    if (!parse_number(cells_[row][column], values[row]))
      throw InputError(fmt::format("{}:{}: '{}' in column '{}' is no finite number", path_.string(), lines_[row],
                                   cells_[row][column], columns_[column].name));
  return values;
}

std::vector<std::string> Table::texts(const std::string& column) const {
  const std::size_t at = index(column);
  std::vector<std::string> values;
  for (const auto& row : cells_) values.push_back(row[at]);
  return values;
}

void write_table(const std::filesystem::path& path, const std::vector<Column>& columns,
                 const std::vector<std::vector<double>>& data) {
  if (data.size() != columns.size())
    throw InternalError(fmt::format("table '{}': columns and data differ", path.string()));
  std::string text = header_line(columns) + '\n';
  std::vector<double> row(columns.size());
  for (std::size_t i = 0; i < (data.empty() ? 0 : data[0].size()); ++i) {
    for (std::size_t c = 0; c < data.size(); ++c) row[c] = data[c].at(i);
    append_row(text, row);
  }
  write_text_atomically(path, text);
}

}  // namespace kolmo::io
