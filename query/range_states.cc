#include "query/range_states.h"

#include <algorithm>

namespace netrec {

Result<RangeStates> states_of(Context& context, const TimeRange& range) {
  NETREC_TRY(timeline, context.timeline());
  NETREC_CHECKED(context.note_gaps(range));
  const TimelineSummary& summary = timeline->summary();
  if (range.to < summary.first_wall)
    return failure(ErrorKind::not_found, "the recording begins later, at {}",
                   human_time(summary.first_wall, TimeStyle::full));
  RangeStates states;
  FrameCursor cursor = timeline->cursor();
  NETREC_CHECKED(cursor.seek(std::max(range.from, summary.first_wall), Landing::state));
  states.before = cursor.snapshot();
  states.before_at = cursor.frame().wall;
  NETREC_CHECKED(cursor.seek(range.to, Landing::state));
  states.after = cursor.snapshot();
  states.after_at = cursor.frame().wall;
  context.note_damage(cursor.damage());
  return states;
}

}  // namespace netrec
