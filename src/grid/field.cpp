#include "kolmo/grid/field.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>

#include "kolmo/base/error.hpp"

namespace kolmo {

namespace {
constexpr std::ptrdiff_t line = 8;  // doubles in a cache line
constexpr std::ptrdiff_t round_up(std::ptrdiff_t n) { return (n + line - 1) / line * line; }
constexpr std::size_t huge_page = std::size_t{2} << 20;
}  // namespace

template <int Dim>
Layout<Dim>::Layout(const Index<Dim>& extent, const Ghosts<Dim>& ghosts) : extent_(extent), ghosts_(ghosts) {
  strides_[0] = 1;
  std::ptrdiff_t rows = 1;
  // One row holds its own cells and high ghosts, and the low ghosts of the next row.
  std::ptrdiff_t stride = round_up(extent[0] + ghosts.low[0] + ghosts.high[0]);
  std::ptrdiff_t origin = round_up(ghosts.low[0]);
  for (int d = 1; d < Dim; ++d) {
    strides_[d] = stride * rows;
    origin += ghosts.low[d] * strides_[d];
    rows *= extent[d] + ghosts.low[d] + ghosts.high[d];
  }
  origin_ = static_cast<std::size_t>(origin);
  size_ = static_cast<std::size_t>(round_up(ghosts.low[0]) + stride * rows);
}

template <int Dim>
Box<Dim> Layout<Dim>::interior() const {
  Box<Dim> box;
  box.end = extent_;
  return box;
}

template <int Dim>
Box<Dim> Layout<Dim>::padded() const {
  Box<Dim> box;
  for (int d = 0; d < Dim; ++d) {
    box.begin[d] = -ghosts_.low[d];
    box.end[d] = extent_[d] + ghosts_.high[d];
  }
  return box;
}

template <int Dim>
void Field<Dim>::Release::operator()(void* memory) const {
  if (memory) munmap(memory, bytes);
}

template <int Dim>
Field<Dim>::Field(const Layout<Dim>& layout, Location location) : layout_(layout), location_(location) {
  // Successive fields start at different cache sets: 40 doubles (five lines) apart, over one page.
  static std::atomic<std::size_t> made{0};
  const std::size_t shift = (made.fetch_add(1) % 12) * 40;
  std::size_t bytes = (layout.size() + shift) * sizeof(double);
  const std::size_t page = bytes >= huge_page ? huge_page : 4096;
  bytes = (bytes + page - 1) / page * page;
  const std::size_t reserve = bytes + (page == huge_page ? huge_page : 0);
  void* memory = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw InputError(fmt::format("no memory for a field of {} MB on this rank", bytes >> 20));
  memory_ = std::unique_ptr<void, Release>(memory, Release{reserve});
  auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (page == huge_page) {
    address = (address + huge_page - 1) / huge_page * huge_page;
    const std::size_t whole = (layout.size() + shift) * sizeof(double) / huge_page * huge_page;  // not all of the last
    (void)madvise(reinterpret_cast<void*>(address), whole, MADV_HUGEPAGE);  // advice: small pages work too
  }
  data_ = reinterpret_cast<double*>(address) + shift;
  origin_ = data_ + layout.origin();
  std::memset(data_, 0, layout.size() * sizeof(double));  // first touch here, not inside a time step
}

template <int Dim>
void Field<Dim>::fill(double value) {
  std::fill_n(data_, layout_.size(), value);
}

template <int Dim>
void Field<Dim>::copy_from(const Field& other) {
  if (!(layout_ == other.layout_)) throw InternalError("copy between fields of different layouts");
  std::memcpy(data_, other.data_, layout_.size() * sizeof(double));
}

template <int Dim>
void pack(const Field<Dim>& field, const Box<Dim>& box, double* packed) {
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    std::memcpy(packed, field.origin() + field.layout().offset(i), n * sizeof(double));
    packed += n;
  });
}

template <int Dim>
void unpack(const double* packed, const Box<Dim>& box, Field<Dim>& field) {
  const int n = box.extent(0);
  for_each_row<Dim>(box, [&](const Index<Dim>& i) {
    std::memcpy(field.origin() + field.layout().offset(i), packed, n * sizeof(double));
    packed += n;
  });
}

#define KOLMO_INSTANTIATE(Dim)                                          \
  template class Layout<Dim>;                                           \
  template class Field<Dim>;                                            \
  template void pack<Dim>(const Field<Dim>&, const Box<Dim>&, double*); \
  template void unpack<Dim>(const double*, const Box<Dim>&, Field<Dim>&);
KOLMO_INSTANTIATE(1)
KOLMO_INSTANTIATE(2)
KOLMO_INSTANTIATE(3)
KOLMO_INSTANTIATE(4)
KOLMO_INSTANTIATE(5)
KOLMO_INSTANTIATE(6)
#undef KOLMO_INSTANTIATE

}  // namespace kolmo
