#include "quadrature.hpp"

#include <array>
#include <cmath>

namespace kolmo::density::detail {

namespace {

// Nodes and weights of Gauss (7) and Kronrod (15) on [-1, 1], from the ends to the middle (Kronrod 1965).
constexpr std::array<double, 8> nodes{0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
                                      0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
                                      0.586087235467691130294144691693013, 0.405845151377397166906606412076961,
                                      0.207784955007898467600689403773245, 0.0};
constexpr std::array<double, 8> kronrod{0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
                                        0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
                                        0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
                                        0.204432940075298892414161999234649, 0.209482141084727828012999174891714};
constexpr std::array<double, 4> gauss{0.129484966168869693270611432679082, 0.279705391489276667901467771423780,
                                      0.381830050505118944950369775488975, 0.417959183673469387755102040816327};

struct Panel {
  double value = 0.0, error = 0.0, size = 0.0;
};

Panel panel(const std::function<double(double)>& f, double from, double to) {
  const double middle = 0.5 * (from + to), half = 0.5 * (to - from);
  double fine = 0.0, coarse = 0.0, size = 0.0;
  for (int i = 0; i < 8; ++i) {
    const double low = f(middle - half * nodes[i]), high = i == 7 ? 0.0 : f(middle + half * nodes[i]);
    fine += kronrod[i] * (low + high);
    size += kronrod[i] * (std::abs(low) + std::abs(high));
    if (i % 2 == 1) coarse += gauss[i / 2] * (low + high);
  }
  return {fine * half, std::abs(fine - coarse) * half, size * half};
}

double refined(const std::function<double(double)>& f, double from, double to, const Panel& whole, double allowed,
               int depth) {
  if (!(whole.error > allowed) || depth == 0) return whole.value;
  const double middle = 0.5 * (from + to);
  const Panel low = panel(f, from, middle), high = panel(f, middle, to);
  return refined(f, from, middle, low, 0.5 * allowed, depth - 1) +
         refined(f, middle, to, high, 0.5 * allowed, depth - 1);
}

}  // namespace

double integrate(const std::function<double(double)>& f, double from, double to, int panels, double tolerance) {
  double size = 0.0, sum = 0.0;
  const auto end = [&](int i) { return from + (to - from) * i / panels; };
  for (int i = 0; i < panels; ++i) size += panel(f, end(i), end(i + 1)).size;
  for (int i = 0; i < panels; ++i)
    sum += refined(f, end(i), end(i + 1), panel(f, end(i), end(i + 1)), tolerance * size / panels, 20);
  return sum;
}

}  // namespace kolmo::density::detail
