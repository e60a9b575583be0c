// Asks the kernel for huge pages where a hundred thousand rows are about to be written: else each
// four kilobytes of them are a fault of their own, which together cost more than the rows do.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <vector>

namespace netrec {

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
