// The log as one sequence of frames, whichever table holds them: hot frames, keyframes, chunks.
// What the cursor, the writer's recovery and the proof stand on.
//
// Each call reads the tables anew, hot frames before chunks: a frame that is sealed by a running
// recorder between two calls is found in its new place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "schema/delta.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/database.h"

namespace netrec {

/// A frame's place in the log without its content.
struct LogEntry {
  FrameHeader header;
  std::optional<ChainHash> previous;  ///< chain before it, where it is kept
  std::optional<ChainHash> hash;      ///< chain after it, where it is kept (not inside a chunk)
};

/// What stands in the frame and keyframe tables' data column for `canonical`: itself, or where that
/// is shorter a zstd frame of it and four bytes of checksum over that (some of zstd's bits mean
/// nothing, and a flip of one shall be found too). A zstd frame begins with 0x28, which is no
/// EntityKind.
std::string pack_frame(std::string_view canonical);
/// Undoes it. Errors: corrupt.
Result<std::string> unpack_frame(std::string_view data);

class LogReader {
 public:
  /// `database` must outlive the reader.
  static Result<LogReader> open(const Database& database);
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  /// First and last sequence there is; 0 if there is no frame.
  Result<std::uint64_t> first_sequence();
  Result<std::uint64_t> last_sequence();
  /// The next frame there is after `sequence`, leaving out chunks that cannot be read; 0 if there
  /// is none.
  Result<std::uint64_t> sequence_after(std::uint64_t sequence);
  /// The last frame at or before `wall`, by sequence, up to `last`; 0 if there is none.
  Result<std::uint64_t> sequence_at(WallTime wall, std::uint64_t last);
  /// The wall clock of frame `sequence`; of a chunk that cannot be read, where it begins (before)
  /// or ends (after). Errors: not_found, corrupt, io.
  enum class Side { before, after };
  Result<WallTime> wall_of(std::uint64_t sequence, Side side);
  /// Keyframes around; 0 if there is none.
  Result<std::uint64_t> keyframe_at_or_before(std::uint64_t sequence);
  Result<std::uint64_t> keyframe_after(std::uint64_t sequence);

  /// The entry of `sequence`. Errors: not_found, corrupt, io.
  Result<LogEntry> entry(std::uint64_t sequence);
  /// The frame entry() found last: its delta, or (a keyframe) the whole state as a delta from
  /// nothing. `check_against`: the chain before it, if known; what does not fit is corrupt.
  Result<Delta> content(const std::optional<ChainHash>& check_against);
  /// Its canonical bytes, unchecked.
  Result<std::string> canonical();
  /// Turns `state`, that before frame `first`, into that after `last` or, if that comes earlier,
  /// the last frame of the chunk, which is returned; without making the frames in between. nullopt,
  /// and nothing changed, if they are not all in one chunk that can be read, do not follow `chain`
  /// (the one before `first`), or are cheaper one by one. Errors: corrupt, and `state` is half
  /// changed.
  Result<std::optional<LogEntry>> carry_out(std::uint64_t first, std::uint64_t last,
                                            const std::optional<ChainHash>& chain, Snapshot& state);
  /// Has the chunk that `other` unpacked last, as if it had been unpacked here.
  void share_chunk(const LogReader& other);
  /// First sequence of the chunk that holds it; 0: it is a row of its own.
  std::uint64_t chunk_of_entry() const;

 private:
  struct State;
  explicit LogReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace netrec
