/// What the text of an expression shows of its value.
#pragma once

#include <span>
#include <string>

namespace kolmo {

/// Whether the value is c + sum of c_i v_i over these variables, with numbers c that depend on none of them. Read from
/// the text: what it takes algebra to see, such as x^2/x, is not affine. The text has passed the parser of Expression.
bool is_affine(const std::string& text, std::span<const std::string> variables);

}  // namespace kolmo
