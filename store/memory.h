// What is asked of the kernel and of the C library where a hundred thousand rows come and go: else
// each four kilobytes of them are a fault of their own, which together cost more than the rows do.
#pragma once

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

namespace netrec {

/// To be called once, first of all, by a program that records. The lists of a busy tick are a few
/// megabytes, and gone at its end: by default the C library gives them back to the kernel each
/// time, and a third of a tick was spent on getting zeroed pages anew.
inline void keep_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_ARENA_MAX, 1);
}

inline constexpr std::size_t kHugePage = 2 << 20;

/// Of the room `rows` has reserved, the whole huge pages that lie in it. Only a wish.
template <class T>
void wish_for_huge_pages(const std::vector<T>& rows) {
  const auto begin = reinterpret_cast<std::uintptr_t>(rows.data());
  const std::uintptr_t end = begin + rows.capacity() * sizeof(T);
  const std::uintptr_t first = (begin + kHugePage - 1) & ~(kHugePage - 1);
  const std::uintptr_t last = end & ~(kHugePage - 1);
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace netrec
