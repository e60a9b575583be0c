// The derived table `listener`: services, since when, which program, started and stopped. Written
// as they start and stop.
#pragma once

#include <tsl/robin_map.h>

#include <span>
#include <string>

#include "schema/delta.h"
#include "schema/key_hash.h"
#include "schema/result.h"
#include "store/chain.h"
#include "store/database.h"
#include "store/names.h"

namespace netrec {

/// True if others can come to `socket` unasked: it listens, or it is an unconnected UDP socket on a
/// port that is not an ephemeral one of its namespace.
bool is_service(const Socket& socket, const Snapshot& state);

class ListenerTable {
 public:
  static Result<ListenerTable> open(const Database& database);

  /// Takes up the log after frame `sequence`; the table may know more than that already.
  Status take_up(const Snapshot& snapshot, std::uint64_t sequence);
  /// A session begins: what does not listen any more stopped while nobody looked.
  Status begin(const Snapshot& snapshot, const Names& names, const FrameHeader& header);
  Status follow(const Frame& frame, const Snapshot& now, const Names& names);

  /// True if a connection of `socket` came to a service of ours.
  bool is_incoming(const Socket& socket) const;

 private:
  struct Queries {
    Query newest;
    Query insert;
    Query stop;
    Query boot;
  };
  struct Listening {
    std::uint64_t id = 0;
    std::uint64_t port_key = 0;
  };
  explicit ListenerTable(Queries queries) : queries_(std::move(queries)) {}
  void know(const Socket& socket, std::uint64_t id);
  Status take_up_boot();
  Status start(const Socket& socket, const Names& names);
  Status stop(std::uint64_t cookie, std::uint64_t at_us);

  Queries queries_;
  // A row's id is made of the frame that started it: following a part of the log twice makes the
  // same rows.
  std::uint64_t next_id_ = 1;
  std::uint32_t session_ = 0;
  std::string boot_;
  tsl::robin_map<std::uint64_t, Listening, KeyHash> alive_;  // by cookie
  tsl::robin_map<std::uint64_t, int, KeyHash> ports_;        // how many listen there
};

}  // namespace netrec
