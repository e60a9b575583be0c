// The third part of a proof: what chunks say beside their frames. Rows of what ended in a chunk but
// began before it, the states such sockets went through, the names they refer to and the header's
// filters are told there once more, so that a search reads one chunk and nothing else. No hash
// spans them: they are compared with what the frames before add up to.
#pragma once

#include <string>
#include <vector>

#include "store/chunk.h"
#include "store/chunk_carry.h"
#include "store/database.h"
#include "store/search_proof.h"
#include "store/timeline.h"

namespace netrec {

class ChunkProof {
 public:
  /// `database` must outlive it.
  static Result<ChunkProof> open(const Database& database);

  /// Takes in the frame `cursor` is on; to be called for each, in order.
  /// Errors: io, and whatever a chunk that cannot be read gives.
  Status follow(const FrameCursor& cursor);

  /// Chunks that say something else.
  const std::vector<Damage>& damage() const { return damage_; }

  /// The search index, compared with the same frames; finish() it after the last.
  SearchProof& search() { return search_; }

 private:
  ChunkProof(Query row, SearchProof search) : row_(std::move(row)), search_(std::move(search)) {}

  Status begin_chunk(std::uint64_t sequence);
  Status check_chunk();
  Status compare(const ChunkReader& stored, const ChunkReader& derived,
                 const SearchKeys& keys) const;

  Query row_;
  SearchProof search_;
  ChunkCarry carry_;
  bool cut_ = false;  // the session's beginning is gone
  std::uint32_t session_ = 0;
  WallTime wall_{};          // of the frame before
  std::uint64_t first_ = 0;  // of the chunk being gathered; 0: none
  std::uint64_t last_ = 0;
  WallTime previous_wall_{};  // of the frame before it
  std::vector<Frame> frames_;
  std::vector<Socket> departed_;
  std::vector<Damage> damage_;
};

}  // namespace netrec
