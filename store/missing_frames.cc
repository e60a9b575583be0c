#include "store/missing_frames.h"

#include <algorithm>

#include "store/database.h"

namespace netrec {

namespace {

// A chunk's run of sequences includes the keyframes in between.
constexpr const char* kRuns = R"(
  SELECT first_sequence, last_sequence, least_wall_us, most_wall_us FROM chunk
  UNION ALL SELECT sequence, sequence, wall_us, wall_us FROM keyframe
  UNION ALL SELECT sequence, sequence, wall_us, wall_us FROM frame
  ORDER BY 1)";

WallTime wall_of(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(std::max<std::int64_t>(microseconds, 0)));
}

}  // namespace

Result<std::vector<Damage>> missing_frames(const Timeline& timeline) {
  const TimelineSummary& summary = timeline.summary();
  std::vector<Damage> holes;
  if (summary.frames == 0) return holes;
  if (summary.frames == summary.last_sequence - summary.first_sequence + 1) return holes;
  NETREC_TRY(runs, timeline.database().prepare(kRuns));
  std::uint64_t covered = summary.first_sequence - 1;
  std::int64_t wall_us = summary.first_wall.time_since_epoch().count();
  NETREC_TRY(more, runs.first());
  while (more) {
    const auto first = static_cast<std::uint64_t>(runs.integer(0));
    const auto last = static_cast<std::uint64_t>(runs.integer(1));
    if (first > covered + 1)
      holes.push_back({covered + 1, first - 1, wall_of(wall_us), wall_of(runs.integer(2)),
                       "these frames are not in the file"});
    if (last > covered) {
      covered = last;
      wall_us = runs.integer(3);
    }
    NETREC_TRY(next, runs.next());
    more = next;
  }
  return holes;
}

}  // namespace netrec
