#include "kolmo/grid/decomposition.hpp"

#include <gtest/gtest.h>
#include <petscdmda.h>

#include <set>

#include "kolmo/base/error.hpp"
#include "kolmo/base/petsc.hpp"

namespace kolmo {
namespace {

template <int Dim>
Index<Dim> some_cells() {
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = 4 + (d * 3) % 4;
  return n;
}

template <int Dim>
Decomposition<Dim> chosen(const Index<Dim>& cells, std::array<bool, Dim> periodic = {}) {
  const Communicator comm;
  return Decomposition<Dim>(comm, cells, periodic, Decomposition<Dim>::choose(comm.size(), cells));
}

template <int Dim>
bool contains(const Box<Dim>& box, const Index<Dim>& i) {
  for (int d = 0; d < Dim; ++d)
    if (i[d] < box.begin[d] || i[d] >= box.end[d]) return false;
  return true;
}

// Every index belongs to exactly one rank, and everybody agrees on whose it is.
template <int Dim>
void expect_partition(const Decomposition<Dim>& decomposition) {
  const int ranks = decomposition.comm().size();
  std::int64_t sum = 0;
  for (int r = 0; r < ranks; ++r) sum += decomposition.owned_by(r).size();
  EXPECT_EQ(sum, decomposition.global_size());
  Box<Dim> all;
  all.end = decomposition.cells();
  for_each<Dim>(all, [&](const Index<Dim>& i) {
    int owners = 0;
    for (int r = 0; r < ranks; ++r) owners += contains<Dim>(decomposition.owned_by(r), i);
    EXPECT_EQ(owners, 1);
  });
  EXPECT_EQ(decomposition.owned(), decomposition.owned_by(decomposition.comm().rank()));
  EXPECT_EQ(decomposition.comm().sum(decomposition.local_size()), decomposition.global_size());
}

template <class D>
class Decompositions : public ::testing::Test {};
template <int D>
using Dimension = std::integral_constant<int, D>;
using Dimensions = ::testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Decompositions, Dimensions);

TYPED_TEST(Decompositions, Partition) {
  constexpr int Dim = TypeParam::value;
  const auto d = chosen<Dim>(some_cells<Dim>());
  expect_partition(d);
  for (int whole = 0; whole < Dim; ++whole) {
    const auto pencil = d.pencil(whole);
    expect_partition(pencil);
    EXPECT_TRUE(pencil.owned().empty() || pencil.owned().extent(whole) == d.cells()[whole]);
    for (const auto& [low, high] : {std::pair{1, 0}, {0, 1}, {1, 1}, {0, -1}, {1, -1}}) {
      const auto trimmed = d.trimmed(whole, low, high);
      expect_partition(trimmed);
      EXPECT_EQ(trimmed.cells()[whole], d.cells()[whole] - low - high);
    }
  }
}

TYPED_TEST(Decompositions, NeighboursAreMutual) {
  constexpr int Dim = TypeParam::value;
  for (const bool periodic : {false, true}) {
    std::array<bool, Dim> wrap;
    wrap.fill(periodic);
    const auto d = chosen<Dim>(some_cells<Dim>(), wrap);
    EXPECT_EQ(d.rank_at(d.coordinates()), d.comm().rank());
    for (int e = 0; e < Dim; ++e)
      for (const Side side : both_sides) {
        const int rank = d.neighbour(e, side);
        EXPECT_EQ(rank == MPI_PROC_NULL, d.at_boundary(e, side));
        if (rank == MPI_PROC_NULL) continue;
        const int n = d.cells()[e];
        const Box<Dim> mine = d.owned(), theirs = d.owned_by(rank);
        const int my_end = side == Side::high ? mine.end[e] % n : (mine.begin[e] + n - 1) % n;
        const int their_end = side == Side::high ? theirs.begin[e] : theirs.end[e] - 1;
        EXPECT_EQ(my_end, their_end);
      }
  }
}

TYPED_TEST(Decompositions, ChoiceUsesEveryRankWithACell) {
  constexpr int Dim = TypeParam::value;
  for (const int ranks : {1, 2, 3, 4, 6, 7, 8, 12, 24, 30}) {
    Index<Dim> cells = some_cells<Dim>();
    std::int64_t most = 1;
    for (int c : cells) most *= c;
    if (ranks > most) continue;
    Index<Dim> processes;
    try {
      processes = Decomposition<Dim>::choose(ranks, cells);
    } catch (const InputError&) {
      EXPECT_TRUE(Dim == 1 || ranks % 7 == 0 || ranks == 24 || ranks == 30) << "no factors fit: " << ranks;
      continue;
    }
    int product = 1;
    for (int d = 0; d < Dim; ++d) {
      EXPECT_TRUE(processes[d] >= 1 && processes[d] <= cells[d]);
      product *= processes[d];
    }
    EXPECT_EQ(product, ranks);
  }
}

TEST(Decomposition, KeepsRowsWholeAndCutsTheLastDirection) {
  EXPECT_EQ(Decomposition<3>::choose(4, {64, 64, 64}), (Index<3>{1, 1, 4}));
  EXPECT_EQ(Decomposition<2>::choose(2, {128, 128}), (Index<2>{1, 2}));
  EXPECT_EQ(Decomposition<2>::choose(4, {16, 4}), (Index<2>{1, 4})) << "rows stay whole down to one per rank";
  EXPECT_EQ(Decomposition<2>::choose(3, {16, 2}), (Index<2>{3, 1})) << "x is cut where nothing else fits";
}

TEST(Decomposition, RefusesWhatCannotBeShared) {
  const Communicator comm;
  const int n = comm.size();
  EXPECT_THROW(Decomposition<2>::choose(7, {3, 2}), InputError);
  EXPECT_THROW((Decomposition<1>(comm, {n + 3}, {false}, {n + 1})), InputError);
  EXPECT_THROW((Decomposition<1>(comm, {n + 3}, {false}, {0})), InputError);
  EXPECT_THROW((Decomposition<1>(comm, {n - 1}, {false}, {n})), InputError);
}

// Cells and ranks are numbered as PETSc's DMDA numbers them, uneven splits included.
TEST(Decomposition, IsTheOneOfDMDA) {
  const Communicator comm;
  for (const Index<2>& processes : {Index<2>{comm.size(), 1}, Index<2>{1, comm.size()}, Index<2>{2, comm.size() / 2}}) {
    if (processes[0] * processes[1] != comm.size()) continue;
    const Decomposition<2> d(comm, {9, 7}, {false, false}, processes);
    petsc::Handle<DM> dm;
    petsc::check(DMDACreate2d(comm.handle(), DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 9, 7, processes[0],
                              processes[1], 1, 1, nullptr, nullptr, dm.put()));
    petsc::check(DMSetUp(dm));
    PetscInt x, y, nx, ny;
    petsc::check(DMDAGetCorners(dm, &x, &y, nullptr, &nx, &ny, nullptr));
    EXPECT_EQ(d.owned().begin, (Index<2>{x, y}));
    EXPECT_EQ(d.extent(), (Index<2>{nx, ny}));
  }
}

}  // namespace
}  // namespace kolmo
