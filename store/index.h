// The derived tables, kept beside the log by following its frames. Sessions and gaps are written in
// each tick; the rest is gathered in memory and written when frames are sealed, together with the
// mark that says how far the tables know the log.
//
// The writer follows with it as it writes, recovery and the proof as they read: one way to derive.
#pragma once

#include <cstdint>
#include <span>

#include "schema/delta.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/database.h"
#include "store/names.h"
#include "store/session_table.h"

namespace netrec {

/// How far the derived tables follow the log.
struct Mark {
  std::uint64_t sequence = 0;  ///< 0: nothing yet
  ChainHash hash;
  NextIds next_ids;
};

/// The mark in the file; all zero if there is none. Errors: corrupt, io.
Result<Mark> read_mark(const Database& database);

class Index {
 public:
  /// `database` must outlive the index. Nothing is known until begin().
  static Result<Index> open(const Database& database, const NextIds& next_ids);

  /// Takes up the log after a keyframe that begins a session, in the transaction that writes it.
  Status begin_session(const Snapshot& snapshot, std::uint64_t sequence);
  /// Takes up the log at any other place, where the tables in the file are as of `snapshot`.
  void take_up(const Snapshot& snapshot);
  /// In the transaction of the tick: `frame` is a delta.
  Status follow(const Frame& frame, std::span<const Socket> departed);
  /// Writes what was gathered, in a transaction of the caller's.
  Status flush(std::uint64_t sequence, const ChainHash& hash);

  const NextIds& next_ids() const { return next_ids_; }

 private:
  Index(SessionTable sessions, Query mark, const NextIds& next_ids)
      : sessions_(std::move(sessions)), mark_(std::move(mark)), next_ids_(next_ids) {}

  Names names_;
  SessionTable sessions_;
  Query mark_;
  NextIds next_ids_;
};

}  // namespace netrec
