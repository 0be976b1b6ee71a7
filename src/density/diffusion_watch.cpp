#include "diffusion_watch.hpp"

#include <fmt/format.h>

#include <cmath>

#include "kolmo/base/error.hpp"

namespace kolmo::density {

template <int Dim>
DiffusionWatch<Dim>::DiffusionWatch(const Problem& problem) : problem_(&problem) {
  given_ = problem.definition().noise.empty();
  for (const Expression& entry : problem.definition().diffusion) moves_ = moves_ || entry.depends_on_time();
}

template <int Dim>
bool DiffusionWatch<Dim>::minors(int i, int j) const {
  return given_ && !problem_->diffusion_zero(i, j) &&
         !(problem_->diffusion_constant(i, i) && problem_->diffusion_constant(j, j) &&
           problem_->diffusion_constant(i, j));
}

template <int Dim>
void DiffusionWatch<Dim>::see_minor(int i, int j, const Point<Dim>& x, double t) {
  const double a = problem_->diffusion(i, i, x.data(), t), b = problem_->diffusion(j, j, x.data(), t),
               c = problem_->diffusion(i, j, x.data(), t);
  const double size = std::max({std::abs(a), std::abs(b), std::abs(c)});
  const double least = size > 0.0 ? (a * b - c * c) / (size * size) : 0.0;
  if (!(least < minor_.least)) return;
  minor_.keep(least, x, t);
  i_ = i, j_ = j;
}

template <int Dim>
std::string DiffusionWatch<Dim>::place(const One& one) const {
  std::string text;
  for (int d = 0; d < Dim; ++d) text += fmt::format("{} = {:.6g}, ", problem_->variables()[d], one.at[d]);
  return text + fmt::format("t = {:.6g}", one.time);
}

template <int Dim>
std::string DiffusionWatch<Dim>::note() const {
  constexpr double upwind = 10.0;
  if (steepest_ <= upwind) return {};
  return fmt::format(
      "; they leave faces a Peclet number of up to {:.3g}, nearly first order there: cell widths in another ratio or "
      "flux = central may be more accurate",
      steepest_);
}

template <int Dim>
void DiffusionWatch<Dim>::check(const Communicator& comm) {
  steepest_ = comm.max(steepest_);
  if (!given_) return;
  constexpr double round_off = 1e-12;
  std::array<double, 2 * Dim + 1> most{};
  for (int d = 0; d < Dim; ++d) most[d] = of_[d].largest, most[Dim + d] = -of_[d].least;
  most[2 * Dim] = -minor_.least;
  comm.max(most.data(), 2 * Dim + 1);
  const auto refuse = [&](bool here, const std::string& message) {
    std::string text = message;
    const int own = here ? comm.rank() : comm.size();
    comm.broadcast(text, static_cast<int>(comm.min(static_cast<double>(own))));
    throw NumericsError(text);
  };
  for (int d = 0; d < Dim; ++d)
    if (most[Dim + d] > round_off * most[d])
      refuse(-of_[d].least == most[Dim + d], fmt::format("the diffusion of {} is {:.6g} at {}: must be >= 0",
                                                         problem_->variables()[d], of_[d].least, place(of_[d])));
  if (most[2 * Dim] > round_off)
    refuse(
        -minor_.least == most[2 * Dim],
        fmt::format("the diffusion is indefinite: the square of its entry for {} and {} exceeds the product of those "
                    "on the diagonal at {}",
                    problem_->variables()[i_], problem_->variables()[j_], place(minor_)));
}

template class DiffusionWatch<1>;
template class DiffusionWatch<2>;
template class DiffusionWatch<3>;
template class DiffusionWatch<4>;
template class DiffusionWatch<5>;
template class DiffusionWatch<6>;

}  // namespace kolmo::density
