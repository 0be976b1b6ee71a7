#include "kolmo/density/settings.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "density/cases.hpp"
#include "kolmo/density/exact.hpp"
#include "kolmo/density/initial.hpp"

namespace kolmo::density {
namespace {

struct Bad {
  Overrides overrides;
  const char* expected;  ///< part of the message
};

void expect_refused(const std::string& text, const std::vector<Bad>& cases) {
  for (const Bad& bad : cases) {
    const std::string message = error_of(text, bad.overrides);
    EXPECT_NE(message.find(bad.expected), std::string::npos) << bad.overrides.front() << "\n  " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(Settings, ReadsTheRing) {
  const Settings s = read(ring_case, {"output.marginals=[[\"y\"], [\"x\", \"y\"]]", "boundary.x_max.type=absorbing",
                                      "output.fields={ every_time = 0.5, names = [\"density\", \"flux\"] }"});
  EXPECT_EQ(s.title, "ring");
  EXPECT_EQ(s.problem.dimension(), 2);
  EXPECT_EQ(s.problem.variables(), (std::vector<std::string>{"x", "y"}));
  const double x[] = {0.5, 1.0};
  EXPECT_DOUBLE_EQ(s.problem.drift(0, x, 0.0), -4 * 0.5 * 0.25 + 1.0);
  EXPECT_DOUBLE_EQ(s.problem.drift(1, x, 0.0), -4 * 1.0 * 0.25 - 0.5);
  EXPECT_DOUBLE_EQ(s.problem.diffusion(0, 0, x, 0.0), 0.25);
  EXPECT_EQ(s.problem.diffusion(0, 1, x, 0.0), 0.0);
  ASSERT_EQ(s.axes.size(), 2u);
  EXPECT_EQ(s.axes[1].cells, 32);
  ASSERT_EQ(s.boundary.size(), 4u);
  EXPECT_EQ(s.boundary[0].type, BoundaryType::no_flux);
  EXPECT_EQ(s.boundary[1].type, BoundaryType::absorbing);
  EXPECT_EQ(face_name(s.problem, 3), "y_max");
  EXPECT_EQ(s.time.scheme, Scheme::automatic);
  EXPECT_EQ(s.time.step, 0.01);
  EXPECT_EQ(s.output.marginals, (std::vector<std::vector<int>>{{1}, {0, 1}}));
  EXPECT_EQ(s.output.fields.every_time, 0.5);
  EXPECT_EQ(s.output.field_names, (std::vector<std::string>{"density", "flux"}));
  ASSERT_NE(s.problem.exact(), nullptr);
  EXPECT_FALSE(s.problem.exact()->transient());
  EXPECT_FALSE(s.problem.exact()->normalised());
  EXPECT_EQ(error_of(ring_case), "accepted");
}

TEST(Settings, NamesVariablesAndReadsEveryShapeOfNoise) {
  const Settings line = read(line_case);
  EXPECT_EQ(line.problem.variables(), (std::vector<std::string>{"x1"}));
  EXPECT_EQ(line.time.tolerance, 1e-4);
  EXPECT_FALSE(line.time.step.has_value());
  const double x[] = {0.5, 2.0};
  const auto problem = [&](const std::string& override) {
    return read(ring_case, {override, "problem.exact="}).problem;
  };
  EXPECT_DOUBLE_EQ(problem("problem.noise=[1, \"y\"]").diffusion(1, 1, x, 0.0), 4.0);
  const Problem matrix = problem("problem.noise=[[1, 2, 0], [\"x\", 0, 3]]");
  EXPECT_DOUBLE_EQ(matrix.diffusion(0, 0, x, 0.0), 5.0);
  EXPECT_DOUBLE_EQ(matrix.diffusion(0, 1, x, 0.0), 0.5);
  EXPECT_DOUBLE_EQ(matrix.diffusion(1, 1, x, 0.0), 9.25);
  EXPECT_EQ(matrix.diffusion_kind(), DiffusionKind::full);
  EXPECT_TRUE(matrix.diffusion_depends_on(0, 1, 0));
  EXPECT_FALSE(matrix.diffusion_depends_on(0, 0, 0));
  const auto diffusion = [&](const std::string& value) {
    return read(ring_case, {"problem.noise=", "problem.diffusion=" + value, "problem.exact="}).problem;
  };
  EXPECT_DOUBLE_EQ(diffusion("\"1+x\"").diffusion(1, 1, x, 0.0), 1.5);
  EXPECT_EQ(diffusion("2").diffusion_kind(), DiffusionKind::scalar);
  EXPECT_EQ(diffusion("[0, 1]").diffusion_kind(), DiffusionKind::diagonal);
  EXPECT_TRUE(diffusion("[0, 1]").diffusion_zero(0, 0));
  EXPECT_EQ(diffusion("[[2, 0], [0, 1]]").diffusion_kind(), DiffusionKind::diagonal);
  EXPECT_DOUBLE_EQ(diffusion("[[2, 0.5], [0.5, 1]]").diffusion(1, 0, x, 0.0), 0.5);
}

TEST(Settings, ReadsEveryKindOfStart) {
  const double x[] = {1.1, 0.2};
  const auto p0 = [&](const std::string& table) {
    const Settings s = read(ring_case, {"problem.initial=" + table, "problem.exact=", "time.start=0.5"});
    return s.problem.initial().density(x);
  };
  EXPECT_NEAR(p0("{ type = \"gaussian\", mean = [1, 0], covariance = [[0.02, 0.01], [0.01, 0.03]] }"),
              1.0 / (2 * 3.14159265358979324 * std::sqrt(5e-4)) *
                  std::exp(-0.5 * (0.03 * 0.01 - 2 * 0.01 * 0.02 + 0.02 * 0.04) / 5e-4),
              1e-12);
  EXPECT_NEAR(p0("{ type = \"mixture\", components = [{ mean = [1, 0], variance = [1, 1], weight = 3 }, "
                 "{ mean = [1.1, 0.2], variance = [1, 4] }], mass_outside = 1 }"),
              (0.75 * std::exp(-0.025) + 0.25 / 2) / (2 * 3.14159265358979324), 1e-14);
  EXPECT_NEAR(p0("{ type = \"product\", factors = [\"x < 0 ? 0 : x\", 2] }"), 1.1 / 2.42 / 4.4, 1e-12);
  EXPECT_NEAR(p0("{ type = \"expression\", density = \"x*y + t\" }"), 0.72, 1e-15);
  EXPECT_EQ(read(ring_case, {"problem.initial={ type = \"file\", file = \"/a/b.h5\" }"}).initial_file, "/a/b.h5");
}

TEST(Settings, RefusesBadProblems) {
  const auto also = [&](std::string override) { return Overrides{std::move(override), "problem.exact="}; };
  expect_refused(
      ring_case,
      {{{"problem.dimension=0"}, "problem.dimension: must be 1 <= value <= 100 (given 0)"},
       {{"problem.dimension=-2"}, "1 <= value <= 100"},
       {{"problem.dimension=101"}, "1 <= value <= 100"},
       {{"problem.dimension=3"}, "there are 2 variables"},
       {{"problem.variables=[]"}, "expected 1 to 100 names"},
       {{"problem.variables=[\"x\", \"x\"]"}, "the name is taken"},
       {{"problem.variables=[\"x\", \"t\"]"}, "the name is taken"},
       {{"problem.variables=[\"x\", \"sin\"]"}, "cannot be the name of a variable"},
       {{"problem.variables=[\"x\", \"atan2\"]"}, "cannot be the name of a variable"},
       {{"problem.variables=[\"x\", \"2y\"]"}, "cannot be the name of a variable"},
       {{"problem.variables=[\"x\", \"eps\"]"}, "problem.parameters.eps: a parameter cannot be named"},
       {also("problem.drift=[\"x\"]"), "problem.drift: expected 2 entries, one per variable (given 1)"},
       {also("problem.drift=[[\"x\", \"y\"]]"), "given a list of lists"},
       {also("problem.drift=[\"x7\", 0]"), "unknown name \"x7\" (variables: x, y, t"},
       {also("problem.drift=[\"1/x\", 0]"), "problem.drift: \"1/x\" is inf at x = 0"},
       {also("problem.drift=[\"sqrt(0.5-t)*x\", 0]"), "nan at"},
       {also("problem.diffusion=1"), "give exactly one of noise and diffusion"},
       {also("problem.noise="), "give exactly one of noise and diffusion"},
       {also("problem.noise=[1, 2, 3]"), "expected 2 entries"},
       {also("problem.noise=[[1, 2], [1]]"), "expected 2 entries as in the row above"},
       {also("problem.noise=[[1, 2]]"), "expected 2 rows"},
       {also("problem.noise=0"), "is zero everywhere"},
       {also("problem.noise=[0, \"0*x\"]"), "is zero everywhere"},
       {{"problem.noise=", "problem.diffusion=[[1, 0, 0], [0, 1, 0]]", "problem.exact="}, "expected 2 rows of 2"},
       {{"problem.noise=", "problem.diffusion=[[1, 0.5], [0.4, 1]]", "problem.exact="},
        "is not symmetric: 0.4 and 0.5"},
       {{"problem.noise=", "problem.diffusion=[[1, \"2*x\"], [\"2*x\", 1]]", "problem.exact="}, "is indefinite"},
       {{"problem.noise=", "problem.diffusion=[1, -1]", "problem.exact="}, "must be >= 0 (given -1)"},
       {{"problem.noise=", "problem.diffusion=[1, \"x\"]", "problem.exact="},
        "\"x\" is -2.2 at x = -2.2: must be >= 0"},
       {{"problem.initial="}, "problem.initial: missing"},
       {{"problem.initial.variance=[1, -1]"}, "must be > 0 (given -1)"},
       {{"problem.initial.mean=[1]"}, "expected 2 entries"},
       {{"problem.initial.covariance=[[1, 0], [0, 1]]"}, "give exactly one of variance and covariance"},
       {{"problem.initial.variance=", "problem.initial.covariance=[[1, 2], [2, 1]]"}, "is not positive definite"},
       {{"problem.initial.variance=", "problem.initial.covariance=[[1, 0.1], [0.2, 1]]"}, "is not symmetric"},
       {{"problem.initial.variance=[1, 1]"}, "of the mass at the start lies outside of the box, more than"},
       {{"problem.initial={ type = \"mixture\" }"}, "a mixture needs its components"},
       {{"problem.initial={ type = \"mixture\", components = [{ weight = -1, mean = [0, 0], variance = [1, 1] }] }"},
        "must be >= 0 (given -1)"},
       {{"problem.initial={ type = \"mixture\", components = [{ weight = 0, mean = [0, 0], variance = [1, 1] }] }"},
        "positive sum"},
       {{"problem.initial={ type = \"product\", factors = [\"y\", 1] }"}, "factor 1 may depend on x only"},
       {{"problem.initial={ type = \"product\", factors = [\"x\", 1] }"}, "a density is finite and >= 0"},
       {{"problem.initial={ type = \"product\", factors = [0, 1] }"}, "has no mass in the box"},
       {{"problem.initial={ type = \"expression\", density = \"x\" }"}, "must be >= 0"},
       {{"problem.initial={ type = \"expression\", density = 1, mean = [1, 0] }"}, "expression takes no mean"},
       {{"problem.initial={ type = \"gausian\" }"}, "did you mean \"gaussian\"?"}});
}

TEST(Settings, RefusesClosedFormsThatDoNotSolve) {
  expect_refused(ring_case,
                 {{{"problem.exact={ stationary = \"exp(-(x^2+y^2-1)^2/eps^2)\" }"}, "does not solve"},
                  {{"problem.exact={ density = \"exp(-x^2-y^2)\" }"}, "does not solve"},
                  {{"problem.potential=\"x^2+y^2\""}, "problem.potential: does not solve"},
                  {{"problem.exact=gaussian"}, "needs a drift that is linear"},
                  {{"problem.exact=benes", "problem.initial.variance=[0.02, 0.02]"}, "does not solve the equation"},
                  {{"problem.exact=benes"}, "benes needs components of the start with the same"},
                  {{"problem.exact=potential"}, "potential needs a potential"},
                  {{"problem.exact=gauss"}, "unknown value \"gauss\""},
                  {{"problem.exact={}"}, "give a name, or a table"},
                  {{"problem.exact={ stationary = 1, density = 1 }"}, "give either"}});
  EXPECT_EQ(error_of(ring_case, {"problem.potential=\"2*(x^2+y^2-1)^2/eps^2\""}), "accepted");
  EXPECT_EQ(error_of(line_case), "accepted");
  EXPECT_EQ(error_of(line_case, {"problem.exact={ stationary = \"exp(-x1^2)\" }"}), "accepted");
  expect_refused(line_case, {{{"problem.exact={ stationary = \"exp(-1.01*x1^2)\" }"}, "does not solve"}});
}

TEST(Settings, RefusesBadBoxes) {
  expect_refused(ring_case,
                 {{{"grid.y="}, "grid.y: missing: the grid needs an entry"},
                  {{"grid.z={ from = 0, to = 1, cells = 2 }"}, "grid.z: there is no such variable"},
                  {{"grid.x.cells=0"}, "1 <= value"},
                  {{"grid.x.to=-3"}, "above from"},
                  {{"grid.processes=[1]"}, "expected 2 entries"},
                  {{"grid.processes=[5, 7]"}, "grid.processes: "},
                  {{"grid.x.cells=1000000", "grid.y.cells=1000000"}, "need at least 2.4e+04 GB (2.4e+13 bytes)"},
                  {{"boundary.z_min.type=no-flux"}, "there is no such face"},
                  {{"boundary.x_min.type=periodic"}, "periodic on one side only: x_max is no-flux"},
                  {{"boundary.x_min.type=wall"}, "unknown value \"wall\""},
                  {{"boundary.x_min.type=inflow"}, "inflow needs its density"},
                  {{"boundary.x_min={ type = \"no-flux\", density = 1 }"}, "takes no density"},
                  {{"boundary.x_min={ type = \"inflow\", density = \"y\" }"}, "must be >= 0"},
                  {{"boundary.x_min={ type = \"inflow\", density = -1 }"}, "must be >= 0 (given -1)"},
                  {{"engine.name=tensor-train"}, "engine.name: unknown value \"tensor-train\""}});
  std::string seven = "[case]\nkind = \"density\"\n[problem]\ndrift = [0,0,0,0,0,0,0]\nnoise = 1\n";
  EXPECT_NE(error_of(seven + "[grid]\n[time]\nend = 1\n").find("up to 6 dimensions (given 7)"), std::string::npos);
}

TEST(Settings, RefusesBadTimes) {
  expect_refused(ring_case, {{{"time.step=0"}, "must be > 0"},
                             {{"time.end=-1"}, "must be above start"},
                             {{"time.end="}, "time.end: missing key"},
                             {{"time.tolerance=1e-3"}, "give one of them"},
                             {{"time.step=", "time.cfl=0.5"}, "only explicit schemes take a cfl"},
                             {{"time.step=", "time.tolerance=1e-3", "time.scheme=ssp-rk3"}, "takes step or cfl"},
                             {{"time.scheme=tr-bdf3"}, "did you mean \"tr-bdf2\"?"},
                             {{"engine.flux=limited"}, "limited goes with the explicit schemes"},
                             {{"engine.flux=upwind"}, "unknown value"},
                             {{"time.stationary=true"}, "a stationary solve takes no time steps"},
                             {{"time={ stationary = true }", "boundary.x_min.type=absorbing"}, "x_min is absorbing"},
                             {{"time={ stationary = true }", "problem.drift=[\"-x+sin(t)\", \"-y\"]", "problem.exact="},
                              "depends on t"},
                             {{"solver.tolerance=0"}, "0 < value < 1"},
                             {{"output.marginals=[[\"z\"]]"}, "unknown variable \"z\""},
                             {{"output.marginals=[[\"x\", \"x\"]]"}, "one or two different variables"},
                             {{"output.marginals=[\"x\"]"}, "expected list of lists of texts"},
                             {{"output.fields.names=[\"velocity\"]"}, "unknown value \"velocity\""}});
  EXPECT_EQ(error_of(ring_case, {"time={ stationary = true }", "problem.initial="}), "accepted");
}

TEST(Settings, WarnsOfWhatIsCutOffAndOfJumps) {
  const auto warnings = [](const Overrides& overrides) {
    const CaseFile file = case_of(ring_case, overrides);
    return check_problem(file, read_settings(file), Communicator());
  };
  EXPECT_TRUE(warnings({}).empty());
  const auto cut = warnings({"problem.initial.variance=[0.1, 0.1]"});
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_NE(cut[0].find("of the mass at the start lies outside of the box and is cut off"), std::string::npos);
  EXPECT_TRUE(warnings({"problem.initial.variance=[0.01, 0.001]"}).empty());  // a fifth of a cell and more
  const auto narrow = warnings({"problem.initial.variance=[0.02, 1e-6]"});
  ASSERT_EQ(narrow.size(), 1u);
  EXPECT_NE(narrow[0].find("standard deviation in y is 0.001, the cell there is 0.138 wide"), std::string::npos)
      << narrow[0];
  const auto jump = warnings({"boundary={ x_min = { type = \"periodic\" }, x_max = { type = \"periodic\" } }"});
  ASSERT_EQ(jump.size(), 1u);
  EXPECT_NE(jump[0].find("x is periodic, but the drift of x is"), std::string::npos) << jump[0];
  const auto none = warnings({"problem.exact=auto"});
  ASSERT_EQ(none.size(), 1u);
  EXPECT_NE(none[0].find("no closed form"), std::string::npos);
}

TEST(Settings, EffectiveTextGivesTheSameSettings) {
  for (const char* text : {ring_case, line_case}) {
    const CaseFile file = case_of(text);
    const CaseFile again = CaseFile::parse(file.effective({{"version", "x"}}), "run.toml", {}, {&schema()});
    EXPECT_EQ(read_settings(again).time.end, read_settings(file).time.end);
    EXPECT_EQ(again.effective({{"version", "x"}}), file.effective({{"version", "x"}}));
  }
}

TEST(Settings, DriftInfiniteOnAFace) {
  const Overrides radius{"problem.drift=0.5/x1 - x1", "grid.x1.from=0", "problem.initial.mean=[3]", "problem.exact="};
  const auto with = [&](const char* more) {
    Overrides all(radius);
    all.emplace_back(more);
    return error_of(line_case, all);
  };
  EXPECT_EQ(error_of(line_case, radius), "accepted");
  for (const char* more : {"boundary.x1_min.type=absorbing", "engine.flux=fitted4",
                           "problem.potential=x1^2 - log(x1+1)", "problem.drift=0.5/(x1-3)", "grid.x1.from=-6"})
    EXPECT_NE(with(more).find("inf at x1 = "), std::string::npos) << more << ": " << with(more);
}

/// Round-off of places and times far from 0 is no reason to refuse a right reference, nor to accept a wrong one.
TEST(Settings, ReferencesFarFromZero) {
  const auto far = [](const std::string& from, const std::string& to, const std::string& middle,
                      const std::string& width, const Overrides& more) {
    Overrides all{"problem.drift=-(x1-" + middle + ")",
                  "grid.x1={ from = " + from + ", to = " + to + ", cells = 200 }",
                  "problem.noise=" + width + "*sqrt(2)",
                  "time.end=0.5",
                  "problem.initial={ type = \"expression\", density = 1 }",
                  "problem.exact={ stationary = \"exp(-((x1-" + middle + ")/" + width + ")^2/2)\" }"};
    all.insert(all.end(), more.begin(), more.end());
    return error_of(line_case, all);
  };
  const auto law = [](const std::string& mean, const std::string& variance) {
    return "problem.initial={ type = \"gaussian\", mean = [" + mean + "], variance = [" + variance + "] }";
  };
  EXPECT_EQ(far("999999", "1000001", "1000000", "0.1", {}), "accepted");
  EXPECT_EQ(far("9999.99", "10000.01", "10000", "0.001", {}), "accepted");
  EXPECT_EQ(far("999999", "1000001", "1000000", "0.1", {law("1000000.2", "0.01"), "problem.exact=auto"}), "accepted");
  EXPECT_EQ(far("9999.99", "10000.01", "10000", "0.001", {law("10000.002", "1e-6"), "problem.exact=auto"}), "accepted");
  EXPECT_EQ(
      far("-1", "1", "0", "0.1", {law("0.2", "0.01"), "problem.exact=auto", "time.start=1e9", "time.end=1000000001"}),
      "accepted");
  for (const std::string& error : {far("999999", "1000001", "1000000", "0.1", {"problem.noise=0.16"}),
                                   far("9999.99", "10000.01", "10000", "0.001", {"problem.noise=0.0016"})})
    EXPECT_NE(error.find("does not solve the equation"), std::string::npos) << error;
}

}  // namespace
}  // namespace kolmo::density
