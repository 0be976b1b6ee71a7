/// The parts of reading a flow case, each in its file: what every part uses, and the checks that need the values of
/// expressions.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kolmo/flow/settings.hpp"

namespace kolmo::flow::detail {

/// Reads values of a case with the checks that depend on the dimension of the flow.
class Reader {
 public:
  explicit Reader(const CaseFile& file) : file_(file) {}
  Settings read();

 private:
  const CaseFile& file_;
  Settings s_;

  Expression expression(const std::string& path) const;
  std::array<Expression, 3> vector(const std::string& path) const;
  std::array<double, 3> constant_vector(const std::string& path) const;
  void refuse(const std::string& path, const std::string& reason) const;
  int axis_number(const std::string& path, const std::string& name) const;
  Schedule schedule(const std::string& table) const;

  void grid();
  void fluid();
  BoundarySettings boundary_entry(const std::string& path, int face) const;
  void boundaries();
  void forces();
  FieldSettings field(const std::string& table, bool initial) const;
  FieldName field_name(const std::string& table) const;
  void check_field(const std::string& table, const FieldSettings& field, bool initial) const;
  void time();
  SolverSettings solver(const std::string& table) const;
  void scalars();
  ScalarSettings scalar(const std::string& name) const;
  ScalarBoundarySettings scalar_boundary(const std::string& table, int face) const;
  void output();
  void probes();
  std::array<double, 3> point_inside(const std::string& path) const;
  std::string probe_name(const std::string& path, const std::vector<std::string>& taken) const;
  void references();
  void check_quantity(const std::string& path, const std::string& name, const std::vector<std::string>& known) const;
};

/// Name of a face's entry in a table of the file: the face's own or the default; "" if there is neither.
std::string entry_path(const CaseFile& file, const std::string& table, int face);

/// Fills the columns of a reference. Throws InputError at the entry `path`.
void read_table(const CaseFile& file, const std::string& path, ReferenceSettings& reference);

/// Evaluates every expression on the grid: not finite, or a negative viscosity or diffusivity, is an InputError.
void check_values(const CaseFile& file, const Settings& settings);
/// Prescribed velocities must carry no net flux into a domain that nothing else lets out. Throws InputError.
void check_net_flux(const CaseFile& file, const Settings& settings);

}  // namespace kolmo::flow::detail
