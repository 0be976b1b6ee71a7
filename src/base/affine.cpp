#include "affine.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace kolmo {

namespace {

/// How a part of the text depends on the variables.
enum class Form { constant, affine, other };

Form sum_of(Form a, Form b) { return std::max(a, b); }
Form product_of(Form a, Form b) { return a == Form::constant ? b : b == Form::constant ? a : Form::other; }
/// Of what keeps a constant and nothing else.
Form opaque(Form a, Form b) { return std::max(a, b) == Form::constant ? Form::constant : Form::other; }

/// Recursive descent, one function per level of precedence, loosest first, as muParser has them.
class Reader {
 public:
  Reader(std::string_view text, std::span<const std::string> variables) : rest_(text), variables_(variables) {}

  Form read() {
    const Form form = choice();
    skip();
    return rest_.empty() ? form : Form::other;
  }

 private:
  Form choice() {
    const Form condition = logic();
    if (!take("?")) return condition;
    const Form yes = choice();
    if (!take(":")) return Form::other;
    const Form no = choice();
    return condition == Form::constant ? sum_of(yes, no) : Form::other;
  }

  Form logic() {
    Form form = comparison();
    while (take("&&") || take("||")) form = opaque(form, comparison());
    return form;
  }

  Form comparison() {
    Form form = sum();
    while (take("<=") || take(">=") || take("==") || take("!=") || take("<") || take(">")) form = opaque(form, sum());
    return form;
  }

  Form sum() {
    Form form = product();
    while (take("+") || take("-")) form = sum_of(form, product());
    return form;
  }

  Form product() {
    Form form = power();
    for (;;) {
      if (take("*"))
        form = product_of(form, power());
      else if (take("/"))
        form = power() == Form::constant ? form : Form::other;
      else
        return form;
    }
  }

  // A sign changes nothing of the form, wherever it binds.
  Form power() {
    while (take("-") || take("+")) {
    }
    const Form base = atom();
    return take("^") ? opaque(base, power()) : base;
  }

  Form atom() {
    if (take("(")) {
      const Form form = choice();
      return take(")") ? form : Form::other;
    }
    skip();
    if (rest_.empty()) return Form::other;
    const char first = rest_.front();
    if (std::isdigit(static_cast<unsigned char>(first)) || first == '.') return number();
    const std::string_view name = word();
    if (name.empty()) return Form::other;
    if (take("(")) return call(name);
    return std::find(variables_.begin(), variables_.end(), name) != variables_.end() ? Form::affine : Form::constant;
  }

  Form number() {
    const std::string text(rest_);
    char* end = nullptr;
    (void)std::strtod(text.c_str(), &end);
    rest_.remove_prefix(static_cast<std::size_t>(end - text.c_str()));
    return end == text.c_str() ? Form::other : Form::constant;
  }

  Form call(std::string_view name) {
    Form form = Form::constant;
    if (take(")")) return form;
    do form = sum_of(form, choice());
    while (take(","));
    if (!take(")")) return Form::other;
    return name == "sum" || name == "avg" ? form : opaque(form, form);
  }

  std::string_view word() {
    std::size_t length = 0;
    while (length < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[length])) || rest_[length] == '_'))
      ++length;
    const std::string_view name = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return name;
  }

  void skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) rest_.remove_prefix(1);
  }

  bool take(std::string_view token) {
    skip();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string_view rest_;
  std::span<const std::string> variables_;
};

}  // namespace

bool is_affine(const std::string& text, std::span<const std::string> variables) {
  return Reader(text, variables).read() != Form::other;
}

}  // namespace kolmo
