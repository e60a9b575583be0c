// The three clocks of a recorder behind one seam, so that lateness, suspends and stepped clocks can
// be tested without waiting for them.
#pragma once

#include <chrono>
#include <cstdint>

#include "schema/delta.h"

namespace netrec {

/// One moment on all three clocks.
struct Instant {
  WallTime wall{};                       ///< CLOCK_REALTIME: may be stepped
  std::chrono::microseconds boot{};      ///< CLOCK_BOOTTIME: runs on while the host sleeps
  std::chrono::nanoseconds monotonic{};  ///< CLOCK_MONOTONIC: stands still while the host sleeps
};

/// As the schema's fields have it: microseconds since 1970.
inline std::uint64_t microseconds_of(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

/// The wall clock at `boot` (CLOCK_BOOTTIME), as it goes now.
inline WallTime wall_at(const Instant& now, std::chrono::microseconds boot) {
  return now.wall - (now.boot - boot);
}

/// All three clocks at `boot`, a little before `now`.
inline Instant moment_at(const Instant& now, std::chrono::microseconds boot) {
  return {.wall = wall_at(now, boot), .boot = boot, .monotonic = now.monotonic - (now.boot - boot)};
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
};

/// The wall clock at moments of the boot clock that events bear. Read anew only for an event
/// younger than the last reading: once for all that were taken in together, not three clocks for
/// each.
class WallTimes {
 public:
  explicit WallTimes(Clock& clock) : clock_(clock) {}

  WallTime at(std::chrono::microseconds boot) {
    if (boot > last_.boot) last_ = clock_.now();
    return wall_at(last_, boot);
  }
  /// When the clocks were last read.
  WallTime last() const { return last_.wall; }

 private:
  Clock& clock_;
  Instant last_{};
};

/// The host's clocks (clock_gettime(2)).
class SystemClock final : public Clock {
 public:
  Instant now() override;
};

}  // namespace netrec
