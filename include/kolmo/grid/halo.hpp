/// Refreshing ghosts across cuts and around periodic directions.
#pragma once

#include <span>
#include <vector>

#include "kolmo/grid/field.hpp"

namespace kolmo {

/// Which ghosts a stencil reads.
enum class Stencil {
  star,  ///< only along the directions
  box    ///< corners and edges too (the momentum fluxes need them)
};

/// Exchanges ghost slabs in place, all neighbours at once, overlapped with work between `begin` and `end`. Ghosts at
/// boundaries of the domain are not touched, but slabs across a cut reach into them: fill boundary ghosts first, then
/// exchange. Messages go straight from array to array by MPI derived types, made once here; nothing is allocated by an
/// exchange.
template <int Dim>
class Halo {
 public:
  /// width: how many ghost layers to refresh on each side, at most those of the layout. All fields passed later must
  /// have this layout.
  Halo(const Decomposition<Dim>& decomposition, const Layout<Dim>& layout, const Ghosts<Dim>& width, Stencil stencil);
  ~Halo();
  Halo(Halo&&) noexcept;
  Halo& operator=(Halo&&) noexcept;

  static constexpr int max_fields = 16;
  /// Starts the exchange of up to max_fields fields; copies of this rank to itself are done at once.
  void begin(std::span<Field<Dim>* const> fields);
  void end();
  void exchange(std::span<Field<Dim>* const> fields) {
    begin(fields);
    end();
  }
  void exchange(Field<Dim>& field) {
    Field<Dim>* one[] = {&field};
    exchange(std::span<Field<Dim>* const>(one));
  }
  /// Messages and bytes this rank sends per field and exchange.
  std::int64_t messages() const;
  std::int64_t bytes() const;

 private:
  struct Message {  // one box to or from one rank
    int rank;
    std::int64_t size;
    MPI_Datatype type;
  };
  struct Copy {  // of this rank to itself, around a periodic direction
    Box<Dim> source, ghost;
  };
  void add(int rank, int self, bool sending, const Box<Dim>& ghost, const Box<Dim>& source);
  void release();
  MPI_Comm comm_ = MPI_COMM_NULL;
  Layout<Dim> layout_;
  std::vector<Message> received_, sent_;
  std::vector<Copy> copies_;
  std::vector<MPI_Request> requests_;
  int active_ = 0;
};

}  // namespace kolmo
