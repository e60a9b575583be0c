#include "recorder/schedule.h"

#include "schema/result.h"

namespace netrec {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

Schedule::Schedule(nanoseconds interval, const Instant& start)
    : interval_(interval), deadline_(start.monotonic), last_(start) {
  NETREC_CHECK(interval > nanoseconds::zero(), "ticks have an interval");
}

std::vector<Lapse> Schedule::begin_tick(const Instant& now) {
  std::vector<Lapse> lapses;
  note_suspend(now, lapses);
  note_clock_step(now, lapses);
  note_lateness(now, lapses);
  advance(now);
  return lapses;
}

void Schedule::resume(const Instant& now) {
  while (deadline_ < now.monotonic)
    deadline_ += interval_ * ((now.monotonic - deadline_) / interval_ + 1);
  last_ = now;
}

bool Schedule::has_slept(const Instant& now) const {
  const auto slept =
      (now.boot - last_.boot) - duration_cast<microseconds>(now.monotonic - last_.monotonic);
  return slept > kSuspend;
}

void Schedule::note_suspend(const Instant& now, std::vector<Lapse>& lapses) const {
  if (has_slept(now))
    lapses.push_back({.cause = GapCause::suspend, .from = last_.wall, .to = now.wall});
}

// From what the clock would show now if nobody had set it, to what it shows.
void Schedule::note_clock_step(const Instant& now, std::vector<Lapse>& lapses) const {
  const auto passed = now.boot - last_.boot;
  const WallTime expected = last_.wall + passed;
  const auto tolerance = microseconds(kClockStep) + passed / 1000;
  if (now.wall - expected > tolerance || expected - now.wall > tolerance)
    lapses.push_back({.cause = GapCause::clock_step, .from = expected, .to = now.wall});
}

void Schedule::note_lateness(const Instant& now, std::vector<Lapse>& lapses) const {
  const nanoseconds late = now.monotonic - deadline_;
  if (const auto missed = late / interval_; missed > 0) {
    lapses.push_back({.cause = GapCause::missed_tick,
                      .from = last_.wall,
                      .to = now.wall,
                      .count = static_cast<std::uint64_t>(missed)});
  } else if (late > interval_ / 2) {
    const WallTime due = now.wall - duration_cast<microseconds>(late);
    lapses.push_back({.cause = GapCause::late_tick, .from = due, .to = now.wall});
  }
}

void Schedule::advance(const Instant& now) {
  const nanoseconds late = now.monotonic - deadline_;
  deadline_ += interval_ * (late / interval_ + 1);
  last_ = now;
}

}  // namespace netrec
