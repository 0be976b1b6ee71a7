/// Everything that describes a flow run, as plain values: what a case file of kind "flow" says after all its checks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kolmo/base/case_file.hpp"
#include "kolmo/base/expression.hpp"
#include "kolmo/base/schedule.hpp"
#include "kolmo/grid/axis.hpp"

namespace kolmo::flow {

enum class BoundaryType { periodic, no_slip, free_slip, inlet, outflow, pressure };

/// One of the faces x_min, x_max, y_min, y_max, z_min, z_max: number 2 * axis + (0 low, 1 high).
struct BoundarySettings {
  BoundaryType type = BoundaryType::no_slip;
  std::array<Expression, 3> velocity;  ///< of no_slip (moving wall: tangential; normal must be 0) and inlet
  Expression pressure;                 ///< of type pressure: the physical pressure p, in Pa
};

struct FluidSettings {
  double density = 1.0;
  Expression viscosity;               ///< as given
  bool viscosity_is_dynamic = false;  ///< given as mu = rho nu
  bool constant_viscosity() const { return viscosity.constant(); }
  /// nu = mu / rho at a point.
  double kinematic_viscosity(double x, double y, double z, double t) const {
    return viscosity(x, y, z, t) / (viscosity_is_dynamic ? density : 1.0);
  }
};

/// du/dt = ... + body + gravity - (1/rho) pressure_gradient, and what holds the bulk velocity constant.
struct ForceSettings {
  std::array<Expression, 3> body;  ///< per unit mass, of x, y, z, t
  std::array<double, 3>
      gravity{};  ///< g: du/dt = ... + g [1 - expansion (T - reference)]; the pressure holds the hydrostatic part
  std::array<Expression, 3> pressure_gradient;  ///< imposed mean dP/dx_i of t only: negative drives the flow forwards
  int bulk_direction = -1;                      ///< axis whose mean velocity is held; -1: none
  double bulk_velocity = 0.0;
};

/// Closed-form or given fields. k is the wavenumber, nu the kinematic viscosity, U the amplitude, V the mean velocity,
/// X = x - V t (same for y); p stands for pressure over density.
///  zero             u = 0
///  taylor_green     2-D: u = V + U (sin kX cos kY, -cos kX sin kY) exp(-2 nu k^2 t),
///                   p = U^2/4 (cos 2kX + cos 2kY) exp(-4 nu k^2 t);
///                   3-D, at the start only: u = V + U (sin kx cos ky cos kz, -cos kx sin ky cos kz, 0)
///  kovasznay        u = (1 - e^{lambda x} cos 2 pi y, lambda/(2 pi) e^{lambda x} sin 2 pi y),
///                   p = (1 - e^{2 lambda x})/2, lambda = 1/(2 nu) - sqrt(1/(4 nu^2) + 4 pi^2)
///  ethier_steinman  u = -a [e^{ax} sin(ay+dz) + e^{az} cos(ax+dy)] exp(-nu d^2 t) and cyclic
///                   (Ethier & Steinman 1994)
///  abc              u = U (A sin kz + C cos ky, B sin kx + A cos kz, C sin ky + B cos kx) exp(-nu k^2 t),
///                   p = -|u|^2/2
///  channel          U (1 - eta^2) along x, eta in [-1, 1] across the walls of y; plus perturbation * U of
///                   solenoidal random modes from `seed`
///  shear_layer      with L the length of y and Y = (y - y_min)/L: u = U tanh((Y - 1/4)/thickness) for Y <= 1/2,
///                   else U tanh((3/4 - Y)/thickness); v = perturbation sin(2 pi ((x - x_min)/L_x + 1/4))
///                   (Bell, Colella & Glaz 1989)
///  womersley        along x, y = +-h from the middle of the y axis: -dp/dx = G cos(w t),
///                   u = Re{G/(i w) [1 - cosh(K y)/cosh(K h)] e^{i w t}}, K = sqrt(i w/nu),
///                   G = amplitude, w = frequency
///  poiseuille       u = G/(2 nu) (h^2 - y^2) along x, y = +-h from the middle of the y axis, G = amplitude
///  couette          along x, linear from 0 at the low to U at the high end of y
///  duct             fully developed along x in the y-z rectangle, G = amplitude; series of trigonometric and
///                   hyperbolic terms
///  expression       velocity and (physical) pressure as given
enum class FieldName {
  zero,
  taylor_green,
  kovasznay,
  ethier_steinman,
  abc,
  channel,
  shear_layer,
  womersley,
  poiseuille,
  couette,
  duct,
  expression
};

struct FieldSettings {
  FieldName name = FieldName::zero;
  double amplitude = 1.0;
  double wavenumber = 1.0;
  std::array<double, 3> mean_velocity{};
  std::array<double, 3> coefficients{1.0, 1.0, 1.0};      ///< A, B, C of abc
  double a = 0.7853981633974483, d = 1.5707963267948966;  ///< of ethier_steinman
  double thickness = 1.0 / 30.0;                          ///< of shear_layer, as a fraction of the length of y
  double frequency = 1.0;                                 ///< of womersley, rad/s
  double perturbation = 0.0;
  std::uint64_t seed = 1;
  std::array<Expression, 3> velocity;  ///< of expression
  Expression pressure;                 ///< of expression
  bool pressure_given = false;
};

enum class ScalarBoundaryType { fixed_value, fixed_flux, adiabatic, periodic, outflow };

struct ScalarBoundarySettings {
  ScalarBoundaryType type = ScalarBoundaryType::adiabatic;
  Expression value;  ///< of fixed_value: the scalar; of fixed_flux: the diffusive flux INTO the domain, -D dT/dn with n
                     ///< inwards, per unit area
};

enum class Advection { central, limited };

/// dT/dt + div(u T) = div(diffusivity grad T) + source
struct ScalarSettings {
  std::string name;
  Expression diffusivity;
  Expression source;
  Expression initial;
  Advection advection = Advection::central;
  std::array<ScalarBoundarySettings, 6> boundary;  ///< faces numbered as BoundarySettings
  double expansion = 0.0;  ///< buoyant acceleration -expansion (T - reference) gravity; 0: passive
  double reference = 0.0;
  Expression exact;
  bool exact_given = false;
};

enum class Scheme { k4, rk3, rk3_cn, cn_ab2 };
enum class PressureOutput { extrapolated, solved };

struct TimeSettings {
  Scheme scheme = Scheme::k4;
  double cfl = 0.8;  ///< fraction of the scheme's combined convective-viscous limit, used where step is not given
  std::optional<double> step;  ///< fixed dt
  double min_step = 0.0;       ///< a dt below it is an error of numerics (CFL)
  double max_step = 0.0;       ///< 0: no limit
  double start = 0.0, end = 0.0;
  std::int64_t max_steps = 0;     ///< 0: no limit
  double steady_tolerance = 0.0;  ///< ends once max |du/dt| falls below; 0: never
  PressureOutput pressure_at_output = PressureOutput::extrapolated;
};

enum class LinearMethod { automatic, tensor, boxmg, aij };

struct SolverSettings {
  LinearMethod method = LinearMethod::automatic;
  double tolerance = 1e-10;  ///< relative
  int max_iterations = 500;
};

struct FieldOutputSettings {
  Schedule schedule;
  std::vector<std::string> names;  ///< velocity, pressure, vorticity, or a scalar's name
  bool float64 = false;
};

struct LineProbeSettings {
  std::string name;
  std::array<double, 3> from{}, to{};
  int points = 0;  ///< 0: as many as cells the line passes
};

struct PointProbeSettings {
  std::string name;
  std::array<double, 3> at{};
};

/// Means and second moments over time from `start` on, and over the named axes.
struct AverageSettings {
  bool active = false;
  double start = 0.0;
  std::array<bool, 3> over{};  ///< axes averaged over (x, y, z)
  std::int64_t every_steps = 1;
};

struct CheckpointSettings {
  Schedule schedule;
  double every_wall_time = 0.0;  ///< seconds by the clock on the wall; 0: not by it
  int keep = 2;
};

struct OutputSettings {
  std::string directory;  ///< empty: the name of the case file without .toml, in the working folder
  FieldOutputSettings fields;
  Schedule series{.every_steps = 10};
  bool budgets = false;  ///< momentum and energy budgets are among the series
  std::vector<LineProbeSettings> lines;
  std::vector<PointProbeSettings> points;
  AverageSettings averages;
  CheckpointSettings checkpoint;
};

/// A table to compare a line probe with: column `coordinate` is the coordinate along the line's axis, column `value`
/// the reference.
struct ReferenceSettings {
  std::string line;                         ///< name of a line probe
  std::string quantity;                     ///< u, v, w, pressure or a scalar's name
  std::string file;                         ///< path, resolved against the folder of the case file
  std::string coordinate;                   ///< column of the table; the first where left out
  std::string value;                        ///< column of the table; the second where left out
  std::vector<double> coordinates, values;  ///< the table, read and checked on every rank
};

struct Settings {
  std::string title;
  int dimension = 0;               ///< 2 or 3
  std::vector<AxisSpec> axes;      ///< `dimension` of them
  std::array<int, 3> processes{};  ///< ranks along each axis; 0: chosen
  std::map<std::string, double> parameters;
  FluidSettings fluid;
  std::array<BoundarySettings, 6> boundary;  ///< the first 2 * dimension count
  ForceSettings force;
  FieldSettings initial;
  std::optional<FieldSettings> exact;
  std::vector<ReferenceSettings> references;
  std::vector<ScalarSettings> scalars;
  TimeSettings time;
  SolverSettings pressure_solver, momentum_solver;
  OutputSettings output;
};

/// Every key of a case of kind "flow".
const Schema& schema();

/// Reads and cross-checks a case of kind "flow". Throws InputError, one line with the place, for whatever cannot run.
/// Collective over the communicator the file was read with (tables of references are read on rank 0).
Settings read_settings(const CaseFile& file);

/// Throws InputError where the ranks cannot share the grid (grid.processes, too many ranks) or the grid cannot fit into
/// the memory of the machines or into PETSc's indices. Collective.
void check_resources(const CaseFile& file, const Settings& settings, const Communicator& comm);

/// "x_min" ... "z_max" of face 0 ... 5.
const char* face_name(int face);
std::string to_string(BoundaryType type);
std::string to_string(Scheme scheme);
std::string to_string(LinearMethod method);
std::string to_string(FieldName name);

/// What a run will hold and write, in bytes, summed over the ranks: an estimate by counting arrays, without what MPI,
/// PETSc and HDF5 take themselves (about 95 MB per rank).
struct ResourceEstimate {
  double memory = 0.0, snapshot = 0.0, checkpoint = 0.0;
};
ResourceEstimate estimate_resources(const Settings& settings);

}  // namespace kolmo::flow
