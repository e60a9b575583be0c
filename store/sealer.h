// Seals hot frames into a chunk: keeps what encode_chunk() wants to know beside the frames
// themselves, which it reads back from their table.
//
// Everything hot is sealed at once, best where a keyframe was just written: then chunks and
// keyframes begin together and retention can drop both.
//
// What is cut off is not touched any more, so a thread of its own can encode it while ticks go on;
// only the exchange of the frames for their chunk needs the database, and stays with the writer. A
// recorder that is killed in between leaves hot frames.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/delta.h"
#include "schema/dense_map.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/chunk.h"
#include "store/database.h"
#include "store/packed_sockets.h"
#include "store/search_writer.h"
#include "store/timeline_writer.h"

namespace netrec {

class Sealer {
 public:
  /// `database` must outlive the sealer.
  static Result<Sealer> open(const Database& database);

  /// Where the keys of its chunks go, and become groups.
  SearchWriter& search() { return search_; }

  /// Takes up the log after frame `header`, whose state is `snapshot`. REQUIRES !is_sealing().
  void take_up(const Snapshot& snapshot, const FrameHeader& header, const ChainHash& hash);
  /// Notes a delta that was written as a hot frame, `stored_bytes` long; `hash`: after it.
  /// `canonical`: its bytes (frame_codec.h), or none.
  void follow(const Frame& frame, std::span<const Socket> departed, const ChainHash& hash,
              std::size_t stored_bytes, std::string canonical = {});
  /// Notes a keyframe that restates what was there.
  void pass_keyframe(const FrameHeader& header, const ChainHash& hash);

  std::uint64_t hot_frames() const { return hot_frames_; }
  std::uint64_t hot_bytes() const { return hot_bytes_; }

  /// Cuts the hot frames off and begins to encode them as one chunk. REQUIRES !is_sealing().
  Status begin(Sealing where);
  /// A chunk is being made, or is made and not in the file yet.
  bool is_sealing() const { return run_ != nullptr; }
  /// install() would not have to wait. REQUIRES is_sealing().
  bool is_ready() const;
  /// Puts the chunk in the place of its frames, in a transaction of the caller's; installed() is to
  /// be called once that is committed. Frames that a chunk cannot hold stay hot for ever.
  Status install();
  void installed();

 private:
  Sealer(Query read, Query insert, Query erase, SearchWriter search)
      : read_(std::move(read)),
        insert_(std::move(insert)),
        erase_(std::move(erase)),
        search_(std::move(search)) {}
  /// A frame as a place in the chain.
  struct Link {
    std::uint64_t sequence = 0;
    WallTime wall{};
    ChainHash hash;  // after it
  };
  /// A frame that is to be sealed.
  struct Stored {
    std::uint64_t sequence = 0;
    WallTime wall{};
    std::chrono::microseconds boot{};
    std::string data;
    bool packed = false;  // as it lies in its table; else its canonical bytes
  };
  /// What is cut off, and what becomes of it.
  struct Run {
    std::uint32_t session = 0;
    std::uint64_t first = 0;
    Link before;
    Link last;
    std::vector<Stored> stored;
    PackedSockets departed;
    std::future<Result<EncodedChunk>> encoding;
    std::optional<Result<EncodedChunk>> chunk;
    bool has_keys = false;  // they were written with it
  };
  Result<std::vector<Stored>> take_frames();
  Result<std::vector<Stored>> read_frames();
  static Result<EncodedChunk> encode(Run& run, ChunkCarry& carry);

  Query read_;
  Query insert_;
  Query erase_;
  SearchWriter search_;
  // As of the frame before the first hot one; while a run is encoded, that thread's.
  std::unique_ptr<ChunkCarry> carry_ = std::make_unique<ChunkCarry>();
  std::uint32_t session_ = 0;
  Link before_;      // the frame before the first hot one
  Link last_delta_;  // REQUIRES hot_frames_ > 0
  Link last_;        // that, or a keyframe after it
  std::uint64_t first_hot_ = 0;

  std::uint64_t hot_frames_ = 0;
  std::uint64_t hot_bytes_ = 0;
  // All hot frames, if each is long and together they are not too much: else they are read back.
  std::vector<Stored> kept_;
  std::size_t kept_bytes_ = 0;
  DenseSet<PackedNumber> opened_;  // sockets opened in hot frames: they are told there whole
  PackedSockets departed_;         // rows of those closed that were not
  std::unique_ptr<Run> run_;       // goes before carry_, which its thread uses
};

}  // namespace netrec
