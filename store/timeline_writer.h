// Appends frames to a timeline: one transaction a tick, a hash chain over the frames' canonical
// bytes, keyframes when the deltas outgrow them, sealing into chunks, retention, and the derived
// tables any SQLite client reads.
//
// States another program can find the file in: before a tick, after it, never between; hot frames
// not sealed yet (normal, or left by a killed recorder); derived tables behind the last chunks (the
// same); a session without end (a killed recorder).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "schema/delta.h"
#include "schema/result.h"

namespace netrec {

/// Where a chunk is encoded: in maintain() itself, or by a thread beside it while ticks go on.
enum class Sealing { here, aside };

struct WriterOptions {
  std::uint64_t max_size_bytes = 0;  ///< of the file; 0: no limit
  std::chrono::seconds max_age{0};   ///< of the oldest frame; 0: no limit
  std::uint32_t seal_after_frames = 4096;
  std::uint64_t seal_after_bytes = 4 << 20;        ///< of hot frames
  std::uint64_t keyframe_after_entries = 460'000;  ///< of deltas, at least (docs/decisions/0012)
  std::chrono::seconds tables_every{60};  ///< the gathered ones, where frames are sealed; 0: always
  Sealing sealing = Sealing::here;
  bool sync_every_tick = false;  ///< survive a power cut to the tick (docs/decisions has the price)
};

/// Where a file was left, for whoever goes on writing it.
struct Resume {
  std::uint64_t last_sequence = 0;  ///< 0: the file is new
  WallTime last_wall{};
  std::chrono::microseconds last_boot{};
  std::string last_boot_id;    ///< of the last session; "" if there was none
  bool ended_properly = true;  ///< false: the last session has no end (killed, power cut)
  // Ids are never reused in a file: the next free one of each kind.
  std::uint32_t next_session = 1;
  std::uint64_t next_gap = 1;
  std::uint32_t next_text = 1;
  std::uint32_t next_process = 1;
  std::uint32_t next_network_namespace = 1;
  std::uint32_t next_counter = 1;
  std::uint32_t next_peer = 1;
  std::uint32_t next_resolution = 1;
};

/// What retention dropped, to be written down as a Gap by the recorder.
struct Pruned {
  std::uint64_t frames = 0;
  WallTime from{};
  WallTime to{};
};

/// Whether a tick also writes the whole state.
enum class Keyframe { no, yes };

class TimelineWriter {
 public:
  /// Creates the file, or goes on with it. Takes the lock `path`.lock, which holds our pid; `busy`
  /// with the other recorder's pid if somebody has it. Frames a killed recorder left unsealed are
  /// sealed here. Errors: busy, permission, unsupported (newer format), corrupt (not a timeline),
  /// io.
  static Result<TimelineWriter> open(const std::string& path, const WriterOptions& options);

  TimelineWriter(TimelineWriter&&) noexcept;
  TimelineWriter& operator=(TimelineWriter&&) noexcept;
  /// Without close(), leaves the file as a killed recorder would.
  ~TimelineWriter();

  const Resume& resume() const;

  /// True if the deltas since the last keyframe have outgrown it (or none was written yet): the
  /// next append() wants the snapshot. The recorder first closes the texts and processes that
  /// nothing refers to any more.
  bool keyframe_due() const;

  /// Writes one tick in one transaction: `frame` (its sequence is set here; kind delta; lists in
  /// canonical order, see sort()), then, if `keyframe` says so, a keyframe of `now` at the same
  /// time. `now` is the state after the frame; `departed` are the rows, as last seen, of the
  /// sockets in frame.delta's closed list (departed_in()). The first tick of a session is a
  /// keyframe only: `frame.delta` must be empty then, and `keyframe` yes. Nothing is written if it
  /// fails. Errors: full (no room: try again later with a later frame that tells everything since
  /// the last one written), io, corrupt.
  Status append(Frame& frame, std::span<const Socket> departed, const Snapshot& now,
                Keyframe keyframe);

  /// Seals what is due and applies retention; to be called after append(), in the tick's spare
  /// time, with the same state. With Sealing::aside a chunk that is begun here comes into the file
  /// some ticks later. Returns what was dropped (frames == 0: nothing).
  Result<Pruned> maintain(const Snapshot& now);

  /// Seals the hot frames, moves the write-ahead log into the file and closes it: one plain file is
  /// left. The session's end must have been appended before (Session closed in the last frame).
  /// Whatever comes of it, the writer is done afterwards.
  Status close(const Snapshot& now);

  std::uint64_t file_bytes() const;  ///< size on disk, write-ahead log included
  std::uint64_t last_sequence() const;
  const std::string& path() const;

 private:
  struct State;
  explicit TimelineWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The pid of the recorder that holds `path`, or not_found.
Result<int> recorder_of(const std::string& path);

}  // namespace netrec
