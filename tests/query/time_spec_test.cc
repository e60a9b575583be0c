#include "query/time_spec.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "query/human.h"

namespace netrec {
namespace {

/// The local zone while it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  ~Zone() {
    unsetenv("TZ");
    tzset();
  }
};

/// From 2026-11-20 to 2026-11-24T12:00:00Z; now is a day later.
TimeSpan span() {
  const WallTime end = from_us(1'795'521'600'000'000);
  return {end - std::chrono::days(4), end, end + std::chrono::days(1)};
}

std::string resolved(std::string_view text) {
  const auto spec = parse_time(text);
  if (!spec) return spec.error().message;
  const auto moment = resolve(*spec, span());
  if (!moment) return moment.error().message;
  if (moment->sequence) return fmt::format("#{}{:+}", *moment->sequence, moment->shift.count());
  return rfc3339(moment->wall) + (moment->ambiguous ? " ambiguous" : "");
}

TEST(TimeSpec, ReadsRfc3339) {
  const Zone zone("Europe/Berlin");
  EXPECT_EQ(resolved("2026-11-24T12:03:10Z"), "2026-11-24T12:03:10.000000Z");
  EXPECT_EQ(resolved("2026-11-24t12:03:10.25+01:00"), "2026-11-24T11:03:10.250000Z");
  EXPECT_EQ(resolved("2026-11-24T12:03:10-0530"), "2026-11-24T17:33:10.000000Z");
  EXPECT_EQ(resolved("2026-11-24 12:03 UTC"), "2026-11-24T12:03:00.000000Z");
}

TEST(TimeSpec, ReadsLocalTimesInTheReadersZone) {
  const Zone zone("Europe/Berlin");
  EXPECT_EQ(resolved("2026-11-24 12:03:10"), "2026-11-24T11:03:10.000000Z");
  EXPECT_EQ(resolved("2026-07-01 12:00"), "2026-07-01T10:00:00.000000Z");
  EXPECT_EQ(resolved("2026-11-24"), "2026-11-23T23:00:00.000000Z");
}

TEST(TimeSpec, CountsDaysFromTheEndOfTheTimeline) {
  const Zone zone("Europe/Berlin");
  EXPECT_EQ(resolved("12:03:10"), "2026-11-24T11:03:10.000000Z");
  EXPECT_EQ(resolved("12:03"), "2026-11-24T11:03:00.000000Z");
  EXPECT_EQ(resolved("12:03:10.5"), "2026-11-24T11:03:10.500000Z");
  EXPECT_EQ(resolved("yesterday 14:00"), "2026-11-23T13:00:00.000000Z");
  EXPECT_EQ(resolved("Yesterday"), "2026-11-22T23:00:00.000000Z");
  EXPECT_EQ(resolved("today 09:30"), "2026-11-24T08:30:00.000000Z");
}

TEST(TimeSpec, CountsBackFromTheEnd) {
  EXPECT_EQ(resolved("-2h"), "2026-11-24T10:00:00.000000Z");
  EXPECT_EQ(resolved("-90s"), "2026-11-24T11:58:30.000000Z");
  EXPECT_EQ(resolved("-1h30m"), "2026-11-24T10:30:00.000000Z");
  EXPECT_EQ(resolved("-1.5h"), "2026-11-24T10:30:00.000000Z");
  EXPECT_EQ(resolved("-250ms"), "2026-11-24T11:59:59.750000Z");
}

TEST(TimeSpec, KnowsTheEndsAndNow) {
  EXPECT_EQ(resolved("start"), "2026-11-20T12:00:00.000000Z");
  EXPECT_EQ(resolved("END"), "2026-11-24T12:00:00.000000Z");
  EXPECT_EQ(resolved("now"), "2026-11-25T12:00:00.000000Z");
  EXPECT_EQ(resolved("start+10m"), "2026-11-20T12:10:00.000000Z");
  EXPECT_EQ(resolved("end - 1d"), "2026-11-23T12:00:00.000000Z");
}

TEST(TimeSpec, ReadsSecondsAndFrames) {
  EXPECT_EQ(resolved("@1795521600"), "2026-11-24T12:00:00.000000Z");
  EXPECT_EQ(resolved("@1795521600.25"), "2026-11-24T12:00:00.250000Z");
  EXPECT_EQ(resolved("#1234"), "#1234+0");
  EXPECT_EQ(resolved("#1234-1s"), "#1234-1000000");
}

TEST(TimeSpec, RefusesATimeTheClocksSkipped) {
  const Zone zone("Europe/Berlin");  // 2026-03-29: from 02:00 to 03:00
  EXPECT_EQ(resolved("2026-03-29 01:59:59"), "2026-03-29T00:59:59.000000Z");
  EXPECT_EQ(resolved("2026-03-29 03:00"), "2026-03-29T01:00:00.000000Z");
  EXPECT_NE(resolved("2026-03-29 02:30").find("the clocks skipped 02:30:00"), std::string::npos);
  EXPECT_EQ(resolved("2026-03-29 02:30 +01:00"), "2026-03-29T01:30:00.000000Z");
}

TEST(TimeSpec, TakesTheFirstOfTwoTimesTheClocksShowed) {
  const Zone zone("Europe/Berlin");  // 2026-10-25: from 03:00 back to 02:00
  EXPECT_EQ(resolved("2026-10-25 02:30"), "2026-10-25T00:30:00.000000Z ambiguous");
  EXPECT_EQ(resolved("2026-10-25 02:30 +01:00"), "2026-10-25T01:30:00.000000Z");
  EXPECT_EQ(resolved("2026-10-25 01:59"), "2026-10-24T23:59:00.000000Z");
  EXPECT_EQ(resolved("2026-10-25 03:00"), "2026-10-25T02:00:00.000000Z");
}

TEST(TimeSpec, KnowsZonesOfHalfAnHour) {
  const Zone zone("Australia/Lord_Howe");  // 2026-04-05: from 02:00 back to 01:30
  EXPECT_EQ(resolved("2026-04-05 01:45"), "2026-04-04T14:45:00.000000Z ambiguous");
}

TEST(TimeSpec, PointsAtTheCharacter) {
  EXPECT_EQ(resolved("12:0x"),
            "cannot read this time\n  12:0x\n     ^ expected a minute, 00 to 59");
  EXPECT_EQ(resolved("2026-13-01"),
            "cannot read this time\n  2026-13-01\n       ^ expected a month, 01 to 12");
  EXPECT_EQ(resolved("2026-02-29"),
            "cannot read this time\n  2026-02-29\n  ^ expected a day that exists");
  EXPECT_EQ(resolved("-2"),
            "cannot read this time\n  -2\n    ^ expected a unit: us, ms, s, m, h, d or w");
  EXPECT_EQ(resolved("#"), "cannot read this time\n  #\n   ^ expected the number of a frame");
}

TEST(TimeSpec, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"",
                           " ",
                           "tomorrow",
                           "nowish",
                           "12",
                           "1234",
                           "12:03:10Z",
                           "@",
                           "@x",
                           "#x",
                           "2026-11",
                           "-",
                           "+",
                           "-h",
                           "start end",
                           "12:60",
                           "24:00",
                           "-2h3",
                           "2026-11-24T12:03+99:00",
                           "99999999999999999999",
                           "@999999999999"})
    EXPECT_FALSE(parse_time(text).has_value()) << text;
}

TEST(TimeSpec, StaysWithinTheCalendarWhateverTheTimelineSays) {
  const TimeSpan hostile{WallTime::min(), WallTime::max(), WallTime::max()};
  EXPECT_EQ(rfc3339(resolve(*parse_time("end"), hostile)->wall), "9999-12-31T23:59:59.000000Z");
  EXPECT_EQ(to_us(resolve(*parse_time("start-9w"), hostile)->wall), 0u);
  EXPECT_FALSE(parse_time("now+99999999999w").has_value());
}

TEST(TimeSpec, ReadsDurations) {
  EXPECT_EQ(parse_duration("1h30m")->count(), 5'400'000'000);
  EXPECT_EQ(parse_duration("1.5s")->count(), 1'500'000);
  EXPECT_EQ(parse_duration("10us")->count(), 10);
  EXPECT_EQ(parse_duration("5min")->count(), 300'000'000);
  EXPECT_FALSE(parse_duration("5").has_value());
  EXPECT_FALSE(parse_duration("5 s x").has_value());
}

}  // namespace
}  // namespace netrec
