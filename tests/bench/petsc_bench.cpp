// What a user of PETSc has for the same problems: a DMDA, assembled MATAIJ, KSPCG, and PETSc's own multigrids with
// their interpolation and their coarse operators. Nothing of src/linear takes part.
#include <petscdmda.h>

#include "bench.hpp"
#include "linear_problems.hpp"

namespace kolmo::bench {
namespace {

constexpr double tolerance = 1e-6;

/// The seven-point matrix of a problem on its own DMDA, cut as the problem is.
struct Assembled {
  explicit Assembled(const Diffusion<3>& problem) {
    const Decomposition<3>& cut = problem.decomposition();
    std::array<std::vector<PetscInt>, 3> extents;
    for (int d = 0; d < 3; ++d)
      for (int r = 0; r < cut.processes()[d]; ++r) extents[d].push_back(cut.starts(d)[r + 1] - cut.starts(d)[r]);
    const Index<3>&n = cut.cells(), &p = cut.processes();
    petsc::check(DMDACreate3d(cut.comm().handle(), DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE,
                              DMDA_STENCIL_STAR, n[0], n[1], n[2], p[0], p[1], p[2], 1, 1, extents[0].data(),
                              extents[1].data(), extents[2].data(), dm.put()));
    petsc::check(DMDASetInterpolationType(dm, DMDA_Q0));  // the one for cell centres
    petsc::check(DMSetUp(dm));
    petsc::check(DMCreateMatrix(dm, matrix.put()));
    fill(problem);
    MatNullSpace constant = nullptr;
    petsc::check(MatNullSpaceCreate(cut.comm().handle(), PETSC_TRUE, 0, nullptr, &constant));
    petsc::check(MatSetNullSpace(matrix, constant));
    petsc::check(MatNullSpaceDestroy(&constant));
  }

  void fill(const Diffusion<3>& problem) {
    const Decomposition<3>& cut = problem.decomposition();
    const Box<3> owned = cut.owned();
    const Index<3> n = cut.extent();
    for_each<3>(owned, [&](const Index<3>& i) {
      MatStencil row{}, columns[7];
      row.i = i[0];
      row.j = i[1];
      row.k = i[2];
      PetscScalar values[7] = {};
      int count = 1;
      columns[0] = row;
      for (int d = 0; d < 3; ++d)
        for (int side = 0; side < 2; ++side) {
          Index<3> to = i;
          to[d] += 2 * side - 1;
          if (to[d] < 0 || to[d] >= cut.cells()[d]) continue;  // Neumann
          std::size_t at = 0;
          for (int e = 2; e >= 0; --e)
            at = at * static_cast<std::size_t>(n[e] + (e == d)) +
                 static_cast<std::size_t>(i[e] - owned.begin[e] + (e == d ? side : 0));
          const double c = problem.op().conductance[d][at];
          values[0] += c;
          values[count] = -c;
          columns[count] = row;
          columns[count].i = to[0];
          columns[count].j = to[1];
          columns[count].k = to[2];
          ++count;
        }
      petsc::check(MatSetValuesStencil(matrix, 1, &row, count, columns, values, INSERT_VALUES));
    });
    petsc::check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
    petsc::check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  }

  petsc::Handle<DM> dm;
  petsc::Handle<Mat> matrix;
};

/// KSPCG with one of PETSc's preconditioners, set by PETSc's own options.
struct Peer {
  Peer(const LinearProblem& p, const std::string& options)
      : problem(p.setup), b(problem.noise(1)), q(b.size()), text(options) {}

  void prepare(const LinearProblem& p) {
    ksp = {};
    levels.clear();
    levels.push_back(std::make_unique<Assembled>(problem));
    // A prefix of its own: options stay in PETSc's database.
    static int peers = 0;
    const std::string prefix = fmt::format("peer{}_", ++peers);
    std::string options = text;
    for (std::size_t at = options.rfind('-'); at != std::string::npos;
         at = at > 0 ? options.rfind('-', at - 1) : at - 1)
      options.insert(at + 1, prefix);
    petsc::check(PetscOptionsInsertString(nullptr, options.c_str()));
    petsc::check(KSPCreate(problem.decomposition().comm().handle(), ksp.put()));
    petsc::check(KSPSetOptionsPrefix(ksp, prefix.c_str()));
    petsc::check(KSPSetType(ksp, KSPCG));
    petsc::check(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
    petsc::check(KSPSetTolerances(ksp, tolerance, PETSC_DEFAULT, PETSC_DEFAULT, 1000));
    petsc::check(KSPSetDM(ksp, levels[0]->dm));
    petsc::check(KSPSetDMActive(ksp, PETSC_FALSE));
    petsc::check(KSPSetOperators(ksp, levels[0]->matrix, levels[0]->matrix));
    petsc::check(KSPSetFromOptions(ksp));
    if (text.find("-rediscretised") != std::string::npos) rediscretise(p);
    petsc::check(KSPSetUp(ksp));
    petsc::check(MatCreateVecs(levels[0]->matrix, x.put(), right.put()));
    PetscScalar* values = nullptr;
    petsc::check(VecGetArray(right, &values));
    std::copy(b.begin(), b.end(), values);
    petsc::check(VecRestoreArray(right, &values));
  }

  /// The same discretisation on every coarser grid.
  void rediscretise(const LinearProblem& p) {
    PC pc = nullptr;
    PetscInt count = 0;
    petsc::check(KSPGetPC(ksp, &pc));
    petsc::check(PCMGGetLevels(pc, &count));
    DiffusionSetup<3> setup = p.setup;
    setup.processes = problem.decomposition().processes();
    for (PetscInt l = count - 1; l > 0; --l) {
      for (AxisSpec& axis : setup.axes) axis.cells /= 2;
      levels.push_back(std::make_unique<Assembled>(Diffusion<3>(setup)));
      petsc::Handle<Mat> interpolation;
      petsc::check(
          DMCreateInterpolation(levels.back()->dm, levels[levels.size() - 2]->dm, interpolation.put(), nullptr));
      petsc::check(PCMGSetInterpolation(pc, l, interpolation));
      KSP below = nullptr;
      petsc::check(PCMGGetSmoother(pc, l - 1, &below));
      petsc::check(KSPSetOperators(below, levels.back()->matrix, levels.back()->matrix));
    }
  }

  void solve() { petsc::check(KSPSolve(ksp, right, x)); }
  double residual() {
    const PetscScalar* values = nullptr;
    petsc::check(VecGetArrayRead(x, &values));
    std::copy(values, values + q.size(), q.begin());
    petsc::check(VecRestoreArrayRead(x, &values));
    std::vector<double> r(b.size());
    problem.apply(q, r);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[i] - r[i];
    return std::sqrt(problem.dot(r, r) / problem.dot(b, b));
  }
  double unknowns() const { return static_cast<double>(problem.decomposition().global_size()); }

  Diffusion<3> problem;
  std::vector<double> b, q;
  std::string text;
  std::vector<std::unique_ptr<Assembled>> levels;
  petsc::Handle<KSP> ksp;
  petsc::Handle<Vec> right, x;
};

void time_peer(benchmark::State& state, const LinearProblem& p, const std::string& options) {
  Peer& peer = kept<Peer>(p.name + options, [&] {
    auto made = std::make_unique<Peer>(p, options);
    made->prepare(p);
    return made;
  });
  measure(state, peer.unknowns(), [&] { peer.solve(); });
  PetscInt iterations = 0;
  petsc::check(KSPGetIterationNumber(peer.ksp, &iterations));
  state.counters["solver_iterations"] = static_cast<double>(iterations);
  if (!(peer.residual() < 1.02 * tolerance)) state.SkipWithError("the true residual is above the tolerance");
}

void peer_memory(benchmark::State& state, const LinearProblem& p, const std::string& options) {
  for (auto _ : state) {
    Peer peer(p, options);
    restart_memory();
    peer.prepare(p);
    peer.solve();
    state.SetIterationTime(1e-9);
    state.counters["memory"] = peak_memory() / peer.unknowns();
  }
}

void peer_setup(benchmark::State& state, const LinearProblem& p, const std::string& options) {
  Peer& peer = kept<Peer>(p.name + options + " setup", [&] { return std::make_unique<Peer>(p, options); });
  measure(state, peer.unknowns(), [&] { peer.prepare(p); });
}

/// Kind and options. Of smoothers (Chebyshev, PETSc's default, and symmetric Gauss-Seidel, one or two sweeps) these are
/// the fastest for it. Its Galerkin product is too stiff by a factor of two with the interpolation for cell centres, so
/// constant coefficients are discretised anew on every level; where the density jumps, that takes 50 iterations.
std::vector<std::array<std::string, 2>> peers(const std::string& name, int levels) {
  const std::string mg = fmt::format("-pc_type mg -pc_mg_levels {}", levels) +
                         " -mg_levels_ksp_type richardson -mg_levels_pc_type sor -mg_levels_ksp_max_it 1";
  const std::array<std::string, 2> anew{"mg_rediscretised", mg + " -rediscretised"};
  if (name == "constant_128") return {anew};
  std::vector<std::array<std::string, 2>> all{
      {"mg_galerkin", mg + " -pc_mg_galerkin both"}, {"gamg", "-pc_type gamg"}, {"hypre", "-pc_type hypre"}};
  if (name == "constant_64") all.push_back(anew);
  return all;
}

const Registration registration([] {
  for (const LinearProblem& p : linear_problems()) {
    if (p.name != "constant_64" && p.name != "constant_128" && p.name != "drop_64" && p.name != "bubble_64") continue;
    for (const auto& [kind, options] : peers(p.name, p.name == "constant_128" ? 6 : 5)) {
      const std::string end = kind + "/" + p.name, text = options;
      add("petsc/" + end, 1, [=](benchmark::State& state) { time_peer(state, p, text); });
      add("setup/petsc/" + end, 1, [=](benchmark::State& state) { peer_setup(state, p, text); });
      add("memory/petsc/" + end, 1, [=](benchmark::State& state) { peer_memory(state, p, text); });
    }
  }
});

}  // namespace
}  // namespace kolmo::bench
