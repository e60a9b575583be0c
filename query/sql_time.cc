#include "query/sql_time.h"

#include "query/time_spec.h"

namespace netrec {

Result<WallTime> read_sql_time(std::string_view text, const Timeline& timeline) {
  NETREC_TRY(spec, parse_time(text));
  const TimelineSummary& summary = timeline.summary();
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  NETREC_TRY(moment, resolve(spec, {summary.first_wall, summary.last_wall, now}));
  if (!moment.sequence) return moment.wall;
  FrameCursor cursor = timeline.cursor();
  NETREC_CHECKED(cursor.seek_sequence(*moment.sequence));
  return cursor.frame().wall + moment.shift;
}

}  // namespace netrec
