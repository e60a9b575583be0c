// The derived table `connection`: what is open, and with whom. Noted in memory, written where
// frames are sealed. A tick costs what changed in it.
#pragma once

#include <cstdint>
#include <vector>

#include "schema/delta.h"
#include "schema/dense_map.h"
#include "schema/result.h"
#include "store/database.h"

namespace netrec {

class ConnectionTable {
 public:
  static Result<ConnectionTable> open(const Database& database);

  /// The table is as of a mark before: everything that changes from here on is written.
  Status take_up();
  /// A session begins: the table is what `snapshot` holds.
  Status begin(const Snapshot& snapshot);
  void follow(const Delta& delta);
  Status flush(const Snapshot& now);
  void flushed();
  std::size_t gathered() const { return touched_.size(); }
  /// Writes the sockets in TIME_WAIT, which the first builds had in the table.
  Status add_time_wait(const Snapshot& now);

 private:
  struct Queries {
    Query cookies;
    Query clear;
    Query upsert;
    Query erase;
  };
  explicit ConnectionTable(Queries queries) : queries_(std::move(queries)) {}
  Status write(const Socket& socket);

  Queries queries_;
  DenseSet<PackedNumber> written_;  // cookies of the table's rows
  DenseSet<PackedNumber> touched_;  // of sockets that something happened to since the last flush
  std::vector<std::uint64_t> added_, erased_;  // by a flush that is not committed yet
};

}  // namespace netrec
