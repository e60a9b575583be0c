// Bytes that ought to be UTF-8 and come from a host that is not trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace netrec {

struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  ///< bytes; 0: not valid UTF-8
};

/// The first character of `bytes` (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF). REQUIRES: not empty.
Utf8Character first_character(std::string_view bytes);

/// `bytes` as text any client takes: what is not UTF-8 as \xNN, NUL as a space (it separates the
/// arguments of a command line). Other control characters stay: see query/escape.h.
std::string to_plain_utf8(std::string_view bytes);

/// True if to_plain_utf8() would change nothing.
bool is_plain_utf8(std::string_view bytes);

}  // namespace netrec
