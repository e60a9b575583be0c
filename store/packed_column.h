// A column of a chunk (column.h) unpacked as little as it takes to find some of its numbers: a
// needle asks for few of many.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/column.h"
#include "store/column_form.h"

namespace netrec {

/// True if so few of a column's rows are better looked up one by one than unpacked with all others.
inline bool are_few(std::size_t rows, std::size_t all) { return rows * 16 < all; }

class PackedColumn {
 public:
  /// As decode_column(); `bytes` must outlive it. Errors: corrupt.
  static Result<PackedColumn> open(std::string_view bytes, std::size_t rows);

  /// 0 if it has no rows.
  std::uint64_t greatest() const;
  /// The numbers of `rows`.
  Column at(std::span<const std::uint32_t> rows) const;
  /// The rows that hold one of `values`, ascending.
  std::vector<std::uint32_t> rows_of(std::span<const std::uint64_t> values) const;

 private:
  Status read_codes(ByteReader& in, Packing packing);
  std::uint64_t greatest_code() const;
  /// Where the low bits of `row` begin.
  std::uint64_t bit_of(std::size_t row) const;
  std::uint64_t code_of_planes(std::size_t row) const;
  /// Calls `visit(row, code)` for those whose code has this length.
  template <class Visit>
  void for_each_of_length(std::uint8_t length, Visit&& visit) const;
  /// The codes that stand for one of `values`.
  std::vector<std::uint64_t> codes_of(std::span<const std::uint64_t> values) const;
  /// Of a column by lengths: those with one of `codes`.
  std::vector<std::uint32_t> rows_by_lengths(std::vector<std::uint64_t> codes) const;
  /// Calls `visit(row)` for those with this code; of a column by planes.
  template <class Visit>
  void for_each_of(std::uint64_t code, Visit&& visit) const;
  std::uint64_t value_of(std::uint64_t code) const {
    return entries_.empty() ? base_ + code : entries_[static_cast<std::size_t>(code)];
  }

  std::size_t rows_ = 0;
  std::uint64_t base_ = 0;
  Column entries_;             // of a dictionary
  std::vector<Plane> planes_;  // none: all codes are 0
  bool by_lengths_ = false;    // planes_ is one of bit lengths
  std::string_view low_bits_;
  std::vector<std::uint64_t> bit_of_run_;  // where the low bits of each run of rows begin
  Column whole_;                           // of differences, which are told one after another
  mutable std::optional<std::uint64_t> greatest_;
};

}  // namespace netrec
