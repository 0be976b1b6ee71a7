// Ten steps of decaying vortices, with nothing but installed headers and libraries; ends with 0 if they decay as they
// must.
#include <petscsys.h>

#include <cmath>
#include <cstdio>

#include "kolmo/base/petsc.hpp"
#include "kolmo/flow/model.hpp"

int main(int argc, char** argv) {
  using namespace kolmo;
  petsc::check(PetscInitialize(&argc, &argv, nullptr, nullptr));
  double amplitude = 0.0, time = 0.0;
  {
    flow::Settings settings;
    settings.dimension = 2;
    for (int d = 0; d < 2; ++d) {
      AxisSpec axis;
      axis.from = 0.0;
      axis.to = 2.0 * M_PI;
      axis.cells = 32;
      axis.periodic = true;
      settings.axes.push_back(axis);
    }
    for (int face = 0; face < 4; ++face) settings.boundary[face].type = flow::BoundaryType::periodic;
    settings.fluid.viscosity = Expression(0.1);
    settings.initial.name = flow::FieldName::taylor_green;
    settings.time.end = 1.0;
    flow::Model<2> model(settings, Communicator());
    model.initialise();
    for (int step = 0; step < 10; ++step) model.step(0.05);
    time = model.time();
    const Field<2>& u = model.velocity()[0];
    for (std::size_t i = 0; i < u.size(); ++i) amplitude = std::fmax(amplitude, std::fabs(u.data()[i]));
    amplitude = model.domain().comm().max(amplitude);
  }
  petsc::check(PetscFinalize());
  // The largest value on faces whose centres lie half a cell beside that of the vortex.
  const double error = std::fabs(amplitude - std::cos(M_PI / 32.0) * std::exp(-0.2 * time));
  std::printf("t = %g, largest velocity %.6f, off by %.1e\n", time, amplitude, error);
  return error < 1e-3 ? 0 : 1;
}
