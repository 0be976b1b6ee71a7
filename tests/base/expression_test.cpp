#include "kolmo/base/expression.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

using kolmo::Expression;
using kolmo::ExpressionError;

namespace {

/// The reason and position of the error that a text gives; fails if it gives none.
std::pair<std::string, int> error_of(const std::string& text, const std::map<std::string, double>& parameters = {}) {
  try {
    const Expression expression(text, parameters);
  } catch (const ExpressionError& error) {
    return {error.reason(), error.position()};
  }
  ADD_FAILURE() << text << " was accepted";
  return {};
}

}  // namespace

TEST(Expression, DefaultIsZero) {
  const Expression zero;
  EXPECT_TRUE(zero.constant());
  EXPECT_TRUE(zero.zero());
  EXPECT_EQ(zero(1, 2, 3, 4), 0.0);
}

TEST(Expression, EvaluatesVariablesParametersAndConstants) {
  const Expression f("A*sin(pi*x)*exp(-nu*t) + y - z", {{"A", 2.0}, {"nu", 0.5}});
  const double expected = 2.0 * std::sin(std::numbers::pi * 0.3) * std::exp(-0.5 * 0.7) + 0.4 - 0.1;
  EXPECT_DOUBLE_EQ(f(0.3, 0.4, 0.1, 0.7), expected);
  EXPECT_TRUE(f.depends_on_time());
  EXPECT_TRUE(f.depends_on_space());
  EXPECT_TRUE(f.depends_on("z"));
  EXPECT_FALSE(f.depends_on("A"));
  EXPECT_FALSE(f.constant());
}

TEST(Expression, ConstantTextIsFolded) {
  const Expression f("2*pi/k", {{"k", 4.0}});
  EXPECT_TRUE(f.constant());
  EXPECT_DOUBLE_EQ(f.value(), std::numbers::pi / 2.0);
  EXPECT_FALSE(f.depends_on_time());
  EXPECT_FALSE(f.zero());
  EXPECT_THROW((void)Expression("x", {}).value(), kolmo::InternalError);
}

TEST(Expression, PrecedenceIsAsDocumented) {
  EXPECT_EQ(Expression("-2^2", {}).value(), -4.0);
  EXPECT_EQ(Expression("2^3^2", {}).value(), 512.0);
  EXPECT_EQ(Expression("1 < 2 ? 3 : 4", {}).value(), 3.0);
  EXPECT_EQ(Expression("2 >= 2 && 1 != 2 && 3 == 3 ? 1 : 0", {}).value(), 1.0);
}

TEST(Expression, OwnListOfVariables) {
  Expression::Variables names;
  for (int i = 1; i <= 100; ++i) names.push_back(fmt::format("x{}", i));
  const Expression f("x1 + 10*x7 + 100*x100", {}, names);
  std::vector<double> point(100, 0.0);
  point[0] = 1.0;
  point[6] = 2.0;
  point[99] = 3.0;
  EXPECT_DOUBLE_EQ(f.evaluate(point.data()), 321.0);
  EXPECT_THROW(Expression("x101", {}, names), ExpressionError);
}

TEST(Expression, AffineOnlyWhereTheTextShowsIt) {
  const Expression::Variables variables{"x", "y", "t"}, x{"x"}, both{"x", "y"};
  const std::map<std::string, double> parameters{{"k", 2.0}, {"x0", 1.0}};
  const auto affine = [&](const std::string& text, const Expression::Variables& in) {
    return Expression(text, parameters, variables).affine_in(in);
  };
  for (const char* text : {"3", "x", "-x", "-k*(x - x0)/2e-3 + .5", "x*sin(t)^2 - y/sqrt(k)", "2^k*x + exp(-t)*y",
                           "-2^2*x", "t > 1 ? x : 2*x - y", "sum(x, y, 3)/avg(k, 1)", "1/(1 + k)*-x", "(((x)))",
                           "t^2 && k < 3 ? x : y", "x*(k ? 2 : 3)", "max(k, t)*x", "x0*x"})
    EXPECT_TRUE(affine(text, both)) << text;
  for (const char* text :
       {"x*y", "x^2", "x^1", "1/x", "abs(x)", "min(x, 3)", "x < 4 ? -x : -10*x", "x > 3", "x && 1", "sum(x, y^2)",
        "x - x*x", "k^x", "-(x - 1)^3", "x*(y + 1)", "x + 1e-9*exp(-(x - 2)^2)", "t/x", "t > 1 ? x : x^3"})
    EXPECT_FALSE(affine(text, both)) << text;
  EXPECT_TRUE(affine("x*y + sin(y)", x));  // of x alone
  EXPECT_TRUE(affine("y > 1 ? x : -x*y", x));
  EXPECT_FALSE(affine("x*y + sin(x)", x));
}

TEST(Expression, CopiesEvaluateIndependently) {
  const Expression f("x + t", {});
  const Expression g = f;
  EXPECT_EQ(f(1, 0, 0, 2), 3.0);
  EXPECT_EQ(g(5, 0, 0, 1), 6.0);
  EXPECT_EQ(f(1, 0, 0, 2), 3.0);
}

TEST(Expression, ReportsWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of("1 + foo*2"), std::pair(std::string("unknown name \"foo\""), 4));
  EXPECT_EQ(error_of("").first, "the expression is empty");
  EXPECT_EQ(error_of("1 +").first, "the expression ends too early");
  EXPECT_EQ(error_of("sin(x").first, "a closing parenthesis is missing");
  EXPECT_EQ(error_of("x = 3").second, 2);
  EXPECT_NE(error_of("1, 2").first.find("one value"), std::string::npos);
  error_of("2 x");
  error_of("\"a\"");
  error_of("sin(1,2)");
  error_of("x)(");
  error_of("1:2");
}

TEST(Expression, RefusesConstantsThatAreNotFinite) {
  EXPECT_NE(error_of("1/0").first.find("not a finite number"), std::string::npos);
  EXPECT_NE(error_of("log(-1)").first.find("not a finite number"), std::string::npos);
  EXPECT_TRUE(std::isinf(Expression("1/x", {})(0, 0, 0, 0)));  // of variables: the caller checks
}

TEST(Expression, RefusesParameterNamesThatAreTaken) {
  EXPECT_NE(error_of("1", {{"x", 1.0}}).first.find("taken"), std::string::npos);
  EXPECT_NE(error_of("1", {{"sin", 1.0}}).first.find("taken"), std::string::npos);
  EXPECT_NE(error_of("1", {{"2a", 1.0}}).first.find("cannot be the name"), std::string::npos);
  EXPECT_EQ(Expression("e", {{"e", 5.0}}).value(), 5.0);
}
