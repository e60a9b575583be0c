// zstd, kept in one place: the only file that includes it is compression.cc.
//
// Sizes are told by whoever wrote the bytes and are never believed: the caller says how much may
// come out, and not a byte more is allocated.
#pragma once

#include <string>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// 3 is as good as 19 on the columns of a timeline (1–2 %) for a thirtieth of the time.
inline constexpr int kCompressionLevel = 3;

/// One zstd frame of `bytes`, with its size and without a checksum (the store has its own).
std::string compress(std::string_view bytes, int level = kCompressionLevel);

/// The same where bytes come in no order that repeats (the lengths of a column's numbers): told by
/// how often each occurs, which of such is smaller, six times as fast, and twice as fast undone.
std::string compress_by_frequency(std::string_view bytes);

/// Undoes either. The frame must say its size, which must be at most `most_bytes`. Errors:
/// corrupt.
Result<std::string> decompress(std::string_view frame, std::size_t most_bytes);

}  // namespace netrec
