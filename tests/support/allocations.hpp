/// Calls of operator new, counted while `counting` is set: include in one source file of a program. Memory that is not
/// asked for through operator new (fields by mmap, PETSc's and MPI's own) does not count.
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>

namespace kolmo::test {
inline std::atomic<bool> counting{false};
inline std::atomic<long> allocations{0};
}  // namespace kolmo::test

void* operator new(std::size_t size) {
  if (kolmo::test::counting) ++kolmo::test::allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
