// Durations and sizes as people write and read them: "1h30m", "500M".
//
// Refused: CLI11's AsSizeValue and its like, whose errors do not say what would have been right.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// "250ms", "60s", "60" (seconds), "1.5h", "1h30m", "7d", "2w". Units: us, ms, s, m, h, d, w.
/// Errors: invalid_argument, with the units there are.
Result<std::chrono::microseconds> parse_period(std::string_view text);

/// "500M", "2G", "1.5GiB", "4096" (bytes). Units are powers of 1024. Errors: invalid_argument.
Result<std::uint64_t> parse_size(std::string_view text);

/// "250ms", "1m30s", "7d": the shortest that parse_period() reads back (to the millisecond).
std::string duration_text(std::chrono::microseconds duration);

/// "812 B", "1.4 KiB", "37.0 MiB".
std::string size_text(std::uint64_t bytes);

}  // namespace netrec
