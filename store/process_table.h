// The derived tables `process` and `interface`: few rows, written as they come and go.
#pragma once

#include "schema/delta.h"
#include "schema/result.h"
#include "store/database.h"
#include "store/names.h"

namespace netrec {

class ProcessTable {
 public:
  static Result<ProcessTable> open(const Database& database);

  void take_up(const Snapshot& snapshot);
  Status begin(const Snapshot& snapshot, const Names& names);
  Status follow(const Delta& delta, const Names& names);

 private:
  explicit ProcessTable(Query upsert) : upsert_(std::move(upsert)) {}
  Status write(const Process& row, const Names& names);

  Query upsert_;
  Table<Process> alive_;
};

class InterfaceTable {
 public:
  static Result<InterfaceTable> open(const Database& database);

  void take_up(const Snapshot& snapshot);
  Status begin(const Snapshot& snapshot, const Names& names, WallTime wall);
  /// The rows of a session after which another begins, as its last frame left them.
  Status end_session(const Names& names);
  /// A frame was at `wall`, whether or not there is something in it to follow.
  void pass(WallTime wall) { last_wall_ = wall; }
  Status follow(const Frame& frame, const Names& names);
  /// The counters of all that are there, as of `wall`.
  Status flush(const Names& names, WallTime wall);

 private:
  explicit InterfaceTable(Query upsert) : upsert_(std::move(upsert)) {}
  Status write(const Interface& row, const Names& names, WallTime wall);

  Query upsert_;
  Table<Interface> alive_;
  WallTime
      last_wall_{};  ///< of the last frame passed; WallTime{}: none since the rows were written
};

}  // namespace netrec
