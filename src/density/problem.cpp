#include "kolmo/density/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kolmo/base/error.hpp"
#include "kolmo/density/initial.hpp"

namespace kolmo::density {

namespace {

bool depends_on_place(const Expression& expression, const std::vector<std::string>& variables) {
  return std::any_of(variables.begin(), variables.end(),
                     [&](const std::string& name) { return expression.depends_on(name); });
}

}  // namespace

struct Problem::Parts {
  Definition given;
  int dimension = 0;
  bool autonomous = true, separable = true, linear = false;
  mutable std::vector<double> at;     // x and t, as the expressions take them
  mutable std::vector<double> shift;  // a point moved for differences

  explicit Parts(Definition definition) : given(std::move(definition)) {
    dimension = static_cast<int>(given.variables.size());
    const std::size_t n = given.variables.size(), columns = static_cast<std::size_t>(given.noise_columns);
    const auto fits = [&](std::size_t count) { return count == 1 || count == n || count == n * n; };
    const bool noise = !given.noise.empty();
    if (n == 0 || given.drift.size() != n || noise == !given.diffusion.empty() ||
        (noise ? (columns > 0 ? given.noise.size() != n * columns : given.noise.size() != 1 && given.noise.size() != n)
               : !fits(given.diffusion.size())))
      throw InternalError("the coefficients of a density problem do not fit its dimension");
    at.resize(n + 1);
    shift.resize(n);
  }

  const double* point(const double* x, double t) const {
    std::copy_n(x, dimension, at.begin());
    at[static_cast<std::size_t>(dimension)] = t;
    return at.data();
  }

  /// The one expression of D_ii where D or g is a scalar or a list; null for a matrix.
  const Expression* diagonal(int i, const std::vector<Expression>& list) const {
    if (list.size() == 1) return list.data();
    return static_cast<int>(list.size()) == dimension ? &list[i] : nullptr;
  }

  bool matrix() const { return given.noise.empty() ? !diagonal(0, given.diffusion) : given.noise_columns > 0; }

  /// Calls visit with each expression that D_ij is made of; false ends it.
  template <class Visit>
  void parts_of_diffusion(int i, int j, const Visit& visit) const {
    if (!matrix()) {
      if (i == j) visit(*diagonal(i, given.noise.empty() ? given.diffusion : given.noise));
    } else if (given.noise.empty()) {
      visit(given.diffusion[i * dimension + j]);
    } else {
      for (int k = 0; k < given.noise_columns; ++k) {
        const Expression &a = given.noise[i * given.noise_columns + k], &b = given.noise[j * given.noise_columns + k];
        if (a.zero() || b.zero()) continue;
        visit(a);
        visit(b);
      }
    }
  }

  template <class Test>
  bool any_of_diffusion(int i, int j, const Test& test) const {
    bool found = false;
    parts_of_diffusion(i, j, [&](const Expression& part) { found = found || test(part); });
    return found;
  }

  /// D depends on x somewhere.
  bool any_of_space() const {
    for (int i = 0; i < dimension; ++i)
      for (int j = 0; j < dimension; ++j)
        if (any_of_diffusion(i, j, [&](const Expression& part) { return depends_on_place(part, given.variables); }))
          return true;
    return false;
  }

  double diffusion(int i, int j, const double* point) const {
    if (!matrix()) {
      if (i != j) return 0.0;
      const double value = diagonal(i, given.noise.empty() ? given.diffusion : given.noise)->evaluate(point);
      return given.noise.empty() ? value : value * value;
    }
    if (given.noise.empty()) return given.diffusion[i * dimension + j].evaluate(point);
    double sum = 0.0;
    for (int k = 0; k < given.noise_columns; ++k) {
      const Expression &a = given.noise[i * given.noise_columns + k], &b = given.noise[j * given.noise_columns + k];
      if (!a.zero() && !b.zero()) sum += a.evaluate(point) * b.evaluate(point);
    }
    return sum;
  }

  /// df/dx_k by (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h, or one-sided.
  template <class Function>
  double derivative(const Function& f, int k, const double* x, double scale) const {
    const double h = scale / 32.0;
    std::copy_n(x, dimension, shift.begin());
    const auto value = [&](int steps) {
      shift[k] = x[k] + steps * h;
      return f(shift.data());
    };
    const double central = (8.0 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12.0 * h);
    if (std::isfinite(central)) return central;
    for (const int side : {1, -1}) {
      const double one_sided = (-25.0 * value(0) + 48.0 * value(side) - 36.0 * value(2 * side) +
                                16.0 * value(3 * side) - 3.0 * value(4 * side)) /
                               (12.0 * side * h);
      if (std::isfinite(one_sided)) return one_sided;
    }
    return central;
  }
};

Problem::Problem(Definition definition) {
  auto parts = std::make_shared<Parts>(std::move(definition));
  parts_ = parts;
  const int n = dimension();
  bool diagonal = true;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) diagonal = diagonal && (i == j || diffusion_zero(i, j));
  const std::size_t entries = parts->given.noise.empty() ? parts->given.diffusion.size() : parts->given.noise.size();
  parts->given.kind = n == 1 || (entries == 1 && parts->given.noise_columns == 0) ? DiffusionKind::scalar
                      : diagonal                                                  ? DiffusionKind::diagonal
                                                                                  : DiffusionKind::full;
  const auto of_time = [](const Expression& part) { return part.depends_on_time(); };
  for (int i = 0; i < n; ++i) {
    parts->autonomous = parts->autonomous && !parts->given.drift[i].depends_on_time();
    for (int j = 0; j < n; ++j) {
      parts->autonomous = parts->autonomous && !parts->any_of_diffusion(i, j, of_time);
      if (i == j) continue;
      parts->separable =
          parts->separable && diffusion_zero(i, j) && !drift_depends_on(i, j) && !diffusion_depends_on(i, i, j);
    }
  }
  const auto affine = [&](const Expression& part) { return part.affine_in(parts->given.variables); };
  parts->linear = !parts->any_of_space() && std::all_of(parts->given.drift.begin(), parts->given.drift.end(), affine);
}

const Problem::Definition& Problem::definition() const { return parts_->given; }
int Problem::dimension() const { return parts_ ? parts_->dimension : 0; }
const std::vector<std::string>& Problem::variables() const { return parts_->given.variables; }

double Problem::drift(int i, const double* x, double t) const {
  return parts_->given.drift[i].evaluate(parts_->point(x, t));
}

double Problem::diffusion(int i, int j, const double* x, double t) const {
  return parts_->diffusion(i, j, parts_->point(x, t));
}

double Problem::drift_derivative(int i, int j, const double* x, double t, double scale) const {
  if (!drift_depends_on(i, j)) return 0.0;
  return parts_->derivative([&](const double* y) { return drift(i, y, t); }, j, x, scale);
}

double Problem::diffusion_derivative(int i, int j, int k, const double* x, double t, double scale) const {
  if (!diffusion_depends_on(i, j, k)) return 0.0;
  return parts_->derivative([&](const double* y) { return diffusion(i, j, y, t); }, k, x, scale);
}

DiffusionKind Problem::diffusion_kind() const { return parts_->given.kind; }
bool Problem::drift_zero(int i) const { return parts_->given.drift[i].zero(); }

bool Problem::diffusion_zero(int i, int j) const {
  return !parts_->any_of_diffusion(i, j, [](const Expression& part) { return !part.zero(); });
}

bool Problem::diffusion_constant(int i, int j) const {
  return !parts_->any_of_diffusion(i, j, [](const Expression& part) { return !part.constant(); });
}

bool Problem::autonomous() const { return parts_->autonomous; }

bool Problem::drift_depends_on(int i, int j) const {
  return parts_->given.drift[i].depends_on(parts_->given.variables[j]);
}

bool Problem::drift_affine_in(int i, int j) const {
  return parts_->given.drift[i].affine_in({&parts_->given.variables[j], 1});
}

bool Problem::diffusion_depends_on(int i, int j, int k) const {
  const std::string& name = parts_->given.variables[k];
  return parts_->any_of_diffusion(i, j, [&](const Expression& part) { return part.depends_on(name); });
}

bool Problem::separable() const { return parts_->separable; }
bool Problem::linear() const { return parts_->linear; }

void Problem::linear_drift(double t, std::vector<double>& a, std::vector<double>& b) const {
  const int n = dimension();
  a.assign(static_cast<std::size_t>(n) * n, 0.0);
  b.assign(static_cast<std::size_t>(n), 0.0);
  std::vector<double>& x = parts_->shift;
  std::fill(x.begin(), x.end(), 0.0);
  for (int i = 0; i < n; ++i) b[i] = drift(i, x.data(), t);
  for (int j = 0; j < n; ++j) {
    x[j] = 1.0;
    for (int i = 0; i < n; ++i)
      if (drift_depends_on(i, j)) a[i * n + j] = drift(i, x.data(), t) - b[i];
    x[j] = 0.0;
  }
}

bool Problem::has_potential() const { return parts_->given.potential_given; }
double Problem::potential(const double* x) const {
  return parts_->given.stationary_potential.evaluate(parts_->point(x, 0.0));
}

const InitialDensity& Problem::initial() const {
  if (!parts_->given.initial) throw InternalError("the problem has no initial density");
  return *parts_->given.initial;
}
const ExactDensity* Problem::exact() const { return parts_->given.exact.get(); }
const std::shared_ptr<const ExactDensity>& Problem::shared_exact() const { return parts_->given.exact; }

}  // namespace kolmo::density
