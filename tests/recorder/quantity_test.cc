#include "recorder/quantity.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(parse_period("10ms"), 10ms);
  EXPECT_EQ(parse_period("60"), 60s);
  EXPECT_EQ(parse_period("60s"), 60s);
  EXPECT_EQ(parse_period("1h30m"), 90min);
  EXPECT_EQ(parse_period("1.5h"), 90min);
  EXPECT_EQ(parse_period("7D"), 168h);
  EXPECT_EQ(parse_period("2w"), 336h);
  EXPECT_EQ(parse_period("0"), 0s);
}

TEST(Duration, RefusesWhatIsNoneAndSaysWhatWouldBe) {
  for (const char* text : {"", "s", "-1s", "1 s", "5x", "1h30", "nan", "inf", "1e9s", "1s1", "0x10",
                           "99999999999999999999w", "5m-", "\xff"}) {
    const auto parsed = parse_period(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
  }
  EXPECT_NE(parse_period("5x").error().message.find("1h30m"), std::string::npos);
}

TEST(Duration, IsWrittenSoThatItCanBeReadBack) {
  for (const char* text : {"10ms", "1s", "1m30s", "7d", "1d1h1m1s1ms", "0s"})
    EXPECT_EQ(duration_text(*parse_period(text)), text);
  EXPECT_EQ(duration_text(500us), "500us");
}

TEST(Size, IsReadInPowersOf1024) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("500M"), 500u << 20);
  EXPECT_EQ(parse_size("2GiB"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("1.5k"), 1536u);
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* text : {"", "M", "-1M", "5 M", "5X", "1M1", "99999999999T"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, IsWrittenWithThreeDigitsOrSo) {
  EXPECT_EQ(size_text(812), "812 B");
  EXPECT_EQ(size_text(1434), "1.4 KiB");
  EXPECT_EQ(size_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(size_text(std::uint64_t{37} << 20), "37.0 MiB");
}

}  // namespace
}  // namespace netrec
