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
  struct Link {  // one neighbour box: receive into `ghost`, send `owned`
    int rank;
    int send_tag, receive_tag;
    Box<Dim> ghost, owned;
    MPI_Datatype send_type, receive_type;
    bool self;
    Box<Dim> source;  // of a copy to itself
  };
  void add_link(const Decomposition<Dim>& decomposition, const Index<Dim>& offset, const Ghosts<Dim>& width);
  void release();
  MPI_Comm comm_ = MPI_COMM_NULL;
  Layout<Dim> layout_;
  std::vector<Link> links_;
  std::vector<MPI_Request> requests_;
  int active_ = 0;
};

}  // namespace kolmo
