#include "schema/utf8.h"

#include <fmt/format.h>

namespace netrec {

Utf8Character first_character(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < size) return {};
  std::uint32_t code = first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

std::string to_plain_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t size = first_character(bytes).size;
    if (size == 0)
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    else if (bytes[0] == '\0')
      text += ' ';
    else
      text += bytes.substr(0, size);
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return text;
}

bool is_plain_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = first_character(bytes).size;
    if (size == 0 || bytes[0] == '\0') return false;
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace netrec
