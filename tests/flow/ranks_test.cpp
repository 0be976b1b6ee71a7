// The same flow on any number of ranks, and the same bits when run twice.
#include <gtest/gtest.h>

#include <cstring>

#include "support/flow_cases.hpp"

namespace kolmo::test {
namespace {

using flow::Model;

// Largest difference between the owned parts of a run on all ranks and the same run on this rank alone.
template <int Dim>
double difference_to_one_rank(const Settings& s, int steps) {
  Model<Dim> shared(s, Communicator());
  Model<Dim> alone(s, Communicator(MPI_COMM_SELF));
  for (Model<Dim>* model : {&shared, &alone}) {
    model->initialise();
    for (int k = 0; k < steps; ++k) model->step(model->choose_step());
  }
  double largest = 0.0;
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(shared.boundary().unknowns(c), [&](const Index<Dim>& i) {
      Index<Dim> there;
      for (int d = 0; d < Dim; ++d) there[d] = i[d] + shared.domain().origin()[d];
      largest = std::max(largest, std::abs(shared.velocity()[c](i) - alone.velocity()[c](there)));
    });
  for (int q = 0; q < shared.scalars().count(); ++q)
    for_each<Dim>(shared.domain().layout.interior(), [&](const Index<Dim>& i) {
      Index<Dim> there;
      for (int d = 0; d < Dim; ++d) there[d] = i[d] + shared.domain().origin()[d];
      largest = std::max(largest, std::abs(shared.scalars().field(q)(i) - alone.scalars().field(q)(there)));
    });
  return shared.domain().comm().max(largest);
}

// Looks on, which makes a scheme take its stages whole instead of plane by plane.
template <int Dim>
class Onlooker final : public flow::StepObserver<Dim> {
 public:
  explicit Onlooker(const Model<Dim>& model) : viscous_(model.domain().make_velocity()) {}
  void begin(const flow::Velocity<Dim>&, double) override {}
  void rates(double, const flow::Velocity<Dim>&, double, flow::Register, flow::ViscousPart) override {}
  void earlier_rates(double) override {}
  void diffusion(double, const flow::Velocity<Dim>&, double) override {}
  flow::Velocity<Dim>& viscous() override { return viscous_; }
  void pressure(double, const Field<Dim>&) override {}
  void end(const flow::Velocity<Dim>&, double, double) override {}

 private:
  flow::Velocity<Dim> viscous_;
};

template <int Dim>
double difference_to_whole_stages(const Settings& s, int steps, int variant = 0) {
  Model<Dim> planes(s, Communicator()), whole(s, Communicator());
  Onlooker<Dim> onlooker(whole);
  whole.scheme().observe(&onlooker);
  for (Model<Dim>* model : {&planes, &whole}) {
    model->initialise();
    for (int k = 0; k < steps; ++k) {
      model->scheme().choose(variant);
      model->scheme().step(model->state(), model->choose_step());
    }
  }
  double largest = 0.0;
  for (int c = 0; c < Dim; ++c)
    for_each<Dim>(planes.domain().layout.interior(), [&](const Index<Dim>& i) {
      largest = std::max(largest, std::abs(planes.velocity()[c](i) - whole.velocity()[c](i)));
      largest = std::max(largest, std::abs(planes.state().p(i) - whole.state().p(i)));
    });
  return planes.domain().comm().max(largest);
}

// A stretched channel in three dimensions whose bulk velocity is held.
Settings channel() {
  Settings s = box(3, 12, 0.0, 2.0, BoundaryType::periodic, 1e-2);
  s.axes[1].spacing = Spacing::tanh;
  s.axes[1].strength = 1.5;
  s.boundary[2].type = s.boundary[3].type = BoundaryType::no_slip;
  s.force.bulk_direction = 0;
  s.force.bulk_velocity = 1.0;
  set_exact(s, {"1.5*y*(2-y)+0.3*sin(pi*z)*sin(pi*y)", "0.2*sin(pi*x)*sin(pi*y)", "0.3*cos(pi*x)*sin(pi*y)"}, "0");
  return s;
}

// In through one face, out through another, unsteady.
Settings through_flow() {
  Settings s = box(2, 13, 0.0, 1.0, BoundaryType::no_slip, 2e-2);
  s.boundary[0].type = BoundaryType::inlet;
  s.boundary[0].velocity = {expression("6*y*(1-y)*(1+0.3*sin(5*t))"), expression("0.2*sin(2*pi*y)*sin(3*t)"),
                            Expression(0.0)};
  s.boundary[1].type = BoundaryType::outflow;
  set_exact(s, {"6*y*(1-y)", "0"}, "0");
  return s;
}

// Pressure faces, and a warm wall that lifts the fluid.
Settings heated_duct() {
  Settings s = box(3, 9, 0.0, 1.0, BoundaryType::no_slip, 2e-2);
  s.boundary[4].type = s.boundary[5].type = BoundaryType::pressure;
  s.boundary[4].pressure = Expression(0.1);
  s.force.gravity = {0.0, 0.0, -1.0};
  flow::ScalarSettings temperature;
  temperature.name = "temperature";
  temperature.diffusivity = Expression(2e-2);
  temperature.expansion = 1.0;
  for (auto& face : temperature.boundary) face.type = flow::ScalarBoundaryType::adiabatic;
  temperature.boundary[0].type = flow::ScalarBoundaryType::fixed_value;
  temperature.boundary[0].value = Expression(1.0);
  temperature.boundary[5].type = flow::ScalarBoundaryType::outflow;
  s.scalars.push_back(temperature);
  set_exact(s, {"0", "0", "0"}, "0");
  return s;
}

// Every pair of boundary types a direction can have there, the last direction cut.
TEST(Planes, GiveWhatWholeStagesGive) {
  const std::array<BoundaryType, 3> types{BoundaryType::periodic, BoundaryType::no_slip, BoundaryType::free_slip};
  const int ranks = Communicator().size();
  for (const flow::Scheme scheme : {flow::Scheme::k4, flow::Scheme::rk3})
    for (int shift = 0; shift < 3; ++shift) {
      Settings s = box(3, 16, 0.0, 2.0, BoundaryType::no_slip, 1e-2);
      set_exact(s, {"sin(pi*x)*cos(pi*y)*cos(pi*z)", "0.3*sin(pi*y)", "-cos(pi*x)*sin(pi*z)"}, "0");
      for (int d = 0; d < 3; ++d) {
        const BoundaryType low = types[(d + shift) % 3];
        s.boundary[2 * d].type = s.boundary[2 * d + 1].type = low;
        s.axes[d].periodic = low == BoundaryType::periodic;
        if (low != BoundaryType::no_slip) continue;
        if (shift == 1) s.boundary[2 * d].type = BoundaryType::free_slip;
        s.axes[d].spacing = Spacing::tanh;
        s.axes[d].strength = 1.2;
        s.boundary[2 * d + 1].velocity[(d + 1) % 3] = Expression(0.7);
        s.boundary[2 * d + 1].velocity[(d + 2) % 3] = Expression(-0.4);
      }
      s.exact.reset();
      s.time.scheme = scheme;
      s.processes = {1, 1, ranks};
      for (const int variant : {0, 3})
        EXPECT_LE(difference_to_whole_stages<3>(s, 4, variant), 2e-13) << "boundary types from " << shift;
    }
  Settings s = box(2, 24, 0.0, 1.0, BoundaryType::no_slip, 1e-2);
  s.boundary[3].velocity[0] = Expression(1.0);
  s.processes = {1, ranks, 1};
  EXPECT_LE(difference_to_whole_stages<2>(s, 6), 2e-13);
}

TEST(Ranks, Channel) { EXPECT_LE(difference_to_one_rank<3>(channel(), 6), 1e-12); }
TEST(Ranks, ThroughFlow) { EXPECT_LE(difference_to_one_rank<2>(through_flow(), 12), 1e-12); }
TEST(Ranks, HeatedDuct) { EXPECT_LE(difference_to_one_rank<3>(heated_duct(), 6), 1e-12); }

TEST(Ranks, OneCellEach) {
  Settings s = box(2, 4, 0.0, 1.0, BoundaryType::no_slip, 1e-1);
  s.axes[0].cells = 1;
  s.axes[1].cells = std::max(2, Communicator().size());
  s.boundary[0].type = s.boundary[1].type = BoundaryType::periodic;
  s.boundary[3].velocity[0] = Expression(1.0);
  EXPECT_LE(difference_to_one_rank<2>(s, 5), 1e-12);
}

TEST(Ranks, TwiceIsTheSameBits) {
  const Settings s = channel();
  Model<3> first(s, Communicator()), second(s, Communicator());
  for (Model<3>* model : {&first, &second}) {
    model->initialise();
    for (int k = 0; k < 4; ++k) model->step(model->choose_step());
  }
  for (int c = 0; c < 3; ++c)
    for_each<3>(first.domain().layout.interior(), [&](const Index<3>& i) {
      const double a = first.velocity()[c](i), b = second.velocity()[c](i);
      ASSERT_EQ(std::memcmp(&a, &b, sizeof a), 0);
    });
}

}  // namespace
}  // namespace kolmo::test
