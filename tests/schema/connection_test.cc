#include "schema/connection.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

Connection lived(std::uint64_t opened_after, std::uint64_t opened, std::uint64_t closed_after,
                 std::uint64_t closed) {
  Connection connection;
  connection.socket.opened_after_us = opened_after;
  connection.socket.opened_us = opened;
  connection.closed_after_us = closed_after;
  connection.closed_us = closed;
  connection.last_seen_us = closed_after;
  return connection;
}

TEST(Lifetime, IsCertainWhereBothEndsAreExact) {
  const Lifetime life = lifetime_of(lived(100, 100, 140, 140));
  EXPECT_TRUE(life.certain);
  EXPECT_EQ(life.at_least_us, 40u);
  EXPECT_EQ(life.at_most_us, 40u);
}

TEST(Lifetime, IsBoundedByTheFramesAroundItWherePolled) {
  const Lifetime life = lifetime_of(lived(1000, 2000, 5000, 6000));
  EXPECT_FALSE(life.certain);
  EXPECT_EQ(life.at_least_us, 3000u);
  EXPECT_EQ(life.at_most_us, 5000u);
}

TEST(Lifetime, HasNoUpperBoundWhereItBeganBeforeRecording) {
  const Lifetime life = lifetime_of(lived(0, 2000, 5000, 6000));
  EXPECT_EQ(life.at_least_us, 3000u);
  EXPECT_EQ(life.at_most_us, 0u);
}

TEST(Lifetime, OfAConnectionStillOpenGoesToWhenItWasLastSeen) {
  Connection connection = lived(1000, 1000, 0, 0);
  connection.last_seen_us = 9000;
  const Lifetime life = lifetime_of(connection);
  EXPECT_FALSE(life.certain);
  EXPECT_EQ(life.at_least_us, 8000u);
  EXPECT_EQ(life.at_most_us, 8000u);
}

TEST(Lifetime, IsNotNegativeWhereTheClockWasSetBack) {
  EXPECT_EQ(lifetime_of(lived(100, 100, 50, 50)).at_least_us, 0u);
}

}  // namespace
}  // namespace netrec
