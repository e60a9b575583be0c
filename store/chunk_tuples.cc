#include "store/chunk_tuples.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <numeric>

#include "schema/key_hash.h"

namespace netrec {

namespace {

// Below, the dictionary costs as much as it saves.
constexpr std::size_t kFewestRows = 16;

std::uint64_t hash_of(const std::vector<Column>& columns, std::size_t row) {
  std::uint64_t hash = 0;
  for (const Column& column : columns) {
    hash = (hash ^ column[row]) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 31;
  }
  return hash;
}

bool same(const std::vector<Column>& columns, std::size_t a, std::size_t b) {
  return std::all_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return column[a] == column[b]; });
}

}  // namespace

std::optional<Tuples> find_tuples(const std::vector<Column>& columns,
                                  std::size_t fewest_rows_a_tuple) {
  if (columns.size() < 2 || columns[0].size() < kFewestRows) return std::nullopt;
  const std::size_t rows = columns[0].size();
  tsl::robin_map<std::uint64_t, std::uint32_t, KeyHash> known;
  std::vector<std::size_t> example;  // By tuple: the first row that has it.
  std::vector<std::size_t> uses;
  Tuples out;
  out.row.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::uint64_t hash = hash_of(columns, row);; ++hash) {
      const auto [place, is_new] =
          known.try_emplace(hash, static_cast<std::uint32_t>(example.size()));
      if (is_new) {
        if (example.size() * fewest_rows_a_tuple > rows) return std::nullopt;
        example.push_back(row);
        uses.push_back(0);
      }
      if (!is_new && !same(columns, example[place->second], row)) continue;
      ++uses[place->second];
      out.row.push_back(place->second);
      break;
    }
  }
  std::vector<std::size_t> order(example.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return uses[a] > uses[b]; });
  std::vector<std::uint64_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (std::uint64_t& tuple : out.row) tuple = place[tuple];
  for (const Column& column : columns) {
    out.values.emplace_back();
    for (const std::size_t tuple : order) out.values.back().push_back(column[example[tuple]]);
  }
  return out;
}

}  // namespace netrec
