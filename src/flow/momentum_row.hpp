/// The inner loop of the momentum sweeps: one x row, several cells at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

namespace kolmo::flow {

/// As many doubles as one instruction of the processor takes.
#if defined(__AVX512F__)
inline constexpr int lanes = 8;
#elif defined(__AVX__)
inline constexpr int lanes = 4;
#else
inline constexpr int lanes = 2;
#endif
typedef double Lanes __attribute__((vector_size(lanes * sizeof(double))));

template <class V>
inline constexpr int width = static_cast<int>(sizeof(V) / sizeof(double));

template <class V>
[[gnu::always_inline]] inline V load(const double* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
[[gnu::always_inline]] inline void store(double* to, V v) {
  std::memcpy(to, &v, sizeof v);
}

template <class V>
[[gnu::always_inline]] inline V broadcast(double value) {
  return V{} + value;
}

/// The numbers one place further than those of `at`, the last from `next`.
template <class V>
[[gnu::always_inline]] inline V shifted(V at, V next) {
  if constexpr (std::is_same_v<V, double>)
    return next;
  else
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return __builtin_shufflevector(at, next, (static_cast<int>(I) + 1)...);
    }
  (std::make_index_sequence<lanes>{});
}

/// The numbers one place before those of `at`, the first from `before`.
template <class V>
[[gnu::always_inline]] inline V preceding(V before, V at) {
  if constexpr (std::is_same_v<V, double>)
    return before;
  else
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return __builtin_shufflevector(before, at, (static_cast<int>(I) + lanes - 1)...);
    }
  (std::make_index_sequence<lanes>{});
}

/// The same value, kept in a register: compilers would rather read it from memory again wherever it is used, and these
/// loops are bound by loads.
template <class V>
[[gnu::always_inline]] inline V held(V v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#endif
  return v;
}

template <int Count, class Body>
[[gnu::always_inline]] constexpr void unrolled(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, static_cast<int>(I)>{}), ...);
  }
  (std::make_index_sequence<Count>{});
}

/// Coefficients at one index of a direction, as pointers into tables: of x they are read along the row.
struct RowTables {
  const double *inverse_width, *inverse_distance;  // of cell i; between cells i - 1 and i
  const double *low_share, *high_share;            // what the mass fluxes of both cells beside node i count, halved
  // viscosity times the inverse, at the low side of the control volumes and at the high one
  const double *viscous_width_low, *viscous_width, *viscous_distance, *viscous_distance_high;
};

/// What one x row of a sweep reads and writes; x counts from the first cell of the row.
template <int Dim>
struct RowData {
  std::array<RowTables, Dim> tables;
  std::array<std::ptrdiff_t, Dim> stride;
  std::array<const double*, Dim> in;
  std::array<const double*, Dim> base0, base1;
  std::array<double*, Dim> out;
  std::array<double*, Dim> below;  // fluxes through the low faces in y; afterwards those through the high ones
  const double *p0, *p1;           // pressures of the cells
  double* pressure_below;          // c0 p0 + c1 p1 of the row below in y; afterwards that of the row
  std::array<double, Dim> force;
  double quarter, w0, w1, k, c0, c1;
};

/// The cells of a row, all components in one loop, so that what they share is loaded once. Fluxes through faces normal
/// to x are carried from one group of cells to the next, those normal to y from row to row; those normal to z are
/// computed for both sides: a carried plane of them would drive the velocity out of the second-level cache. V: double
/// or Lanes.
template <int Dim, class V>
class RowKernel {
 public:
  explicit RowKernel(const RowData<Dim>& row) : r_(row) {
    unrolled<Dim - 1>([&](auto before) __attribute__((always_inline)) {
      constexpr int d = before + 1;
      const RowTables& t = row.tables[d];
      c_[d] = {broadcast<V>(*t.inverse_width),    broadcast<V>(*t.inverse_distance),     broadcast<V>(*t.low_share),
               broadcast<V>(*t.high_share),       broadcast<V>(*t.viscous_width_low),    broadcast<V>(*t.viscous_width),
               broadcast<V>(*t.viscous_distance), broadcast<V>(*t.viscous_distance_high)};
    });
  }

  [[gnu::always_inline]] V pressure(std::ptrdiff_t x) const {
    return r_.c0 * load<V>(r_.p0 + x) + r_.c1 * load<V>(r_.p1 + x);
  }
  [[gnu::always_inline]] void first_pressure(int n) const {
    for (int x = 0; x < n; ++x) r_.pressure_below[x] = pressure(x - r_.stride[1]);
  }
  /// Fluxes through the low faces in y of a first row.
  template <int C>
  [[gnu::always_inline]] void first(int n) const {
    for (int x = 0; x < n; ++x) r_.below[C][x] = at_low_face<C, 1>(x, value<C>(x), value<1>(x));
  }

  /// The components C at the cells from x on; returns where it ended: the rest is less than a vector.
  template <bool Pressure, bool TwoBases, int... C>
  [[gnu::always_inline]] int components(int x, int n) const {
    if (n - x < width<V>) return x;
    std::array<V, Dim> own, along;
    unrolled<Dim>([&](auto d) __attribute__((always_inline)) { own[d] = value<d>(x); });
    ((along[C] = at_low_face<C, 0>(x, own[C], own[0])), ...);
    V p{};
    if constexpr (Pressure) p = V{} + RowKernel<Dim, double>(r_).pressure(x - 1);
    for (; n - x >= width<V>; x += width<V>) {
      std::array<V, Dim> f, next;
      unrolled<Dim>([&](auto d) __attribute__((always_inline)) { next[d] = value<d>(x + width<V>); });
      ((f[C] = along_x<C>(x, next[C], next[0], along[C])), ...);
      unrolled<Dim - 1>([&](auto before) __attribute__((always_inline)) {
        constexpr int D = before + 1;
        std::array<V, Dim> beyond;
        unrolled<Dim>([&](auto d) __attribute__((always_inline)) { beyond[d] = value<d>(x + r_.stride[D]); });
        ((f[C] -= across<C, D>(x, own, beyond) * inverse<C, D>(x)), ...);
      });
      if constexpr (Pressure) {
        const std::array<V, Dim> low = lower_pressures(x, p);
        ((f[C] -= (p - low[C]) * inverse<C, C>(x)), ...);
      }
      (finish<C, TwoBases>(x, f[C]), ...);
      own = next;
    }
    return x;
  }

 private:
  struct Coefficients {
    V inverse_width, inverse_distance, low_share, high_share;
    V viscous_width_low, viscous_width, viscous_distance, viscous_distance_high;
  };
  template <int C>
  [[gnu::always_inline]] V value(std::ptrdiff_t x) const {
    return held(load<V>(r_.in[C] + x));
  }
  /// Flux of component C through a face, normal to D, of its control volumes. high, low: u_C on both sides; v, v_low:
  /// u_D beside the face. High: the face is that on the high side of the volumes at x.
  template <int C, int D, bool High>
  [[gnu::always_inline]] V flux(int x, V high, V low, V v, V v_low) const {
    const V sum = high + low, difference = high - low;
    if constexpr (C == D) return r_.quarter * sum * sum - viscous_width<D, High>(x) * difference;
    const V mass = v * high_share<C>(x) + v_low * low_share<C>(x);
    return mass * sum - viscous_distance<D, High>(x) * difference;
  }
  template <int C, int D>
  [[gnu::always_inline]] V at_low_face(int x, V own, V v) const {
    const V low = value<C>(x - r_.stride[D]);
    return flux<C, D, false>(x, own, low, v, C == D ? v : value<D>(x - r_.stride[C]));
  }
  /// What the fluxes along x add; `along`: those through the low faces, afterwards those of the next volumes.
  template <int C>
  [[gnu::always_inline]] V along_x(int x, V own, V v, V& along) const {
    const V next = at_low_face<C, 0>(x + width<V>, own, v);
    const V f = r_.force[C] - (shifted(along, next) - along) * inverse<C, 0>(x);
    along = next;
    return f;
  }
  /// Flux through the high face less that through the low one.
  template <int C, int D>
  [[gnu::always_inline]] V across(int x, const std::array<V, Dim>& own, const std::array<V, Dim>& beyond) const {
    const V v_low = C == D ? beyond[D] : value<D>(x + r_.stride[D] - r_.stride[C]);
    const V high = flux<C, D, true>(x, beyond[C], own[C], beyond[D], v_low);
    if constexpr (D > 1) return high - at_low_face<C, D>(x, own[C], own[D]);
    const V low = load<V>(r_.below[C] + x);
    store<V>(r_.below[C] + x, high);
    return high - low;
  }
  /// The pressure at the low side of x in every direction; p: at the cells before, afterwards at x.
  [[gnu::always_inline]] std::array<V, Dim> lower_pressures(int x, V& p) const {
    const V before = p;
    p = held(pressure(x));
    std::array<V, Dim> low;
    low[0] = preceding(before, p);
    low[1] = load<V>(r_.pressure_below + x);
    store<V>(r_.pressure_below + x, p);
    if constexpr (Dim > 2) low[2] = pressure(x - r_.stride[2]);
    return low;
  }
  template <int C, bool TwoBases>
  [[gnu::always_inline]] void finish(int x, V f) const {
    V result = r_.w0 * load<V>(r_.base0[C] + x) + r_.k * f;
    if constexpr (TwoBases) result += r_.w1 * load<V>(r_.base1[C] + x);
    store<V>(r_.out[C] + x, result);
  }
  template <int C, int D>
  [[gnu::always_inline]] V inverse(int x) const {
    if constexpr (D == 0) return load<V>((C == D ? r_.tables[0].inverse_distance : r_.tables[0].inverse_width) + x);
    return C == D ? c_[D].inverse_distance : c_[D].inverse_width;
  }
  template <int C>
  [[gnu::always_inline]] V high_share(int x) const {
    if constexpr (C == 0) return load<V>(r_.tables[0].high_share + x);
    return c_[C].high_share;
  }
  template <int C>
  [[gnu::always_inline]] V low_share(int x) const {
    if constexpr (C == 0) return load<V>(r_.tables[0].low_share + x);
    return c_[C].low_share;
  }
  template <int D, bool High>
  [[gnu::always_inline]] V viscous_width(int x) const {
    if constexpr (D == 0) return load<V>((High ? r_.tables[0].viscous_width : r_.tables[0].viscous_width_low) + x);
    return High ? c_[D].viscous_width : c_[D].viscous_width_low;
  }
  template <int D, bool High>
  [[gnu::always_inline]] V viscous_distance(int x) const {
    if constexpr (D == 0)
      return load<V>((High ? r_.tables[0].viscous_distance_high : r_.tables[0].viscous_distance) + x);
    return High ? c_[D].viscous_distance_high : c_[D].viscous_distance;
  }

  RowData<Dim> r_;
  std::array<Coefficients, Dim> c_;
};

}  // namespace kolmo::flow
