// The first half of a proof: every frame is there, in order, and hashes to what the chain says.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/result.h"
#include "store/database.h"
#include "store/log_reader.h"
#include "store/timeline.h"

namespace netrec {

class ChainProof {
 public:
  /// Returns false to stop.
  using Step = std::function<bool()>;

  /// `database` must outlive the proof.
  static Result<ChainProof> open(const Database& database);

  /// Walks the log; `step` is called once a frame. Errors: io, busy (stopped).
  Status run(const Step& step);

  const std::vector<Damage>& damage() const { return damage_; }
  std::uint64_t sound_frames() const { return sound_; }
  const ChainHash& chain() const { return chain_; }  ///< after the last sound frame
  std::uint64_t pruned_up_to() const { return pruned_up_to_; }

 private:
  ChainProof(const Database& database, LogReader log, Query chunk)
      : database_(&database), log_(std::move(log)), chunk_(std::move(chunk)) {}

  Status read_beginning();
  Status check_frame(std::uint64_t sequence);
  Status check_row(const LogEntry& entry);
  Status check_in_chunk(const LogEntry& entry);
  Status check_chunk_row(std::uint64_t first_sequence);
  Status check_mark(std::uint64_t last);
  Status check_totals(std::uint64_t last, std::uint64_t seen);
  Status damaged(std::uint64_t first, std::uint64_t last, std::string what);
  void accept(const LogEntry& entry, const ChainHash& hash);

  const Database* database_;
  LogReader log_;
  Query chunk_;

  // What the chain may be before the next frame: one hash, or two after a frame that is bad (its
  // content or its hash may be what was altered); none: it is not known.
  std::vector<ChainHash> before_;
  ChainHash chain_;
  WallTime wall_{};
  std::uint64_t sound_ = 0;
  std::uint64_t pruned_up_to_ = 0;
  std::uint64_t checked_chunk_ = 0;
  std::vector<Damage> damage_;
};

}  // namespace netrec
