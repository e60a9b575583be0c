// The low nouns of every layout in a timeline: varints, zigzag, little-endian integers, and a
// reader that cannot leave its bytes.
//
// The reader's failure is sticky: a decoder reads a whole record and asks ok() once, so that hot
// loops carry no Result; nothing read after a failure is anything but 0 and "".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace netrec {

/// The longest varint: ten groups of seven bits.
inline constexpr std::size_t kLongestVarint = 10;

/// LEB128: seven bits a byte, the lowest first, the high bit says "more".
inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

/// Small numbers of either sign as small unsigned ones: 0, -1, 1, -2, … become 0, 1, 2, 3, …
/// Differences of unsigned numbers are taken modulo 2^64, so every pair of values has one.
constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return (difference << 1) ^ (0 - (difference >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

/// Little-endian, whatever the machine is.
void put_fixed32(std::string& out, std::uint32_t value);
void put_fixed64(std::string& out, std::uint64_t value);

/// A varint of the length, then the bytes.
void put_bytes(std::string& out, std::string_view bytes);

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }
  /// All was read and nothing failed.
  bool at_end() const { return ok_ && next_ == end_; }
  void fail() {
    ok_ = false;
    next_ = end_;
  }

  std::uint8_t byte() {
    if (next_ == end_) {
      fail();
      return 0;
    }
    return static_cast<std::uint8_t>(*next_++);
  }
  /// Fails on one that is longer than it need be, too: a number has one form only.
  std::uint64_t varint() {
    if (next_ != end_ && static_cast<std::uint8_t>(*next_) < 0x80)
      return static_cast<std::uint8_t>(*next_++);
    return long_varint();
  }
  /// A varint that must not be above `most`.
  std::uint64_t varint_up_to(std::uint64_t most) {
    const std::uint64_t value = varint();
    if (value <= most) return value;
    fail();
    return 0;
  }
  std::uint32_t fixed32() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t fixed64() { return fixed(8); }
  /// The next `size` bytes, where they lie.
  std::string_view raw(std::uint64_t size);
  /// What put_bytes() wrote.
  std::string_view bytes() { return raw(varint()); }

 private:
  std::uint64_t long_varint();
  std::uint64_t fixed(unsigned size);

  const char* next_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace netrec
