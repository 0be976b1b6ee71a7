#include "kolmo/grid/field.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "kolmo/base/error.hpp"

namespace kolmo {
namespace {

template <class D>
class Fields : public ::testing::Test {};
template <int D>
using Dimension = std::integral_constant<int, D>;
using Dimensions = ::testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Fields, Dimensions);

template <int Dim>
Layout<Dim> uneven_layout() {
  Index<Dim> extent;
  Ghosts<Dim> ghosts;
  for (int d = 0; d < Dim; ++d) {
    extent[d] = 2 + (d + 1) % 3;
    ghosts.low[d] = d % 3;
    ghosts.high[d] = (d + 1) % 3;
  }
  return Layout<Dim>(extent, ghosts);
}

// Every index, ghosts included, has a place of its own inside the array.
TYPED_TEST(Fields, IndicesDoNotShareMemory) {
  constexpr int Dim = TypeParam::value;
  for (const Layout<Dim>& layout :
       {uneven_layout<Dim>(), Layout<Dim>(uneven_layout<Dim>().extent(), Ghosts<Dim>::uniform(1, 2)),
        Layout<Dim>(uneven_layout<Dim>().extent(), {})}) {
    Field<Dim> field(layout);
    std::set<const double*> places;
    for_each<Dim>(layout.padded(), [&](const Index<Dim>& i) {
      EXPECT_EQ(field(i), 0.0);
      const double* place = &field(i);
      EXPECT_TRUE(place >= field.data() && place < field.data() + field.size());
      places.insert(place);
    });
    EXPECT_EQ(static_cast<std::int64_t>(places.size()), layout.padded().size());
    for_each_row<Dim>(layout.interior(), [&](const Index<Dim>& i) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&field(i)) % 64, 0u) << "rows start on a cache line";
    });
  }
}

TYPED_TEST(Fields, PackAndUnpackAreInverse) {
  constexpr int Dim = TypeParam::value;
  const Layout<Dim> layout = uneven_layout<Dim>();
  Field<Dim> field(layout), other(layout);
  double value = 1.0;
  for_each<Dim>(layout.padded(), [&](const Index<Dim>& i) { field(i) = value++; });
  for (const Box<Dim>& box : {layout.interior(), layout.padded()}) {
    std::vector<double> packed(box.size());
    pack(field, box, packed.data());
    std::size_t at = 0;
    for_each<Dim>(box, [&](const Index<Dim>& i) { EXPECT_EQ(packed[at++], field(i)) << "x runs fastest"; });
    other.fill(0.0);
    unpack(packed.data(), box, other);
    for_each<Dim>(box, [&](const Index<Dim>& i) { EXPECT_EQ(other(i), field(i)); });
  }
}

TEST(Field, MovesSwapsAndCopies) {
  const Layout<2> layout({5, 3}, Ghosts<2>::uniform(1, 2)), another({5, 4}, Ghosts<2>::uniform(1, 2));
  Field<2> a(layout, Location::faces(1)), b(layout), c(another), none;
  EXPECT_FALSE(none);
  EXPECT_TRUE(a);
  a.fill(1.0);
  b.fill(2.0);
  const double* memory = a.origin();
  swap(a, b);
  EXPECT_EQ(b.origin(), memory);
  EXPECT_EQ(b.location(), Location::faces(1));
  EXPECT_EQ(a({2, 2}), 2.0);
  a.copy_from(b);
  EXPECT_EQ(a({-1, 4}), 1.0);
  EXPECT_THROW(a.copy_from(c), InternalError);
  none = std::move(b);
  EXPECT_EQ(none.origin(), memory);
}

TEST(Field, MayBeEmptyAndMayBeLarge) {
  EXPECT_NO_THROW(Field<2>(Layout<2>({0, 3}, {})));
  EXPECT_NO_THROW(Field<3>(Layout<3>({0, 0, 0}, {})));
  Field<3> large(Layout<3>({130, 70, 60}, Ghosts<3>::uniform(1, 2)));
  large({129, 69, 59}) = 3.0;
  EXPECT_EQ(large({129, 69, 59}), 3.0);
}

}  // namespace
}  // namespace kolmo
