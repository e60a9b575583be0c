#include "query/activity.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

WallTime at(std::int64_t us) { return WallTime(std::chrono::microseconds(us)); }

TEST(ColumnOf, SharesTheRangeOut) {
  const TimeRange range{at(1000), at(2000)};
  EXPECT_EQ(column_of(at(0), range, 10), 0u);
  EXPECT_EQ(column_of(at(1000), range, 10), 0u);
  EXPECT_EQ(column_of(at(1450), range, 10), 4u);
  EXPECT_EQ(column_of(at(2000), range, 10), 9u);
  EXPECT_EQ(column_of(at(1500), {at(2000), at(2000)}, 10), 0u);
}

// A file may say anything; sanitized, a difference must be one.
TEST(ColumnOf, TakesTimesHoweverFarApart) {
  const TimeRange range{WallTime::min(), WallTime::max()};
  EXPECT_EQ(column_of(WallTime::min(), range, 10), 0u);
  EXPECT_EQ(column_of(at(0), range, 10), 5u);
  EXPECT_EQ(column_of(WallTime::max(), range, 10), 9u);
}

}  // namespace
}  // namespace netrec
