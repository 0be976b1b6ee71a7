// What the discrete convection conserves, and what a step must not do: allocate, or touch new pages.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/allocations.hpp"
#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;
using flow::Scheme;
using flow::Sweep;

// A rough divergence-free velocity on a grid stretched in every direction.
Settings rough(BoundaryType type) {
  Settings s = box(3, 10, 0.0, 1.0, type, 0.0);
  const double strength[] = {0.8, 1.3, 1.7};
  for (int d = 0; d < 3; ++d) {
    s.axes[d].spacing = Spacing::tanh;
    s.axes[d].strength = strength[d];
  }
  set_exact(s,
            {"sin(7*x+11*y)*cos(13*z)+rint(3*sin(40*x*y+z))", "cos(5*x-9*y+17*z)+rint(2*cos(50*y*z))", "sin(19*x*z)+y"},
            "0");
  return s;
}

// sum V u_c F_c / sum V |u_c F_c|, and the same without u: what convection adds to energy and momentum.
template <int Dim>
void contract(Model<Dim>& model, double& energy, std::type_identity_t<std::array<double, Dim>>& momentum) {
  const auto& domain = model.domain();
  flow::Velocity<Dim> rate = domain.make_velocity();
  Sweep<Dim> sweep{&model.velocity(), &rate, &model.velocity(), 0.0, nullptr, 0.0, 1.0};
  model.momentum().sweep(sweep);
  std::array<double, 2 * Dim + 2> sums{};
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(model.boundary().unknowns(c), [&](const Index<Dim>& i) {
      double v = 1.0;
      for (int d = 0; d < Dim; ++d) {
        const Axis& axis = domain.grid.axis(d);
        v *= d == c ? axis.distance(i[d] + domain.origin()[d]) : axis.width(i[d] + domain.origin()[d]);
      }
      const double f = v * rate[c](i), work = model.velocity()[c](i) * f;
      sums[0] += work;
      sums[1] += std::abs(work);
      sums[2 + 2 * c] += f;
      sums[3 + 2 * c] += std::abs(f);
    });
  domain.comm().sum(sums.data(), static_cast<int>(sums.size()));
  energy = sums[0] / sums[1];
  for (int c = 0; c < Dim; ++c) momentum[c] = sums[2 + 2 * c] / sums[3 + 2 * c];
}

TEST(Conservation, ConvectionKeepsEnergyAndMomentum) {
  Model<3> model(rough(BoundaryType::periodic), Communicator());
  model.initialise();
  double energy;
  std::array<double, 3> momentum;
  contract<3>(model, energy, momentum);
  EXPECT_LE(std::abs(energy), 1e-13);
  for (const double m : momentum) EXPECT_LE(std::abs(m), 1e-13);
}

TEST(Conservation, WallsDoNoWork) {
  Model<3> model(rough(BoundaryType::free_slip), Communicator());
  model.initialise();
  double energy;
  std::array<double, 3> momentum;
  contract<3>(model, energy, momentum);
  EXPECT_LE(std::abs(energy), 1e-13);
}

class StepCost : public testing::TestWithParam<Scheme> {};

TEST_P(StepCost, NothingIsAllocatedAndNoPageIsTouchedAnew) {
  Settings s = box(3, 24, 0.0, 1.0, BoundaryType::no_slip, 1e-2);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity[0] = expression("36*y*(1-y)*z*(1-z)*(1+0.2*sin(t))");
  s.boundary[1].type = BoundaryType::outflow;
  flow::ScalarSettings dye;
  dye.name = "dye";
  dye.diffusivity = Expression(1e-2);
  for (auto& face : dye.boundary) face.type = flow::ScalarBoundaryType::adiabatic;
  dye.boundary[0].type = flow::ScalarBoundaryType::fixed_value;
  dye.boundary[1].type = flow::ScalarBoundaryType::outflow;
  s.scalars.push_back(dye);
  set_exact(s, {"36*y*(1-y)*z*(1-z)", "0", "0"}, "0");
  s.time.scheme = GetParam();
  Model<3> model(s, Communicator());
  model.initialise();
  const double dt = 0.5 * model.choose_step();
  for (int k = 0; k < 6; ++k) model.step(dt);
  rusage before{}, after{};
  allocations = 0;
  getrusage(RUSAGE_SELF, &before);
  counting = true;
  for (int k = 0; k < 10; ++k) model.step(dt);
  counting = false;
  getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(allocations, 0);
#ifndef __SANITIZE_ADDRESS__  // which takes pages of its own
  EXPECT_LE(after.ru_minflt - before.ru_minflt,
            5);  // less than one a step: MPI and the clock may touch a page now and then
#endif
}

INSTANTIATE_TEST_SUITE_P(Schemes, StepCost, testing::Values(Scheme::k4, Scheme::rk3, Scheme::rk3_cn, Scheme::cn_ab2));

}  // namespace
}  // namespace kolmo::test
