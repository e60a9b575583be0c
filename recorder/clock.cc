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

Instant SystemClock::now() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return {.wall = WallTime(duration_cast<microseconds>(read_clock(CLOCK_REALTIME))),
          .boot = duration_cast<microseconds>(read_clock(CLOCK_BOOTTIME)),
          .monotonic = read_clock(CLOCK_MONOTONIC)};
}

}  // namespace netrec
