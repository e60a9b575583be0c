// One character of UTF-8 at a time, strictly: what the terminal would make of hostile bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netrec::utf8 {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  ///< 0: not valid UTF-8
};

/// The first character of `bytes` (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF). REQUIRES: `bytes` is not empty.
Character decode(std::string_view bytes);

}  // namespace netrec::utf8
