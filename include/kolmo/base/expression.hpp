/// A number that may depend on place, time and named parameters, given as text in a case file.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kolmo/base/error.hpp"

namespace kolmo {

/// The text of an expression is wrong. A case file adds file, line, column and key.
class ExpressionError : public InputError {
 public:
  /// position: offset of the offending character in the text, -1 where it is not known.
  ExpressionError(const std::string& reason, int position) : InputError(reason), position_(position) {}
  std::string reason() const { return what(); }
  int position() const { return position_; }

 private:
  int position_;
};

/// f(x, y, z, t), or a function of any other list of variables. Operators + - * / ^, comparisons, `? :`, and the
/// functions sin cos tan asin acos atan atan2 sinh cosh tanh exp ln log log2 log10 sqrt abs sign rint min max sum avg;
/// constants pi, e. Note -2^2 = -4, and ^ is right-associative. Copies share the compiled form; one thread evaluates at
/// a time.
class Expression {
 public:
  using Variables = std::vector<std::string>;

  Expression() = default;                      ///< the constant 0
  Expression(double value) : value_(value) {}  // NOLINT: a number is an expression
  /// Throws ExpressionError where the text does not parse, names an unknown variable, assigns, or is a constant that is
  /// not finite.
  Expression(const std::string& text, const std::map<std::string, double>& parameters,
             const Variables& variables = default_variables());

  /// Value at a point and time; only for the default variables x, y, z, t. May be inf or nan: the caller checks.
  double operator()(double x, double y, double z, double t) const {
    return compiled_ ? evaluate(std::array<double, 4>{x, y, z, t}.data()) : value_;
  }
  /// Value at values[i] of the i-th variable of the list given to the constructor.
  double evaluate(const double* values) const;

  bool constant() const { return !compiled_; }
  /// The number of a constant expression; InternalError otherwise.
  double value() const;
  /// Whether the text names this variable.
  bool depends_on(std::string_view variable) const;
  bool depends_on_time() const { return depends_on("t"); }
  bool depends_on_space() const { return depends_on("x") || depends_on("y") || depends_on("z"); }
  /// Whether the text shows a value c + sum of c_i v_i over these variables, with c that depend on none of them: never
  /// true where it is not so, but what it takes algebra to see (x^2/x) is not seen.
  bool affine_in(std::span<const std::string> variables) const;
  /// Constant 0, so that a term can be left out.
  bool zero() const { return constant() && value_ == 0.0; }
  /// As given, or the number.
  std::string text() const;

  static const Variables& default_variables();  ///< x, y, z, t

 private:
  struct Compiled;
  double value_ = 0.0;
  std::shared_ptr<Compiled> compiled_;  // null where constant
};

}  // namespace kolmo
