// What a TimelineWriter holds. Its parts: writing a tick (timeline_writer.cc), taking up a file
// (writer_recovery.cc), sealing (writer_sealing.cc), and retention (retention.h).
#pragma once

#include <optional>
#include <string>

#include "store/index.h"
#include "store/recorder_lock.h"
#include "store/sealer.h"
#include "store/timeline.h"
#include "store/timeline_writer.h"

namespace netrec {

/// Where the log ends, as far as it is written.
struct LogEnd {
  FrameHeader header;  ///< sequence 0: there is no frame
  ChainHash hash;      ///< after it
};

struct TimelineWriter::State {
  State(std::string file, const WriterOptions& writer_options, RecorderLock recorder_lock,
        Database opened)
      : path(std::move(file)),
        options(writer_options),
        lock(std::move(recorder_lock)),
        database(std::move(opened)) {}

  // writer_recovery.cc
  Status prepare();
  Status read_end();
  Status catch_up();
  /// The frame up to which each knows the log that is taken up.
  struct Known {
    std::uint64_t tables = 0;
    std::uint64_t sealer = 0;
  };
  Result<std::uint64_t> before_hot_frames() const;
  Status seal_found();
  Status follow_log(FrameCursor& cursor, const Known& known);
  Status follow_frame(const FrameCursor& cursor, const Known& known, bool after_damage);
  Status read_resume();

  // timeline_writer.cc
  Status write_tick(Frame& frame, std::span<const Socket> departed, const Snapshot& now,
                    Keyframe keyframe);
  Status write_delta(const Frame& frame, LogEnd& tail);
  Status write_keyframe(const Snapshot& now, LogEnd& tail);
  bool last_keyframe_pays() const;
  Status write_last_keyframe(const Snapshot& now);
  void take_in(const Frame& frame, std::span<const Socket> departed, const Snapshot& now,
               const LogEnd& delta_end, const LogEnd& tail);

  void make_room(const Error& error);

  // writer_sealing.cc
  bool seal_due() const;
  bool flush_due() const;
  Status flush(const Snapshot& now);
  Status install();
  Status seal(const Snapshot& now);
  Status install_group();
  Status keep_groups();
  Status group_rest();
  Result<Pruned> drop_old();

  std::string path;
  WriterOptions options;
  RecorderLock lock;
  Database database;
  std::optional<Query> insert_frame;
  std::optional<Query> insert_keyframe;
  std::optional<Index> index;
  std::optional<Sealer> sealer;

  Resume resume;
  LogEnd end;
  bool in_session = false;  // its first keyframe is written
  bool is_behind = false;   // a tick failed half way: what is in memory is not what is in the file

  /// Since the last keyframe.
  struct SinceKeyframe {
    WallTime wall{};                     // its time
    std::uint64_t keyframe_entries = 0;  // rows in it
    std::uint64_t entries = 0;           // of the deltas
    std::uint64_t stored_bytes = 0;      // of the deltas
  };
  SinceKeyframe since_keyframe;
  bool keyframe_written = false;           // in the last tick
  std::chrono::microseconds flushed_at{};  // boot clock: when the derived tables were
  std::string last_delta;                  // its canonical bytes
  std::size_t last_delta_stored = 0;
};

}  // namespace netrec
