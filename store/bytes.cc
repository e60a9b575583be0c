#include "store/bytes.h"

namespace netrec {

void put_fixed32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>((value >> shift) & 0xff));
}

void put_fixed64(std::string& out, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<char>((value >> shift) & 0xff));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

std::string_view ByteReader::raw(std::uint64_t size) {
  if (size > remaining()) {
    fail();
    return {};
  }
  const std::string_view bytes(next_, static_cast<std::size_t>(size));
  next_ += size;
  return bytes;
}

std::uint64_t ByteReader::long_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && next_ != end_; shift += 7) {
    const auto group = static_cast<std::uint8_t>(*next_++);
    if (shift == 63 && group > 1) break;  // More than 64 bits.
    value |= std::uint64_t{group & 0x7fu} << shift;
    if (group >= 0x80) continue;
    if (group == 0 && shift > 0) break;  // Padded.
    return value;
  }
  fail();
  return 0;
}

std::uint64_t ByteReader::fixed(unsigned size) {
  const std::string_view bytes = raw(size);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace netrec
