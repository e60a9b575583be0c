// What is known of sockets from before the session, or the file, that is being told: a recorder was
// stopped and started, or its file rotated, and they lived on.
#pragma once

#include <tsl/robin_map.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "schema/connection.h"
#include "schema/key_hash.h"

namespace netrec {

class EarlierStates {
 public:
  bool empty() const { return by_socket_.empty(); }
  void swap(EarlierStates& other) { by_socket_.swap(other.by_socket_); }

  /// Notes a socket that goes on in the next session; it was last seen in this one at `seen_us`.
  void keep(const Socket& socket, std::vector<Transition> transitions, std::uint64_t seen_us) {
    by_socket_[socket.cookie] = {std::move(transitions), seen_us, socket.opened_us,
                                 socket.opened_after_us};
  }

  /// Puts what is known from before in front of `later`, which begins with the state the socket was
  /// found in.
  void put_before(std::uint64_t socket, std::vector<Transition>& later) const {
    const auto known = by_socket_.find(socket);
    if (known == by_socket_.end() || known->second.transitions.empty()) return;
    std::vector<Transition> whole = known->second.transitions;
    auto from = later.begin();
    if (from != later.end() && from->state == whole.back().state)
      ++from;
    else if (from != later.end() && from->after_us == 0)
      from->after_us = std::min(known->second.seen_us, from->at_us);
    whole.insert(whole.end(), from, later.end());
    later = std::move(whole);
  }

  /// Gives it the opening that was seen then, where its own is only when it was seen again.
  void open_earlier(Socket& later) const {
    const auto known = by_socket_.find(later.cookie);
    if (known == by_socket_.end() || known->second.opened_us >= later.opened_us) return;
    later.opened_us = known->second.opened_us;
    later.opened_after_us = known->second.opened_after_us;
  }

 private:
  struct Past {
    std::vector<Transition> transitions;  // empty: the next session says all
    std::uint64_t seen_us = 0;
    std::uint64_t opened_us = 0;
    std::uint64_t opened_after_us = 0;
  };
  tsl::robin_map<std::uint64_t, Past, KeyHash> by_socket_;
};

}  // namespace netrec
