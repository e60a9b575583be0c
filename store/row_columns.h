// The rows of one group of a chunk's lives, turned into columns: each row is gone to once for all
// that is to be said of it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "store/chunk_lives.h"
#include "store/column.h"

namespace netrec {

template <class T>
class RowColumns {
 public:
  explicit RowColumns(std::span<const Life<T>> lives)
      : zeros_(lives.size()), opening_(fields_of<T>().size()), last_(opening_.size()) {
    const auto all = fields_of<T>();
    std::vector<std::uint16_t> used;
    for (std::size_t begin = 0; begin < lives.size(); begin += kRowsAtOnce) {
      const std::size_t end = std::min(begin + kRowsAtOnce, lives.size());
      for (std::size_t row = end; row < std::min(end + kRowsAtOnce, lives.size()); ++row)
        prefetch(lives[row].origin);
      use_fields(lives.subspan(begin, end - begin), used);
      for (const std::uint16_t field : used) {
        const auto get = all[field].get;
        std::uint64_t* const column = opening_[field].data();
        for (std::size_t row = begin; row < end; ++row) column[row] = get(*lives[row].origin);
      }
    }
  }

  /// A field of each row: as it was when it opened or (opened before the chunk) as last seen.
  const Column& opening(std::size_t field) const {
    return opening_[field].empty() ? zeros_ : opening_[field];
  }
  /// The same as of their end or the chunk's.
  const Column& last(std::size_t field) const {
    return last_[field].empty() ? opening(field) : last_[field];
  }
  /// It is 0 in all of them.
  bool is_zero(std::size_t field) const { return last_[field].empty() && opening_[field].empty(); }

  /// Of a field that changed: last(), to be written to. It holds as long as this.
  std::uint64_t* changed(std::size_t field) {
    if (last_[field].empty()) last_[field] = opening(field);
    return last_[field].data();
  }

 private:
  /// Rows that stay near the processor while field by field is taken out of them. They lie anywhere
  /// in memory: as many ahead, each of their cache lines is asked for.
  static constexpr std::size_t kRowsAtOnce = 128;

  static void prefetch(const T* row) {
    constexpr std::size_t kCacheLine = 64;
    const auto* const bytes = reinterpret_cast<const char*>(row);
    for (std::size_t at = 0; at < sizeof(T); at += kCacheLine) __builtin_prefetch(bytes + at);
  }

  /// Adds to `used` the fields that are not 0 in all of `lives`, and makes their columns: all bits
  /// of all rows are laid over each other.
  void use_fields(std::span<const Life<T>> lives, std::vector<std::uint16_t>& used) {
    const auto all = fields_of<T>();
    const auto use = [&](std::uint16_t field) {
      if (!opening_[field].empty()) return;
      opening_[field].resize(zeros_.size());
      used.push_back(field);
    };
    if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0) {
      using Words = std::array<std::uint64_t, sizeof(T) / sizeof(std::uint64_t)>;
      Words seen{};
      for (const Life<T>& life : lives) {
        const auto words = std::bit_cast<Words>(*life.origin);
        for (std::size_t i = 0; i < seen.size(); ++i) seen[i] |= words[i];
      }
      const T any = std::bit_cast<T>(seen);
      for (std::uint16_t field = 0; field < all.size(); ++field)
        if (all[field].get(any) != 0) use(field);
    } else {
      for (std::uint16_t field = 0; field < all.size(); ++field) use(field);
    }
  }

  Column zeros_;
  std::vector<Column> opening_;  ///< by field; empty: zeros
  std::vector<Column> last_;     ///< by field; empty: as in opening_
};

}  // namespace netrec
