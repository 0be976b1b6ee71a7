/// The parts of reading a density case, each in its file.
#pragma once

#include <string>
#include <vector>

#include "kolmo/base/names.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/density/settings.hpp"

namespace kolmo::density {

// The words of the case file.
extern const Names<FluxKind> flux_names;
extern const Names<Coefficients> coefficient_names;
extern const Names<Scheme> scheme_names;
extern const Names<LinearMethod> method_names;
const std::vector<std::string>& exact_names();
const std::vector<std::string>& field_names();

namespace detail {

/// Reads values of a case with the checks that depend on other keys.
class Reader {
 public:
  explicit Reader(const CaseFile& file) : file_(file) {}
  Settings read();

 private:
  const CaseFile& file_;
  Settings s_;
  Problem::Definition definition_;
  Expression::Variables variables_;  // and t

  int dimension() const { return static_cast<int>(definition_.variables.size()); }
  [[noreturn]] void refuse(const std::string& path, const std::string& reason) const;
  void expect_entries(const std::string& path, std::size_t count) const;
  Schedule schedule(const std::string& table) const;

  void variables();
  int dimension_from_keys() const;
  void coefficients();
  void noise_or_diffusion();
  void grid();
  void initial();
  GaussianComponent component(const std::string& table) const;
  std::shared_ptr<const InitialDensity> initial_density(const std::string& type) const;
  std::shared_ptr<const InitialDensity> product() const;
  void boundaries();
  BoundarySettings boundary_entry(const std::string& path) const;
  void engine();
  void time();
  void step_size();
  void stationary() const;
  void scheme_limits() const;
  void fourth_order_limits() const;
  void fourth_order_splitting() const;
  void crank_nicolson_limits() const;
  void output();
  void marginals();
  void slices();
  int variable(const std::string& path, const std::string& name) const;
  void exact();
  std::shared_ptr<const ExactDensity> exact_density() const;
};

/// Name of a face's entry in [boundary]: the face's own or the default; "" if there is neither.
std::string entry_path(const CaseFile& file, const std::vector<std::string>& variables, int face);

}  // namespace detail
}  // namespace kolmo::density
