#include "kolmo/grid/halo.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kolmo/base/error.hpp"

namespace kolmo {
namespace {

constexpr double untouched = -7.0;

// A number that names a global index and a field.
template <int Dim>
double name_of(const Index<Dim>& i, int field = 0) {
  double name = field;
  for (int d = Dim - 1; d >= 0; --d) name = 20.0 * name + (i[d] + 5);
  return name;
}

template <int Dim>
struct Case {
  Decomposition<Dim> cells;
  Layout<Dim> layout;
  Case(const Index<Dim>& n, std::array<bool, Dim> periodic, const Ghosts<Dim>& ghosts,
       const Index<Dim>* processes = nullptr) {
    const Communicator comm;
    cells = Decomposition<Dim>(comm, n, periodic, processes ? *processes : Decomposition<Dim>::choose(comm.size(), n));
    layout = Layout<Dim>(cells.extent(), ghosts);
  }
  Index<Dim> global(Index<Dim> i) const {
    for (int d = 0; d < Dim; ++d) i[d] += cells.owned().begin[d];
    return i;
  }
  /// Own cells named; ghosts beyond boundaries named too, as a model would have filled them; the others marked.
  Field<Dim> make(int number) const {
    Field<Dim> field(layout);
    for_each<Dim>(layout.padded(),
                  [&](const Index<Dim>& i) { field(i) = remote(i) ? untouched : name_of<Dim>(global(i), number); });
    return field;
  }
  /// Along how many directions does a ghost belong to a neighbour (or to a periodic image)?
  int remote(const Index<Dim>& i) const {
    int count = 0;
    for (int d = 0; d < Dim; ++d) {
      count += i[d] < 0 && !cells.at_boundary(d, Side::low);
      count += i[d] >= layout.extent()[d] && !cells.at_boundary(d, Side::high);
    }
    return count;
  }
  bool within(const Index<Dim>& i, const Ghosts<Dim>& width) const {
    for (int d = 0; d < Dim; ++d) {
      if (i[d] < -width.low[d] && !cells.at_boundary(d, Side::low)) return false;
      if (i[d] >= layout.extent()[d] + width.high[d] && !cells.at_boundary(d, Side::high)) return false;
    }
    return true;
  }
  void expect_fresh(const Field<Dim>& field, int number, const Ghosts<Dim>& width, Stencil stencil) const {
    int wrong = 0;
    for_each<Dim>(layout.padded(), [&](const Index<Dim>& i) {
      Index<Dim> g = global(i);
      for (int d = 0; d < Dim; ++d)
        if (cells.periodic()[d]) g[d] = (g[d] + 2 * cells.cells()[d]) % cells.cells()[d];
      const int reach = remote(i);
      const bool fresh = within(i, width) && (stencil == Stencil::box || reach <= 1);
      wrong += field(i) != (reach == 0 || fresh ? name_of<Dim>(g, number) : untouched);
    });
    EXPECT_EQ(wrong, 0) << "ghosts that are not what the owner holds, or touched without need";
  }
};

template <int Dim>
std::array<bool, Dim> periods(int number) {
  std::array<bool, Dim> p;
  for (int d = 0; d < Dim; ++d) p[d] = (number >> (d % 2)) & 1;
  return p;
}

template <class D>
class Halos : public ::testing::Test {};
template <int D>
using Dimension = std::integral_constant<int, D>;
using Dimensions = ::testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Halos, Dimensions);

TYPED_TEST(Halos, FillsWhatNeighboursAndImagesHold) {
  constexpr int Dim = TypeParam::value;
  static constexpr int table[6][6] = {{9}, {6, 7}, {5, 4, 6}, {4, 3, 3, 5}, {2, 3, 2, 3, 4}, {2, 2, 2, 3, 2, 4}};
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = table[Dim - 1][d];
  for (int p = 0; p < 4; ++p)
    for (const Stencil stencil : {Stencil::star, Stencil::box}) {
      if (Dim > 4 && stencil == Stencil::box && p != 2) continue;
      const Ghosts<Dim> ghosts = Dim > 4 ? Ghosts<Dim>::uniform(1, 1) : Ghosts<Dim>::uniform(1, 2);
      const Case<Dim> c(n, periods<Dim>(p), ghosts);
      Halo<Dim> halo(c.cells, c.layout, ghosts, stencil);
      Field<Dim> field = c.make(0);
      halo.exchange(field);
      c.expect_fresh(field, 0, ghosts, stencil);
    }
}

// Several fields at once, work in between, a halo thinner than the ghosts, moved to another place.
TEST(Halo, CarriesSeveralFieldsAndMayBeThinnerThanTheGhosts) {
  const Ghosts<3> width{{1, 0, 1}, {0, 1, 2}};
  const Case<3> c({4, 6, 5}, {true, false, true}, Ghosts<3>::uniform(2, 2));
  Halo<3> made(c.cells, c.layout, width, Stencil::box);
  Halo<3> halo(std::move(made));
  std::vector<Field<3>> fields;
  std::vector<Field<3>*> pointers;
  for (int f = 0; f < 5; ++f) fields.push_back(c.make(f));
  for (Field<3>& f : fields) pointers.push_back(&f);
  for (int repeat = 0; repeat < 2; ++repeat) {
    halo.begin(pointers);
    halo.end();
    for (int f = 0; f < 5; ++f) c.expect_fresh(fields[f], f, width, Stencil::box);
  }
  const Communicator comm;
  EXPECT_EQ(comm.sum(halo.messages()) > 0, comm.size() > 1) << "slabs travel only across cuts";
}

// Any number of ranks that leaves a cell per rank: ghosts may then come from the neighbour's neighbour.
TEST(Halo, ReachesPastThinNeighbours) {
  const Communicator comm;
  for (const bool periodic : {false, true})
    for (const Stencil stencil : {Stencil::star, Stencil::box}) {
      const Index<2> processes{1, comm.size()};
      const Ghosts<2> ghosts = Ghosts<2>::uniform(2, 2);
      const Case<2> c({3, comm.size()}, {true, periodic}, ghosts, &processes);
      Halo<2> halo(c.cells, c.layout, ghosts, stencil);
      Field<2> field = c.make(0);
      halo.exchange(field);
      c.expect_fresh(field, 0, ghosts, stencil);
    }
}

TEST(Halo, CutAlongBothDirections) {
  const Communicator comm;
  if (comm.size() != 4) return;
  const Index<2> processes{2, 2};
  const Ghosts<2> ghosts = Ghosts<2>::uniform(1, 2);
  for (int p = 0; p < 4; ++p) {
    const Case<2> c({5, 4}, periods<2>(p), ghosts, &processes);
    Halo<2> halo(c.cells, c.layout, ghosts, Stencil::box);
    Field<2> field = c.make(0);
    halo.exchange(field);
    c.expect_fresh(field, 0, ghosts, Stencil::box);
  }
}

TEST(Halo, RefusesWhatDoesNotFit) {
  const Case<2> c({6, 6}, {true, true}, Ghosts<2>::uniform(1, 1));
  EXPECT_THROW(Halo<2>(c.cells, c.layout, Ghosts<2>::uniform(2, 1), Stencil::star), InternalError);
  Halo<2> halo(c.cells, c.layout, Ghosts<2>::uniform(1, 1), Stencil::star);
  Field<2> other(Layout<2>(c.cells.extent(), Ghosts<2>::uniform(2, 2)));
  EXPECT_THROW(halo.exchange(other), InternalError);
}

}  // namespace
}  // namespace kolmo
