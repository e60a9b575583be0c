// One column of a chunk: a list of numbers, packed near their entropy and unpacked whole, a few
// nanoseconds a number; or row by row (packed_column.h).
//
//   column     = constant | packed
//   constant   = 0x00 value:varint
//   packed     = encoding:byte transform packing
//   encoding   = 1 + 2 * transform number + packing number
//   transform  = offset | delta | ascending | dictionary
//     offset     (0) base:varint                          value = base + code
//     delta      (1) first:varint base:varint             value = the one before + unzigzag(base +
//                                                         code), one code less than values
//     ascending  (2) first:varint base:varint             value = the one before + base + code
//     dictionary (3) count:varint count * step:varint     value = entry[code]; entries ascend
//   packing    = planes | lengths
//     planes     (0) width:byte width * plane             the codes' bytes, lowest plane first
//     lengths    (1) plane bits                           bit length of each code, then each code's
//                                                         bits below its highest, lowest bit first
//   plane      = 0x00 byte | 0x01 bytes | 0x02 size:varint zstd
//
// How many numbers there are is known from elsewhere (the header of the chunk). Numbers spread
// over orders of magnitude (bytes, lifetimes) pack best by bit length, narrow ones by planes; the
// encoder estimates each from the entropy of a sample. What is searched is told by planes unless
// they take much more. Refused: varints under zstd, which mixes a number's noise with its magnitude
// (docs/decisions/0020).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/result.h"
#include "store/bytes.h"

namespace netrec {

using Column = std::vector<std::uint64_t>;

/// The numbers of a column to be looked at one by one; where they are all the same they take no
/// room.
class Numbers {
 public:
  Numbers() = default;
  explicit Numbers(std::uint64_t all) : all_(all) {}
  explicit Numbers(Column values) : values_(std::move(values)) {}

  std::uint64_t operator[](std::size_t row) const { return values_.empty() ? all_ : values_[row]; }
  bool are_all(std::uint64_t value) const { return values_.empty() && all_ == value; }

 private:
  Column values_;
  std::uint64_t all_ = 0;
};

/// What a column is for: to be read, or for rows to be found in it that hold some number, which is
/// done many at a time where their bytes lie in planes.
enum class ColumnUse : std::uint8_t { read, search };

/// REQUIRES: `values` is not empty.
std::string encode_column(std::span<const std::uint64_t> values, ColumnUse use = ColumnUse::read);

/// The `rows` numbers of a column that is all of `bytes`. Allocates for `rows`, which the caller
/// has bounded. Errors: corrupt.
Result<Column> decode_column(std::string_view bytes, std::size_t rows);
Result<Numbers> decode_numbers(std::string_view bytes, std::size_t rows);

/// The number all rows of a column have; nullopt: they have more, or it is not one.
std::optional<std::uint64_t> number_of_constant(std::string_view bytes);

}  // namespace netrec
