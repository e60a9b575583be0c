// When the next tick is due, and what a tick that came at the wrong time says about the time since
// the last one: late, missed, slept through, or told by another clock.
//
// Deadlines are start + n × interval of the monotonic clock, so lateness never adds up. Pure: it is
// told the time and reads no clock.
#pragma once

#include <chrono>
#include <vector>

#include "recorder/clock.h"
#include "schema/gap.h"

namespace netrec {

/// A stretch of time something was wrong with.
struct Lapse {
  GapCause cause = GapCause::late_tick;
  WallTime from{};
  WallTime to{};
  std::uint64_t count = 0;  ///< missed_tick: how many

  bool operator==(const Lapse&) const = default;
};

/// A wall clock that is off by more than this from what the boot clock says was set, not slewed
/// (adjtime(3) moves it by half a millisecond a second).
inline constexpr std::chrono::milliseconds kClockStep{100};
/// CLOCK_BOOTTIME ahead of CLOCK_MONOTONIC by more than this since the last tick: the host slept.
inline constexpr std::chrono::milliseconds kSuspend{100};

class Schedule {
 public:
  /// The first tick is due at once. REQUIRES: interval > 0.
  Schedule(std::chrono::nanoseconds interval, const Instant& start);

  /// CLOCK_MONOTONIC of the next tick.
  std::chrono::nanoseconds deadline() const { return deadline_; }

  /// A tick begins. REQUIRES: its deadline has come. Returns what was wrong since the last one, and
  /// goes on to the next deadline that lies ahead.
  std::vector<Lapse> begin_tick(const Instant& now);

  /// Nobody wanted a tick until now (recording was paused): what lies behind is not a lapse.
  void resume(const Instant& now);

 private:
  bool has_slept(const Instant& now) const;
  void note_suspend(const Instant& now, std::vector<Lapse>& lapses) const;
  void note_clock_step(const Instant& now, std::vector<Lapse>& lapses) const;
  void note_lateness(const Instant& now, std::vector<Lapse>& lapses) const;
  void advance(const Instant& now);

  std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds deadline_;
  Instant last_;
};

}  // namespace netrec
