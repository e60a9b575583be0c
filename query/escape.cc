#include "query/escape.h"

#include <fmt/format.h>

#include <cstdint>

#include "schema/utf8.h"

namespace netrec {

namespace {

bool is_dangerous(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool bidirectional = (code >= 0x200e && code <= 0x200f) ||
                             (code >= 0x2028 && code <= 0x202e) ||
                             (code >= 0x2066 && code <= 0x2069) || code == 0x61c;
  return control || bidirectional;
}

}  // namespace

std::string escape(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Character character = first_character(bytes);
    const std::size_t size = character.size == 0 ? 1 : character.size;
    if (character.size == 0 || is_dangerous(character.code)) {
      for (const char byte : bytes.substr(0, size))
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else if (character.code == '\\') {
      text += "\\\\";
    } else {
      text += bytes.substr(0, size);
    }
    bytes.remove_prefix(size);
  }
  return text;
}

}  // namespace netrec
