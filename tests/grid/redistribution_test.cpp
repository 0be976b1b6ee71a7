#include "kolmo/grid/redistribution.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kolmo {
namespace {

template <int Dim>
std::vector<double> named(const Decomposition<Dim>& d) {
  std::vector<double> values;
  values.reserve(d.local_size());
  for_each<Dim>(d.owned(), [&](const Index<Dim>& i) {
    double name = 0.0;
    for (int e = Dim - 1; e >= 0; --e) name = 20.0 * name + i[e] + 1;
    values.push_back(name);
  });
  return values;
}

template <int Dim>
void expect_moved(const Decomposition<Dim>& from, const Decomposition<Dim>& to) {
  const Redistribution<Dim> redistribution(from, to);
  const std::vector<double> before = named(from), after = named(to);
  std::vector<double> moved(after.size(), -1.0), back(before.size(), -1.0);
  for (int repeat = 0; repeat < 2; ++repeat) {
    redistribution.forward(before.data(), moved.data());
    EXPECT_EQ(moved, after);
    redistribution.backward(moved.data(), back.data());
    EXPECT_EQ(back, before);
  }
}

template <class D>
class Redistributions : public ::testing::Test {};
template <int D>
using Dimension = std::integral_constant<int, D>;
using Dimensions = ::testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Redistributions, Dimensions);

TYPED_TEST(Redistributions, BetweenBoxesAndPencilsAndBack) {
  constexpr int Dim = TypeParam::value;
  const Communicator comm;
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = Dim < 4 ? 5 + d : 2 + d % 3;
  n[Dim - 1] = std::max(n[Dim - 1], 4);
  const Decomposition<Dim> boxes(comm, n, {}, Decomposition<Dim>::choose(comm.size(), n));
  for (int d = 0; d < Dim; ++d) {
    expect_moved(boxes, boxes.pencil(d));
    const Decomposition<Dim> faces = boxes.trimmed(d, 1, -1);
    expect_moved(faces, faces.pencil(Dim - 1));
    expect_moved(faces.pencil(0), faces.pencil(Dim - 1));
  }
}

TEST(Redistribution, OfMoreRanksThanLines) {
  const Communicator comm;
  const Decomposition<2> boxes(comm, {8, 2}, {}, {comm.size(), 1});
  expect_moved(boxes, boxes.pencil(0));
  const Decomposition<1> line(comm, {5}, {}, {comm.size()});
  expect_moved(line, line.pencil(0));
  Redistribution<1> made(line, line.pencil(0)), moved(std::move(made));
  std::vector<double> in = named(line), out(line.pencil(0).local_size());
  moved.forward(in.data(), out.data());
  EXPECT_EQ(out, named(line.pencil(0)));
}

}  // namespace
}  // namespace kolmo
