#include "recorder/clock.h"

#include <ctime>

namespace netrec {

namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

// The three are read one after another; whoever is held up in between would tie a wall clock to the
// wrong boot clock, and every event's time with it.
Instant SystemClock::now() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  constexpr std::chrono::nanoseconds kTogether = microseconds(20);
  constexpr int kMostTries = 5;
  Instant now;
  for (int tries = 1;; ++tries) {
    const std::chrono::nanoseconds boot = read_clock(CLOCK_BOOTTIME);
    now = {.wall = WallTime(duration_cast<microseconds>(read_clock(CLOCK_REALTIME))),
           .boot = duration_cast<microseconds>(boot),
           .monotonic = read_clock(CLOCK_MONOTONIC)};
    if (read_clock(CLOCK_BOOTTIME) - boot < kTogether || tries == kMostTries) return now;
  }
}

}  // namespace netrec
