// Densities: time to a given error on the yardstick problem, and steps in two dimensions.
#include "bench.hpp"
#include "kolmo/density/comparison.hpp"
#include "kolmo/density/grid_engine.hpp"

namespace kolmo::bench {
namespace {

using density::GridEngine;

density::Settings settings(const std::string& folder, const std::vector<std::string>& changes) {
  return density::read_settings(CaseFile::read(Communicator(), KOLMO_SOURCE_DIR "/cases/" + folder + "/case.toml",
                                               changes, {&density::schema()}));
}

template <int Dim>
void run(GridEngine<Dim>& engine) {
  const double end = engine.settings().time.end;
  engine.initialise();
  while (engine.time() < end - 1e-12) {
    const double dt = std::min(engine.choose_step(), end - engine.time());
    engine.step(dt, engine.time() + dt < end - 1e-12);
  }
}

/// Seconds from settings to the density at the end; then, counted apart, those of the error of the whole function.
template <int Dim>
void yardstick(benchmark::State& state, const std::string& flux, int cells) {
  std::vector<std::string> changes{"engine.flux=\"" + flux + "\""};
  for (int d = 1; d <= Dim; ++d) changes.push_back("grid.x" + std::to_string(d) + ".cells=" + std::to_string(cells));
  const density::Settings s = settings("product_ou_" + std::to_string(Dim) + "d", changes);
  measure(state, 1.0, [&] {
    GridEngine<Dim> engine(s, Communicator());
    run(engine);
  });
  GridEngine<Dim> engine(s, Communicator());
  run(engine);
  const density::Quantities<Dim> quantities(engine.grid(), engine.decomposition());
  const density::Comparison<Dim> comparison(quantities, *s.problem.exact());
  const double begin = MPI_Wtime();
  state.counters["error"] = comparison.function(engine.density(), engine.time()).rel_l2;
  state.counters["error_seconds"] = MPI_Wtime() - begin;
  state.counters["seconds"] = 1e-9 * state.counters["ns"];
}

/// One step of three modes that dissolve, 256^2 cells.
void step(benchmark::State& state, const std::string& scheme, const std::string& size) {
  std::vector<std::string> changes{"time.scheme=\"" + scheme + "\"", size, "grid.x.cells=256", "grid.y.cells=256"};
  if (size.starts_with("time.cfl")) changes.emplace_back("time.step=");
  auto& engine = kept<GridEngine<2>>("density" + scheme, [&] {
    auto made = std::make_unique<GridEngine<2>>(settings("benes", changes), Communicator());
    made->initialise();
    return made;
  });
  measure(state, static_cast<double>(engine.grid().cell_count()), [&] { engine.step(engine.choose_step()); });
}

const Registration registration([] {
  for (const std::string flux : {"fitted4", "fitted"}) {
    const bool fourth = flux == "fitted4";
    add("density/yardstick/d2/" + flux, 5, [=](auto& state) { yardstick<2>(state, flux, fourth ? 52 : 144); });
    add("density/yardstick/d3/" + flux, 5, [=](auto& state) { yardstick<3>(state, flux, fourth ? 30 : 50); });
    add("density/yardstick/d4/" + flux, 2, [=](auto& state) { yardstick<4>(state, flux, fourth ? 31 : 56); });
  }
  for (const char* scheme : {"ssp-rk2", "ssp-rk3"})
    add(std::string("density/step_256/") + scheme, 10, [=](auto& state) { step(state, scheme, "time.cfl=0.8"); });
  for (const char* scheme : {"tr-bdf2", "backward-euler", "splitting"})
    add(std::string("density/step_256/") + scheme, 5, [=](auto& state) { step(state, scheme, "time.step=0.01"); });
});

}  // namespace
}  // namespace kolmo::bench
