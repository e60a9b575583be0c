// The derived tables `session` and `gap`: written in the transaction of the tick that brings them,
// because a reader beside the recorder asks for them first.
#pragma once

#include "schema/delta.h"
#include "schema/result.h"
#include "store/database.h"
#include "store/names.h"

namespace netrec {

class SessionTable {
 public:
  /// `database` must outlive the table.
  static Result<SessionTable> open(const Database& database);

  /// Takes up what is open in `snapshot`, as it is in the tables already.
  void take_up(const Snapshot& snapshot);
  /// Takes it up and writes it: `snapshot` is of keyframe `sequence`, which begins a session.
  Status begin(const Snapshot& snapshot, const Names& names, std::uint64_t sequence);
  /// Writes down what `frame` says of sessions and gaps. REQUIRES: `names` has followed it.
  Status follow(const Frame& frame, const Names& names);

 private:
  SessionTable(Query session, Query session_end, Query gap)
      : session_(std::move(session)), session_end_(std::move(session_end)), gap_(std::move(gap)) {}
  Status write(const Session& row, const Names& names, std::uint64_t sequence);
  Status write(const Gap& row, const Names& names);

  Query session_;
  Query session_end_;
  Query gap_;
  Table<Session> sessions_;  // those open
  Table<Gap> gaps_;
  std::uint32_t present_ = 0;  // id of the newest session
};

}  // namespace netrec
