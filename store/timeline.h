// Reads a timeline: what it covers, and a cursor that rebuilds the host's state at any frame and
// steps both ways. Works beside a running recorder and sees whole ticks only.
//
// A timeline is hostile input: damage is collected and reported, never passed over and never fatal
// where the rest can answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/delta.h"
#include "schema/gap.h"
#include "schema/result.h"
#include "schema/session.h"
#include "store/chain.h"

namespace netrec {

class Database;

/// A part of the log that cannot be read, or does not fit what is around it.
struct Damage {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  WallTime from{};
  WallTime to{};  ///< until here (the next keyframe) the rebuilt state may be incomplete
  std::string what;
};

/// What costs the same to know whatever the file's size.
struct TimelineSummary {
  std::string path;
  std::uint64_t file_bytes = 0;      ///< with the write-ahead log
  std::uint64_t first_sequence = 0;  ///< 0: no frame yet
  std::uint64_t last_sequence = 0;
  WallTime first_wall{};
  WallTime last_wall{};
  int format_version = 0;
};

/// Counted row by row, of the rows that can be read.
struct LogTotals {
  std::uint64_t frames = 0;
  std::uint64_t chunks = 0;
  std::uint64_t chunk_bytes = 0;
  std::uint64_t hot_frames = 0;
  std::uint64_t hot_bytes = 0;
  std::uint64_t keyframes = 0;
  std::uint64_t keyframe_bytes = 0;
};

/// A session with its texts spelled out (the ids in the Session are 0).
struct RecordedSession : Session {
  std::uint64_t first_sequence = 0;  ///< of its first frame, a keyframe
  std::uint64_t ended_us = 0;        ///< 0: it goes on, or its recorder was killed
  std::string host_name;
  std::string boot;
  std::string machine;
  std::string kernel_release;
  std::string netrec_version;
  std::string command_line;
  std::string zone;
  std::string not_seen;  ///< what it could not see, for people
};

/// A gap with its text (the id in the Gap is 0).
struct RecordedGap : Gap {
  std::uint32_t session = 0;  ///< that wrote it down
  std::string text;
};

class FrameCursor;

class Timeline {
 public:
  /// Opens read-only. Errors: not_found, permission, unsupported (with the version needed), corrupt
  /// (not a timeline), io.
  static Result<Timeline> open(const std::string& path);

  Timeline(Timeline&&) noexcept;
  Timeline& operator=(Timeline&&) noexcept;
  ~Timeline();

  const TimelineSummary& summary() const;
  /// Takes time that grows with the file.
  Result<LogTotals> totals() const;

  /// Looks again at what a running recorder has added since; true if there is more.
  Result<bool> refresh();
  /// Another number whenever open() or refresh() may have seen the file change; no two timelines
  /// have the same.
  std::uint64_t version() const;

  /// A cursor before the first frame, over what open() or refresh() saw. It must not outlive the
  /// timeline.
  FrameCursor cursor() const;

  /// The last frame at or before `wall` (by sequence: where the clock was set back, the later pass
  /// counts); not_found if the timeline begins later.
  Result<std::uint64_t> sequence_at(WallTime wall) const;

  /// All gaps and sessions of the whole file, from the derived tables, oldest first.
  Result<std::vector<RecordedGap>> gaps() const;
  Result<std::vector<RecordedSession>> sessions() const;

  /// True if the wall clock is known to have always gone on (store/history_order.h).
  bool is_clock_steady() const;

  /// States history asks for again and again: those at the ends of sessions, as far as they are
  /// small. nullptr: the one after frame `sequence` is not kept.
  struct KeptState {
    Snapshot snapshot;
    WallTime wall{};  ///< of the frame
  };
  std::shared_ptr<const KeptState> kept_state(std::uint64_t sequence) const;
  void keep_state(std::uint64_t sequence, const Snapshot& snapshot, WallTime wall) const;

  /// For what else in store/ reads the tables.
  const Database& database() const;

  struct State;

 private:
  explicit Timeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What is wanted of the frame one goes to.
enum class Landing {
  frame,  ///< all of it
  state,  ///< the state after it: its delta, and who departed in it, may be missing. In half the
          ///< time
};

/// Where one stands in the log: the frame just carried out, and the state of the host after it.
/// Every move reads only the keyframe before its goal and the deltas up to it.
class FrameCursor {
 public:
  /// Over the frames up to `last_sequence`. `database` must outlive the cursor.
  FrameCursor(const Database& database, std::uint64_t last_sequence);
  FrameCursor(FrameCursor&&) noexcept;
  FrameCursor& operator=(FrameCursor&&) noexcept;
  ~FrameCursor();

  /// Another cursor at the same frame: from here to a later one is mostly nearer than from its
  /// keyframe, and what is unpacked is shared.
  FrameCursor fork() const;

  /// Goes to the last frame at or before `wall`. Errors: not_found (the timeline begins later), io.
  Status seek(WallTime wall, Landing landing = Landing::frame);
  Status seek_sequence(std::uint64_t sequence, Landing landing = Landing::frame);
  /// Steps to the next frame that is readable; false at the end.
  Result<bool> next();
  /// Steps back; false at the beginning.
  Result<bool> previous();

  /// REQUIRES: the last move succeeded.
  const Frame& frame() const;
  /// State after frame(). In a keyframe that restates, nothing has changed. The delta of a keyframe
  /// is left empty: the snapshot says it all.
  const Snapshot& snapshot() const;
  /// True if frame() is a keyframe that begins a session: what the snapshot held before is not what
  /// changed into this one.
  bool begins_session() const;
  /// The hash chain after frame(), where the file keeps it (not between the frames of a chunk).
  std::optional<ChainHash> hash() const;
  /// The sockets frame() closed, as they were last seen.
  const std::vector<Socket>& departed() const;

  /// What could not be read on the way so far.
  const std::vector<Damage>& damage() const;

 private:
  struct Position;
  std::unique_ptr<Position> position_;
};

}  // namespace netrec
