// Seals hot frames into a chunk: keeps what encode_chunk() wants to know beside the frames
// themselves, which it reads back from their table.
//
// Everything hot is sealed at once, best where a keyframe was just written: then chunks and
// keyframes begin together and retention can drop both.
#pragma once

#include <tsl/robin_set.h>

#include <cstdint>
#include <span>
#include <vector>

#include "schema/delta.h"
#include "schema/key_hash.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/chunk_carry.h"
#include "store/database.h"

namespace netrec {

class Sealer {
 public:
  /// `database` must outlive the sealer.
  static Result<Sealer> open(const Database& database);

  /// Takes up the log after frame `header`, whose state is `snapshot`.
  void take_up(const Snapshot& snapshot, const FrameHeader& header, const ChainHash& hash);
  /// Notes a delta that was written as a hot frame, `stored_bytes` long; `hash`: after it.
  void follow(const Frame& frame, std::span<const Socket> departed, const ChainHash& hash,
              std::size_t stored_bytes);
  /// Notes a keyframe that restates what was there.
  void pass_keyframe(const FrameHeader& header, const ChainHash& hash);

  std::uint64_t hot_frames() const { return hot_frames_; }
  std::uint64_t hot_bytes() const { return hot_bytes_; }

  /// Makes the hot frames one chunk, in a transaction of the caller's; sealed() is to be called
  /// once that is committed. Frames that a chunk cannot hold stay hot for ever.
  Status seal();
  void sealed();

 private:
  Sealer(Query read, Query insert, Query erase)
      : read_(std::move(read)), insert_(std::move(insert)), erase_(std::move(erase)) {}
  /// A frame as a place in the chain.
  struct Link {
    std::uint64_t sequence = 0;
    WallTime wall{};
    ChainHash hash;  // after it
  };
  Result<std::vector<Frame>> read_frames();

  Query read_;
  Query insert_;
  Query erase_;
  ChunkCarry carry_;
  std::uint32_t session_ = 0;
  Link before_;      // the frame before the first hot one
  Link last_delta_;  // REQUIRES hot_frames_ > 0
  Link last_;        // that, or a keyframe after it
  std::uint64_t first_hot_ = 0;

  std::uint64_t hot_frames_ = 0;
  std::uint64_t hot_bytes_ = 0;
  // Sockets opened in hot frames: they are told there whole.
  tsl::robin_set<std::uint64_t, KeyHash> opened_;
  std::vector<Socket> departed_;     // rows of those closed that were not
  std::vector<Frame> being_sealed_;  // between seal() and sealed()
};

}  // namespace netrec
