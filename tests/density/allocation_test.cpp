// A step takes no memory: what it works with is made before, also where coefficients depend on time.

#include <memory>
#include <vector>

#include "density/engine_cases.hpp"
#include "support/allocations.hpp"

namespace kolmo::density::testing {
namespace {

using test::allocations;
using test::counting;

template <class Take>
long counted(Take take) {
  allocations = 0;
  counting = true;
  void* memory = take();
  asm volatile("" : : "r"(memory) : "memory");  // or the compiler may see that nobody needs it
  counting = false;
  return allocations.load();
}

template <int Dim>
void expect_no_allocation(Case c, const std::string& name, Scheme scheme, bool open = false) {
  c.scheme = scheme;
  Settings settings = settings_of(c);
  if (open) {
    settings.boundary[0] = {BoundaryType::inflow, Expression("0.2 + 0.1*x2", {}, {"x1", "x2", "t"})};
    settings.boundary[1] = {BoundaryType::absorbing, {}};
  }
  GridEngine<Dim> engine(settings, Communicator());
  engine.initialise();
  for (int n = 0; n < 3; ++n) engine.step(c.step);
  allocations = 0;
  counting = true;
  for (int n = 0; n < 4; ++n) engine.step(c.step);
  counting = false;
  EXPECT_EQ(allocations.load(), 0) << name << ", " << engine.description();
}

Case plane(const std::string& factor) {
  Case c;
  c.drift = {"(-x1 + 0.5*x2)*" + factor, "(-x2 - 0.3*x1)*" + factor};
  c.diffusion = {"0.4", "0.3 + 0.05*x1^2"};
  c.half_width = 3.0;
  c.cells = 16;
  c.step = 0.005;
  return c;
}

TEST(Allocation, EveryWayIsCounted) {
  struct alignas(128) Wide {
    double values[16];
  };
  std::unique_ptr<double> one;
  std::unique_ptr<Wide> wide;
  std::unique_ptr<Field<2>> field;
  std::vector<void*> taken;
  taken.reserve(5);
  const auto keep = [&](void* memory) { return taken.emplace_back(memory); };
  EXPECT_EQ(counted([&] { return (one = std::make_unique<double>()).get(); }), 1);
  EXPECT_EQ(counted([&] { return (wide = std::make_unique<Wide>()).get(); }), 1);
  EXPECT_EQ(counted([&] { return keep(std::malloc(100)); }), 1);
  EXPECT_EQ(counted([&] { return keep(std::calloc(10, 10)); }), 1);
  EXPECT_EQ(counted([&] { return taken.back() = std::realloc(taken.back(), 500); }), 1);
  EXPECT_EQ(counted([&] { return keep(std::aligned_alloc(64, 128)); }), 1);
  EXPECT_EQ(counted([&] {
              void* memory = nullptr;
              return posix_memalign(&memory, 64, 100) == 0 ? keep(memory) : nullptr;
            }),
            1);
  const Case c = plane("1");
  GridEngine<2> engine(settings_of(c), Communicator());
  EXPECT_GE(counted([&] { return (field = std::make_unique<Field<2>>(engine.density().layout())).get(); }), 2);
  EXPECT_EQ(counted([] { return nullptr; }), 0);
  for (void* memory : taken) std::free(memory);
}

TEST(Allocation, NoneInAStep) {
  for (const std::string factor : {"1", "(1 + 0.5*sin(t))"})
    for (const Scheme scheme : {Scheme::backward_euler, Scheme::crank_nicolson, Scheme::tr_bdf2, Scheme::splitting,
                                Scheme::ssp_rk2, Scheme::ssp_rk3}) {
      const std::string name = "scheme " + std::to_string(static_cast<int>(scheme)) + ", factor " + factor;
      expect_no_allocation<2>(plane(factor), name, scheme);
      expect_no_allocation<2>(plane(factor), name + ", open", scheme, true);
      Case full = plane(factor);
      full.diffusion = {"0.4", "0.1*" + factor, "0.1*" + factor, "0.4"};
      expect_no_allocation<2>(full, name + ", full D", scheme);
      if (scheme == Scheme::crank_nicolson) continue;
      Case transport = plane(factor);
      transport.diffusion = {"0", "0.3"};
      expect_no_allocation<2>(transport, name + ", transport", scheme);
      expect_no_allocation<2>(transport, name + ", open transport", scheme, true);
    }
  Case independent;  // exponentials of lines, found anew at every step
  independent.drift = {"-x1*(1 + t)", "-x2", "-x3"};
  independent.diffusion = {"0.5"};
  independent.half_width = 3.0;
  independent.cells = 16;
  expect_no_allocation<3>(independent, "independent", Scheme::splitting);
  Case four;
  four.drift = {"-x1 + 0.2*sin(x2)", "-x2", "-x3 + x1*t", "-x4"};
  four.diffusion = {"0.5"};
  four.half_width = 3.0;
  four.cells = 6;
  expect_no_allocation<4>(four, "four variables", Scheme::splitting);
  expect_no_allocation<4>(four, "four variables", Scheme::backward_euler);
  for (const std::string drift : {"-x1*(1 + t)", "-x1^3*(1 + t)"}) {
    Case wide;
    wide.drift = {drift, "-x2"};
    wide.diffusion = {"0.5"};
    wide.half_width = 3.0;
    wide.flux = FluxKind::fitted4;
    for (const Scheme scheme : {Scheme::crank_nicolson, Scheme::ssp_rk3}) {
      wide.step = 0.002;
      expect_no_allocation<2>(wide, "fitted4, drift " + drift, scheme);
    }
  }
}

}  // namespace
}  // namespace kolmo::density::testing
