// The part of a flow case that says what is written and what it is compared with.
#include <fmt/format.h>

#include <algorithm>

#include "kolmo/io/table.hpp"
#include "settings_reader.hpp"

namespace kolmo::flow::detail {

Schedule Reader::schedule(const std::string& table) const {
  Schedule schedule;
  if (file_.has(table + ".every_steps")) schedule.every_steps = file_.integer(table + ".every_steps");
  if (file_.has(table + ".every_time")) schedule.every_time = file_.number(table + ".every_time");
  if (schedule.every_steps > 0 && schedule.every_time > 0.0)
    refuse(table + ".every_time", "give either every_time or every_steps");
  return schedule;
}

void Reader::check_quantity(const std::string& path, const std::string& name,
                            const std::vector<std::string>& known) const {
  if (std::count(known.begin(), known.end(), name)) return;
  const std::string near = nearest_name(name, known);
  const std::string hint = near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near);
  refuse(path, fmt::format("unknown name \"{}\" ({}known: {})", name, hint, fmt::join(known, ", ")));
}

void Reader::output() {
  OutputSettings& out = s_.output;
  if (file_.has("output.directory")) {
    out.directory = file_.text("output.directory");
    if (out.directory.empty()) refuse("output.directory", "must not be empty");
  }
  if (file_.has("output.fields")) {
    out.fields.schedule = schedule("output.fields");
    out.fields.names = file_.texts("output.fields.names");
    out.fields.float64 = file_.text("output.fields.precision") == "float64";
    std::vector<std::string> known{"velocity", "pressure", "vorticity"};
    for (const ScalarSettings& scalar : s_.scalars) known.push_back(scalar.name);
    for (const std::string& name : out.fields.names) check_quantity("output.fields.names", name, known);
  }
  out.series.every_steps = file_.integer("output.series.every_steps");
  out.budgets = file_.flag("output.series.budgets");
  out.checkpoint.schedule = schedule("output.checkpoint");
  if (file_.has("output.checkpoint.every_wall_time"))
    out.checkpoint.every_wall_time = file_.number("output.checkpoint.every_wall_time");
  out.checkpoint.keep = static_cast<int>(file_.integer("output.checkpoint.keep"));
  const std::string averages = "output.averages";
  if (!file_.has(averages)) return;
  out.averages.active = true;
  out.averages.start = file_.has(averages + ".start") ? file_.number(averages + ".start") : s_.time.start;
  out.averages.every_steps = file_.integer(averages + ".every_steps");
  for (const std::string& name : file_.texts(averages + ".over"))
    out.averages.over[axis_number(averages + ".over", name)] = true;
}

std::array<double, 3> Reader::point_inside(const std::string& path) const {
  const std::array<double, 3> point = constant_vector(path);
  for (int d = 0; d < s_.dimension; ++d) {
    const AxisSpec& axis = s_.axes[d];
    if (point[d] < axis.from || point[d] > axis.to)
      refuse(path, fmt::format("the point lies outside of the grid: {} = {} is not in {} .. {}", "xyz"[d], point[d],
                               axis.from, axis.to));
  }
  return point;
}

std::string Reader::probe_name(const std::string& path, const std::vector<std::string>& taken) const {
  const std::string name = file_.text(path);
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!plain) refuse(path, "a name is made of letters, digits, _ and -");
  if (std::count(taken.begin(), taken.end(), name)) refuse(path, fmt::format("the name {} is given twice", name));
  return name;
}

void Reader::probes() {
  std::vector<std::string> taken;
  for (int i = 0; i < file_.size("output.lines"); ++i) {
    const std::string path = fmt::format("output.lines[{}]", i);
    LineProbeSettings line;
    taken.push_back(line.name = probe_name(path + ".name", taken));
    line.from = point_inside(path + ".from");
    line.to = point_inside(path + ".to");
    if (line.from == line.to) refuse(path + ".to", "the line has no length: to equals from");
    if (file_.has(path + ".points")) line.points = static_cast<int>(file_.integer(path + ".points"));
    s_.output.lines.push_back(line);
  }
  taken.clear();
  for (int i = 0; i < file_.size("output.points"); ++i) {
    const std::string path = fmt::format("output.points[{}]", i);
    PointProbeSettings point;
    taken.push_back(point.name = probe_name(path + ".name", taken));
    point.at = point_inside(path + ".at");
    s_.output.points.push_back(point);
  }
}

void Reader::references() {
  std::vector<std::string> lines, quantities{"u", "v"};
  for (const LineProbeSettings& line : s_.output.lines) lines.push_back(line.name);
  if (s_.dimension == 3) quantities.push_back("w");
  quantities.push_back("pressure");
  for (const ScalarSettings& scalar : s_.scalars) quantities.push_back(scalar.name);
  for (int i = 0; i < file_.size("reference"); ++i) {
    const std::string path = fmt::format("reference[{}]", i);
    ReferenceSettings reference;
    reference.line = file_.text(path + ".line");
    check_quantity(path + ".line", reference.line, lines);
    const LineProbeSettings& line =
        s_.output.lines[std::find(lines.begin(), lines.end(), reference.line) - lines.begin()];
    int directions = 0;
    for (int d = 0; d < 3; ++d) directions += line.from[d] != line.to[d];
    if (directions != 1)
      refuse(path + ".line", fmt::format("the line {} must be parallel to an axis to be compared", line.name));
    reference.quantity = file_.text(path + ".quantity");
    check_quantity(path + ".quantity", reference.quantity, quantities);
    reference.file = file_.file_path(path + ".file");
    if (file_.has(path + ".coordinate")) reference.coordinate = file_.text(path + ".coordinate");
    if (file_.has(path + ".value")) reference.value = file_.text(path + ".value");
    read_table(file_, path, reference);
    s_.references.push_back(std::move(reference));
  }
}

namespace {

/// A column by name, or by number where no name is given.
std::vector<double> column(const io::Table& table, const std::string& name, std::size_t number) {
  return name.empty() ? table.numbers(number) : table.numbers(name);
}

}  // namespace

void read_table(const CaseFile& file, const std::string& path, ReferenceSettings& reference) {
  const Communicator comm = file.communicator();
  std::string failure;
  if (comm.root()) {
    try {
      const io::Table table = io::Table::read(reference.file);
      if (table.columns().size() < 2) throw InputError(reference.file + ": two columns are needed");
      reference.coordinates = column(table, reference.coordinate, 0);
      reference.values = column(table, reference.value, 1);
      if (reference.values.empty()) throw InputError(reference.file + ": the table has no rows");
    } catch (const Error& error) {
      failure = error.what();
    }
  }
  comm.broadcast(failure);
  if (!failure.empty()) throw file.error_at(path + ".file", failure);
  comm.broadcast(reference.coordinates);
  comm.broadcast(reference.values);
}

}  // namespace kolmo::flow::detail
