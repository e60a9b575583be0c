// The derived table `destination`: gathered in memory, written where frames are sealed. A tick
// costs what changed in it.
#pragma once

#include <tsl/robin_map.h>

#include <span>
#include <string>

#include "schema/delta.h"
#include "schema/result.h"
#include "store/database.h"
#include "store/listener_table.h"
#include "store/names.h"

namespace netrec {

class DestinationTable {
 public:
  static Result<DestinationTable> open(const Database& database);

  void take_up(const Snapshot& snapshot);
  void begin(const Snapshot& snapshot, const ListenerTable& listeners, const Names& names);
  void follow(const Frame& frame, std::span<const Socket> departed, const ListenerTable& listeners,
              const Names& names);
  Status flush();  // in the order of the table's key: each of its pages is met once
  /// The flush is committed: what was gathered is forgotten.
  void flushed() { gathered_.clear(); }
  std::size_t gathered() const { return gathered_.size(); }

 private:
  struct Totals {
    std::uint64_t first_seen_us = UINT64_MAX;
    std::uint64_t last_seen_us = 0;
    std::uint64_t connections = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
  };
  explicit DestinationTable(Query add) : add_(std::move(add)) {}
  Totals& totals_of(const Socket& socket, const ListenerTable& listeners, const Names& names);
  void see(const Socket& socket, const ListenerTable& listeners, const Names& names);
  void follow_peers(const Frame& frame, const ListenerTable& listeners, const Names& names);

  Query add_;
  tsl::robin_map<std::string, Totals> gathered_;  // by key (destination_table.cc)
  Table<Peer> peers_;
};

}  // namespace netrec
