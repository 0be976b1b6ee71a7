// Gauss-Legendre quadrature on [-1, 1].
#pragma once

namespace kolmo::density::gauss {

inline constexpr int count = 8;
inline constexpr double position[count] = {-0.9602898564975363, -0.7966664774136267, -0.5255324099163290,
                                           -0.1834346424956498, 0.1834346424956498,  0.5255324099163290,
                                           0.7966664774136267,  0.9602898564975363};
inline constexpr double weight[count] = {0.1012285362903763, 0.2223810344533745, 0.3137066458778873,
                                         0.3626837833783620, 0.3626837833783620, 0.3137066458778873,
                                         0.2223810344533745, 0.1012285362903763};

/// Four points, for means along a line.
inline constexpr int few = 4;
inline constexpr double few_position[few] = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                             0.8611363115940526};
inline constexpr double few_weight[few] = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                           0.3478548451374538};

}  // namespace kolmo::density::gauss
