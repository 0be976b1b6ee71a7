// exp and log without branches, for loops over rows that the compiler turns into vector instructions.
#pragma once

#include <bit>
#include <cstdint>

namespace kolmo::density {

/// exp(x) to about 1e-16 relative; 0 below -708, exp(709) above 709. x not NaN.
inline double row_exp(double x) {
  constexpr double log2e = 1.4426950408889634074, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  constexpr double shift = 0x1.8p52;  // adding it rounds to an integer, held in the low bits
  const double bounded = x < -708.0 ? -708.0 : x > 709.0 ? 709.0 : x;
  const double shifted = bounded * log2e + shift, k = shifted - shift;
  const double r = (bounded - k * ln2_high) - k * ln2_low;  // |r| <= ln 2 / 2
  // Taylor: the next term is 1e-18.
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const auto power = (std::bit_cast<std::uint64_t>(shifted) + 1023u) << 52;
  return x < -708.0 ? 0.0 : p * std::bit_cast<double>(power);
}

/// log(x) to about 2e-16 relative or absolute, for x positive, finite and not subnormal.
inline double row_log(double x) {
  constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  // The exponent as a double: in the low bits of 2^52.
  const double exponent = std::bit_cast<double>((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
  const bool large = mantissa > 1.4142135623730951;
  const double m = large ? 0.5 * mantissa : mantissa, e = large ? exponent + 1.0 : exponent;
  // log m = 2 atanh(s), |s| <= 0.1716: the first term left out is 2e-18.
  const double f = m - 1.0, s = f / (2.0 + f), z = s * s;
  double p = 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 0.2;
  p = p * z + 1.0 / 3.0;
  return e * ln2_high + ((2.0 * s * z * p + e * ln2_low) + 2.0 * s);
}

}  // namespace kolmo::density
