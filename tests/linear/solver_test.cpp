// Solver over KSP: every method and option against the plain product; tolerances, gauges, failures, new coefficients.
#include "kolmo/linear/solver.hpp"

#include <gtest/gtest.h>

#include <map>
#include <type_traits>

#include "kolmo/base/error.hpp"
#include "kolmo/linear/matrix_free.hpp"
#include "linear/lines.hpp"

namespace kolmo {
namespace {

using namespace test;

int ranks() { return Communicator(MPI_COMM_WORLD).size(); }

template <int Dim>
Decomposition<Dim> boxes_of(const SeparableOperator<Dim>& op) {
  return Decomposition<Dim>(Communicator(MPI_COMM_WORLD), sizes(op), periodic(op),
                            Decomposition<Dim>::choose(ranks(), sizes(op)));
}

/// PETSc options for one scope, with the prefix -test_.
class Options {
 public:
  using Values = std::map<std::string, std::string>;
  Options(std::initializer_list<Values::value_type> values) : values_(values) {
    for (const auto& [name, value] : values_)
      petsc::check(PetscOptionsSetValue(nullptr, ("-test_" + name).c_str(), value.empty() ? nullptr : value.c_str()));
  }
  ~Options() {
    for (const auto& [name, value] : values_) (void)PetscOptionsClearValue(nullptr, ("-test_" + name).c_str());
  }

 private:
  Values values_;
};

SeparableOperator<2> closed_box(int nx = 32, int ny = 24) {
  SeparableOperator<2> op;
  op.line[0] = make_line(nx, End::neumann, End::neumann, Shape::symmetric, 2.0);
  op.line[1] = make_line(ny, End::neumann, End::neumann, Shape::skew);
  return op;
}

SeparableOperator<3> channel(int n = 12) {
  SeparableOperator<3> op;
  op.line[0] = make_line(n, End::periodic, End::periodic, Shape::uniform, 2.0);
  op.line[1] = make_line(n + 2, End::neumann, End::neumann, Shape::symmetric);
  op.line[2] = make_line(n + 4, End::neumann, End::face, Shape::uniform);
  return op;
}

/// Conductances as of a drop of density 1000 in a closed box, with unit cells.
template <int Dim>
FaceConductances<Dim> drop(const Decomposition<Dim>& boxes, double ratio) {
  FaceConductances<Dim> op;
  auto density = [&](Index<Dim> i) {
    double r = 0.0;
    for (int d = 0; d < Dim; ++d) r += std::pow((i[d] + 0.5) / boxes.cells()[d] - 0.5, 2);
    return r < 0.0625 ? ratio : 1.0;
  };
  for (int d = 0; d < Dim; ++d) {
    Box<Dim> box = boxes.owned();
    ++box.end[d];
    for_each<Dim>(box, [&](const Index<Dim>& i) {
      const bool wall = !boxes.periodic()[d] && (i[d] == 0 || i[d] == boxes.cells()[d]);
      Index<Dim> low = i, high = i;
      low[d] = (i[d] - 1 + boxes.cells()[d]) % boxes.cells()[d];
      high[d] = i[d] % boxes.cells()[d];
      op.conductance[d].push_back(wall ? 0.0 : 2.0 / (density(low) + density(high)));
    });
  }
  return op;
}

/// Relative residual by the plain product, over the whole grid.
template <int Dim>
double residual(const SeparableOperator<Dim>& op, const Decomposition<Dim>& boxes, const std::vector<double>& b,
                const std::vector<double>& q) {
  std::vector<double> all = gathered(boxes, q), wanted = gathered(boxes, b);
  if (op.singular()) {
    const Index<Dim> n = sizes(op);
    double volume = 0.0, total = 0.0, mean = 0.0;
    for_each<Dim>(whole<Dim>(n), [&](const Index<Dim>& i) {
      volume += volume_weight<Dim>(op, i);
      total += wanted[flat<Dim>(i, n)];
      mean += volume_weight<Dim>(op, i) * all[flat<Dim>(i, n)];
    });
    for_each<Dim>(whole<Dim>(n),
                  [&](const Index<Dim>& i) { wanted[flat<Dim>(i, n)] -= volume_weight<Dim>(op, i) * total / volume; });
    EXPECT_LE(std::abs(mean) / volume, 1e-12 * (1.0 + norm(all)));
  }
  return distance(product(op, all), wanted) / norm(wanted);
}

template <int Dim>
double solve_and_measure(Solver<Dim>& solver, const SeparableOperator<Dim>& op, std::uint64_t seed = 1) {
  const Decomposition<Dim> boxes = boxes_of(op);
  const std::vector<double> b = local_part(boxes, random_vector(boxes.global_size(), seed));
  std::vector<double> q(b.size(), 0.0);
  solver.solve(b.data(), q.data());
  return residual(op, boxes, b, q);
}

TEST(MatrixFree, EveryFormOfTheOperatorIsTheSame) {
  SeparableOperator<3> op = channel();
  op.shift = 0.3;
  op.scale = 1.7;
  op.line[0] = make_line(2, End::periodic, End::periodic, Shape::uniform);
  const Decomposition<3> boxes = boxes_of(op);
  const std::vector<double> global = random_vector(boxes.global_size());
  const std::vector<double> q = local_part(boxes, global), wanted = local_part(boxes, product(op, global));
  const double scale = norm(wanted) + 1.0;

  MatrixFree<3> separable(boxes, op), faces(boxes, face_conductances(boxes, op));
  std::vector<double> aq(q.size());
  separable.apply(q.data(), aq.data());
  EXPECT_LE(distance(aq, wanted), 1e-14 * scale);
  faces.apply(q.data(), aq.data());
  EXPECT_LE(distance(aq, wanted), 1e-14 * scale);

  petsc::Handle<Mat> matrix = separable.assemble();
  petsc::Handle<Vec> x, y, d;
  petsc::check(MatCreateVecs(matrix, x.put(), y.put()));
  petsc::check(VecDuplicate(x, d.put()));
  PetscScalar* values = nullptr;
  petsc::check(VecGetArray(x, &values));
  std::copy(q.begin(), q.end(), values);
  petsc::check(VecRestoreArray(x, &values));
  petsc::check(MatMult(matrix, x, y));
  const PetscScalar* result = nullptr;
  petsc::check(VecGetArrayRead(y, &result));
  EXPECT_LE(distance(std::vector<double>(result, result + q.size()), wanted), 1e-14 * scale);
  petsc::check(VecRestoreArrayRead(y, &result));

  std::vector<double> diagonal(q.size());
  separable.diagonal(diagonal.data());
  petsc::check(MatGetDiagonal(matrix, d));
  petsc::check(VecGetArrayRead(d, &result));
  EXPECT_LE(distance(std::vector<double>(result, result + q.size()), diagonal), 1e-14 * norm(diagonal));
  petsc::check(VecRestoreArrayRead(d, &result));
}

TEST(MatrixFree, SixDimensions) {
  SeparableOperator<6> op;
  for (int d = 0; d < 6; ++d)
    op.line[d] =
        make_line(3 + d % 2, d % 2 ? End::periodic : End::face, d % 2 ? End::periodic : End::neumann, Shape::uniform);
  const Decomposition<6> boxes = boxes_of(op);
  const std::vector<double> global = random_vector(boxes.global_size());
  const std::vector<double> q = local_part(boxes, global), wanted = local_part(boxes, product(op, global));
  std::vector<double> aq(q.size());
  MatrixFree<6>(boxes, op).apply(q.data(), aq.data());
  EXPECT_LE(distance(aq, wanted), 1e-14 * (1.0 + norm(wanted)));
}

TEST(Solver, AutomaticIsDirectOnSeparableOperators) {
  const SeparableOperator<3> op = channel();
  Solver<3> solver("test_", boxes_of(op), op, {});
  EXPECT_LE(solve_and_measure(solver, op), 1e-12);
  EXPECT_NE(solver.description().find("tensor"), std::string::npos) << solver.description();
  EXPECT_NE(solver.description().find("separable"), std::string::npos) << solver.description();
  EXPECT_EQ(solver.statistics().count, 1);
  EXPECT_EQ(solver.statistics().iterations, 1);
  const SeparableOperator<2> closed = closed_box();
  Solver<2> second("-test", boxes_of(closed), closed, {});
  EXPECT_LE(solve_and_measure(second, closed), 1e-12);
}

TEST(Solver, EveryMethodReachesItsTolerance) {
  for (SolverMethod method : {SolverMethod::tensor, SolverMethod::boxmg, SolverMethod::cg, SolverMethod::aij}) {
    SolverOptions options;
    options.method = method;
    options.relative_tolerance = 1e-9;
    options.max_iterations = 2000;
    const SeparableOperator<2> closed = closed_box();
    Solver<2> first("test_", boxes_of(closed), closed, options);
    EXPECT_LE(solve_and_measure(first, closed), 1.1e-9) << first.description();
    EXPECT_LE(first.statistics().last_residual, 1e-9);
    const SeparableOperator<3> op = channel();
    Solver<3> second("test_", boxes_of(op), op, options);
    EXPECT_LE(solve_and_measure(second, op), 1.1e-9) << second.description();
  }
}

TEST(Solver, OptionsChooseThePreconditioner) {
  const SeparableOperator<2> closed = closed_box();
  const SeparableOperator<3> op = channel();
  SolverOptions options;
  options.relative_tolerance = 1e-9;
  options.max_iterations = 400;
  for (const char* pc :
       {"hypre", "gamg", "lu", "cholesky", "mg", "jacobi", "none", "boxmg", "tensor", "bjacobi", "sor"}) {
    Options user{{"pc_type", pc}};
    Solver<2> first("test_", boxes_of(closed), closed, options);
    EXPECT_LE(solve_and_measure(first, closed), 1.1e-9) << first.description();
    EXPECT_NE(first.description().find("by option"), std::string::npos);
    if (std::string("hypre gamg lu mg boxmg").find(pc) == std::string::npos) continue;
    Solver<3> second("test_", boxes_of(op), op, options);
    EXPECT_LE(solve_and_measure(second, op), 1.1e-9) << second.description();
  }
}

TEST(Solver, KrylovMethodsByOption) {
  const SeparableOperator<3> op = channel();
  SolverOptions options;
  options.relative_tolerance = 1e-9;
  for (const char* method : {"cg", "gmres", "fgmres", "bcgs", "fcg", "minres"}) {
    Options user{{"ksp_type", method}, {"pc_type", "boxmg"}, {"ksp_rtol", "1e-10"}};
    Solver<3> solver("test_", boxes_of(op), op, options);
    EXPECT_LE(solve_and_measure(solver, op), 1.1e-9) << solver.description();
  }
  Options user{{"ksp_type", "cg"}, {"pc_type", "tensor"}};
  const SeparableOperator<2> closed = closed_box();
  Solver<2> solver("test_", boxes_of(closed), closed, options);
  EXPECT_LE(solve_and_measure(solver, closed), 1.1e-9) << solver.description();
  EXPECT_LE(solver.statistics().last_iterations, 2);
}

TEST(Solver, PetscMultigridConvergesAtTheSameRateOnFinerGrids) {
  Options user{{"pc_type", "mg"}};
  SolverOptions options;
  options.relative_tolerance = 1e-8;
  for (int n : {16, 32}) {
    SeparableOperator<3> op;
    for (LineOperator& line : op.line) line = make_line(n, End::neumann, End::neumann, Shape::uniform);
    Solver<3> solver("test_", boxes_of(op), op, options);
    EXPECT_LE(solve_and_measure(solver, op), 1.1e-8);
    EXPECT_LE(solver.statistics().last_iterations, 12) << n;
  }
  SeparableOperator<2> shifted = closed_box(64, 64);
  for (LineOperator& line : shifted.line) line = make_line(64, End::face, End::face, Shape::uniform);
  shifted.shift = 1e5;
  Solver<2> solver("test_", boxes_of(shifted), shifted, options);
  EXPECT_LE(solve_and_measure(solver, shifted), 1.1e-8);
  EXPECT_LE(solver.statistics().last_iterations, 12);
  DM dm = nullptr;
  petsc::check(KSPGetDM(solver.ksp(), &dm));
  EXPECT_NE(dm, nullptr);
}

TEST(Solver, VariableCoefficients) {
  const Index<2> n{48, 40};
  const Decomposition<2> boxes(Communicator(MPI_COMM_WORLD), n, {true, false}, Decomposition<2>::choose(ranks(), n));
  const FaceConductances<2> op = drop(boxes, 1000.0);
  MatrixFree<2> plain(boxes, op);
  std::vector<double> b = local_part(boxes, random_vector(boxes.global_size()));
  double sum = 0.0;
  for (double v : b) sum += v;
  const double mean = boxes.comm().sum(sum) / static_cast<double>(boxes.global_size());
  for (const char* pc : {"boxmg", "gamg", "lu", "mg"}) {
    Options user{{"pc_type", pc}};
    SolverOptions options;
    options.relative_tolerance = 1e-9;
    Solver<2> solver("test_", boxes, op, options);
    std::vector<double> q(b.size(), 0.0), aq(b.size());
    solver.solve(b.data(), q.data());
    plain.apply(q.data(), aq.data());
    double error = 0.0, size = 0.0, total = 0.0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      error += std::pow(aq[i] - b[i] + mean, 2);
      size += std::pow(b[i] - mean, 2);
      total += q[i];
    }
    EXPECT_LE(std::sqrt(boxes.comm().sum(error) / boxes.comm().sum(size)), 1.1e-9) << solver.description();
    EXPECT_LE(std::abs(boxes.comm().sum(total)) / static_cast<double>(boxes.global_size()), 1e-12 * norm(q))
        << solver.description();
    // Other coefficients of the same pattern.
    solver.set_conductances(drop(boxes, 10.0));
    solver.solve(b.data(), q.data());
    MatrixFree<2>(boxes, drop(boxes, 10.0)).apply(q.data(), aq.data());
    error = 0.0;
    for (std::size_t i = 0; i < b.size(); ++i) error += std::pow(aq[i] - b[i] + mean, 2);
    EXPECT_LE(std::sqrt(boxes.comm().sum(error) / boxes.comm().sum(size)), 1.1e-9) << solver.description();
  }
}

TEST(Solver, CellsInsideASolidStayOut) {
  const Index<2> n{16, 16};
  const Decomposition<2> boxes(Communicator(MPI_COMM_WORLD), n, {false, false}, Decomposition<2>::choose(ranks(), n));
  FaceConductances<2> op = drop(boxes, 1.0);
  auto solid = [](const Index<2>& i) { return i[0] >= 6 && i[0] < 10 && i[1] >= 6 && i[1] < 10; };
  for (int d = 0; d < 2; ++d) {
    Box<2> box = boxes.owned();
    ++box.end[d];
    std::size_t at = 0;
    for_each<2>(box, [&](const Index<2>& i) {
      Index<2> low = i;
      --low[d];
      if (solid(i) || solid(low)) op.conductance[d][at] = 0.0;
      ++at;
    });
  }
  const std::vector<double> b = local_part(boxes, random_vector(boxes.global_size()));
  for (SolverMethod method : {SolverMethod::cg, SolverMethod::boxmg}) {
    SolverOptions options;
    options.method = method;
    Solver<2> solver("test_", boxes, op, options);
    std::vector<double> q(b.size());
    solver.solve(b.data(), q.data());
    std::size_t at = 0;
    for_each<2>(boxes.owned(), [&](const Index<2>& i) {
      if (solid(i)) {
        EXPECT_EQ(q[at], 0.0);
      }
      ++at;
    });
  }
}

TEST(Solver, NewShift) {
  SeparableOperator<3> op = channel();
  op.shift = 1.0;
  op.scale = 1e-3;
  for (const char* pc : {"tensor", "boxmg", "jacobi", "mg", "gamg"}) {
    Options user{{"pc_type", pc}};
    SolverOptions options;
    options.relative_tolerance = 1e-9;
    SeparableOperator<3> now = op;
    Solver<3> solver("test_", boxes_of(op), now, options);
    EXPECT_LE(solve_and_measure(solver, now), 1.1e-9) << solver.description();
    for (double shift : {7.0, 0.0}) {
      now.shift = shift;
      now.scale = 0.2;
      solver.set_shift(now.shift, now.scale);
      EXPECT_LE(solve_and_measure(solver, now, 2), 1.1e-9) << solver.description();
    }
  }
}

TEST(Solver, BecomesSingularAndBack) {
  SeparableOperator<2> op = closed_box();
  op.shift = 1.0;
  for (const char* pc : {"tensor", "boxmg", "jacobi", "lu", "gamg"}) {
    Options user{{"pc_type", pc}};
    SolverOptions options;
    options.relative_tolerance = 1e-9;
    SeparableOperator<2> now = op;
    Solver<2> solver("test_", boxes_of(op), now, options);
    for (double shift : {0.0, 1.0, 0.0}) {
      now.shift = shift;
      solver.set_shift(now.shift, now.scale);
      EXPECT_LE(solve_and_measure(solver, now, 3), 1.1e-9) << solver.description() << " shift " << shift;
    }
  }
}

TEST(Solver, InPlaceAndWarmStart) {
  const SeparableOperator<2> op = closed_box();
  const Decomposition<2> boxes = boxes_of(op);
  const std::vector<double> b = local_part(boxes, random_vector(boxes.global_size()));
  for (SolverMethod method : {SolverMethod::tensor, SolverMethod::boxmg}) {
    SolverOptions options;
    options.method = method;
    options.relative_tolerance = 1e-10;
    Solver<2> solver("test_", boxes, op, options);
    std::vector<double> q(b.size()), same = b;
    solver.solve(b.data(), q.data());
    const int cold = solver.statistics().last_iterations;
    solver.solve(same.data(), same.data());
    EXPECT_EQ(q, same);
    for (double& v : q) v *= 1.0 + 1e-9;
    solver.solve(b.data(), q.data(), true);
    EXPECT_LE(residual(op, boxes, b, q), 1.1e-10);
    if (method == SolverMethod::boxmg) {
      EXPECT_LT(solver.statistics().last_iterations, cold);
    }
    EXPECT_EQ(solver.statistics().count, 3);
  }
}

TEST(Solver, ZeroRightHandSide) {
  const SeparableOperator<2> op = closed_box();
  for (SolverMethod method : {SolverMethod::tensor, SolverMethod::boxmg, SolverMethod::cg}) {
    SolverOptions options;
    options.method = method;
    Solver<2> solver("test_", boxes_of(op), op, options);
    std::vector<double> b(boxes_of(op).local_size(), 0.0), q(b.size(), 1.0);
    solver.solve(b.data(), q.data());
    EXPECT_EQ(norm(q), 0.0);
  }
}

TEST(Solver, RanksWithoutUnknowns) {
  // The faces between two walls, where the first rank holds the first wall only.
  const Index<3> cells{6, 5, ranks()};
  const Decomposition<3> boxes =
      Decomposition<3>(Communicator(MPI_COMM_WORLD), cells, {true, false, false}, {1, 1, ranks()}).trimmed(2, 1, -3);
  SeparableOperator<3> op;
  op.line[0] = make_line(6, End::periodic, End::periodic, Shape::uniform);
  op.line[1] = make_line(5, End::face, End::face, Shape::skew);
  op.line[2] = make_line(ranks() + 2, End::node, End::node, Shape::symmetric);
  op.shift = 0.5;
  const std::vector<double> b = local_part(boxes, random_vector(boxes.global_size()));
  if (ranks() > 1 && boxes.comm().rank() == 0) {
    EXPECT_TRUE(b.empty());
  }
  for (const char* pc : {"tensor", "jacobi", "hypre", "mg", "boxmg"}) {
    Options user{{"pc_type", pc}};
    SolverOptions options;
    options.relative_tolerance = 1e-9;
    Solver<3> solver("test_", boxes, op, options);
    std::vector<double> q(b.size());
    solver.solve(b.data(), q.data());
    EXPECT_LE(residual(op, boxes, b, q), 1.1e-9) << solver.description();
  }
}

TEST(Solver, FailsLoudly) {
  const SeparableOperator<2> op = closed_box();
  const Decomposition<2> boxes = boxes_of(op);
  const std::vector<double> b = local_part(boxes, random_vector(boxes.global_size()));
  std::vector<double> q(b.size());
  SolverOptions capped;
  capped.method = SolverMethod::cg;
  capped.max_iterations = 3;
  Solver<2> solver("test_", boxes, op, capped);
  try {
    solver.solve(b.data(), q.data());
    FAIL() << "a capped solve came back";
  } catch (const NotConverged& error) {
    EXPECT_EQ(error.prefix(), "test_");
    EXPECT_EQ(error.reason(), "DIVERGED_ITS");
    EXPECT_EQ(error.iterations(), 3);
    EXPECT_GT(error.residual(), 1e-8);
  }
  EXPECT_THROW(solver.solve(b.data(), q.data()), NotConverged) << "the solver can be asked again";
  Options preonly{{"ksp_type", "preonly"}, {"pc_type", "jacobi"}};
  Solver<2> once("test_", boxes, op, {});
  EXPECT_THROW(once.solve(b.data(), q.data()), NotConverged);
}

template <class Body>
std::string input_error(Body&& body) {
  try {
    body();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Solver, RefusesWhatItCannotDo) {
  const SeparableOperator<2> op = closed_box();
  const Decomposition<2> boxes = boxes_of(op);
  auto make = [&] { Solver<2>("test_", boxes, op, {}); };
  {
    Options user{{"pc_type", "hyper"}};
    EXPECT_EQ(input_error(make), "-test_pc_type hyper: unknown to PETSc (did you mean hypre?)");
  }
  {
    Options user{{"ksp_type", "gmers"}};
    EXPECT_EQ(input_error(make), "-test_ksp_type gmers: unknown to PETSc (did you mean gmres?)");
  }
  {
    Options user{{"pc_type", "mg"}, {"pc_mg_levels", "40"}};
    EXPECT_NE(input_error(make).find("allows 1 to"), std::string::npos);
  }
  {
    Options user{{"pc_type", "tensor"}};
    const std::string text = input_error([&] { Solver<2>("test_", boxes, drop(boxes, 10.0), {}); });
    EXPECT_NE(text.find("variable coefficients"), std::string::npos) << text;
  }
  SolverOptions options;
  options.method = SolverMethod::tensor;
  EXPECT_THROW(Solver<2>("test_", boxes, drop(boxes, 10.0), options), InputError);
}

}  // namespace
}  // namespace kolmo
