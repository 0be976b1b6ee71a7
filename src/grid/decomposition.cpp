#include "kolmo/grid/decomposition.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {

std::vector<int> even_starts(int cells, int parts) {
  std::vector<int> starts(static_cast<std::size_t>(parts) + 1, 0);
  for (int p = 0; p < parts; ++p) starts[p + 1] = starts[p] + cells / parts + (p < cells % parts ? 1 : 0);
  return starts;
}

// Cells sent per exchange by the largest box, the measure `choose` minimises.
template <int Dim>
double halo_surface(const Index<Dim>& cells, const Index<Dim>& processes) {
  double surface = 0.0;
  for (int d = 0; d < Dim; ++d) {
    if (processes[d] == 1) continue;
    double face = 1.0;
    for (int e = 0; e < Dim; ++e)
      if (e != d) face *= (cells[e] + processes[e] - 1) / processes[e];
    surface += face;
  }
  return surface;
}

// Visits every factorisation of `ranks` over directions d.. with at most one rank per cell.
template <int Dim, class Visit>
void factorise(int ranks, int d, const Index<Dim>& cells, Index<Dim>& processes, Visit&& visit) {
  if (d == 0) {
    if (ranks > cells[0]) return;
    processes[0] = ranks;
    visit(processes);
    return;
  }
  for (int p = std::min(ranks, cells[d]); p >= 1; --p) {
    if (ranks % p) continue;
    processes[d] = p;
    factorise<Dim>(ranks / p, d - 1, cells, processes, visit);
  }
}

}  // namespace

template <int Dim>
Index<Dim> Decomposition<Dim>::choose(int ranks, const Index<Dim>& cells) {
  Index<Dim> best{}, processes{};
  double best_cost = -1.0;
  factorise<Dim>(ranks, Dim - 1, cells, processes, [&](const Index<Dim>& candidate) {
    // A cut of x costs short rows and strided messages: it is taken only where nothing else fits. More cut directions
    // mean more messages and, for direct solvers, more transposes: the surface must shrink markedly to be worth one.
    double cost = halo_surface<Dim>(cells, candidate);
    int cuts = 0;
    for (int d = 0; d < Dim; ++d) cuts += candidate[d] > 1;
    cost *= 1.0 + 0.3 * (cuts > 1 ? cuts - 1 : 0);
    if (candidate[0] > 1) cost *= 1e6;
    if (best_cost < 0.0 || cost < best_cost * (1.0 - 1e-12)) {
      best_cost = cost;
      best = candidate;
    }
  });
  if (best_cost < 0.0) {
    std::string shape = fmt::format("{}", fmt::join(cells, " x "));
    throw InputError(
        fmt::format("{} ranks cannot share a grid of {} cells: every rank needs at least one cell in each direction",
                    ranks, shape));
  }
  return best;
}

template <int Dim>
Decomposition<Dim>::Decomposition(Communicator comm, Index<Dim> cells, std::array<bool, Dim> periodic,
                                  Index<Dim> processes)
    : comm_(comm), cells_(cells), processes_(processes), periodic_(periodic) {
  int product = 1;
  for (int d = 0; d < Dim; ++d) {
    if (processes[d] < 1)
      throw InputError(fmt::format("a process grid needs positive numbers, got {}", fmt::join(processes, " x ")));
    product *= processes[d];
  }
  if (product != comm.size())
    throw InputError(
        fmt::format("a process grid of {} needs {} ranks, not {}", fmt::join(processes, " x "), product, comm.size()));
  for (int d = 0; d < Dim; ++d) {
    if (processes[d] > cells[d])
      throw InputError(
          fmt::format("{} ranks cannot share {} cells in direction {}", processes[d], cells[d], "xyzuvw"[d]));
    starts_[d] = even_starts(cells[d], processes[d]);
  }
  place();
}

template <int Dim>
void Decomposition<Dim>::place() {
  int rank = comm_.rank();
  for (int d = 0; d < Dim; ++d) {
    coordinates_[d] = rank % processes_[d];
    rank /= processes_[d];
  }
  owned_ = owned_by(comm_.rank());
}

template <int Dim>
Box<Dim> Decomposition<Dim>::owned_by(int rank) const {
  Box<Dim> box;
  for (int d = 0; d < Dim; ++d) {
    const int c = rank % processes_[d];
    rank /= processes_[d];
    box.begin[d] = starts_[d][c];
    box.end[d] = starts_[d][c + 1];
  }
  return box;
}

template <int Dim>
Index<Dim> Decomposition<Dim>::extent() const {
  Index<Dim> n;
  for (int d = 0; d < Dim; ++d) n[d] = owned_.extent(d);
  return n;
}

template <int Dim>
std::int64_t Decomposition<Dim>::global_size() const {
  std::int64_t n = 1;
  for (int c : cells_) n *= c;
  return n;
}

template <int Dim>
int Decomposition<Dim>::rank_at(Index<Dim> coordinates) const {
  int rank = 0;
  for (int d = Dim - 1; d >= 0; --d) {
    int c = coordinates[d];
    if (c < 0 || c >= processes_[d]) {
      if (!periodic_[d]) return MPI_PROC_NULL;
      c = ((c % processes_[d]) + processes_[d]) % processes_[d];
    }
    rank = rank * processes_[d] + c;
  }
  return rank;
}

template <int Dim>
int Decomposition<Dim>::neighbour(int d, Side side) const {
  Index<Dim> c = coordinates_;
  c[d] += side == Side::high ? 1 : -1;
  return rank_at(c);
}

template <int Dim>
bool Decomposition<Dim>::at_boundary(int d, Side side) const {
  if (periodic_[d]) return false;
  return side == Side::low ? coordinates_[d] == 0 : coordinates_[d] == processes_[d] - 1;
}

template <int Dim>
Decomposition<Dim> Decomposition<Dim>::trimmed(int d, int low, int high) const {
  Decomposition result = *this;
  std::vector<int>& starts = result.starts_[d];
  for (std::size_t p = 1; p < starts.size(); ++p) starts[p] = std::max(0, starts[p] - low);
  starts.back() -= high;
  for (std::size_t p = starts.size() - 1; p-- > 0;) starts[p] = std::min(starts[p], starts[p + 1]);
  result.cells_[d] = starts.back();
  result.owned_ = result.owned_by(comm_.rank());
  return result;
}

template <int Dim>
Decomposition<Dim> Decomposition<Dim>::pencil(int whole, int keep) const {
  Decomposition result = *this;
  // The ranks of the freed direction go to the direction that has most lines left per rank, so that boxes stay
  // balanced.
  int target = -1;
  const auto lines = [&](int d) { return cells_[d] / processes_[d]; };
  for (int d = 0; d < Dim; ++d)
    if (d != whole && d != keep && (target < 0 || lines(d) >= lines(target))) target = d;
  if (keep >= 0 && keep != whole && (target < 0 || lines(target) < processes_[whole])) target = keep;
  if (target < 0 || processes_[whole] == 1) {
    if (processes_[whole] == 1) return result;
    // One dimension: the first rank takes the line, the others are empty.
    result.starts_[whole].assign(static_cast<std::size_t>(processes_[whole]) + 1, cells_[whole]);
    result.starts_[whole][0] = 0;
    result.owned_ = result.owned_by(comm_.rank());
    return result;
  }
  result.processes_[target] = processes_[target] * processes_[whole];
  result.processes_[whole] = 1;
  result.starts_[whole] = even_starts(cells_[whole], 1);
  result.starts_[target] = even_starts(cells_[target], result.processes_[target]);
  result.place();
  return result;
}

template class Decomposition<1>;
template class Decomposition<2>;
template class Decomposition<3>;
template class Decomposition<4>;
template class Decomposition<5>;
template class Decomposition<6>;

}  // namespace kolmo
