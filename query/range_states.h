// The state of the host where a range begins and where it ends, for views that compare the two.
#pragma once

#include "query/context.h"

namespace netrec {

struct RangeStates {
  Snapshot before;  ///< at the range's beginning, or of the first frame after it
  Snapshot after;
  WallTime before_at{};  ///< of the frames
  WallTime after_at{};
};

/// Notes gaps and damage. Errors: not_found (the recording begins after the range).
Result<RangeStates> states_of(Context& context, const TimeRange& range);

}  // namespace netrec
