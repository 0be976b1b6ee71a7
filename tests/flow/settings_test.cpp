#include "kolmo/flow/settings.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace kolmo;
using namespace kolmo::flow;

namespace {

constexpr const char* channel_2d = R"([case]
kind = "flow"
title = "test"
[parameters]
H = 2
[grid]
x = { from = 0, to = "2*pi", cells = 8 }
y = { from = -1, to = 1, cells = 6, spacing = "tanh", strength = 1.5 }
[fluid]
density = 2
dynamic_viscosity = 0.5
[boundary]
default = { type = "no-slip" }
x_min = { type = "periodic" }
x_max = { type = "periodic" }
[time]
end = 10
)";

constexpr const char* box_3d = R"([case]
kind = "flow"
[grid]
x = { from = 0, to = 1, cells = 4 }
y = { from = 0, to = 1, cells = 4 }
z = { from = 0, to = 1, cells = 4 }
[fluid]
kinematic_viscosity = 0.1
[boundary]
default = { type = "free-slip" }
[time]
step = 0.1
end = 1
)";

using Overrides = std::vector<std::string>;

Settings read(const std::string& text, const Overrides& overrides = {}) {
  return read_settings(CaseFile::parse(text, "a.toml", overrides, {&schema()}));
}

std::string error_of(const std::string& text, const Overrides& overrides) {
  try {
    (void)read(text, overrides);
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

struct Bad {
  Overrides overrides;
  const char* expected;  ///< part of the message
};

void expect_refused(const std::string& text, const std::vector<Bad>& cases) {
  for (const Bad& bad : cases) {
    const std::string message = error_of(text, bad.overrides);
    EXPECT_NE(message.find(bad.expected), std::string::npos) << bad.overrides.front() << "\n  " << message;
  }
}

}  // namespace

TEST(Settings, ReadsAChannel) {
  const Settings s =
      read(channel_2d, {"force.pressure_gradient=[\"-H*cos(t)\", 0]", "initial.name=channel", "initial.seed=7",
                        "initial.perturbation=0.1", "output.averages={ over = [\"x\"], start = 3 }"});
  EXPECT_EQ(s.dimension, 2);
  EXPECT_EQ(s.title, "test");
  ASSERT_EQ(s.axes.size(), 2u);
  EXPECT_DOUBLE_EQ(s.axes[0].to, 2 * 3.14159265358979323846);
  EXPECT_TRUE(s.axes[0].periodic);
  EXPECT_FALSE(s.axes[1].periodic);
  EXPECT_EQ(s.axes[1].spacing, Spacing::tanh);
  EXPECT_EQ(s.axes[1].strength, 1.5);
  EXPECT_EQ(s.fluid.kinematic_viscosity(0, 0, 0, 0), 0.25);
  EXPECT_EQ(s.boundary[0].type, BoundaryType::periodic);
  EXPECT_EQ(s.boundary[3].type, BoundaryType::no_slip);
  EXPECT_EQ(s.force.pressure_gradient[0](0, 0, 0, 0), -2.0);
  EXPECT_EQ(s.initial.name, FieldName::channel);
  EXPECT_EQ(s.initial.seed, 7u);
  EXPECT_EQ(s.initial.perturbation, 0.1);
  EXPECT_FALSE(s.exact.has_value());
  EXPECT_EQ(s.time.scheme, Scheme::k4);
  EXPECT_EQ(s.time.cfl, 0.8);
  EXPECT_FALSE(s.time.step.has_value());
  EXPECT_TRUE(s.output.averages.active);
  EXPECT_TRUE(s.output.averages.over[0]);
  EXPECT_FALSE(s.output.averages.over[1]);
  EXPECT_EQ(s.output.averages.start, 3.0);
  EXPECT_EQ(s.output.series.every_steps, 10);
  EXPECT_EQ(s.output.checkpoint.keep, 2);
}

TEST(Settings, ReadsNodesScalarsAndOutput) {
  const Settings s = read(
      box_3d,
      {"grid.x={ nodes = [0, 0.1, 0.3, 1] }", "grid.processes=[1, 2, 1]", "force.gravity=[0, 0, -9.81]",
       "scalars.temperature={ diffusivity = 0.1, expansion = 0.003, reference = 20, initial = \"z\", "
       "boundary = { default = { type = \"adiabatic\" }, z_min = { type = \"fixed-value\", value = \"1 + t\" } } }",
       "output.fields={ every_steps = 5, names = [\"velocity\", \"temperature\"], precision = \"float64\" }",
       "output.points=[{ name = \"p\", at = [0.5, 0.5, 0.5] }]", "time.scheme=rk3-cn", "solver.momentum.method=tensor",
       "initial.velocity=[\"sin(x)\", 0, 0]"});
  EXPECT_EQ(s.dimension, 3);
  EXPECT_EQ(s.axes[0].cells, 3);
  EXPECT_EQ(s.axes[0].spacing, Spacing::nodes);
  EXPECT_EQ(s.axes[0].to, 1.0);
  EXPECT_EQ(s.processes, (std::array<int, 3>{1, 2, 1}));
  ASSERT_EQ(s.scalars.size(), 1u);
  const ScalarSettings& t = s.scalars[0];
  EXPECT_EQ(t.name, "temperature");
  EXPECT_EQ(t.reference, 20.0);
  EXPECT_EQ(t.boundary[4].type, ScalarBoundaryType::fixed_value);
  EXPECT_EQ(t.boundary[4].value(0, 0, 0, 1), 2.0);
  EXPECT_EQ(t.boundary[5].type, ScalarBoundaryType::adiabatic);
  EXPECT_EQ(t.initial(0, 0, 0.25, 0), 0.25);
  EXPECT_TRUE(s.output.fields.float64);
  EXPECT_EQ(s.output.fields.schedule.every_steps, 5);
  EXPECT_EQ(s.output.points.at(0).at[2], 0.5);
  EXPECT_EQ(s.time.scheme, Scheme::rk3_cn);
  EXPECT_EQ(*s.time.step, 0.1);
  EXPECT_EQ(s.momentum_solver.method, LinearMethod::tensor);
  EXPECT_EQ(s.initial.name, FieldName::expression);
}

TEST(Settings, RefusesBadGrids) {
  expect_refused(channel_2d, {{{"grid.x.cells=0"}, "must be 1 <= value"},
                              {{"grid.x.cells=-5"}, "must be 1 <= value"},
                              {{"grid.x.cells=100000000"}, "must be 1 <= value"},
                              {{"grid.x.cells="}, "grid.x.cells: missing"},
                              {{"grid.x.to=-1"}, "grid.x.to: must be above from = 0 (given -1)"},
                              {{"grid.y="}, "grid.y: missing table"},
                              {{"grid="}, "grid: missing table"},
                              {{"grid.y.strength=50"}, "0 < value <= 10"},
                              {{"grid.y.strength="}, "grid.y.strength: missing"},
                              {{"grid.x.strength=1"}, "only the tanh"},
                              {{"grid.x.ratio=1"}, "only the geometric"},
                              {{"grid.x={ nodes = [0, 1, 0.5] }"}, "grid.x.nodes"},
                              {{"grid.x={ nodes = [0] }"}, "at least 2 nodes"},
                              {{"grid.x={ nodes = [0, 1], cells = 4 }"}, "give either nodes"},
                              {{"grid.processes=[1]"}, "expected 2 entries"},
                              {{"grid.x.spacing=tanhh"}, "did you mean \"tanh\"?"}});
}

TEST(Settings, RefusesBadPhysics) {
  expect_refused(
      channel_2d,
      {{{"fluid.density=0"}, "must be > 0"},
       {{"fluid.density=-1"}, "must be > 0"},
       {{"fluid.dynamic_viscosity=-1"}, "must be >= 0"},
       {{"fluid.dynamic_viscosity=nan"}, "must be finite"},
       {{"fluid.dynamic_viscosity="}, "give exactly one of"},
       {{"fluid.kinematic_viscosity=1"}, "give exactly one of"},
       {{"fluid.dynamic_viscosity=1 +"}, "ends too early"},
       {{"fluid.dynamic_viscosity=q*x"}, "unknown name \"q\""},
       {{"fluid.dynamic_viscosity=z"}, "no coordinate of a flow in two dimensions"},
       {{"fluid.dynamic_viscosity=1/(2*pi-x)"}, "is inf at"},
       {{"fluid.dynamic_viscosity=y"}, "must be >= 0"},
       {{"fluid.dynamic_viscosity=0"}, "the fluid slips"},
       {{"force.body=[1]"}, "expected 2 entries"},
       {{"force.body=[\"1/y\", 0]"}, "force.body: \"1/y\" is"},
       {{"force.body=[\"sqrt(5 - t)\", 0]"}, "force.body: \"sqrt(5 - t)\" is"},
       {{"force.pressure_gradient=[\"x\", 0]"}, "may depend on t only"},
       {{"force.pressure_gradient=[0, 1]"}, "along periodic axes, and y is none"},
       {{"force.bulk_velocity={ direction = \"y\", value = 1 }"}, "along a periodic axis, and y is none"},
       {{"force.bulk_velocity={ direction = \"z\", value = 1 }"}, "the grid has no z axis"},
       {{"force.bulk_velocity.direction=x"}, "value: missing"},
       {{"force.bulk_velocity={ direction = \"x\", value = 1 }", "force.pressure_gradient=[1, 0]"}, "give either"}});
}

TEST(Settings, RefusesBadBoundaries) {
  expect_refused(channel_2d,
                 {{{"boundary.default="}, "boundary.y_min: missing: the face has no entry"},
                  {{"boundary="}, "boundary: missing table"},
                  {{"boundary.x_max.type=no-slip"}, "periodic on one side only: x_max is no-slip"},
                  {{"boundary.y_max.type=wall"}, "unknown value \"wall\""},
                  {{"boundary.z_min.type=no-slip"}, "there is no such face"},
                  {{"boundary.lid.type=no-slip"}, "boundary.lid: unknown key"},
                  {{"boundary.y_max={ type = \"no-slip\", velocity = [1] }"}, "expected 2 entries"},
                  {{"boundary.y_max={ type = \"no-slip\", velocity = [1, inf] }"}, "must be finite"},
                  {{"boundary.y_max={ type = \"no-slip\", velocity = [1, 1] }"}, "a wall moves along itself"},
                  {{"boundary.y_max={ type = \"free-slip\", velocity = [1, 0] }"}, "takes no velocity"},
                  {{"boundary.y_max={ type = \"inlet\" }"}, "an inlet needs its velocity"},
                  {{"boundary.y_max={ type = \"pressure\" }"}, "needs its pressure"},
                  {{"boundary.y_max={ type = \"outflow\", pressure = 1 }"}, "takes no pressure"},
                  {{"boundary.y_max={ type = \"inlet\", velocity = [0, \"-1\"] }"}, "no way out"},
                  {{"boundary.y_max={ type = \"inlet\", velocity = [0, \"1\"] }"}, "net flux"},
                  {{"boundary.y_max={ type = \"inlet\", velocity = [0, \"sin(x) - 0.1*t\"] }"}, "net flux"},
                  {{"boundary.y_max={ type = \"inlet\", velocity = [0, \"log(x-1)\"] }"},
                   "boundary.y_max.velocity: \"log(x-1)\" is"},
                  {{"boundary.y_max.velocity=[0, 0]"}, "boundary.y_max.type: missing"}});
}

TEST(Settings, AcceptsBalancedAndOpenBoundaries) {
  const std::string through = "boundary.y_min={ type = \"inlet\", velocity = [0, \"1 + 0.5*sin(t)\"] }";
  EXPECT_EQ(error_of(channel_2d, {through, "boundary.y_max={ type = \"inlet\", velocity = [0, \"1 + 0.5*sin(t)\"] }"}),
            "accepted");
  EXPECT_EQ(error_of(channel_2d, {through, "boundary.y_max={ type = \"outflow\" }"}), "accepted");
  EXPECT_EQ(error_of(channel_2d, {through, "boundary.y_max={ type = \"pressure\", pressure = 0 }"}), "accepted");
  EXPECT_EQ(error_of(channel_2d, {"boundary.y_max={ type = \"inlet\", velocity = [0, \"sin(x)\"] }"}), "accepted");
  EXPECT_EQ(error_of(channel_2d, {"boundary.default={ type = \"symmetry\" }", "fluid.dynamic_viscosity=0"}),
            "accepted");
}

TEST(Settings, RefusesBadTimesAndSolvers) {
  expect_refused(box_3d, {{{"time.step=0"}, "must be > 0 (given 0)"},
                          {{"time.step=-1"}, "must be > 0"},
                          {{"time.step=nan"}, "must be finite"},
                          {{"time.step=fast"}, "unknown name \"fast\""},
                          {{"time.end=-1"}, "must be above start = 0 (given -1)"},
                          {{"time.end="}, "time.end: missing key"},
                          {{"time.start=1"}, "must be above start = 1"},
                          {{"time.cfl=0.5"}, "give one of them"},
                          {{"time.step=", "time.cfl=0"}, "0 < value <= 1 (given 0)"},
                          {{"time.step=", "time.cfl=1.5"}, "0 < value <= 1 (given 1.5)"},
                          {{"time.step=", "time.min_step=1", "time.max_step=0.5"}, "must be at least min_step"},
                          {{"time.scheme=rk5"}, "did you mean \"rk3\"?"},
                          {{"time.max_steps=0"}, ">= 1"},
                          {{"solver.pressure.method=multigrid"}, "allowed: \"auto\", \"tensor\", \"boxmg\", \"aij\""},
                          {{"solver.pressure.tolerance=-1"}, "0 < value < 1"},
                          {{"solver.pressure.tolerance=0"}, "0 < value < 1"},
                          {{"solver.pressure.max_iterations=0"}, "1 <= value"},
                          {{"solver.momentum.method=tensor", "fluid.kinematic_viscosity=\"1 + x\""}, "separable"},
                          {{"solver.presure.method=tensor"}, "did you mean solver.pressure?"}});
}

TEST(Settings, RefusesBadFields) {
  expect_refused(channel_2d, {{{"initial.name=abc"}, "a flow in three dimensions"},
                              {{"initial.name=ethier-steinman"}, "a flow in three dimensions"},
                              {{"exact.name=duct"}, "a flow in three dimensions"},
                              {{"initial.name=taylor-grene"}, "did you mean \"taylor-green\"?"},
                              {{"initial.name=kovasznay", "initial.amplitude=2"}, "kovasznay takes no amplitude"},
                              {{"initial.name=kovasznay", "fluid.dynamic_viscosity=\"1 + y^2\""}, "constant viscosity"},
                              {{"initial.velocity=[\"x\"]"}, "expected 2 entries"},
                              {{"initial.velocity=[\"1/x\", 0]"}, "\"1/x\" is inf"},
                              {{"initial.name=expression"}, "initial.velocity: missing"},
                              {{"exact={}"}, "give the name of a closed form"}});
  expect_refused(box_3d, {{{"exact.name=taylor-green"}, "two dimensions only"}});
}

TEST(Settings, RefusesBadScalars) {
  const std::string good = "scalars.T={ diffusivity = 1, boundary = { default = { type = \"adiabatic\" } } }";
  EXPECT_EQ(error_of(channel_2d, {good}), "accepted");
  expect_refused(
      channel_2d,
      {{{"scalars.T={ boundary = { default = { type = \"adiabatic\" } } }"}, "diffusivity: missing key"},
       {{"scalars.T={ diffusivity = 1 }"}, "scalars.T.boundary.y_min: missing"},
       {{good, "scalars.T.diffusivity=-1"}, "must be >= 0"},
       {{good, "scalars.T.expansion=1"}, "buoyancy needs force.gravity"},
       {{good, "scalars.T.boundary.default.type=fixed-value"}, "needs its value"},
       {{good, "scalars.T.boundary.default.value=1"}, "takes no value"},
       {{good, "scalars.T.boundary.y_min.type=periodic"}, "does not go with"},
       {{good, "scalars.T.boundary.x_min.type=adiabatic"}, "does not go with"},
       {{good, "scalars.T.boundary.y_min.type=outflow"}, "stands on faces of type outflow or pressure"},
       {{good, "scalars.T.boundary.z_min.type=outflow"}, "there is no such face"},
       {{"scalars.velocity={ diffusivity = 1, boundary = { default = { type = \"adiabatic\" } } }"},
        "the name is taken"},
       {{"scalars.p={ diffusivity = 1, boundary = { default = { type = \"adiabatic\" } } }"}, "the name is taken"}});
}

TEST(Settings, RefusesBadOutput) {
  expect_refused(channel_2d,
                 {{{"output.fields.names=[\"vorticty\"]"}, "did you mean \"vorticity\"?"},
                  {{"output.fields.every_time=0"}, "must be > 0"},
                  {{"output.fields.every_time=-1"}, "must be > 0"},
                  {{"output.fields={ every_time = 1, every_steps = 1 }"}, "give either"},
                  {{"output.series.every_steps=0"}, ">= 1"},
                  {{"output.directory="}, "accepted"},
                  {{"output.directory=\"\""}, "must not be empty"},
                  {{"output.lines=[{ name = \"a b\", from = [0, 0], to = [1, 0] }]"}, "letters, digits"},
                  {{"output.lines=[{ name = \"a\", from = [0, 0], to = [1, 5] }]"}, "outside of the grid: y = 5"},
                  {{"output.lines=[{ name = \"a\", from = [0, 0], to = [0, 0] }]"}, "no length"},
                  {{"output.lines=[{ name = \"a\", from = [0, 0, 0], to = [0, 0] }]"}, "expected 2 entries"},
                  {{"output.lines=[{ name = \"a\", from = [0, 0] }]"}, "output.lines[0].to: missing"},
                  {{"output.averages.over=[\"z\"]"}, "no z axis"},
                  {{"output.checkpoint={ every_time = 1, every_steps = 1 }"}, "give either"}});
}

TEST(Settings, ComparesLinesWithTables) {
  const std::filesystem::path table =
      std::filesystem::temp_directory_path() / ("kolmo_reference_" + std::to_string(getpid()) + ".csv");
  std::ofstream(table) << "# a comment\ny,u,p\n-1,0,1\n0,1.5,2\n1,0,3\n";
  const std::string lines =
      "output.lines=[{ name = \"a\", from = [1, -1], to = [1, 1] }, { name = \"b\", from = [0, -1], to = [1, 1] }]";
  const auto entry = [&](const std::string& line, const std::string& quantity, const std::string& more,
                         const std::string& file) {
    return "reference=[{ line = \"" + line + "\", quantity = \"" + quantity + "\", file = \"" + file + "\"" + more +
           " }]";
  };
  const Settings s = read(channel_2d, {lines, entry("a", "u", "", table.string())});
  EXPECT_EQ(s.references.at(0).values, (std::vector<double>{0.0, 1.5, 0.0}));
  EXPECT_EQ(s.references.at(0).coordinates, (std::vector<double>{-1.0, 0.0, 1.0}));
  EXPECT_EQ(read(channel_2d, {lines, entry("a", "pressure", ", value = \"p\"", table.string())})
                .references.at(0)
                .values.at(1),
            2.0);
  expect_refused(channel_2d, {{{lines, entry("c", "u", "", table.string())}, "unknown name \"c\""},
                              {{lines, entry("b", "u", "", table.string())}, "parallel to an axis"},
                              {{lines, entry("a", "w", "", table.string())}, "unknown name \"w\""},
                              {{lines, entry("a", "u", ", value = \"q\"", table.string())}, "reference[0].file"},
                              {{lines, entry("a", "u", "", "/no/such/file.csv")}, "reference[0].file"}});
  std::filesystem::remove(table);
}

TEST(Settings, ChecksRanksAndMemory) {
  const auto message = [](const Overrides& overrides) -> std::string {
    const CaseFile file = CaseFile::parse(box_3d, "a.toml", overrides, {&schema()});
    try {
      check_resources(file, read_settings(file), Communicator());
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({}), "accepted");
  EXPECT_EQ(message({"grid.processes=[5, 1, 1]"}).find("--set grid.processes=[5, 1, 1]: grid.processes: "), 0u);
  EXPECT_NE(message({"grid.x.cells=100000", "grid.y.cells=100000"}).find("more than the 2.147e+09"), std::string::npos);
  EXPECT_NE(message({"grid.x.cells=32000", "grid.y.cells=32000", "grid.z.cells=2"}).find("the machines have"),
            std::string::npos);
}

TEST(Settings, EffectiveTextGivesTheSameSettings) {
  for (const char* text : {channel_2d, box_3d}) {
    const CaseFile file = CaseFile::parse(text, "a.toml", {}, {&schema()});
    const CaseFile again = CaseFile::parse(file.effective({{"version", "x"}}), "run.toml", {}, {&schema()});
    EXPECT_EQ(read_settings(again).time.end, read_settings(file).time.end);
    EXPECT_EQ(again.effective({{"version", "x"}}), file.effective({{"version", "x"}}));
  }
}
