// What a recording says of itself to people: at its start, while it runs, and at its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "recorder/clock.h"
#include "recorder/recording.h"

namespace netrec {

/// What is recorded, where, and what cannot be seen.
std::vector<std::string> opening_lines(const RecordOptions& options, const Recording& recording);

/// What was recorded, and what to run next.
std::vector<std::string> summary_lines(const Recording& recording);

/// The status line: "12345 sockets, 27 new/s, 360 frames, 1.4 MiB, 0.3 % of a CPU".
class Progress {
 public:
  explicit Progress(const Instant& start);

  /// Once a second.
  bool is_due(const Instant& now) const;
  std::string line(const RecordingTotals& totals, bool is_paused, const Instant& now);

 private:
  std::chrono::nanoseconds said_at_;
  std::chrono::nanoseconds cpu_at_;
  std::uint64_t opened_at_ = 0;
};

}  // namespace netrec
