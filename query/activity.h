// How much happened when: openings and closings over a whole recording, counted in the background
// while the replay already runs, and which of that time is a gap.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "query/context.h"

namespace netrec {

class Activity {
 public:
  /// Starts counting on a thread of its own, which opens the file for itself.
  Activity(std::string path, const TimeRange& range);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

  /// Openings and closings in each of `columns` equal parts of the range, as far as counted.
  std::vector<std::uint64_t> columns(std::size_t columns) const;
  bool finished() const { return finished_; }

 private:
  static constexpr std::size_t kSlots = 4096;
  void count();

  std::string path_;
  TimeRange range_;
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> counts_;
  std::atomic<bool> finished_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Time in which sockets may have come and gone unseen.
struct HiddenTime {
  WallTime from{};
  WallTime to{};
  GapCause cause = GapCause::damaged;
};

/// The gaps that hide time, oldest first.
Result<std::vector<HiddenTime>> hidden_times(const Timeline& timeline);

/// For each of `columns` equal parts of the range: does hidden time touch it?
std::vector<bool> hidden_columns(const std::vector<HiddenTime>& hidden, const TimeRange& range,
                                 std::size_t columns);

/// The column of `at` among `columns` of the range.
std::size_t column_of(WallTime at, const TimeRange& range, std::size_t columns);

}  // namespace netrec
