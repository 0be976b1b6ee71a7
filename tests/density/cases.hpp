/// Density cases as text, for the tests of the room.
#pragma once

#include <string>
#include <vector>

#include "kolmo/density/settings.hpp"

namespace kolmo::density {

using Overrides = std::vector<std::string>;

/// The noisy ring, with every key that most changes of the tests need.
inline const char* ring_case = R"toml([case]
kind = "density"
title = "ring"
[problem]
variables = ["x", "y"]
parameters = { eps = 0.5 }
drift = ["-4*x*(x^2+y^2-1) + y", "-4*y*(x^2+y^2-1) - x"]
noise = "eps"
initial = { type = "gaussian", mean = [1.0, 0.0], variance = [0.02, 0.03] }
exact = { stationary = "exp(-2*(x^2+y^2-1)^2/eps^2)" }
[grid]
x = { from = -2.2, to = 2.2, cells = 32 }
y = { from = -2.2, to = 2.2, cells = 32 }
[time]
step = 0.01
end = 1.0
)toml";

/// An Ornstein-Uhlenbeck process in one variable without a name of its own.
inline const char* line_case = R"toml([case]
kind = "density"
[problem]
drift = "-x1"
noise = 1
initial = { type = "gaussian", mean = [0.5], variance = [0.25] }
exact = "auto"
[grid]
x1 = { from = -6, to = 6, cells = 64 }
[time]
end = 2.0
)toml";

inline CaseFile case_of(const std::string& text, const Overrides& overrides = {}) {
  return CaseFile::parse(text, "a.toml", overrides, {&schema()});
}

inline Settings read(const std::string& text, const Overrides& overrides = {}) {
  return read_settings(case_of(text, overrides));
}

/// The message of the InputError that reading and checking ends with; "accepted" where there is none.
inline std::string error_of(const std::string& text, const Overrides& overrides = {}) {
  try {
    const CaseFile file = case_of(text, overrides);
    (void)check_problem(file, read_settings(file), Communicator());
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace kolmo::density
