#include "query/sql_time.h"

#include "query/time_spec.h"

namespace netrec {

Result<WallTime> read_sql_time(std::string_view text, const TimeBounds& bounds) {
  NETREC_TRY(spec, parse_time(text));
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  NETREC_TRY(moment, resolve(spec, {bounds.first, bounds.last, now}));
  if (!moment.sequence) return moment.wall;
  if (bounds.timeline == nullptr)
    return failure(ErrorKind::invalid_argument,
                   "frames are counted in one timeline, not in several");
  FrameCursor cursor = bounds.timeline->cursor();
  NETREC_CHECKED(cursor.seek_sequence(*moment.sequence, Landing::state));
  if (cursor.frame().sequence != *moment.sequence)
    return failure(ErrorKind::corrupt,
                   "frame #{} cannot be read; the last one before it that can is #{}",
                   *moment.sequence, cursor.frame().sequence);
  return cursor.frame().wall + moment.shift;
}

}  // namespace netrec
