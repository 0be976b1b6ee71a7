#include "level_matrices.hpp"

#include <petscdmda.h>

#include <algorithm>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

constexpr std::int64_t coarsest = 64;  // unknowns that a direct solve takes at once

template <int Dim>
Index<Dim> halved(Index<Dim> extent) {
  for (int& n : extent) n = std::max(1, n / 2);  // the last cell of an odd count joins its neighbour pair
  return extent;
}

std::int64_t numbers_before(MPI_Comm comm, std::int64_t local) {
  std::int64_t begin = 0;
  int rank = 0;
  check_mpi(MPI_Exscan(&local, &begin, 1, MPI_INT64_T, MPI_SUM, comm), "MPI_Exscan");
  check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
  return rank == 0 ? 0 : begin;
}

template <int Dim>
std::int64_t cells_in(const Index<Dim>& extent) {
  std::int64_t n = 1;
  for (int e : extent) n *= e;
  return n;
}

/// Doubles the first diagonal entry: the coarsest system must not be singular.
void pin(Mat matrix) {
  PetscInt begin = 0, end = 0;
  petsc::check(MatGetOwnershipRange(matrix, &begin, &end));
  PetscScalar value = 0.0;
  const PetscInt row = 0;
  if (begin == 0 && end > 0) petsc::check(MatGetValues(matrix, 1, &row, 1, &row, &value));
  if (begin == 0 && end > 0) petsc::check(MatSetValue(matrix, row, row, 2.0 * value, INSERT_VALUES));
  petsc::check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  petsc::check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
}

}  // namespace

template <int Dim>
int LevelMatrices<Dim>::available(const Decomposition<Dim>& unknowns) {
  Index<Dim> extent = unknowns.extent();
  const Communicator& comm = unknowns.comm();
  int levels = 1;
  for (;;) {
    bool can = true;  // every direction must coarsen, or halving the product would soften it
    for (int d = 0; d < Dim; ++d)
      if (unknowns.cells()[d] > 1 && extent[d] < 2) can = false;
    if (comm.sum(cells_in<Dim>(extent)) <= coarsest || !comm.all(can)) return levels;
    extent = halved<Dim>(extent);
    ++levels;
  }
}

template <int Dim>
LevelMatrices<Dim>::LevelMatrices(const MatrixFree<Dim>& system, Mat finest, int levels)
    : levels_(levels), matrices_(levels - 1) {
  Index<Dim> extent = system.unknowns().extent();
  for (int l = 1; l < levels; ++l) {
    const Index<Dim> coarse = halved<Dim>(extent);
    interpolation(extent, coarse, system.comm());
    extent = coarse;
  }
  coarsen(false, system, finest);
}

template <int Dim>
void LevelMatrices<Dim>::update(const MatrixFree<Dim>& system, Mat finest) {
  coarsen(true, system, finest);
}

template <int Dim>
void LevelMatrices<Dim>::interpolation(const Index<Dim>& fine, const Index<Dim>& coarse, MPI_Comm comm) {
  const std::int64_t rows = cells_in<Dim>(fine), columns = cells_in<Dim>(coarse);
  PetscInt row = static_cast<PetscInt>(numbers_before(comm, rows));
  const std::int64_t first = numbers_before(comm, columns);
  petsc::Handle<Mat> p;
  petsc::check(MatCreateAIJ(comm, static_cast<PetscInt>(rows), static_cast<PetscInt>(columns), PETSC_DETERMINE,
                            PETSC_DETERMINE, 1, nullptr, 0, nullptr, p.put()));
  Box<Dim> box;
  box.end = fine;
  for_each<Dim>(box, [&](const Index<Dim>& i) {
    std::int64_t at = 0;
    for (int d = Dim - 1; d >= 0; --d) at = at * coarse[d] + std::min(i[d] / 2, coarse[d] - 1);
    petsc::check(MatSetValue(p, row++, static_cast<PetscInt>(first + at), 1.0, INSERT_VALUES));
  });
  petsc::check(MatAssemblyBegin(p, MAT_FINAL_ASSEMBLY));
  petsc::check(MatAssemblyEnd(p, MAT_FINAL_ASSEMBLY));
  interpolations_.push_back(std::move(p));
}

template <int Dim>
void LevelMatrices<Dim>::coarsen(bool reuse, const MatrixFree<Dim>& system, Mat finest) {
  petsc::Handle<Vec> shift;
  petsc::check(MatCreateVecs(finest, shift.put(), nullptr));
  petsc::check(VecSet(shift, 0.0));
  const FaceConductances<Dim> op = system.faces();
  if (!op.shift.empty()) {
    PetscScalar* values = nullptr;
    petsc::check(VecGetArrayWrite(shift, &values));
    std::copy(op.shift.begin(), op.shift.end(), values);
    petsc::check(VecRestoreArrayWrite(shift, &values));
  }
  Mat fine = finest;
  for (int l = 0; l + 1 < levels_; ++l) {
    Mat coarse = matrices_[l];
    petsc::check(MatPtAP(fine, interpolations_[l], reuse ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, 2.0,
                         reuse ? &coarse : matrices_[l].put()));
    coarse = matrices_[l];
    petsc::Handle<Vec> coarse_shift;
    petsc::check(MatCreateVecs(coarse, coarse_shift.put(), nullptr));
    petsc::check(MatMultTranspose(interpolations_[l], shift, coarse_shift));
    petsc::check(MatDiagonalSet(coarse, coarse_shift, ADD_VALUES));
    petsc::check(MatScale(coarse, 0.5));
    shift = std::move(coarse_shift);
    fine = coarse;
  }
  if (system.singular() && levels_ > 1) pin(fine);
}

template <int Dim>
void LevelMatrices<Dim>::attach(PC pc) const {
  petsc::check(PCMGSetLevels(pc, levels_, nullptr));
  petsc::check(PCMGSetGalerkin(pc, PC_MG_GALERKIN_NONE));
  for (int l = 1; l < levels_; ++l) {  // PETSc counts from the coarsest
    const int from_finest = levels_ - 1 - l;
    petsc::check(PCMGSetInterpolation(pc, l, interpolations_[from_finest]));
    KSP smoother = nullptr, below = nullptr;
    PC relaxation = nullptr;
    petsc::check(PCMGGetSmoother(pc, l, &smoother));
    petsc::check(KSPSetType(smoother, KSPRICHARDSON));
    petsc::check(KSPGetPC(smoother, &relaxation));
    petsc::check(PCSetType(relaxation, PCSOR));
    petsc::check(PCMGGetSmoother(pc, l - 1, &below));
    petsc::check(KSPSetOperators(below, matrices_[from_finest], matrices_[from_finest]));
  }
  if (levels_ > 1) petsc::check(PCMGSetNumberSmooth(pc, 1));
}

template <int Dim>
petsc::Handle<DM> attached_dmda(const Decomposition<Dim>& unknowns) {
  petsc::Handle<DM> dm;
  if (Dim < 2 || Dim > 3 || unknowns.comm().any(unknowns.local_size() == 0)) return dm;
  std::array<std::vector<PetscInt>, 3> extents;
  std::array<PetscInt, 3> cells{1, 1, 1}, processes{1, 1, 1};
  std::array<DMBoundaryType, 3> ends{DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE};
  for (int d = 0; d < 3; ++d) {
    extents[d] = {1};
    if (d >= Dim) continue;
    const std::vector<int>& starts = unknowns.starts(d);
    extents[d].clear();
    for (std::size_t r = 0; r + 1 < starts.size(); ++r) extents[d].push_back(starts[r + 1] - starts[r]);
    cells[d] = unknowns.cells()[d];
    processes[d] = unknowns.processes()[d];
    if (unknowns.periodic()[d]) ends[d] = DM_BOUNDARY_PERIODIC;
  }
  const MPI_Comm comm = unknowns.comm().handle();
  if (Dim == 2)
    petsc::check(DMDACreate2d(comm, ends[0], ends[1], DMDA_STENCIL_STAR, cells[0], cells[1], processes[0], processes[1],
                              1, 1, extents[0].data(), extents[1].data(), dm.put()));
  else
    petsc::check(DMDACreate3d(comm, ends[0], ends[1], ends[2], DMDA_STENCIL_STAR, cells[0], cells[1], cells[2],
                              processes[0], processes[1], processes[2], 1, 1, extents[0].data(), extents[1].data(),
                              extents[2].data(), dm.put()));
  petsc::check(DMDASetInterpolationType(dm, DMDA_Q0));
  petsc::check(DMSetUp(dm));
  return dm;
}

#define KOLMO_INSTANTIATE(Dim)       \
  template class LevelMatrices<Dim>; \
  template petsc::Handle<DM> attached_dmda(const Decomposition<Dim>&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo
