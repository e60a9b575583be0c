// layer: store
// Asks a timeline by the library what there is to ask. What it answers does not matter, only that
// it answers.
#pragma once

#include <string>

#include "store/history.h"
#include "store/missing_frames.h"
#include "store/timeline.h"

namespace netrec {

inline void ask_timeline(const std::string& path) {
  const auto timeline = Timeline::open(path);
  if (!timeline) return;
  FrameCursor cursor = timeline->cursor();
  for (int i = 0; i < 200; ++i) {
    const auto more = cursor.next();
    if (!more || !*more) break;
  }
  for (int i = 0; i < 5; ++i) static_cast<void>(cursor.previous());
  static_cast<void>(cursor.seek(timeline->summary().last_wall));
  FrameCursor leaping = timeline->cursor();
  const TimelineSummary& summary = timeline->summary();
  static_cast<void>(leaping.seek_sequence(
      summary.first_sequence + (summary.last_sequence - summary.first_sequence) / 2,
      Landing::state));
  static_cast<void>(leaping.seek(summary.last_wall, Landing::state));
  static_cast<void>(timeline->gaps());
  static_cast<void>(timeline->sessions());
  static_cast<void>(missing_frames(*timeline));
  static_cast<void>(
      scan_connections(*timeline, {}, [](const Connection&, const Snapshot&) { return true; }));
}

}  // namespace netrec
