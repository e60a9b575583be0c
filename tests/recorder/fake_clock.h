// A Clock that a test moves.
#pragma once

#include <chrono>

#include "recorder/clock.h"

namespace netrec {

class FakeClock final : public Clock {
 public:
  Instant now() override { return time; }

  /// The host is awake and nobody sets its clock.
  void pass(std::chrono::nanoseconds span) {
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(span);
    time.wall += whole;
    time.boot += whole;
    time.monotonic += span;
  }
  void sleep(std::chrono::microseconds span) {
    time.wall += span;
    time.boot += span;
  }

  Instant time{.wall = WallTime(std::chrono::seconds(1'700'000'000)),
               .boot = std::chrono::seconds(5'000),
               .monotonic = std::chrono::seconds(4'000)};
};

}  // namespace netrec
