// Explicit and implicit are the same numbers: for every law, every boundary rule and every dimension, the evaluated
// divergence equals the product with the assembled matrix plus the constants; it is conservative; and the operators
// handed to linear are that matrix too.
#include "transport/balance.hpp"

namespace kolmo::transport::testing {
namespace {

template <class D>
class Property : public ::testing::Test {};
template <int D>
using Dimension = std::integral_constant<int, D>;
using Dimensions = ::testing::Types<Dimension<1>, Dimension<2>, Dimension<3>, Dimension<4>, Dimension<5>, Dimension<6>>;
TYPED_TEST_SUITE(Property, Dimensions);

// Volumes, once for cells and once for the faces of each direction (ends known or unknown by turns).
template <int Dim, class MakeLaw>
void check_cells(MakeLaw make_law) {
  for (int c = 0; c < case_count; ++c) {
    SCOPED_TRACE(::testing::Message() << "boundary case " << c);
    Setting<Dim> s(random_grid<Dim>(test_cells<Dim>(), periodic_of_case<Dim>(c), 7 + c), rules_of_case<Dim>(c));
    check_balance(s, make_law(s));
  }
}

TYPED_TEST(Property, ConstantDiffusion) {
  check_cells<TypeParam::value>([](const auto&) { return Diffusion<>{{0.7}}; });
}

TYPED_TEST(Property, CentralAdvectionAndVaryingDiffusion) {
  constexpr int Dim = TypeParam::value;
  check_cells<Dim>([](const Setting<Dim>& s) {
    return Sum{CentralAdvection<OnFaces<Dim>>{{s.faces()}}, Diffusion<Sampled<Diffusivity<Dim>>>{}};
  });
}

TYPED_TEST(Property, UpwindAdvection) {
  constexpr int Dim = TypeParam::value;
  check_cells<Dim>([](const Setting<Dim>& s) { return UpwindAdvection<OnFaces<Dim>>{{s.faces()}}; });
}

TYPED_TEST(Property, ExponentialFit) {
  constexpr int Dim = TypeParam::value;
  check_cells<Dim>(
      [](const Setting<Dim>&) { return ExponentialFit<Sampled<Drift<Dim>>, Sampled<Diffusivity<Dim>>>{}; });
}

TYPED_TEST(Property, StaggeredDiffusion) {
  constexpr int Dim = TypeParam::value;
  for (int c = 0; c < case_count; ++c)
    for (int d = 0; d < Dim; ++d) {
      if (Dim > 3 && d != c % Dim) continue;  // every case once, every direction at least once
      const EndUnknowns ends{.low = (c / 2 + d) % 2 == 1, .high = (c / 3 + d) % 2 == 1};
      Rules<Dim> rules = rules_of_case<Dim>(c);
      for (const Side side : both_sides) {
        Rule<Dim>& rule = rules[d][static_cast<int>(side)];
        const bool unknown = side == Side::low ? ends.low : ends.high;
        if (unknown && rule.kind == Rule<Dim>::Kind::robin && rule.beta == 0.0) rule = Rule<Dim>::zero_gradient();
      }
      SCOPED_TRACE(::testing::Message() << "boundary case " << c << ", faces of direction " << d);
      Setting<Dim> s(random_grid<Dim>(test_cells<Dim>(), periodic_of_case<Dim>(c), 7 + c), rules, Location::faces(d),
                     ends);
      check_balance(s, Diffusion<>{{0.7}});
    }
}

}  // namespace
}  // namespace kolmo::transport::testing
