// What a step sends, counted, against the formula of docs/performance.md.
#include <gtest/gtest.h>

#include "support/flow_cases.hpp"
#include "support/traffic.hpp"

namespace kolmo {
namespace {

using flow::Model;
using flow::Settings;
using test::box;
using test::Traffic;
using test::traffic;

/// What one step of a scheme sends, in units of the formula.
struct PerStep {
  flow::Scheme scheme;
  int fields;      ///< whose ghosts are exchanged, edges and corners too
  int planes;      ///< instead of them, where only the last direction is cut: whole planes at both ends of it
  int faces;       ///< and planes at its high end alone, for a divergence
  int solves;      ///< direct ones: the lines of one cut direction stay cut, for every other a move to pencils and back
  int reductions;  ///< of `values` doubles in all
  int values;
};
// Velocities: after every stage and every correction. Pressures: after every solve. One reduction chooses the step.
const PerStep per_step[] = {{flow::Scheme::k4, 3 * (4 + 2) + 2, 0, 0, 2, 1, 6},
                            {flow::Scheme::rk3, 3 * (3 + 3) + 3, 0, 0, 3, 1, 2}};
// By planes no velocity is exchanged that is about to be projected, but the faces its divergence reads.
const PerStep by_planes[] = {{flow::Scheme::k4, 2, 3 * (2 + 2), 2, 2, 1, 6},
                             {flow::Scheme::rk3, 3, 3 * (0 + 3), 3, 3, 1, 2}};

Settings flow_in_box(bool periodic) {
  using flow::BoundaryType;
  Settings s = box(3, 24, 0.0, 6.2831853, periodic ? BoundaryType::periodic : BoundaryType::no_slip, 1e-2);
  for (int d = 0; d < 3; ++d) s.axes[d].periodic = periodic;
  test::set_exact(s, {"sin(x)*cos(y)*cos(z)", "-cos(x)*sin(y)*cos(z)", "0"}, "0");
  s.exact.reset();
  if (!periodic) s.boundary[3].velocity[0] = Expression(1.0);
  return s;
}

/// Boxes and doubles that come from other ranks in one exchange of one field: those of the box with its ghosts less
/// those whose every direction lies on this rank. Boundary ghosts (one below, two above) belong to the rank beside
/// them.
struct Ghosts {
  std::int64_t messages, doubles;
};
Ghosts ghosts(const Decomposition<3>& d) {
  Ghosts all{1, 1}, mine{1, 1};
  for (int e = 0; e < 3; ++e) {
    const bool around = d.periodic()[e] && !d.cut(e);
    const int low = d.at_boundary(e, Side::low), high = d.at_boundary(e, Side::high);
    const std::int64_t segments = around ? 3 : 1, cells = d.extent()[e] + (around ? 2 : low + 2 * high);
    const int neighbours = around ? 0 : 2 - low - high;
    mine.messages *= segments;
    mine.doubles *= cells;
    all.messages *= segments + neighbours;
    all.doubles *= cells + neighbours;
  }
  return {all.messages - mine.messages, all.doubles - mine.doubles};
}

/// The same in an exchange of whole planes along the last direction: of both ends, or of the high one.
Ghosts planes(const Decomposition<3>& d, bool both) {
  const std::int64_t neighbours = (both ? 1 - d.at_boundary(2, Side::low) : 0) + 1 - d.at_boundary(2, Side::high);
  std::int64_t plane = 1;
  for (int e = 0; e < 2; ++e) plane *= d.extent()[e] + d.at_boundary(e, Side::low) + 2 * d.at_boundary(e, Side::high);
  return {neighbours, neighbours * plane};
}

Traffic step_and_count(Model<3>& model) {
  model.initialise();
  for (int k = 0; k < 3; ++k) model.step(model.choose_step());  // the first steps solve more often
  traffic() = {};
  model.step(model.choose_step());
  return traffic();
}

void expect_formula(const Settings& settings, const PerStep& general) {
  Settings s = settings;
  s.time.scheme = general.scheme;
  Model<3> model(s, Communicator());
  const Decomposition<3>& d = model.domain().decomposition;
  const PerStep& expected = d.cut(0) || d.cut(1) ? general : by_planes[general.scheme == flow::Scheme::rk3];
  const Communicator& comm = d.comm();
  const Traffic t = step_and_count(model);
  const Ghosts g = ghosts(d);
  // What is sent is what others receive: sums over the ranks.
  const Ghosts both = planes(d, true), high = planes(d, false);
  const int many = comm.size() > 1;
  EXPECT_EQ(comm.sum(t.messages), many * comm.sum(expected.fields * g.messages + expected.planes * both.messages +
                                                  expected.faces * high.messages));
  EXPECT_EQ(comm.sum(t.message_bytes),
            8 * many *
                comm.sum(expected.fields * g.doubles + expected.planes * both.doubles + expected.faces * high.doubles));
  int cuts = 0;
  for (int e = 0; e < 3; ++e) cuts += d.cut(e);
  EXPECT_EQ(t.exchanges, expected.solves * 2 * cuts);
  if (cuts == 1 && d.cut(2)) {  // two numbers per mode to the rank that has its share of the modes, two back
    const std::int64_t ranks = comm.size(), modes = std::int64_t{1} * d.cells()[0] * d.cells()[1];
    EXPECT_EQ(t.exchange_bytes, 8 * expected.solves * 4 * (ranks - 1) * ((modes + ranks - 1) / ranks));
    EXPECT_EQ(t.gather_bytes, 8 * expected.solves * d.cells()[2]);  // the singular mode
  }
  EXPECT_LE(t.gathers, expected.solves * many);
  EXPECT_LE(comm.sum(t.exchange_bytes), 8 * t.exchanges * d.global_size());
  EXPECT_EQ(t.reductions, expected.reductions * many);
  EXPECT_EQ(t.reduction_bytes, 8 * expected.values * many);
  EXPECT_EQ(t.others, 0);
}

TEST(Traffic, StepSendsWhatTheFormulaSays) {
  const int ranks = Communicator().size();
  for (const bool periodic : {true, false})
    for (const PerStep& expected : per_step) {
      SCOPED_TRACE(std::string(periodic ? "periodic " : "walls ") + to_string(expected.scheme));
      Settings s = flow_in_box(periodic);
      expect_formula(s, expected);
      if (ranks != 4) continue;
      s.processes = {1, 2, 2};
      expect_formula(s, expected);
      s.processes = {2, 2, 1};
      expect_formula(s, expected);
    }
}

}  // namespace
}  // namespace kolmo
