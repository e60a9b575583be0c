#include "store/chunk_tuples.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <numeric>

#include "schema/key_hash.h"

namespace netrec {

namespace {

// Below, the dictionary costs as much as it saves.
constexpr std::size_t kFewestRows = 16;

/// The distinct tuples, as they are met, each with its fields beside each other.
class TupleBook {
 public:
  explicit TupleBook(std::span<const Column* const> columns)
      : columns_(columns), now_(columns.size()) {}

  std::uint32_t number_of(std::size_t row) {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < now_.size(); ++i) {
      now_[i] = (*columns_[i])[row];
      hash = (hash ^ now_[i]) * 0x9e3779b97f4a7c15ULL;
      hash ^= hash >> 31;
    }
    for (;; ++hash) {
      const auto [place, is_new] =
          numbers_.try_emplace(hash, static_cast<std::uint32_t>(uses.size()));
      const std::uint32_t tuple = place->second;
      if (is_new) {
        values_.insert(values_.end(), now_.begin(), now_.end());
        uses.push_back(0);
      } else if (!std::equal(now_.begin(), now_.end(), values_.begin() + first_of(tuple))) {
        continue;
      }
      ++uses[tuple];
      return tuple;
    }
  }
  std::uint64_t value(std::size_t tuple, std::size_t field) const {
    return values_[tuple * now_.size() + field];
  }

  std::vector<std::size_t> uses;  ///< by tuple

 private:
  std::ptrdiff_t first_of(std::size_t tuple) const {
    return static_cast<std::ptrdiff_t>(tuple * now_.size());
  }

  std::span<const Column* const> columns_;
  std::vector<std::uint64_t> now_;
  std::vector<std::uint64_t> values_;
  tsl::robin_map<std::uint64_t, std::uint32_t, KeyHash> numbers_;
};

}  // namespace

std::optional<Tuples> find_tuples(std::span<const Column* const> columns,
                                  std::size_t fewest_rows_a_tuple) {
  if (columns.size() < 2 || columns[0]->size() < kFewestRows) return std::nullopt;
  const std::size_t rows = columns[0]->size();
  TupleBook book(columns);
  Tuples out;
  out.row.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    out.row.push_back(book.number_of(row));
    if ((book.uses.size() - 1) * fewest_rows_a_tuple > rows) return std::nullopt;
  }
  std::vector<std::size_t> order(book.uses.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return book.uses[a] > book.uses[b]; });
  std::vector<std::uint64_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (std::uint64_t& tuple : out.row) tuple = place[tuple];
  for (std::size_t field = 0; field < columns.size(); ++field) {
    out.values.emplace_back();
    for (const std::size_t tuple : order) out.values.back().push_back(book.value(tuple, field));
  }
  return out;
}

}  // namespace netrec
