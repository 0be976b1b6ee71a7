#include "kolmo/base/expression.hpp"

#include <fmt/format.h>
#include <muParser.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "affine.hpp"

namespace kolmo {

struct Expression::Compiled {
  std::string text;
  std::vector<std::string> used;  // names of the variables in the text
  std::vector<double> values;     // the parser holds addresses into this array: never resized
  mutable mu::Parser parser;
};

namespace {

/// muParser's position counts from 0 but points one past the end where the text stops too early.
ExpressionError translated(const mu::ParserError& error, const std::string& text) {
  const int position = std::clamp(static_cast<int>(error.GetPos()), 0, static_cast<int>(text.size()));
  const std::string token = error.GetToken();
  switch (error.GetCode()) {
    case mu::ecUNASSIGNABLE_TOKEN:
      return {fmt::format("unknown name \"{}\"", token), position};
    case mu::ecUNEXPECTED_EOF:
      return {"the expression ends too early", position};
    case mu::ecEMPTY_EXPRESSION:
      return {"the expression is empty", 0};
    case mu::ecUNEXPECTED_PARENS:
      return {fmt::format("unexpected \"{}\"", token), position};
    case mu::ecMISSING_PARENS:
      return {"a closing parenthesis is missing", position};
    case mu::ecTOO_MANY_PARAMS:
      return {fmt::format("too many arguments of \"{}\"", token), position};
    case mu::ecTOO_FEW_PARAMS:
      return {fmt::format("too few arguments of \"{}\"", token), position};
    case mu::ecUNEXPECTED_VAL:
    case mu::ecUNEXPECTED_VAR:
    case mu::ecUNEXPECTED_FUN:
    case mu::ecUNEXPECTED_OPERATOR:
      return {fmt::format("unexpected \"{}\"", token), position};
    default:
      break;
  }
  std::string message = error.GetMsg();
  while (!message.empty() && (message.back() == '.' || message.back() == '!')) message.pop_back();
  return {message, position};
}

/// muParser would let `x = 3` overwrite a variable.
void refuse_assignment(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    if (i + 1 < text.size() && text[i + 1] == '=') {
      ++i;
    } else if (i == 0 || std::string_view("<>!").find(text[i - 1]) == std::string_view::npos) {
      throw ExpressionError("an expression assigns nothing: \"=\" is not allowed", static_cast<int>(i));
    }
  }
}

/// muParser knows _pi and _e; a parameter of that name comes before pi and e.
void define_constants(mu::Parser& parser, const std::map<std::string, double>& parameters) {
  for (const auto& [name, value] : parameters) {
    // muParser itself would silently prefer the variable.
    if (parser.GetVar().contains(name) || parser.GetFunDef().contains(name))
      throw ExpressionError(fmt::format("a parameter cannot be named \"{}\": the name is taken", name), -1);
    try {
      parser.DefineConst(name, value);
    } catch (const mu::ParserError&) {
      throw ExpressionError(fmt::format("\"{}\" cannot be the name of a parameter", name), -1);
    }
  }
  if (!parameters.contains("pi")) parser.DefineConst("pi", std::numbers::pi);
  if (!parameters.contains("e")) parser.DefineConst("e", std::numbers::e);
}

}  // namespace

const Expression::Variables& Expression::default_variables() {
  static const Variables names{"x", "y", "z", "t"};
  return names;
}

Expression::Expression(const std::string& text, const std::map<std::string, double>& parameters,
                       const Variables& variables) {
  refuse_assignment(text);
  auto compiled = std::make_shared<Compiled>();
  compiled->text = text;
  compiled->values.assign(variables.size(), 0.0);
  mu::Parser& parser = compiled->parser;
  double value = 0.0;
  try {
    for (std::size_t i = 0; i < variables.size(); ++i) parser.DefineVar(variables[i], &compiled->values[i]);
    define_constants(parser, parameters);
    parser.SetExpr(text);
    value = parser.Eval();
    if (parser.GetNumResults() != 1) throw ExpressionError("one value is expected, not a list", -1);
    for (const auto& [name, address] : parser.GetUsedVar()) compiled->used.push_back(name);
  } catch (const mu::ParserError& error) {
    throw translated(error, text);
  }
  if (!compiled->used.empty()) {
    compiled_ = std::move(compiled);
  } else if (std::isfinite(value)) {
    value_ = value;
  } else {
    throw ExpressionError(fmt::format("\"{}\" is {}, not a finite number", text, value), -1);
  }
}

double Expression::evaluate(const double* values) const {
  if (!compiled_) return value_;
  std::copy_n(values, compiled_->values.size(), compiled_->values.data());
  try {
    return compiled_->parser.Eval();
  } catch (const mu::ParserError& error) {
    throw translated(error, compiled_->text);
  }
}

double Expression::value() const {
  if (compiled_) throw InternalError(fmt::format("the expression \"{}\" is not constant", compiled_->text));
  return value_;
}

bool Expression::depends_on(std::string_view variable) const {
  return compiled_ && std::find(compiled_->used.begin(), compiled_->used.end(), variable) != compiled_->used.end();
}

bool Expression::affine_in(std::span<const std::string> variables) const {
  return !compiled_ || is_affine(compiled_->text, variables);
}

std::string Expression::text() const { return compiled_ ? compiled_->text : fmt::format("{}", value_); }

}  // namespace kolmo
