#include "query/time_spec.h"

#include <algorithm>
#include <ctime>

#include "query/pointed_error.h"
#include "query/time_parser.h"

namespace netrec {

namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::time_t kDaySeconds = 24 * 60 * 60;

std::tm local_fields(std::time_t time) {
  std::tm fields{};
  localtime_r(&time, &fields);
  return fields;
}

std::chrono::year_month_day date_of(WallTime time) {
  const std::tm fields = local_fields(std::chrono::floor<seconds>(time).time_since_epoch().count());
  return std::chrono::year(fields.tm_year + 1900) / (fields.tm_mon + 1) / fields.tm_mday;
}

/// Offset from UTC of the local zone at `time`.
std::time_t offset_at(std::time_t time) { return local_fields(time).tm_gmtoff; }

std::string clock_text(std::time_t seconds_of_day) {
  return fmt::format("{:02}:{:02}:{:02}", seconds_of_day / 3600, seconds_of_day / 60 % 60,
                     seconds_of_day % 60);
}

std::string offset_text(std::time_t offset) {
  const std::time_t size = offset < 0 ? -offset : offset;
  return fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', size / 3600, size / 60 % 60);
}

/// `time` + `shift`, kept between 1970 and the year 9999: a timeline's times may be anything.
WallTime shifted(WallTime time, microseconds shift) {
  constexpr WallTime kFirst{};
  constexpr WallTime kLast(seconds(253'402'300'799));
  return std::clamp(std::clamp(time, kFirst, kLast) + shift, kFirst, kLast);
}

struct LocalTime {
  std::time_t time = 0;
  bool ambiguous = false;
};

/// The instant at which the local clock shows `shown` (as if it were UTC). The two offsets in force
/// a day before and a day after are the only candidates: no zone changes twice within two days.
Result<LocalTime> instant_of(std::time_t shown, const TimeSpec& spec) {
  const std::time_t before = offset_at(shown - kDaySeconds);
  const std::time_t after = offset_at(shown + kDaySeconds);
  const bool first_fits = offset_at(shown - before) == before;
  const bool second_fits = offset_at(shown - after) == after;
  if (first_fits) return LocalTime{shown - before, second_fits && before != after};
  if (second_fits) return LocalTime{shown - after, false};
  const std::time_t of_day = (shown % kDaySeconds + kDaySeconds) % kDaySeconds;
  return tl::unexpected(pointed_error(
      fmt::format("the clocks skipped {} that day: they went from {} to {}", clock_text(of_day),
                  offset_text(before), offset_text(after)),
      spec.text, 0,
      fmt::format("a time that was, or an offset from UTC behind it ({})", offset_text(before))));
}

Result<Moment> clock_moment(const TimeSpec& spec, const TimeSpan& span) {
  std::chrono::sys_days day;
  if (spec.date)
    day = std::chrono::sys_days(*spec.date);
  else
    day = std::chrono::sys_days(date_of(shifted(span.end, {}))) - std::chrono::days(spec.days_back);
  const WallTime shown = WallTime(day) + spec.time;
  const auto whole = std::chrono::floor<seconds>(shown);
  NETREC_TRY(local, instant_of(whole.time_since_epoch().count(), spec));
  const WallTime instant = WallTime(seconds(local.time)) + (shown - whole);
  return Moment{std::nullopt, {}, shifted(instant, spec.shift), local.ambiguous};
}

}  // namespace

Result<TimeSpec> parse_time(std::string_view text) { return TimeParser(text).time(); }

Result<microseconds> parse_duration(std::string_view text) { return TimeParser(text).duration(); }

Result<Moment> resolve(const TimeSpec& spec, const TimeSpan& span) {
  Moment moment;
  switch (spec.base) {
    case TimeSpec::Base::start:
      moment.wall = shifted(span.start, spec.shift);
      break;
    case TimeSpec::Base::end:
      moment.wall = shifted(span.end, spec.shift);
      break;
    case TimeSpec::Base::now:
      moment.wall = shifted(span.now, spec.shift);
      break;
    case TimeSpec::Base::instant:
      moment.wall = shifted(spec.instant, spec.shift);
      break;
    case TimeSpec::Base::frame:
      moment.sequence = spec.frame;
      moment.shift = spec.shift;
      break;
    case TimeSpec::Base::clock:
      return clock_moment(spec, span);
  }
  return moment;
}

}  // namespace netrec
