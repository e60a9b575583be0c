// The frames of a part of the log in the order of their time, as runs that follow each other in the
// log: one a chunk, mostly, or more where the clock was set back.
//
// Of a chunk the times of its frames are read when the order comes to it, and not before.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "store/chunk_table.h"
#include "store/frame_walk.h"

namespace netrec {

class FrameOrder {
 public:
  /// `timeline` must outlive it.
  static Result<FrameOrder> open(const Timeline& timeline, const FrameRange& range,
                                 bool descending);

  /// The next run, to be read from its end if the order descends; nothing after the last.
  Result<std::optional<FrameRun>> next();
  /// What could not be read so far.
  const std::vector<Damage>& damage() const { return damage_; }

 private:
  /// A place in the order: of a frame, or where a chunk begins in it.
  struct Place {
    std::int64_t time = 0;  ///< the other way round if the order descends
    std::int64_t sequence = 0;

    bool operator>(const Place& other) const {
      return std::pair(time, sequence) > std::pair(other.time, other.sequence);
    }
  };
  struct Chunk {
    Place place;
    ChunkTable::Listed listed;

    bool operator>(const Chunk& other) const { return place > other.place; }
  };
  template <class T>
  using Earliest = std::priority_queue<T, std::vector<T>, std::greater<T>>;

  FrameOrder(ChunkTable chunks, const FrameRange& range, bool descending)
      : table_(std::move(chunks)), range_(range), descending_(descending) {}
  Status list_chunks();
  Status list_frames(const Database& database, const char* sql);
  Status read_chunk();
  void add_frame(std::uint64_t sequence, std::int64_t wall_us);
  Place place_of(std::uint64_t sequence, WallTime wall) const;
  /// The other way round if the order descends, and back again; of the least number, too.
  std::int64_t turned(std::int64_t value) const { return descending_ ? ~value : value; }

  ChunkTable table_;
  const FrameRange range_;
  const bool descending_;
  Earliest<Chunk> chunks_;
  Earliest<Place> frames_;
  std::vector<Damage> damage_;
};

/// The first frame of the log at or after `wall`, wherever the clock was set back to later; where
/// its chunk cannot be read, the chunk's first. 0: there is none. Errors: corrupt (not to be
/// found), io.
Result<std::uint64_t> first_sequence_from(const Timeline& timeline, WallTime wall);

}  // namespace netrec
