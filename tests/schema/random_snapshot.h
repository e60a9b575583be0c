// Random hosts for property tests: every field of every entity takes any value it can hold.
#pragma once

#include <random>

#include "schema/delta.h"

namespace netrec {

template <class T>
T random_row(std::mt19937_64& random, std::uint64_t key_space) {
  T row{};
  for (const Field<T>& field : fields_of<T>()) {
    const std::uint64_t shape = random() % 4;
    const std::uint64_t value = shape == 0   ? 0
                                : shape == 1 ? random() % 7
                                             : random() >> random() % 64;
    field.set(row, value);
  }
  // Keys come from a small space, so that snapshots share some.
  fields_of<T>()[0].set(row, 1 + random() % key_space);
  if constexpr (requires { row.bytes; })
    row.bytes.assign(random() % 20, static_cast<char>('a' + random() % 26));
  return row;
}

inline Snapshot random_snapshot(std::mt19937_64& random, std::size_t rows) {
  Snapshot snapshot;
  std::apply(
      [&](auto&... kind) {
        const auto fill = [&]<class T>(Table<T>& table) {
          for (std::size_t i = random() % (rows + 1); i > 0; --i)
            table.insert(random_row<T>(random, 2 * rows));
        };
        (fill(kind), ...);
      },
      snapshot.kinds);
  return snapshot;
}

}  // namespace netrec
