// Bytes of a chunk that are not a list of numbers: texts, patterns.
//
//   blob = 0x00 bytes | 0x01 zstd
#pragma once

#include <string>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// What a blob may unpack to: the texts of a chunk are its largest, and a writer seals long before.
inline constexpr std::size_t kMostBlobBytes = std::size_t{64} << 20;

std::string encode_blob(std::string_view bytes);
/// Errors: corrupt.
Result<std::string> decode_blob(std::string_view blob);

}  // namespace netrec
