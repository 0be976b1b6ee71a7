/// Memory that this program's own code asks for while `counting` is set: operator new (whoever calls it), and malloc,
/// calloc, realloc, aligned_alloc, posix_memalign and mmap where our objects call them. Include in one source file of a
/// program and link it with kolmo_count_allocations(TARGET), which puts the wrappers below in the place of the
/// functions; what MPI, PETSc and other libraries take by themselves does not count.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace kolmo::test {
inline std::atomic<bool> counting{false};
inline std::atomic<long> allocations{0};
inline void count_allocation() {
  if (counting) ++allocations;
}
}  // namespace kolmo::test

extern "C" {
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
int __real_posix_memalign(void**, std::size_t, std::size_t);
void* __real_mmap(void*, std::size_t, int, int, int, off_t);

void* __wrap_malloc(std::size_t bytes) {
  kolmo::test::count_allocation();
  return __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  kolmo::test::count_allocation();
  return __real_calloc(count, bytes);
}
void* __wrap_realloc(void* memory, std::size_t bytes) {
  kolmo::test::count_allocation();
  return __real_realloc(memory, bytes);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  kolmo::test::count_allocation();
  return __real_aligned_alloc(alignment, bytes);
}
int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  kolmo::test::count_allocation();
  return __real_posix_memalign(memory, alignment, bytes);
}
void* __wrap_mmap(void* address, std::size_t bytes, int protection, int flags, int file, off_t offset) {
  kolmo::test::count_allocation();
  return __real_mmap(address, bytes, protection, flags, file, offset);
}
}

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  kolmo::test::count_allocation();
  if (void* memory = __real_malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  kolmo::test::count_allocation();
  const auto line = static_cast<std::size_t>(alignment);
  if (void* memory = __real_aligned_alloc(line, (bytes + line - 1) / line * line)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
