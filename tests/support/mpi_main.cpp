// main() of every test program: starts PETSc (and MPI), lets rank 0 alone print passes while every rank prints its own
// failures, and fails on all ranks when one of them failed.
#include <gtest/gtest.h>

#include "kolmo/base/petsc.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  kolmo::petsc::Session session(argc, argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    class FailurePrinter : public testing::EmptyTestEventListener {
      void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) return;
        int me = 0;
        MPI_Comm_rank(MPI_COMM_WORLD, &me);
        std::fprintf(stderr, "[rank %d] %s:%d: %s\n", me, result.file_name() ? result.file_name() : "?",
                     result.line_number(), result.summary());
      }
    };
    listeners.Append(new FailurePrinter);
  }
  int mine = RUN_ALL_TESTS();
  int all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return all;
}
