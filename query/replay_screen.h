// The replay on a terminal: keys in, moves out, and the clock that plays.
#pragma once

#include <chrono>
#include <string>

#include "query/activity.h"
#include "query/context.h"
#include "query/replay.h"
#include "query/replay_drawing.h"
#include "query/screen.h"

namespace netrec {

struct ReplayOptions {
  double speed = 1;
  bool follow = false;
  std::string filter;  ///< as written; the replay has it already
};

/// Plays until the user quits. REQUIRES: `replay` stands on a frame.
Status run_replay_screen(Context& context, Replay& replay, const TimeRange& range,
                         const ReplayOptions& options);

}  // namespace netrec
