/// Everything that describes a density run, as plain values: what a case file of kind "density" says after all its
/// checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/base/case_file.hpp"
#include "kolmo/base/schedule.hpp"
#include "kolmo/density/problem.hpp"
#include "kolmo/grid/axis.hpp"

namespace kolmo::density {

enum class BoundaryType {
  periodic,
  no_flux,    ///< reflecting: the whole flux is exactly zero
  absorbing,  ///< p = 0 on the face; what leaves is accounted for as escaped
  inflow      ///< p given on the face where the drift points inwards, free outflow where it points outwards
};

/// "no-flux", ...: the words of a case file.
std::string to_string(BoundaryType type);

struct BoundarySettings {
  BoundaryType type = BoundaryType::no_flux;
  Expression density;  ///< of inflow
};

/// How the flux through a face is formed.
enum class FluxKind {
  fitted,   ///< exponential fit of Scharfetter & Gummel, Chang & Cooper: positive (default)
  fitted4,  ///< of fourth order where the directions are independent of each other, not positive
  central,  ///< second order for every Peclet number, not positive
  limited   ///< limited advection and central diffusion, explicit schemes only
};

std::string to_string(FluxKind flux);
/// Equilibria are kept by an exponential fit.
inline bool is_fitted(FluxKind flux) { return flux == FluxKind::fitted || flux == FluxKind::fitted4; }

/// What becomes of weights that depend on all of more than three variables.
enum class Coefficients {
  automatic,  ///< stored where the machines have room for them
  stored,
  recomputed  ///< evaluated for every line and step anew
};
std::string to_string(Coefficients coefficients);

enum class Scheme {
  automatic,  ///< crank-nicolson's L-stable kin (tr-bdf2) up to 2-D, splitting from 3-D up; printed with its reason
  backward_euler,  ///< first order, positive
  crank_nicolson,
  tr_bdf2,    ///< second order, L-stable (Bank et al. 1985)
  splitting,  ///< Strang splitting with line solves: conservative, positive, no Krylov
  ssp_rk2,
  ssp_rk3  ///< explicit, strong-stability-preserving
};
std::string to_string(Scheme scheme);
bool is_explicit(Scheme scheme);

struct TimeSettings {
  Scheme scheme = Scheme::automatic;
  std::optional<double> step;             ///< fixed dt
  double tolerance = 0.0;                 ///< > 0: dt by control of the local error, relative in L1; set (1e-4) for
                                          ///< every scheme that is not explicit where no step is given
  double cfl = 0.8;                       ///< fraction of the explicit limit
  double min_step = 0.0, max_step = 0.0;  ///< 0: no limit
  double start = 0.0, end = 0.0;
  std::int64_t max_steps = 0;     ///< 0: no limit
  double steady_tolerance = 0.0;  ///< ends once max |dp/dt| / max p falls below; 0: never
  bool stationary = false;        ///< no time stepping: the null vector of the generator
};

enum class LinearMethod { automatic, boxmg, gmres, aij };
std::string to_string(LinearMethod method);

struct SolverSettings {
  LinearMethod method = LinearMethod::automatic;
  double tolerance = 1e-12;  ///< relative
  int max_iterations = 1000;
};

/// A plane (or space) of two (or three) variables through given values of the others.
struct SliceSettings {
  std::string name;
  std::vector<int> variables;
  std::vector<double> at;  ///< one per variable of the problem; those of `variables` are not read
};

struct OutputSettings {
  std::string directory;                 ///< empty: the name of the case file without .toml, in the working folder
  Schedule fields;                       ///< whole p, up to 3-D for viewers, any dimension as HDF5
  std::vector<std::string> field_names;  ///< density, flux, score, log_density
  bool float64 = false;
  Schedule series{.every_steps = 1};
  std::vector<std::vector<int>> marginals;  ///< each one or two variables
  std::vector<SliceSettings> slices;
  Schedule checkpoint;
  double checkpoint_every_wall_time = 0.0;  ///< seconds by the clock on the wall; 0: not by it
  int checkpoint_keep = 2;
};

struct Settings {
  std::string title;
  Problem problem;
  std::string initial_file;                  ///< density of an earlier run instead of problem.initial(); empty: none
  std::optional<std::int64_t> initial_step;  ///< which of a folder's densities; the last where neither is given
  std::optional<double> initial_time;
  double mass_outside = 1e-3;  ///< largest probability of the start outside of the box
  std::vector<AxisSpec> axes;
  std::vector<int> processes;              ///< ranks along each axis; 0: chosen
  std::vector<BoundarySettings> boundary;  ///< 2 * axis + side
  std::string engine = "grid";
  FluxKind flux = FluxKind::fitted;
  Coefficients coefficients = Coefficients::automatic;
  TimeSettings time;
  SolverSettings solver;
  OutputSettings output;
};

/// Every key of a case of kind "density".
const Schema& schema();

/// Reads and cross-checks a case of kind "density". Throws InputError, one line with the place, for whatever cannot
/// run.
Settings read_settings(const CaseFile& file);

/// "x_min", "q1_max": the entry of [boundary] for face 2 * axis + side.
std::string face_name(const Problem& problem, int face);

/// Throws InputError where D is not symmetric and nonnegative at sampled points, coefficients are not finite on the
/// grid, ranks cannot share the grid, or memory cannot hold it. Returns warnings (initial mass outside the box).
/// Collective.
std::vector<std::string> check_problem(const CaseFile& file, const Settings& settings, const Communicator& comm,
                                       bool judge_machines = true);

}  // namespace kolmo::density
