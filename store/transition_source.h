// Tells the transitions of sockets whose chunks do not: those alive at the end of a session, and
// those that ended after its last chunk.
#pragma once

#include <tsl/robin_set.h>

#include <cstdint>
#include <string>
#include <vector>

#include "schema/key_hash.h"
#include "store/chunk_table.h"
#include "store/transition_book.h"

namespace netrec {

/// One session's place in the log.
struct SessionSpan {
  std::uint32_t id = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t started_us = 0;
  std::string boot;
};

class TransitionSource {
 public:
  /// Has it looked up, unless `row` says all there is to it.
  void want(const Socket& row, const SessionSpan& session);

  /// Reads the wanted ones out of the chunks of `session`. Chunks that cannot be read are passed
  /// over: whoever scans them tells. Errors: io.
  Status read(const Database& database, const SessionSpan& session, ChunkTable& chunks,
              std::vector<Damage>& damage);

  /// Takes in a frame that is walked, and (once its ends are told) drops what it closed.
  void follow(const Frame& frame, std::uint64_t previous_us);
  void forget(const Frame& frame);

  std::vector<Transition> of(const Socket& row) const;

 private:
  Status add(const ChunkReader& chunk);

  tsl::robin_set<std::uint64_t, KeyHash> wanted_;
  std::uint64_t first_opened_us_ = UINT64_MAX;
  TransitionBook book_;
};

}  // namespace netrec
