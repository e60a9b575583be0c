// What the writing and the reading of a column have in common (column.h tells the layout).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "schema/result.h"
#include "store/bytes.h"

namespace netrec {

enum class Transform : std::uint8_t { offset = 0, delta = 1, ascending = 2, dictionary = 3 };
enum class Packing : std::uint8_t { planes = 0, lengths = 1 };
enum class PlaneForm : std::uint8_t { same = 0, raw = 1, zstd = 2 };

/// The encoding of a column in which all numbers are one.
inline constexpr std::uint8_t kConstantColumn = 0;
/// One plane of indexes: more entries are better kept as they are.
inline constexpr std::size_t kMostEntries = 256;

/// The bytes of a plane: where they lie, or unpacked.
class Plane {
 public:
  Plane() = default;
  static Plane lying(std::string_view bytes) { return {{}, bytes}; }
  static Plane unpacked(std::string bytes) { return {std::move(bytes), {}}; }

  std::string_view bytes() const { return lies_.empty() ? std::string_view(own_) : lies_; }

 private:
  Plane(std::string own, std::string_view lies) : own_(std::move(own)), lies_(lies) {}
  std::string own_;
  std::string_view lies_;
};

/// The next plane, of `rows` bytes; what it is read from must outlive it. Errors: corrupt; or what
/// `in` says.
Result<Plane> read_plane(ByteReader& in, std::size_t rows);

/// The bits behind the lengths of `rows` numbers: where they lie. Errors: corrupt; or what `in`
/// says.
Result<std::string_view> read_low_bits(ByteReader& in, std::string_view lengths);

/// How many bits lie behind numbers of these lengths; nullopt: one is above 64.
std::optional<std::uint64_t> count_low_bits(std::string_view lengths);

/// Eight bytes that are 1.
inline constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;

/// The sum of eight bytes.
inline std::uint64_t sum_of_bytes(std::uint64_t bytes) {
  constexpr std::uint64_t kEven = 0x00ff'00ff'00ff'00ff;
  return ((bytes & kEven) + (bytes >> 8 & kEven)) * 0x0001'0001'0001'0001 >> 48;
}

/// The bits below the highest of numbers of eight lengths, each in its byte.
inline std::uint64_t low_bits_of_each(std::uint64_t lengths) {
  return lengths - ((lengths + 0x7f * kOnes) >> 7 & kOnes);
}

/// A number of this length has so many bits below its highest.
inline unsigned low_bits_of(std::uint8_t length) { return length - (length != 0 ? 1u : 0u); }

/// Eight bytes as a number, the lowest first.
inline std::uint64_t word_at(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, 8);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// The number of `length` bits whose lower ones begin at bit `at` of `packed`; zeros follow it.
inline std::uint64_t number_of_bits(std::string_view packed, std::uint64_t at,
                                    std::uint8_t length) {
  const auto load = [&](std::size_t from) {
    if (from + 8 <= packed.size()) return word_at(packed.data() + from);
    std::uint64_t word = 0;
    for (std::size_t i = from; i < packed.size(); ++i)
      word |= std::uint64_t{static_cast<std::uint8_t>(packed[i])} << (8 * (i - from));
    return word;
  };
  const unsigned bits = low_bits_of(length);
  const auto shift = static_cast<unsigned>(at % 8);
  std::uint64_t code = load(at / 8) >> shift;
  if (shift > 0 && shift + bits > 64) code |= load(at / 8 + 8) << (64 - shift);
  const std::uint64_t top = std::uint64_t{1} << bits;
  return (code & (top - 1)) | (length != 0 ? top : 0);
}

}  // namespace netrec
