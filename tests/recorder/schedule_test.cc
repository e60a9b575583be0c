#include "recorder/schedule.h"

#include <gtest/gtest.h>

#include "tests/recorder/fake_clock.h"

namespace netrec {
namespace {

using namespace std::chrono_literals;

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest() { schedule.begin_tick(clock.time); }
  std::vector<Lapse> tick_after(std::chrono::nanoseconds span) {
    clock.pass(span);
    return schedule.begin_tick(clock.time);
  }

  FakeClock clock;
  Schedule schedule{1s, clock.time};
};

TEST_F(ScheduleTest, ATickInTimeIsNoNews) { EXPECT_TRUE(tick_after(1s + 3ms).empty()); }

TEST_F(ScheduleTest, LatenessDoesNotAddUp) {
  const auto first = schedule.deadline();
  for (int i = 0; i < 1000; ++i) {
    clock.pass(schedule.deadline() - clock.time.monotonic + 7ms);
    EXPECT_TRUE(schedule.begin_tick(clock.time).empty());
  }
  EXPECT_EQ(schedule.deadline() - first, 1000s);
}

TEST_F(ScheduleTest, HalfAnIntervalLateIsALapse) {
  const WallTime due = clock.time.wall + 1s;
  EXPECT_EQ(tick_after(1s + 600ms),
            (std::vector<Lapse>{{GapCause::late_tick, due, due + 600ms, 0}}));
  EXPECT_EQ(schedule.deadline() - clock.time.monotonic, 400ms);
}

TEST_F(ScheduleTest, TicksThatDidNotHappenAreCounted) {
  const WallTime last = clock.time.wall;
  EXPECT_EQ(tick_after(4s + 100ms),
            (std::vector<Lapse>{{GapCause::missed_tick, last, last + 4s + 100ms, 3}}));
  EXPECT_EQ(schedule.deadline() - clock.time.monotonic, 900ms);
}

TEST_F(ScheduleTest, ASleepIsASuspendAndNothingElse) {
  const WallTime last = clock.time.wall;
  clock.sleep(8h);
  EXPECT_EQ(tick_after(1s), (std::vector<Lapse>{{GapCause::suspend, last, last + 8h + 1s, 0}}));
}

TEST_F(ScheduleTest, ASetClockIsToldFromOldToNewTime) {
  for (const auto step : {-3600s, 3600s, 1s, -1s}) {
    const WallTime expected = clock.time.wall + 1s;
    clock.time.wall += step;
    EXPECT_EQ(tick_after(1s),
              (std::vector<Lapse>{{GapCause::clock_step, expected, expected + step, 0}}));
  }
}

TEST_F(ScheduleTest, ASlewedClockIsNotSet) {
  for (int i = 0; i < 1000; ++i) {
    clock.time.wall += 500us;
    EXPECT_TRUE(tick_after(1s).empty());
  }
}

TEST_F(ScheduleTest, APauseIsNoLapse) {
  clock.pass(3600s + 200ms);
  schedule.resume(clock.time);
  EXPECT_EQ(schedule.deadline() - clock.time.monotonic, 800ms);
  EXPECT_TRUE(tick_after(800ms).empty());
}

TEST_F(ScheduleTest, EverythingAtOnceIsAllTold) {
  clock.sleep(1h);
  clock.time.wall -= 2h;
  const auto lapses = tick_after(2s);
  ASSERT_EQ(lapses.size(), 3u);
  EXPECT_EQ(lapses[0].cause, GapCause::suspend);
  EXPECT_EQ(lapses[1].cause, GapCause::clock_step);
  EXPECT_EQ(lapses[2].cause, GapCause::missed_tick);
}

}  // namespace
}  // namespace netrec
