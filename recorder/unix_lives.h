// UNIX sockets as events tell them, folded into the Observer: connected, accepted, listening, and
// when they ended.
//
// The kernel gives a UNIX socket a cookie only when somebody asks for it, so events know it by its
// inode, and the row gets a key of our own until a dump joins the two (Sockets::see()). No hook
// tells an end: what is told is each descriptor a program lets go of, and how many references to
// the open file there were. The last one ends the socket; where two processes let go at once
// neither saw itself as the last, and so a look at UNIX sockets is asked for (take_doubt()).
#pragma once

#include <tsl/robin_map.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "recorder/event_sink.h"
#include "recorder/observer.h"
#include "schema/key_hash.h"

namespace netrec {

class UnixLives {
 public:
  /// `observer` must outlive it.
  explicit UnixLives(Observer& observer) : observer_(observer) {}

  /// `process`: who called; id of a Process.
  void told(const event_unix& event, std::uint32_t network_namespace, std::uint32_t process);
  void left(const event_unix_left& event);
  /// A program that held some executed another: those it was not to keep are gone.
  void doubt() { doubt_ = true; }

  /// True if one may have ended since the last call without a telling of it.
  bool take_doubt() { return std::exchange(doubt_, false); }

 private:
  /// Descriptors a process that ends let go of, of one socket.
  struct Leaving {
    std::uint32_t pid = 0;
    std::uint32_t seen = 0;
  };

  const Socket* find(std::uint32_t inode, std::uint64_t cookie) const;
  Socket row_of(const event_unix& event, std::uint32_t network_namespace, std::uint32_t process);
  void failed(Socket row, const event_unix& event);
  void enter(const Socket& known, Socket now, TcpState state, std::chrono::microseconds boot);
  void tell_peer(const Socket& row);
  bool is_last(const event_unix_left& event);

  Observer& observer_;
  tsl::robin_map<std::uint32_t, Leaving, KeyHash> leaving_;  ///< by inode
  bool doubt_ = false;
};

}  // namespace netrec
