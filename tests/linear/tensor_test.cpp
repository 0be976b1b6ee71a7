// TensorSolver against a plain product over the whole grid: every boundary mix, spacing, dimension and process grid.
#include "kolmo/linear/tensor.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <type_traits>

#include "kolmo/base/error.hpp"
#include "kolmo/linear/line_transform.hpp"
#include "linear/lines.hpp"

namespace kolmo {
namespace {

using namespace test;

struct Mix {
  End low, high;
  const char* name;
};
constexpr Mix mixes[] = {{End::neumann, End::neumann, "NN"},
                         {End::face, End::face, "DD"},
                         {End::node, End::node, "dd"},
                         {End::neumann, End::face, "ND"},
                         {End::face, End::neumann, "DN"},
                         {End::node, End::neumann, "dN"},
                         {End::face, End::half_node, "Dh"},
                         {End::half_node, End::half_node, "hh"},
                         {End::periodic, End::periodic, "periodic"}};
constexpr Shape shapes[] = {Shape::uniform, Shape::symmetric, Shape::skew};

template <int Dim>
Index<Dim> along(int d, int ranks) {
  Index<Dim> p;
  p.fill(1);
  p[d] = ranks;
  return p;
}

/// Weighted mean of b / W taken out, as the solver does for singular operators.
template <int Dim>
std::vector<double> solvable(const SeparableOperator<Dim>& op, std::vector<double> b) {
  if (!op.singular()) return b;
  const Index<Dim> n = sizes(op);
  double volume = 0.0, total = 0.0;
  for_each<Dim>(whole<Dim>(n), [&](const Index<Dim>& i) {
    volume += volume_weight<Dim>(op, i);
    total += b[flat<Dim>(i, n)];
  });
  for_each<Dim>(whole<Dim>(n),
                [&](const Index<Dim>& i) { b[flat<Dim>(i, n)] -= volume_weight<Dim>(op, i) * total / volume; });
  return b;
}

template <int Dim>
double weighted_mean(const SeparableOperator<Dim>& op, const std::vector<double>& q) {
  const Index<Dim> n = sizes(op);
  double volume = 0.0, total = 0.0, largest = 0.0;
  for_each<Dim>(whole<Dim>(n), [&](const Index<Dim>& i) {
    volume += volume_weight<Dim>(op, i);
    total += volume_weight<Dim>(op, i) * q[flat<Dim>(i, n)];
    largest = std::max(largest, std::abs(q[flat<Dim>(i, n)]));
  });
  return largest > 0.0 ? std::abs(total) / volume / largest : 0.0;
}

template <int Dim>
void check_solve(const SeparableOperator<Dim>& op, const Decomposition<Dim>& boxes, TensorSolver<Dim>& solver) {
  const std::vector<double> b = random_vector(boxes.global_size());
  std::vector<double> local = local_part(boxes, b), q(local.size());
  solver.solve(local.data(), q.data());
  const std::vector<double> solution = gathered(boxes, q), wanted = solvable(op, b);
  EXPECT_LE(distance(product(op, solution), wanted), 1e-12 * norm(wanted)) << solver.description();
  if (op.singular()) {
    EXPECT_LE(weighted_mean(op, solution), 1e-13) << solver.description();
  }
  solver.solve(local.data(), local.data());
  EXPECT_EQ(local, q) << "in place differs: " << solver.description();
}

template <int Dim>
void check(const SeparableOperator<Dim>& op, const std::type_identity_t<Index<Dim>>& processes) {
  Decomposition<Dim> boxes(Communicator(MPI_COMM_WORLD), sizes(op), periodic(op), processes);
  TensorSolver<Dim> solver(boxes, op);
  check_solve(op, boxes, solver);
}

int ranks() { return Communicator(MPI_COMM_WORLD).size(); }

TEST(LineTransform, InvertsTheLineOperatorWithEveryKind) {
  for (const Mix& mix : mixes)
    for (Shape shape : shapes)
      for (int n : {1, 2, 3, 8, 13, 71})
        for (int stride : {1, 5, 32, 75}) {
          const LineOperator line = make_line(n, mix.low, mix.high, shape, 2.0);
          for (auto kind : {LineTransform::Kind::dense, LineTransform::Kind::mirror, LineTransform::Kind::fft}) {
            if (kind == LineTransform::Kind::mirror && !line.mirror_symmetric()) continue;
            if (kind == LineTransform::Kind::fft && LineTransform::cost(line, kind) > 1e100) continue;
            const LineTransform transform(line, kind, stride);
            const int count = stride == 1 ? 67 : 3;
            const std::vector<double> b = random_vector(static_cast<std::size_t>(n) * stride * count);
            std::vector<double> modes(b.size()), q(b.size());
            transform.forward(b.data(), modes.data(), count);
            for (int o = 0; o < count; ++o)
              for (int k = 0; k < n; ++k)
                for (int s = 0; s < stride; ++s)
                  modes[(o * n + k) * stride + s] *= transform.factor() / (0.7 + transform.eigenvalues()[k]);
            transform.backward(modes.data(), q.data(), count);
            SeparableOperator<3> op;  // the same line between two trivial ones
            op.line[0] = make_line(stride, End::neumann, End::neumann, Shape::uniform, stride);
            op.line[1] = line;
            op.line[2] = make_line(count, End::neumann, End::neumann, Shape::uniform, count);
            for (double& c : op.line[0].conductance) c = 0.0;
            for (double& c : op.line[2].conductance) c = 0.0;
            op.shift = 0.7;
            EXPECT_LE(distance(product(op, q), b), 1e-13 * n * norm(b))
                << mix.name << " n " << n << " stride " << stride << " kind " << static_cast<int>(kind);
          }
        }
}

TEST(LineTransform, NeedsAnUnknown) {
  LineOperator line;
  line.conductance = {0.0};
  EXPECT_THROW(LineTransform(line, LineTransform::choose(line), 1), InternalError);
}

TEST(TensorSolver, OneDimension) {
  for (const Mix& mix : mixes)
    for (Shape shape : shapes)
      for (int n : {4, 7, 64})
        for (double shift : {0.0, 3.0}) {
          SeparableOperator<1> op;
          op.line[0] = make_line(n, mix.low, mix.high, shape);
          op.shift = shift;
          op.scale = 0.5;
          SCOPED_TRACE(mix.name);
          check(op, {ranks()});
        }
}

TEST(TensorSolver, TwoDimensionsEveryPairOfBoundaries) {
  for (const Mix& x : mixes)
    for (const Mix& y : mixes)
      for (int s = 0; s < 3; ++s) {
        SeparableOperator<2> op;
        op.line[0] = make_line(12, x.low, x.high, shapes[s], 2.0);
        op.line[1] = make_line(9, y.low, y.high, shapes[(s + (x.name[0] == 'D')) % 3]);
        SCOPED_TRACE(std::string(x.name) + "," + y.name);
        check(op, along<2>(1, ranks()));
        if (s == 0) check(op, along<2>(0, ranks()));
      }
}

TEST(TensorSolver, ThreeDimensionsEveryBoundary) {
  for (std::size_t m = 0; m < std::size(mixes); ++m)
    for (int s = 0; s < 3; ++s) {
      const Mix &x = mixes[m], &y = mixes[(m + 3 + s) % std::size(mixes)], &z = mixes[(2 * m + s) % std::size(mixes)];
      SeparableOperator<3> op;
      op.line[0] = make_line(10, x.low, x.high, shapes[s], 2.0);
      op.line[1] = make_line(7, y.low, y.high, shapes[(s + 1) % 3]);
      op.line[2] = make_line(11, z.low, z.high, shapes[(s + m) % 3], 0.5);
      SCOPED_TRACE(std::string(x.name) + "," + y.name + "," + z.name);
      for (int d = 0; d < 3; ++d) check(op, along<3>(d, ranks()));
      if (ranks() == 4) {
        check(op, {2, 2, 1});
        check(op, {1, 2, 2});
        check(op, {2, 1, 2});
      }
    }
}

TEST(TensorSolver, LongUniformLinesByFft) {
  for (const Mix& mix : mixes) {
    if (mix.name == std::string("dN") || mix.name[1] == 'h') continue;  // no transform of FFTW's
    SeparableOperator<2> op;
    const int less = mix.low == End::node ? 1 : 0;  // DST-I likes n + 1
    op.line[0] = make_line(1024 - less, mix.low, mix.high, Shape::uniform, 2.0);
    op.line[1] = make_line(21, End::neumann, End::neumann, Shape::skew);
    SCOPED_TRACE(mix.name);
    Decomposition<2> boxes(Communicator(MPI_COMM_WORLD), sizes(op), periodic(op), along<2>(1, ranks()));
    TensorSolver<2> solver(boxes, op);
    check_solve(op, boxes, solver);
    EXPECT_NE(solver.description().find("T in"), std::string::npos) << solver.description();
  }
}

TEST(TensorSolver, ManySlabsThroughTheCache) {
  for (End end : {End::neumann, End::periodic}) {
    SeparableOperator<3> op;
    op.line[0] = make_line(90, End::periodic, End::periodic, Shape::uniform);
    op.line[1] = make_line(43, End::neumann, End::face, Shape::skew);
    op.line[2] = make_line(37, end, end, Shape::symmetric);
    check(op, along<3>(2, ranks()));
    check(op, along<3>(1, ranks()));
  }
}

TEST(TensorSolver, SingularMixesKeepMeansAtZero) {
  for (Shape shape : shapes)
    for (int periodic_directions = 0; periodic_directions <= 3; ++periodic_directions) {
      SeparableOperator<3> op;
      for (int d = 0; d < 3; ++d) {
        const End end = d < periodic_directions ? End::periodic : End::neumann;
        op.line[d] = make_line(8 + d, end, end, shape);
      }
      ASSERT_TRUE(op.singular());
      check(op, along<3>(2, ranks()));
    }
}

TEST(TensorSolver, OneCellAndMoreRanksThanLines) {
  const int p = ranks();
  SeparableOperator<3> op;
  op.line[0] = make_line(1, End::periodic, End::periodic, Shape::uniform);
  op.line[1] = make_line(2, End::periodic, End::periodic, Shape::uniform);
  op.line[2] = make_line(9, End::neumann, End::neumann, Shape::skew);
  check(op, along<3>(2, p));
  op.line[1] = make_line(1, End::neumann, End::neumann, Shape::uniform);
  check(op, along<3>(2, p));
  op.line[0] = make_line(17, End::periodic, End::periodic, Shape::uniform);
  op.line[2] = make_line(1, End::face, End::face, Shape::uniform);
  check(op, along<3>(0, p));
  op.line[2] = make_line(2, End::periodic, End::periodic, Shape::uniform);
  op.line[1] = make_line(1, End::periodic, End::periodic, Shape::uniform);
  check(op, along<3>(0, p));
}

TEST(TensorSolver, FourAndSixDimensions) {
  SeparableOperator<4> four;
  for (int d = 0; d < 4; ++d) four.line[d] = make_line(5 + d, mixes[2 * d].low, mixes[2 * d].high, shapes[d % 3]);
  check(four, along<4>(3, ranks()));
  if (ranks() == 4) check(four, {1, 2, 1, 2});
  SeparableOperator<6> six;
  for (int d = 0; d < 6; ++d) {
    const End end = d % 2 ? End::neumann : End::periodic;
    six.line[d] = make_line(4 + d % 2, end, end, shapes[d % 3]);
  }
  check(six, along<6>(5, ranks()));
  if (ranks() == 4) check(six, {1, 1, 2, 1, 2, 1});
}

TEST(TensorSolver, EqualToOneRank) {
  SeparableOperator<3> op;
  op.line[0] = make_line(32, End::periodic, End::periodic, Shape::uniform, 6.28);
  op.line[1] = make_line(24, End::neumann, End::neumann, Shape::symmetric, 2.0);
  op.line[2] = make_line(20, End::neumann, End::neumann, Shape::skew);
  const std::vector<double> b = random_vector(32 * 24 * 20);
  Decomposition<3> single(Communicator(MPI_COMM_SELF), sizes(op), periodic(op), {1, 1, 1});
  std::vector<double> reference(b.size());
  TensorSolver<3>(single, op).solve(b.data(), reference.data());
  std::vector<Index<3>> grids = {along<3>(1, ranks()), along<3>(2, ranks()),
                                 Decomposition<3>::choose(ranks(), sizes(op))};
  if (ranks() == 4) grids.push_back({1, 2, 2});
  for (const Index<3>& processes : grids) {
    Decomposition<3> boxes(Communicator(MPI_COMM_WORLD), sizes(op), periodic(op), processes);
    TensorSolver<3> solver(boxes, op);
    const std::vector<double> local = local_part(boxes, b);
    std::vector<double> q(local.size()), again(local.size());
    solver.solve(local.data(), q.data());
    EXPECT_LE(distance(gathered(boxes, q), reference), 1e-12 * norm(reference)) << solver.description();
    TensorSolver<3>(boxes, op).solve(local.data(), again.data());
    EXPECT_EQ(q, again) << "not repeatable";
  }
}

TEST(TensorSolver, NewShift) {
  SeparableOperator<2> op;
  op.line[0] = make_line(33, End::node, End::node, Shape::uniform);
  op.line[1] = make_line(31, End::face, End::neumann, Shape::skew);
  op.shift = 1.0;
  op.scale = 1e-3;
  Decomposition<2> boxes(Communicator(MPI_COMM_WORLD), sizes(op), periodic(op), along<2>(1, ranks()));
  TensorSolver<2> solver(boxes, op);
  check_solve(op, boxes, solver);
  op.shift = 100.0;
  op.scale = 0.25;
  solver.set_shift(op.shift, op.scale);
  check_solve(op, boxes, solver);
}

}  // namespace
}  // namespace kolmo
