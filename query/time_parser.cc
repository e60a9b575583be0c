#include "query/time_parser.h"

#include <algorithm>

#include "query/pointed_error.h"

namespace netrec {

namespace {

using std::chrono::microseconds;
using Base = TimeSpec::Base;

// Everything is kept far inside what 64 bits of microseconds hold (292 000 years).
constexpr std::uint64_t kMostSeconds = 100'000'000'000;
constexpr std::uint64_t kMostMicroseconds = kMostSeconds * 1'000'000;

constexpr std::string_view kTimes =
    "a date (2026-11-24), a time (12:03:10), -2h, now, yesterday, start, end, @epoch or #frame";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

char TimeParser::peek(std::size_t ahead) const {
  return place_ + ahead < text_.size() ? text_[place_ + ahead] : '\0';
}

bool TimeParser::accept(char c) {
  if (at_end() || text_[place_] != c) return false;
  ++place_;
  return true;
}

bool TimeParser::accept_word(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(peek(i)) != word[i]) return false;
  if (is_letter(peek(word.size()))) return false;
  place_ += word.size();
  return true;
}

void TimeParser::skip_blanks() {
  while (accept(' ') || accept('\t')) {
  }
}

tl::unexpected<Error> TimeParser::wanted(std::string_view expected) const {
  return tl::unexpected(pointed_error("cannot read this time", text_, place_, expected));
}

Result<std::uint64_t> TimeParser::number(std::string_view what, std::size_t digits_at_most) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; is_digit(peek()) && digits < digits_at_most; ++digits, ++place_)
    value = value * 10 + static_cast<std::uint64_t>(peek() - '0');
  if (digits == 0) return wanted(what);
  if (is_digit(peek())) return wanted("fewer digits");
  return value;
}

Result<int> TimeParser::two_digits(std::string_view what, int largest) {
  if (!is_digit(peek()) || !is_digit(peek(1))) return wanted(what);
  const int value = (peek() - '0') * 10 + (peek(1) - '0');
  if (value > largest) return wanted(what);
  place_ += 2;
  return value;
}

Result<microseconds> TimeParser::fraction() {
  if (!is_digit(peek())) return wanted("digits behind the point");
  std::int64_t value = 0;
  std::int64_t unit = 100'000;
  for (; is_digit(peek()); ++place_, unit /= 10) value += unit * (peek() - '0');
  return microseconds(value);
}

bool TimeParser::date_follows() const {
  return is_digit(peek()) && is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3)) &&
         peek(4) == '-';
}

bool TimeParser::clock_follows() const {
  return is_digit(peek()) && is_digit(peek(1)) && peek(2) == ':';
}

Result<std::chrono::year_month_day> TimeParser::date() {
  const std::size_t begin = place_;
  NETREC_TRY(year, number("a year of four digits", 4));
  if (!accept('-')) return wanted("'-' between year and month");
  NETREC_TRY(month, two_digits("a month, 01 to 12", 12));
  if (!accept('-')) return wanted("'-' between month and day");
  NETREC_TRY(day, two_digits("a day, 01 to 31", 31));
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) {
    place_ = begin;
    return wanted("a day that exists");
  }
  return date;
}

Result<microseconds> TimeParser::clock() {
  NETREC_TRY(hour, two_digits("an hour, 00 to 23", 23));
  if (!accept(':')) return wanted("':' between hour and minute");
  NETREC_TRY(minute, two_digits("a minute, 00 to 59", 59));
  microseconds time = std::chrono::hours(hour) + std::chrono::minutes(minute);
  if (!accept(':')) return time;
  // 60 is a leap second (RFC 3339); it is read as the first second of the next minute.
  NETREC_TRY(second, two_digits("a second, 00 to 59", 60));
  time += std::chrono::seconds(second);
  if (!accept('.') && !accept(',')) return time;
  NETREC_TRY(rest, fraction());
  return time + rest;
}

bool TimeParser::offset_follows() const {
  if (peek() != '+' && peek() != '-') return false;
  if (!is_digit(peek(1)) || !is_digit(peek(2))) return false;
  if (peek(3) == ':') return true;
  return is_digit(peek(3)) && is_digit(peek(4)) && !is_digit(peek(5)) && !is_letter(peek(5));
}

Status TimeParser::offset(TimeSpec& spec) {
  const std::size_t begin = place_;
  skip_blanks();
  std::chrono::minutes from_utc{0};
  if (offset_follows()) {
    const bool behind = peek() == '-';
    ++place_;
    NETREC_TRY(hours, two_digits("hours from UTC, 00 to 23", 23));
    accept(':');
    NETREC_TRY(minutes, two_digits("minutes, 00 to 59", 59));
    from_utc = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (behind) from_utc = -from_utc;
  } else if (!accept_word("z") && !accept_word("utc")) {
    place_ = begin;
    return {};
  }
  if (!spec.date) {
    place_ = begin;
    return wanted("a date in front, if an offset from UTC is given");
  }
  spec.base = Base::instant;
  spec.instant = WallTime(std::chrono::sys_days(*spec.date)) + spec.time - from_utc;
  return {};
}

Status TimeParser::date_and_time(TimeSpec& spec) {
  spec.base = Base::clock;
  if (date_follows()) {
    NETREC_TRY(day, date());
    spec.date = day;
    if ((peek() == 'T' || peek() == 't') && !accept('T')) accept('t');
  }
  skip_blanks();
  if (clock_follows()) {
    NETREC_TRY(time, clock());
    spec.time = time;
    return offset(spec);
  }
  return {};
}

Status TimeParser::base(TimeSpec& spec) {
  if (accept_word("now")) {
    spec.base = Base::now;
  } else if (accept_word("start")) {
    spec.base = Base::start;
  } else if (accept_word("end")) {
    spec.base = Base::end;
  } else if (accept('#')) {
    spec.base = Base::frame;
    NETREC_TRY(frame, number("the number of a frame"));
    spec.frame = frame;
  } else if (accept('@')) {
    spec.base = Base::instant;
    NETREC_TRY(seconds, number("seconds since 1970", 11));
    spec.instant = WallTime(std::chrono::seconds(seconds));
    if (accept('.')) {
      NETREC_TRY(rest, fraction());
      spec.instant += rest;
    }
  } else if (accept_word("yesterday")) {
    spec.days_back = 1;
    return date_and_time(spec);
  } else if (accept_word("today") || date_follows() || clock_follows()) {
    return date_and_time(spec);
  } else if (peek() == '-' || peek() == '+') {
    spec.base = Base::end;
    if (!is_digit(peek(1))) ++place_;
    if (!is_digit(peek()) && !is_digit(peek(1))) return wanted("a duration, like 90s or 2h");
  } else {
    return wanted(kTimes);
  }
  return {};
}

Result<microseconds> TimeParser::units() {
  std::uint64_t total = 0;
  do {
    const std::size_t begin = place_;
    NETREC_TRY(value, number("a number", 12));
    microseconds rest{0};
    if (accept('.')) {
      NETREC_TRY(digits, fraction());
      rest = digits;
    }
    std::uint64_t unit = 0;
    if (accept_word("us"))
      unit = 1;
    else if (accept_word("ms"))
      unit = 1'000;
    else if (lower(peek()) == 's')
      unit = 1'000'000;
    else if (lower(peek()) == 'm')
      unit = 60'000'000;
    else if (lower(peek()) == 'h')
      unit = 3'600'000'000;
    else if (lower(peek()) == 'd')
      unit = 86'400'000'000;
    else if (lower(peek()) == 'w')
      unit = 604'800'000'000;
    if (unit == 0) return wanted("a unit: us, ms, s, m, h, d or w");
    if (unit >= 1'000'000) {
      ++place_;
      if (unit == 60'000'000 && lower(peek()) == 'i' && lower(peek(1)) == 'n') place_ += 2;
    }
    if (value > kMostMicroseconds / unit) {
      place_ = begin;
      return wanted("less than three thousand years");
    }
    total += value * unit + static_cast<std::uint64_t>(rest.count()) * unit / 1'000'000;
    if (total > kMostMicroseconds) {
      place_ = begin;
      return wanted("less than three thousand years");
    }
  } while (is_digit(peek()));
  return microseconds(static_cast<std::int64_t>(total));
}

Status TimeParser::shifts(TimeSpec& spec) {
  for (skip_blanks(); peek() == '+' || peek() == '-'; skip_blanks()) {
    const std::size_t begin = place_;
    const bool back = peek() == '-';
    ++place_;
    skip_blanks();
    NETREC_TRY(shift, units());
    spec.shift += back ? -shift : shift;
    const auto most = static_cast<std::int64_t>(kMostMicroseconds);
    if (spec.shift.count() > most || spec.shift.count() < -most) {
      place_ = begin;
      return wanted("less than three thousand years");
    }
  }
  return {};
}

Result<TimeSpec> TimeParser::time() {
  TimeSpec spec;
  spec.text = std::string(text_);
  skip_blanks();
  NETREC_CHECKED(base(spec));
  NETREC_CHECKED(shifts(spec));
  if (!at_end()) {
    const bool clock_may_follow = spec.base == Base::clock && spec.time == microseconds{0};
    return wanted(clock_may_follow ? "a time of day (12:03:10) or nothing"
                                   : "nothing more, or a shift like +5m");
  }
  return spec;
}

Result<microseconds> TimeParser::duration() {
  skip_blanks();
  NETREC_TRY(value, units());
  skip_blanks();
  if (!at_end()) return wanted("nothing more");
  return value;
}

}  // namespace netrec
