// Numbers and times as a person reads them. Machine formats never use these: they get the number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/delta.h"

namespace netrec {

/// "812 B", "12.3 KiB", "4.0 GiB".
std::string human_bytes(std::uint64_t bytes);

/// "0.85 ms", "12.3 s", "4 min 10 s", "3 h 12 min", "2 d 4 h".
std::string human_duration(std::uint64_t microseconds);

/// "1", "9 999", "1 234 567": groups of three, from five digits on.
std::string human_count(std::uint64_t count);

/// "1 socket", "2 sockets".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

/// How much of an instant is written.
enum class TimeStyle {
  full,         ///< "2026-11-24 12:03:10.123"
  time_of_day,  ///< "12:03:10.123": where everything shown lies on one day
  seconds,      ///< "2026-11-24 12:03:10"
};

/// In the local zone (TZ). An instant of 0 is "".
std::string human_time(std::uint64_t microseconds, TimeStyle style);
std::string human_time(WallTime time, TimeStyle style);

/// What the local zone was called then: "CET".
std::string zone_name(WallTime time);

/// "2026-11-24T12:03:10.123456Z", for machines. An instant of 0 is "".
std::string rfc3339(std::uint64_t microseconds);
std::string rfc3339(WallTime time);

/// Microseconds since 1970; times before that are 0.
std::uint64_t to_us(WallTime time);
WallTime from_us(std::uint64_t microseconds);

/// True if both lie on one day of the local zone.
bool same_local_day(WallTime one, WallTime other);

/// Columns `text` takes on a terminal. REQUIRES: it is escaped.
std::size_t display_width(std::string_view text);

}  // namespace netrec
