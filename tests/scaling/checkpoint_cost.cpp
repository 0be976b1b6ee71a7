// A checkpoint against the plainest collective write of the same bytes, taking turns; both end with fsync.
// checkpoint_cost FOLDER EDGE ROUNDS [PX PY PZ]: EDGE^3 doubles (512: 1 GiB) shared by the ranks. Prints seconds and
// their medians.
#include <mpi.h>
#include <petscsys.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <vector>

#include "kolmo/base/petsc.hpp"
#include "kolmo/io/checkpoint.hpp"

namespace {

using namespace kolmo;
namespace fs = std::filesystem;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Of this process, in the program and in the system: what a busy machine does not distort.
double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One shared file, one collective call, MPI_File_sync (fsync).
void write_plainly(const Decomposition<3>& d, const fs::path& path, const std::vector<double>& data) {
  const auto& cells = d.cells();
  std::array<int, 3> sizes, parts, starts;
  for (int e = 0; e < 3; ++e) {
    sizes[e] = cells[e];
    parts[e] = d.owned().end[e] - d.owned().begin[e];
    starts[e] = d.owned().begin[e];
  }
  MPI_Datatype part;
  MPI_File file;
  check_mpi(
      MPI_Type_create_subarray(3, sizes.data(), parts.data(), starts.data(), MPI_ORDER_FORTRAN, MPI_DOUBLE, &part),
      "MPI_Type_create_subarray");
  check_mpi(MPI_Type_commit(&part), "MPI_Type_commit");
  check_mpi(MPI_File_open(d.comm().handle(), path.c_str(), MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file),
            "MPI_File_open");
  check_mpi(MPI_File_set_view(file, 0, MPI_DOUBLE, part, "native", MPI_INFO_NULL), "MPI_File_set_view");
  check_mpi(MPI_File_write_all(file, data.data(), static_cast<int>(data.size()), MPI_DOUBLE, MPI_STATUS_IGNORE),
            "MPI_File_write_all");
  check_mpi(MPI_File_sync(file), "MPI_File_sync");
  check_mpi(MPI_File_close(&file), "MPI_File_close");
  check_mpi(MPI_Type_free(&part), "MPI_Type_free");
}

void write_checkpoint(const Decomposition<3>& d, const fs::path& folder, int step, const std::vector<double>& data) {
  io::CheckpointWriter writer(d.comm(), folder, {step, 0.0, "cost"});
  writer.field<3>("field", d, data.data());
  writer.commit(1);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const fs::path& folder, int edge, int rounds, const Index<3>& processes) {
  const Communicator world;
  const Index<3> cells{edge, edge, edge};
  const Decomposition<3> d(world, cells, {}, processes[0] ? processes : Decomposition<3>::choose(world.size(), cells));
  std::vector<double> data(static_cast<std::size_t>(d.local_size()));
  std::iota(data.begin(), data.end(), 1e6 * world.rank());
  if (world.root()) fs::create_directories(folder);
  world.barrier();
  std::vector<double> plain, ours;
  double processor[2] = {0.0, 0.0};
  for (int round = 0; round < rounds; ++round) {
    for (const bool checkpoint : {false, true}) {
      world.barrier();
      const double begin = now(), spent = processor_seconds();
      if (checkpoint)
        write_checkpoint(d, folder, round, data);
      else
        write_plainly(d, folder / "plain", data);
      processor[checkpoint] += world.sum(processor_seconds() - spent) / rounds;
      const double taken = world.max(now() - begin);
      (checkpoint ? ours : plain).push_back(taken);
      if (world.root() && !checkpoint) fs::remove(folder / "plain");
    }
    if (world.root()) std::printf("plain %.3f s, checkpoint %.3f s\n", plain.back(), ours.back()), std::fflush(stdout);
  }
  if (world.root())
    std::printf("%.2f GiB: medians plain %.3f s, checkpoint %.3f s, ratio %.2f; least %.3f and %.3f s, ratio %.2f\n",
                8.0 * edge * edge * edge / 1073741824.0, median(plain), median(ours), median(ours) / median(plain),
                *std::min_element(plain.begin(), plain.end()), *std::min_element(ours.begin(), ours.end()),
                *std::min_element(ours.begin(), ours.end()) / *std::min_element(plain.begin(), plain.end()));
  if (world.root())
    std::printf("processor seconds of all ranks, mean: plain %.2f, checkpoint %.2f\n", processor[0], processor[1]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) {
    std::fprintf(stderr, "checkpoint_cost FOLDER EDGE ROUNDS [PX PY PZ]\n");
    return 2;
  }
  petsc::check(PetscInitialize(&argc, &argv, nullptr, nullptr));
  Index<3> processes{};
  if (argc == 7) processes = {std::atoi(argv[4]), std::atoi(argv[5]), std::atoi(argv[6])};
  compare(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), processes);
  petsc::check(PetscFinalize());
  return 0;
}
