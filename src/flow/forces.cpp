#include "kolmo/flow/forces.hpp"

namespace kolmo::flow {

template <int Dim>
Forces<Dim>::Forces(const Settings& settings, const Domain<Dim>& domain)
    : domain_(domain),
      density_(settings.fluid.density),
      bulk_direction_(settings.force.bulk_direction),
      bulk_velocity_(settings.force.bulk_velocity) {
  bool varies = false;
  for (int c = 0; c < Dim; ++c) {
    body_[c] = settings.force.body[c];
    gradient_[c] = settings.force.pressure_gradient[c];
    gravity_[c] = settings.force.gravity[c];
    varies = varies || body_[c].depends_on_space();
  }
  for (int c = 0; c < Dim && varies; ++c) fields_[c].emplace_back(domain.layout, Location::faces(c));
}

template <int Dim>
void Forces<Dim>::set_time(double t) {
  for (int c = 0; c < Dim; ++c) {
    uniform_[c] = gravity_[c] - gradient_[c](0.0, 0.0, 0.0, t) / density_;
    if (!body_[c].depends_on_space())
      uniform_[c] += body_[c](0.0, 0.0, 0.0, t);
    else if (!evaluated_ || body_[c].depends_on_time())
      evaluate(c, t);
  }
  evaluated_ = true;
}

template <int Dim>
void Forces<Dim>::evaluate(int c, double t) {
  Box<Dim> box = domain_.layout.interior();
  if (domain_.at_boundary(c, Side::high)) ++box.end[c];
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    const auto x = coordinates<Dim>(domain_.point(i, Location::faces(c)));
    fields_[c][0](i) = body_[c](x[0], x[1], x[2], t);
  });
}

template <int Dim>
void Forces<Dim>::add(Velocity<Dim>& out, double k) const {
  if (!varies_in_space()) return;
  for (int c = 0; c < Dim; ++c) {
    Box<Dim> box = domain_.layout.interior();
    if (domain_.at_boundary(c, Side::high)) ++box.end[c];
    const int n = box.extent(0);
    for_each_row<Dim>(box, [&](const Index<Dim>& i) {
      const std::ptrdiff_t o = domain_.layout.offset(i);
      double* q = out[c].origin() + o;
      const double* f = fields_[c][0].origin() + o;
#pragma GCC ivdep
      for (int x = 0; x < n; ++x) q[x] += k * f[x];
    });
  }
}

template <int Dim>
double Forces<Dim>::hold_bulk(Velocity<Dim>& velocity) const {
  const int c = bulk_direction_;
  if (c < 0) return 0.0;
  double sum = 0.0;
  const auto weight = [&](const Index<Dim>& i) {
    double w = 1.0;
    for (int d = 0; d < Dim; ++d) {
      const Axis& axis = domain_.grid.axis(d);
      const int at = i[d] + domain_.origin()[d];
      w *= d == c ? axis.distance(at) : axis.width(at);
    }
    return w;
  };
  for_each<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) { sum += weight(i) * velocity[c](i); });
  const double change = bulk_velocity_ - domain_.comm().sum(sum) / domain_.grid.volume();
  for_each_row<Dim>(domain_.layout.interior(), [&](const Index<Dim>& i) {
    double* q = velocity[c].origin() + domain_.layout.offset(i);
    for (int x = 0; x < domain_.extent()[0]; ++x) q[x] += change;
  });
  return change;
}

template class Forces<2>;
template class Forces<3>;

}  // namespace kolmo::flow
