// The times a user writes: `12:03:10`, `2026-11-24 12:03`, RFC 3339, `-2h`, `yesterday 14:00`,
// `@epoch`, `#frame`, `start`, `end`, `now`, each with `+5m`/`-90s` behind it if wanted.
//
// Clock times without an offset are in the zone of whoever reads (TZ, --zone), not of the recorded
// host: an investigator compares with logs of his own. Days without a date ("12:03", "yesterday")
// and `-2h` count from the end of the timeline, so they mean the same tomorrow.
//
// Parsing is separate from resolving, because a typing error must show before a file is opened.
// Refused: getdate(3) and std::chrono::parse (no position of an error; folds and gaps of daylight
// saving pass silently).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/delta.h"
#include "schema/result.h"

namespace netrec {

struct TimeSpec {
  enum class Base { start, end, now, frame, instant, clock };

  Base base = Base::end;
  std::uint64_t frame = 0;                          ///< Base::frame: its sequence
  WallTime instant{};                               ///< Base::instant
  std::optional<std::chrono::year_month_day> date;  ///< Base::clock; none: by `days_back`
  int days_back = 0;                  ///< Base::clock without date: 0 the last day, 1 yesterday
  std::chrono::microseconds time{};   ///< Base::clock: since midnight
  std::chrono::microseconds shift{};  ///< added to the base
  std::string text;                   ///< as it was written
};

/// Errors: invalid_argument, pointing at the character.
Result<TimeSpec> parse_time(std::string_view text);

/// What a timeline offers to resolve against.
struct TimeSpan {
  WallTime start{};
  WallTime end{};
  WallTime now{};  ///< of whoever asks
};

/// A point of a timeline: a frame by number if `sequence` is set (then `wall` is not known yet and
/// only holds the shift), else an instant.
struct Moment {
  std::optional<std::uint64_t> sequence;
  std::chrono::microseconds shift{};  ///< REQUIRES sequence
  WallTime wall{};
  bool ambiguous = false;  ///< the clock showed it twice that day; the first is taken
};

/// Errors: invalid_argument (a local time that the clocks skipped, or out of range).
Result<Moment> resolve(const TimeSpec& spec, const TimeSpan& span);

/// Reads "90s", "2h", "1h30m", "250ms", "3d". Errors as above.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

}  // namespace netrec
