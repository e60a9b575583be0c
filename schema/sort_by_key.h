// Puts rows in the order of their keys by sorting the keys: a Socket is half a kilobyte, and a sort
// that moves rows about moves each of them many times. Measured on 40 000 sockets a frame.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "schema/field.h"

namespace netrec {

/// Rows with the same key stay in their order.
template <class T>
void sort_by_key(std::vector<T>& rows) {
  const auto comes_before = [](const T& a, const T& b) { return key_of(a) < key_of(b); };
  if (std::is_sorted(rows.begin(), rows.end(), comes_before)) return;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  order.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) order.emplace_back(key_of(rows[i]), i);
  std::sort(order.begin(), order.end());
  // Cycle by cycle, in place: as much memory again would have to be had, and zeroed, each time.
  for (std::size_t first = 0; first < rows.size(); ++first) {
    if (order[first].second == first) continue;
    T lifted = std::move(rows[first]);
    std::size_t hole = first;
    for (std::size_t next; (next = order[hole].second) != first; hole = next) {
      rows[hole] = std::move(rows[next]);
      order[hole].second = hole;
    }
    rows[hole] = std::move(lifted);
    order[hole].second = hole;
  }
}

}  // namespace netrec
