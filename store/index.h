// The derived tables, kept beside the log by following its frames. What is rare is written in each
// tick (sessions, gaps, processes, listeners, interfaces); the rest is gathered in memory and
// written where frames are sealed, together with the mark that says how far the tables know the
// log.
//
// The writer follows with it as it writes, recovery and the proof as they read: one way to derive.
#pragma once

#include <cstdint>
#include <span>

#include "schema/delta.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/connection_table.h"
#include "store/database.h"
#include "store/destination_table.h"
#include "store/listener_table.h"
#include "store/names.h"
#include "store/process_table.h"
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
  /// `database` must outlive the index. Nothing is known until begin_session() or take_up().
  static Result<Index> open(const Database& database, const NextIds& next_ids);

  /// Takes up the log at a keyframe that begins a session, in the transaction that writes it.
  Status begin_session(const Snapshot& snapshot, const FrameHeader& header);
  /// Takes up the log after frame `sequence`, whose state is `snapshot`.
  Status take_up(const Snapshot& snapshot, std::uint64_t sequence);
  /// In the transaction of the tick: `frame` is a delta, `now` the state after it.
  Status follow(const Frame& frame, std::span<const Socket> departed, const Snapshot& now);

  /// Writes what was gathered, in a transaction of the caller's, after whose commit flushed() is to
  /// be called. `now`: the state after the frame of `header`, the last one followed.
  Status flush(const Snapshot& now, const FrameHeader& header, const ChainHash& hash);
  void flushed();
  /// How many rows the next flush() writes, about.
  std::size_t gathered() const;
  /// Adds what the first builds wrote to `connection`, too: for the proof of their files.
  Status add_time_wait(const Snapshot& now) { return tables_.connections.add_time_wait(now); }

  const NextIds& next_ids() const { return next_ids_; }
  /// Leaves `count` ids of each kind unused.
  void skip_ids(std::uint64_t count) { next_ids_.skip(count); }

 private:
  struct Tables {
    SessionTable sessions;
    ProcessTable processes;
    InterfaceTable interfaces;
    ListenerTable listeners;
    DestinationTable destinations;
    ConnectionTable connections;
    Query mark;
  };
  Index(Tables tables, const NextIds& next_ids) : tables_(std::move(tables)), next_ids_(next_ids) {}

  Tables tables_;
  Names names_;
  NextIds next_ids_;
};

}  // namespace netrec
