// Text compared with * (anything) and ? (one byte) as in a shell.
//
// Refused: fnmatch(3): it takes exponential time on patterns with many stars, knows brackets and
// backslashes, and stops at a NUL.
#pragma once

#include <string_view>

namespace netrec {

/// Linear in text times pattern at worst.
bool wildcards_match(std::string_view pattern, std::string_view text);

}  // namespace netrec
