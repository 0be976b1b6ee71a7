#include "kolmo/density/exact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "density/cases.hpp"
#include "kolmo/density/initial.hpp"
#include "kolmo/density/moments.hpp"

namespace kolmo::density {
namespace {

Problem ring(const Overrides& overrides) {
  Overrides all(overrides);
  all.push_back("problem.exact=");
  return read(ring_case, all).problem;
}

TEST(Moments, OrnsteinUhlenbeckInOneVariable) {
  const MomentEquations equations(read(line_case).problem);
  const Moments m = equations.advance({{0.5}, {0.25}}, 0.0, 2.0);
  EXPECT_NEAR(m.mean[0], 0.5 * std::exp(-2.0), 1e-13);
  EXPECT_NEAR(m.covariance[0], 0.5 * (1 - std::exp(-4.0)) + 0.25 * std::exp(-4.0), 1e-13);
}

/// Kolmogorov (1934): dx = v dt, dv = dw: S = S0 pushed by the shear plus [[t^3/3, t^2/2], [t^2/2, t]].
TEST(Moments, Kolmogorov1934) {
  const MomentEquations equations(ring({"problem.drift=[\"y\", 0]", "problem.noise=[0, 1]"}));
  const double a = 0.04, b = 0.25, t = 1.7;
  const Moments m = equations.advance({{0.3, -0.2}, {a, 0, 0, b}}, 0.5, 0.5 + t);
  EXPECT_NEAR(m.mean[0], 0.3 - 0.2 * t, 1e-13);
  EXPECT_NEAR(m.covariance[0], a + b * t * t + t * t * t / 3, 1e-12);
  EXPECT_NEAR(m.covariance[1], b * t + t * t / 2, 1e-12);
  EXPECT_NEAR(m.covariance[3], b + t, 1e-12);
}

/// Time-dependent coefficients: dx = -b(t)/2 x dt + sqrt(b) dw with b = 0.1 + 2 t.
TEST(Moments, TimeDependent) {
  const MomentEquations equations(
      ring({"problem.drift=[\"-0.5*(0.1+2*t)*x\", \"-0.5*(0.1+2*t)*y\"]", "problem.noise=\"sqrt(0.1+2*t)\""}));
  const double t = 1.4, alpha = std::exp(-0.5 * (0.1 * t + t * t));
  const Moments m = equations.advance({{2.0, 0.0}, {0.09, 0, 0, 1.0}}, 0.0, t);
  EXPECT_NEAR(m.mean[0], 2.0 * alpha, 1e-13);
  EXPECT_NEAR(m.covariance[0], 0.09 * alpha * alpha + 1 - alpha * alpha, 1e-13);
  EXPECT_NEAR(m.covariance[3], 1.0, 1e-13);
}

/// A stiff and non-normal drift far into the stationary state: A S + S A^T + D = 0.
TEST(Moments, StationaryLimit) {
  const MomentEquations equations(
      ring({"problem.drift=[\"-0.5*x + 20*y\", \"-3*y\"]", "problem.noise=[[1, 0], [0.5, 0.7]]"}));
  const Moments m = equations.advance({{1.0, 0.0}, {1, 0, 0, 1}}, 0.0, 60.0);
  const double s22 = 0.74 / 6, s12 = (0.5 + 20 * s22) / 3.5, s11 = 1 + 40 * s12;
  EXPECT_NEAR(m.covariance[3] / s22, 1.0, 1e-12);
  EXPECT_NEAR(m.covariance[1] / s12, 1.0, 1e-12);
  EXPECT_NEAR(m.covariance[0] / s11, 1.0, 1e-12);
  EXPECT_NEAR(m.mean[0], 0.0, 1e-12);
}

/// A force that acts for 0.01 only, and is 500 then: the reference neither steps over it nor ends at its edges. After
/// it the mean is  m(t) = m0 e^-t + 500 (e^-(t - 1.21) - e^-(t - 1.2)).
TEST(Gaussian, PulseInTime) {
  for (const char* name : {"problem.exact=auto", "problem.exact=gaussian"}) {
    const Settings s = read(line_case, {"problem.drift=-x1 + (t > 1.2 && t < 1.21 ? 500 : 0)", name, "time.step=0.01"});
    ASSERT_TRUE(s.problem.exact());
    const double t = 1.9, mean = 0.5 * std::exp(-t) + 500 * (std::exp(1.21 - t) - std::exp(1.2 - t));
    double score = 0.0;
    s.problem.exact()->score(&mean, t, &score);
    EXPECT_NEAR(score, 0.0, 1e-8);
  }
  EXPECT_EQ(error_of(line_case, {"problem.drift=-x1 + (t > 0.5 ? 100 : 0)"}), "accepted");
}

/// What cannot be followed is no reference: "auto" goes without, and a name that was asked for is refused.
TEST(Gaussian, MomentsThatEnd) {
  const char* drift = "problem.drift=x1/(1 - t)^2";
  EXPECT_FALSE(read(line_case, {drift}).problem.exact());
  try {
    (void)read(line_case, {drift, "problem.exact=gaussian"});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("problem.exact: gaussian needs moments"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("cannot be followed beyond t = 0.99"), std::string::npos) << error.what();
  }
}

/// Names of the shipped cases of this kind.
std::vector<std::string> shipped() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(KOLMO_SOURCE_DIR "/cases")) {
    std::ifstream stream(entry.path() / "case.toml");
    std::stringstream text;
    text << stream.rdbuf();
    if (text.str().find("\"density\"") != std::string::npos) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

CaseFile file_of(const std::string& name) {
  const std::string path = std::string(KOLMO_SOURCE_DIR "/cases/") + name + "/case.toml";
  return CaseFile::read(Communicator(MPI_COMM_SELF), path, {}, {&schema()});
}

Settings shipped_case(const std::string& name) { return read_settings(file_of(name)); }

/// A point of the box, by number.
std::vector<double> point(const Settings& s, int number) {
  std::vector<double> x;
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    const double u = std::fmod(0.5 + 0.7548776662466927 * (number + 1) * (1.0 + 0.31 * static_cast<double>(i)), 1.0);
    x.push_back(s.axes[i].from + u * (s.axes[i].to - s.axes[i].from));
  }
  return x;
}

class Shipped : public testing::TestWithParam<std::string> {};

TEST_P(Shipped, ReadsAndPassesItsChecks) {
  const CaseFile file = file_of(GetParam());
  const Settings s = read_settings(file);
  EXPECT_TRUE(check_problem(file, s, Communicator(MPI_COMM_SELF)).empty());
  ASSERT_NE(s.problem.exact(), nullptr);
  EXPECT_FALSE(s.title.empty());
}

/// dp/dt + div J = 0 at points where p is above 1e-9 of its largest value, by differences of fourth order.
TEST_P(Shipped, SolvesItsEquation) {
  const Settings s = shipped_case(GetParam());
  const ExactDensity& exact = *s.problem.exact();
  std::vector<double> h;
  for (const AxisSpec& axis : s.axes) h.push_back(5e-4 * (axis.to - axis.from));
  double worst = 0.0;
  int count = 0;
  for (const double share : {0.2, 0.6, 0.95}) {
    const double t = s.time.start + share * (s.time.end - s.time.start),
                 dt = 2e-3 * share * (s.time.end - s.time.start);
    double largest = -INFINITY;
    for (int k = 0; k < 1000; ++k) largest = std::max(largest, exact.log_density(point(s, k).data(), t));
    for (int k = 0, tried = 0; k < 1000 && tried < 40; ++k) {
      const std::vector<double> x = point(s, k);
      if (!(exact.log_density(x.data(), t) > largest - 20.0)) continue;
      ++tried;
      ++count;
      const Residual r = equation_residual(s.problem, exact, x.data(), t, h.data(), dt);
      worst = std::max(worst, std::abs(r.value) / r.size);
    }
  }
  EXPECT_GE(count, 30);
  EXPECT_LT(worst, 1e-6) << GetParam();
  RecordProperty("residual", testing::PrintToString(worst));
}

/// The score is the gradient of the logarithm.
TEST_P(Shipped, ScoreIsTheGradient) {
  const Settings s = shipped_case(GetParam());
  const ExactDensity& exact = *s.problem.exact();
  const double t = 0.5 * (s.time.start + s.time.end);
  std::vector<double> score(s.axes.size());
  double largest = -INFINITY;
  for (int k = 0; k < 300; ++k) largest = std::max(largest, exact.log_density(point(s, k).data(), t));
  for (int k = 0; k < 300; ++k) {
    std::vector<double> x = point(s, k);
    if (!(exact.log_density(x.data(), t) > largest - 18.0)) continue;
    exact.score(x.data(), t, score.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double h = 5e-4 * (s.axes[i].to - s.axes[i].from), at = x[i];
      const auto value = [&](double steps) {
        x[i] = at + steps * h;
        return exact.log_density(x.data(), t);
      };
      const double slope = (8.0 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12.0 * h);
      x[i] = at;
      EXPECT_NEAR(score[i], slope, 1e-6 * (10.0 + std::abs(slope))) << GetParam();
    }
  }
}

/// Integral over 1.6 times the box by the trapezoidal rule, which is spectrally accurate for what vanishes at the ends;
/// mean and variance of draws against those of the same rule.
TEST_P(Shipped, IsNormalisedAndSamplesItself) {
  const Settings s = shipped_case(GetParam());
  const ExactDensity& exact = *s.problem.exact();
  if (!exact.transient() || s.axes.size() > 2) return;
  const int n = 300, m = s.axes.size() == 2 ? n : 1;
  const double t = s.time.start + 0.7 * (s.time.end - s.time.start);
  const auto width = [&](int i) { return 1.6 * (s.axes[i].to - s.axes[i].from) / n; };
  const auto from = [&](int i) { return 0.5 * (s.axes[i].from + s.axes[i].to - n * width(i)); };
  double mass = 0.0, mean = 0.0, square = 0.0;
  for (int j = 0; j < m; ++j)
    for (int i = 0; i < n; ++i) {
      const double x[] = {from(0) + (i + 0.5) * width(0), m > 1 ? from(1) + (j + 0.5) * width(1) : 0.0};
      const double part = exact.density(x, t) * width(0) * (m > 1 ? width(1) : 1.0);
      mass += part;
      mean += part * x[0];
      square += part * x[0] * x[0];
    }
  EXPECT_NEAR(mass, 1.0, 2e-10) << GetParam();
  const int draws = 20000;
  double first = 0.0, second = 0.0;
  for (int k = 0; k < draws; ++k) {
    double x[2];
    exact.sample(7, static_cast<std::uint64_t>(k), t, x);
    first += x[0] / draws;
    second += x[0] * x[0] / draws;
  }
  const double deviation = std::sqrt(square - mean * mean);
  EXPECT_NEAR(first, mean, 5.0 * deviation / std::sqrt(draws)) << GetParam();
  EXPECT_NEAR(second, square, 5.0 * 2.0 * (deviation + std::abs(mean)) * deviation / std::sqrt(draws)) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Exact, Shipped, testing::ValuesIn(shipped()),
                         [](const testing::TestParamInfo<std::string>& one) { return one.param; });

/// The expansion against the Gaussian that an Ornstein-Uhlenbeck process has, and against the start.
TEST(Eigenexpansion, AgreesWithTheGaussian) {
  const Settings s = read(line_case, {"problem.initial.variance=[0.1]"});
  const double low = -6.0, high = 6.0;
  const auto expansion = eigenexpansion_exact(s.problem, 0.0, &low, &high);
  EXPECT_EQ(s.problem.exact()->name(), "gaussian");
  for (const double t : {0.0, 0.01, 0.3, 2.0})
    for (double x = -2.0; x <= 2.0; x += 0.07) {
      const double p = s.problem.exact()->density(&x, t);
      EXPECT_NEAR(expansion->density(&x, t), p, 2e-11) << x << " " << t;
    }
}

TEST(Eigenexpansion, TendsToTheStationaryDensity) {
  const Settings s = shipped_case("double_well");
  const auto ratio = [&](double x) {
    const double v = x * x * x * x / 4 - x * x / 2;
    return s.problem.exact()->density(&x, 400.0) / std::exp(-2.0 * v / 0.49);
  };
  for (const double x : {-1.5, -0.3, 0.0, 1.0, 1.7}) EXPECT_NEAR(ratio(x) / ratio(0.9), 1.0, 1e-9);
}

TEST(Eigenexpansion, RefusesWhatItCannotExpand) {
  const auto message = [](const Overrides& overrides) -> std::string {
    Overrides all(overrides);
    all.push_back("problem.exact=eigenexpansion");
    return error_of(line_case, all);
  };
  EXPECT_EQ(message({}), "accepted");
  EXPECT_NE(message({"problem.drift=x1"}).find("confines x1"), std::string::npos);
  EXPECT_NE(message({"problem.drift=\"-x1*(1+t)\""}).find("do not depend on t"), std::string::npos);
  EXPECT_NE(message({"problem.noise=\"1+x1^2\""}).find("constant diffusion"), std::string::npos);
  EXPECT_NE(message({"problem.initial.variance=[1e-5]"}).find("smoother or wider"), std::string::npos);
  EXPECT_NE(message({"problem.initial.variance=[2]", "problem.initial.mass_outside=1"}).find("falls off faster"),
            std::string::npos);
}

/// The score of a formula by differences, whatever the unit of length; where it belongs to no cells, x sets the step.
TEST(Formula, ScoreInAnyUnit) {
  for (const double unit : {1e-9, 1e-3, 1.0, 1e6}) {
    const std::map<std::string, double> unit_only{{"u", unit}};
    const auto exact =
        stationary_exact(1, Expression("exp((x/u)^2 - (x/u)^4/2)", unit_only, {"x", "t"}), {0.02 * unit});
    for (const double y : {-1.7, -0.4, 0.0, 0.9, 2.1}) {
      const double x = y * unit;
      double score = 0.0;
      exact->score(&x, 0.0, &score);
      EXPECT_NEAR(score * unit, 2.0 * y - 2.0 * y * y * y, 1e-6) << unit << " " << y;
    }
  }
}

/// Densities that a check by one length of differences takes for wrong: p = 0 on an absorbing face, fast in time.
TEST(Formula, SolvesItsEquationNextToAnAbsorbingFace) {
  const Overrides heat = {"problem.drift=0",
                          "problem.noise=1",
                          "grid.x1.from=0",
                          "grid.x1.to=2",
                          "time.end=1",
                          "boundary.default.type=absorbing",
                          "problem.initial={ type = \"expression\", density = \"sin(pi*x1/2)\" }"};
  const auto message = [&](const std::string& density) {
    Overrides all(heat);
    all.push_back("problem.exact={ density = \"" + density + "\" }");
    return error_of(line_case, all);
  };
  EXPECT_EQ(message("pi/4*sin(pi*x1/2)*exp(-pi^2/8*t)"), "accepted");
  EXPECT_NE(message("pi/4*sin(pi*x1/2)*exp(-pi^2/8.01*t)").find("does not solve"), std::string::npos);
  EXPECT_EQ(error_of(line_case, {"problem.drift=\"-x1 + 30*cos(400*t)\"", "problem.initial.mean=[0]",
                                 "problem.exact={ density = \"exp(-(x1 - 30*(cos(400*t) + 400*sin(400*t) - exp(-t))/"
                                 "160001)^2/(1 - exp(-2*t)/2))/sqrt(pi*(1 - exp(-2*t)/2))\" }"}),
            "accepted");
}

/// A run far shorter than what p takes: round-off is all that is left of dp/dt.
TEST(Formula, ShortRunsAreNotRefused) {
  for (const char* end : {"1e-12", "1e-10", "1e-7"})
    EXPECT_EQ(error_of(line_case, {std::string("time.end=") + end, std::string("time.step=") + end}), "accepted");
}

std::string warnings_of(const std::string& text, const Overrides& overrides) {
  const CaseFile file = case_of(text, overrides);
  std::string all;
  for (const std::string& one : check_problem(file, read_settings(file), Communicator())) all += one + "\n";
  return all;
}

/// Closed forms of unbounded space in a box that cuts them off, and stationary ones where the mass goes away.
TEST(Formula, WarnsWhereItDoesNotFitTheBox) {
  EXPECT_EQ(warnings_of(line_case, {}), "");
  EXPECT_NE(warnings_of(line_case, {"problem.drift=3"}).find("lies outside of the box at t = 1:"), std::string::npos);
  EXPECT_NE(warnings_of(line_case, {"grid.x1.from=-1", "boundary.x1_min.type=absorbing", "problem.initial.mean=[1]",
                                    "problem.initial.variance=[0.05]"})
                .find("errors hold what the boundary does"),
            std::string::npos);
  EXPECT_NE(warnings_of(line_case, {"problem.exact={ stationary = \"exp(-x1^2)\" }", "boundary.x1_max.type=absorbing"})
                .find("x1_max is absorbing"),
            std::string::npos);
}

}  // namespace
}  // namespace kolmo::density
