#include <algorithm>
#include <map>

#include "density/engine_cases.hpp"

namespace kolmo::density::testing {
namespace {

double normal(double x, double mean, double variance) {
  return std::exp(-0.5 * (x - mean) * (x - mean) / variance) / std::sqrt(2.0 * M_PI * variance);
}

/// dx = -x dt + dw from N(0.5, 0.25), each direction by itself.
template <int Dim>
double ou(const double* x, double t) {
  const double decay = std::exp(-t);
  double p = 1.0;
  for (int d = 0; d < Dim; ++d) p *= normal(x[d], 0.5 * decay, 0.5 * (1.0 - decay * decay) + 0.25 * decay * decay);
  return p;
}

template <int Dim>
Case ou_case() {
  static const char* const drift[6] = {"-x1", "-x2", "-x3", "-x4", "-x5", "-x6"};
  Case c;
  c.drift.assign(drift, drift + Dim);
  c.diffusion = {"1"};
  return c;
}

/// Per-cell identity, conservation, positivity in any dimension, for coupled drift.
template <int Dim>
void check_balance(Scheme scheme, BoundaryType boundary) {
  static const char* const drift[6] = {"-x1 + sin(x2)", "-x2 - x1*x3", "0.5 - x3", "-x4 + x1", "-x5", "-x6 + x5"};
  static const char* const ends[6] = {"-x1", "-x2", "-x3 + x2", "-x4 + x1", "-x5 + cos(x1)", "-x6 + x5"};
  static const int cells[6] = {40, 20, 10, 8, 6, 5};
  Case c;
  for (int d = 0; d < Dim; ++d) c.drift.emplace_back(Dim > 2 ? drift[d] : ends[d]);
  for (int d = 0; d < Dim; ++d) c.diffusion.emplace_back(d == 0 ? "0.5 + 0.1*x1^2" : "0.3");
  c.half_width = 2.0;
  c.cells = cells[Dim - 1];
  c.scheme = scheme;
  c.boundary = boundary;
  const bool is_explicit = scheme == Scheme::ssp_rk2 || scheme == Scheme::ssp_rk3;
  c.step = is_explicit ? 0.0 : 0.05;
  GridEngine<Dim> engine(settings_of(c), Communicator());
  engine.initialise();
  const double before = mass(engine);
  for (int n = 0; n < 3; ++n) engine.step(engine.choose_step());
  double out = 0.0;
  for (const double e : engine.escaped()) out += e;
  EXPECT_NEAR(mass(engine) + out, before, 1e-13) << Dim;
  if (boundary == BoundaryType::no_flux) {
    EXPECT_EQ(out, 0.0);
  }
  if (scheme != Scheme::tr_bdf2) {
    EXPECT_GE(least(engine), 0.0) << Dim;
  }
  // dp/dt + div J = 0.
  Field<Dim> rate;
  std::array<Field<Dim>, Dim> flux;
  engine.rate(rate);
  engine.flux(flux);
  const double scale = largest(engine, rate);
  for_each<Dim>(cells_of(engine), [&](const Index<Dim>& i) {
    double sum = rate(i);
    for (int d = 0; d < Dim; ++d) {
      Index<Dim> above = i;
      ++above[d];
      sum +=
          (flux[d](above) - flux[d](i)) / engine.grid().axis(d).width(i[d] + engine.decomposition().owned().begin[d]);
    }
    EXPECT_LE(std::abs(sum), 1e-13 * scale) << Dim;
  });
}

TEST(Engine, BalanceInEveryDimension) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2, Scheme::ssp_rk2, Scheme::ssp_rk3})
    for (const BoundaryType boundary : {BoundaryType::no_flux, BoundaryType::absorbing}) {
      check_balance<1>(scheme, boundary);
      check_balance<2>(scheme, boundary);
      check_balance<3>(scheme, boundary);
      check_balance<4>(scheme, boundary);
      check_balance<5>(scheme, boundary);
      check_balance<6>(scheme, boundary);
    }
}

template <int Dim>
double ou_error(Scheme scheme, int cells, double step) {
  Case c = ou_case<Dim>();
  c.scheme = scheme;
  c.cells = cells;
  c.step = step;
  GridEngine<Dim> engine(settings_of(c), Communicator());
  engine.initialise();
  run(engine, 0.5);
  return l1_error<Dim>(engine, [](const double* x) { return ou<Dim>(x, 0.5); });
}

TEST(Engine, SecondOrderInSpaceAndTime) {
  for (const Scheme scheme : {Scheme::tr_bdf2, Scheme::crank_nicolson}) {
    const double coarse = ou_error<1>(scheme, 64, 0.05), fine = ou_error<1>(scheme, 128, 0.025);
    EXPECT_NEAR(std::log2(coarse / fine), 2.0, 0.1) << static_cast<int>(scheme) << " " << coarse << " " << fine;
  }
  const double coarse = ou_error<2>(Scheme::tr_bdf2, 48, 0.05), fine = ou_error<2>(Scheme::tr_bdf2, 96, 0.025);
  EXPECT_NEAR(std::log2(coarse / fine), 2.0, 0.1) << coarse << " " << fine;
  const double euler = ou_error<1>(Scheme::backward_euler, 512, 0.02) / ou_error<1>(Scheme::backward_euler, 512, 0.01);
  EXPECT_NEAR(std::log2(euler), 1.0, 0.1);
  const double rk = ou_error<1>(Scheme::ssp_rk3, 32, 0.0) / ou_error<1>(Scheme::ssp_rk3, 64, 0.0);
  EXPECT_NEAR(std::log2(rk), 2.0, 0.1);
}

TEST(Engine, ToleranceIsMet) {
  Case c = ou_case<1>();
  c.cells = 1024;
  c.scheme = Scheme::tr_bdf2;
  double last = 0.0;
  for (const double tolerance : {1e-4, 1e-6}) {
    c.tolerance = tolerance;
    GridEngine<1> engine(settings_of(c), Communicator());
    engine.initialise();
    run(engine, 0.5);
    last = l1_error<1>(engine, [](const double* x) { return ou<1>(x, 0.5); });
    EXPECT_LE(last, 20.0 * tolerance + 3e-5) << engine.step_count();
    EXPECT_GE(engine.step_count(), 3);
  }
}

/// Pure transport along y with p = 0.4 given where it comes in and 1 inside: what came in and went out by a time before
/// the front has crossed, with every scheme that takes the limited flux, and with limited advection where there is
/// noise.
TEST(Engine, PureTransportTakesInflowOnce) {
  for (const Scheme scheme : {Scheme::tr_bdf2, Scheme::splitting, Scheme::ssp_rk2, Scheme::ssp_rk3})
    for (const char* drift : {"0.5", "-0.5"}) {
      const bool is_explicit = scheme == Scheme::ssp_rk2 || scheme == Scheme::ssp_rk3;
      const double dt = is_explicit ? 0.005 : 0.02;
      Case c;
      c.drift = {"0", drift};
      c.diffusion = {"0.4", "0"};
      c.half_width = 0.5;
      c.cells = 16;
      c.scheme = scheme;
      c.step = dt;
      Settings s = settings_of(c);
      s.boundary[2] = s.boundary[3] = {BoundaryType::inflow, Expression(0.4)};
      GridEngine<2> engine(s, Communicator());
      engine.initialise();
      set_density<2>(engine, [](const Point<2>&) { return 1.0; });
      while (engine.time() < 0.6 - 1e-12) engine.step(dt);
      EXPECT_NEAR(mass(engine), 1.0 + 0.6 * 0.5 * (0.4 - 1.0), 1e-6) << static_cast<int>(scheme) << drift;
      EXPECT_NEAR(least<2>(engine), 0.4, 0.15) << static_cast<int>(scheme) << drift;
    }
  Case c;
  c.drift = {"1"};
  c.diffusion = {"0.02"};
  c.half_width = 0.5;
  c.cells = 32;
  c.scheme = Scheme::ssp_rk3;
  c.flux = FluxKind::limited;
  c.step = 0.002;
  Settings s = settings_of(c);
  s.boundary[0] = s.boundary[1] = {BoundaryType::inflow, Expression(0.4)};
  GridEngine<1> engine(s, Communicator());
  engine.initialise();
  while (engine.time() < 3.0) engine.step(0.002);
  EXPECT_NEAR(mass(engine), 0.4, 1e-9);  // p = 0.4 all over, carried through
}

/// One step of 1e6 times what the slowest mode takes: dt D / h^2 = 1e9 leaves no digits of the residual, and the
/// density of the end is right all the same.
TEST(Engine, HugeStepsEndInEquilibrium) {
  for (const Scheme scheme : {Scheme::backward_euler, Scheme::tr_bdf2}) {
    Case c = ou_case<1>();
    c.cells = 512;
    c.scheme = scheme;
    c.step = 1e6;
    GridEngine<1> engine(settings_of(c), Communicator());
    engine.initialise();
    for (int k = 0; k < 4; ++k) engine.step(1e6);
    EXPECT_LT(l1_error<1>(engine, [](const double* x) { return ou<1>(x, 100.0); }), 1e-4);
    EXPECT_NEAR(mass(engine), 1.0, 1e-12);
  }
}

/// D that is negative or indefinite where no sample of the check of a case fell is noticed by the run, on all ranks.
// The face between the last cell and the first joins places on either side of the end: both are taken inside the box.
TEST(Engine, PeriodicCoefficientsAreTakenInsideTheBox) {
  const auto density_of = [](const std::string& x) {
    Case c;
    c.drift = {"0.3"};
    c.diffusion = {"(1 - (" + x + "))*(1 + (" + x + ")) + 0.01"};
    c.half_width = 1.0;
    c.cells = 32;
    c.boundary = BoundaryType::periodic;
    Settings settings = settings_of(c);
    settings.axes[0].periodic = true;
    GridEngine<1> engine(settings, Communicator());
    engine.initialise();
    for (int n = 0; n < 5; ++n) engine.step(0.1);
    std::vector<double> values;
    for_each<1>(engine.density().layout().interior(),
                [&](const Index<1>& i) { values.push_back(engine.density()(i)); });
    return values;
  };
  EXPECT_EQ(density_of("x1"), density_of("x1 < -1 ? x1 + 2 : x1"));
}

TEST(Engine, DiffusionThatIsNoneIsAnError) {
  const auto error_of = [](const std::vector<std::string>& diffusion, int n, Coefficients kept) {
    Case c;
    c.drift.assign(n, "0");
    c.diffusion = diffusion;
    c.half_width = 2.0;
    c.cells = n == 4 ? 8 : 20;
    c.scheme = Scheme::splitting;
    c.step = 0.1;
    Settings settings = settings_of(c);
    settings.coefficients = kept;
    try {
      const auto take = [&](auto&& engine) {
        engine.initialise();
        while (engine.time() < 0.99) engine.step(0.1);
      };
      n == 2 ? take(GridEngine<2>(settings, Communicator())) : take(GridEngine<4>(settings, Communicator()));
    } catch (const NumericsError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  const auto kept = Coefficients::stored;
  EXPECT_EQ(error_of({"1 - 2*exp(-50*((x1-0.2)^2 + (x2-0.3)^2))", "1"}, 2, kept),
            "the diffusion of x1 is -1 at x1 = 0.2, x2 = 0.3, t = 0: must be >= 0");
  EXPECT_EQ(error_of({"1", "0.4 - (abs(t-0.55)<0.01 ? 0.5 : 0)"}, 2, kept),
            "the diffusion of x2 is -0.1 at x1 = 0.1, x2 = -1.8, t = 0.55: must be >= 0")
      << "a tenth of a step";
  const std::string across = "1.2*exp(-50*((x1-0.2)^2 + (x2-0.4)^2))";
  EXPECT_EQ(error_of({"1", across, across, "1"}, 2, kept),
            "the diffusion is indefinite: the square of its entry for x1 and x2 exceeds the product of those on the "
            "diagonal at x1 = 0.2, x2 = 0.4, t = 0");
  EXPECT_EQ(error_of({"1", "x1", "x1", "x1^2"}, 2, kept), "none");  // of rank one everywhere
  EXPECT_EQ(error_of({"(x1-0.2)^2", "x2^2-2*x2+1"}, 2, kept), "none");
  for (const Coefficients how : {Coefficients::stored, Coefficients::recomputed})
    EXPECT_NE(error_of({"1 - (t > 0.5 ? 1.1 : 0) - 1e-9*x1*x2*x3*x4", "1", "1", "1"}, 4, how).find("t = 0.55: must"),
              std::string::npos);
}

/// What positive cross terms leave of the noise across faces is told where it is little.
TEST(Engine, StrongCorrelationIsNoted) {
  const auto noted = [](const std::string& correlation) {
    Case c;
    c.drift = {"-x1", "-x2"};
    c.diffusion = {"1", correlation, correlation, "1"};
    c.half_width = 4.0;
    c.cells = 32;
    return GridEngine<2>(settings_of(c), Communicator()).description().find("Peclet number of up to") !=
           std::string::npos;
  };
  EXPECT_FALSE(noted("0.5"));
  EXPECT_TRUE(noted("0.95"));
  EXPECT_TRUE(noted("1"));
}

/// Options of the density solver for the length of a scope.
class SolverOptions {
 public:
  explicit SolverOptions(std::map<std::string, std::string> options) : options_(std::move(options)) {
    for (const auto& [name, value] : options_)
      petsc::check(PetscOptionsSetValue(nullptr, ("-density_" + name).c_str(), value.c_str()));
  }
  ~SolverOptions() {
    for (const auto& [name, value] : options_) (void)PetscOptionsClearValue(nullptr, ("-density_" + name).c_str());
  }
  SolverOptions(const SolverOptions&) = delete;
  SolverOptions& operator=(const SolverOptions&) = delete;

 private:
  std::map<std::string, std::string> options_;
};

/// The fastest faces of a stretched grid lie where there is no mass: they do not excuse a solve that was cut short.
TEST(Engine, SolvesCutShortAreErrorsOnStretchedGrids) {
  const auto take_steps = [](const char* pc, const char* iterations) {
    const SolverOptions options(
        {{"ksp_type", "gmres"}, {"pc_type", pc}, {"sub_pc_type", "ilu"}, {"ksp_max_it", iterations}});
    Case c = ou_case<2>();
    c.cells = 96;
    c.step = 0.1;
    Settings settings = settings_of(c);
    for (AxisSpec& axis : settings.axes) axis.spacing = Spacing::tanh, axis.strength = 5.0;
    GridEngine<2> engine(settings, Communicator());
    engine.initialise();
    engine.step(0.1);
    EXPECT_NEAR(mass(engine), 1.0, 1e-12);
  };
  EXPECT_THROW(take_steps("bjacobi", "2"), NumericsError);
  EXPECT_THROW(take_steps("jacobi", "10"), NumericsError);
  EXPECT_NO_THROW(take_steps("bjacobi", "300"));
}

}  // namespace
}  // namespace kolmo::density::testing
