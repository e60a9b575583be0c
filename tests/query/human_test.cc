#include "query/human.h"

#include <gtest/gtest.h>

#include "query/escape.h"
#include "query/similar.h"
#include "query/wildcards.h"

namespace netrec {
namespace {

TEST(Human, WritesBytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(~std::uint64_t{0}), "16.0 EiB");
}

TEST(Human, WritesDurations) {
  EXPECT_EQ(human_duration(0), "0 s");
  EXPECT_EQ(human_duration(12), "12 µs");
  EXPECT_EQ(human_duration(1'240), "1.24 ms");
  EXPECT_EQ(human_duration(52'000), "52 ms");
  EXPECT_EQ(human_duration(1'240'000), "1.24 s");
  EXPECT_EQ(human_duration(12'340'000), "12.3 s");
  EXPECT_EQ(human_duration(250'000'000), "4 min 10 s");
  EXPECT_EQ(human_duration(59'996'000), "1 min");
  EXPECT_EQ(human_duration(3'600'000'000), "1 h");
  EXPECT_EQ(human_duration(187'200'000'000), "2 d 4 h");
}

TEST(Human, GroupsLongCounts) {
  EXPECT_EQ(human_count(9999), "9999");
  EXPECT_EQ(human_count(10'000), "10 000");
  EXPECT_EQ(human_count(1'234'567), "1 234 567");
  EXPECT_EQ(counted(1, "socket", "sockets"), "1 socket");
}

TEST(Human, WritesTimesForMachinesInUtc) {
  EXPECT_EQ(rfc3339(0), "");
  EXPECT_EQ(rfc3339(1'795'521'790'250'001), "2026-11-24T12:03:10.250001Z");
}

TEST(Human, SurvivesTimesOfAHostileFile) {
  EXPECT_NO_FATAL_FAILURE(human_time(~std::uint64_t{0}, TimeStyle::full));
  EXPECT_NO_FATAL_FAILURE(rfc3339(~std::uint64_t{0}));
  EXPECT_EQ(to_us(WallTime::min()), 0u);
  EXPECT_EQ(from_us(~std::uint64_t{0}), WallTime::max());
}

TEST(Similar, FindsWhatWasMeant) {
  const std::vector<std::string> words = {"show", "search", "diff", "destinations"};
  EXPECT_EQ(most_similar("shwo", words), "show");
  EXPECT_EQ(most_similar("serach", words), "search");
  EXPECT_EQ(most_similar("dest", words), "destinations");
  EXPECT_EQ(most_similar("xyzzy", words), "");
  EXPECT_EQ(most_similar("", words), "");
}

TEST(Wildcards, MatchLikeAShell) {
  EXPECT_TRUE(wildcards_match("*", ""));
  EXPECT_TRUE(wildcards_match("a*c", "abbbc"));
  EXPECT_TRUE(wildcards_match("a?c", "abc"));
  EXPECT_TRUE(wildcards_match("*.example.org", "cdn.example.org"));
  EXPECT_FALSE(wildcards_match("a?c", "ac"));
  EXPECT_FALSE(wildcards_match("", "a"));
  EXPECT_FALSE(wildcards_match("a*b", "ab "));
}

TEST(Wildcards, TakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  EXPECT_FALSE(wildcards_match(pattern + "b", std::string(5'000, 'a')));
}

TEST(Escape, LeavesNothingATerminalWouldObey) {
  EXPECT_EQ(escape("plain ü €"), "plain ü €");
  EXPECT_EQ(escape("\x1b]0;x\x07"), "\\x1b]0;x\\x07");
  EXPECT_EQ(escape("\xc2\x9b"), "\\xc2\\x9b") << "C1 CSI";
  EXPECT_EQ(escape("a\xff\xc3"), "a\\xff\\xc3");
  // NOLINTNEXTLINE(misc-misleading-bidirectional): it is what is tested.
  EXPECT_EQ(escape("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
  EXPECT_EQ(escape("\\"), "\\\\");
  EXPECT_EQ(escape(std::string_view("\0\n", 2)), "\\x00\\x0a");
}

}  // namespace
}  // namespace netrec
