#include "schema/connection.h"

#include <algorithm>

namespace netrec {

Lifetime lifetime_of(const Connection& connection) {
  const Socket& socket = connection.socket;
  const std::uint64_t gone_by =
      connection.is_closed() ? connection.closed_us : connection.last_seen_us;
  const std::uint64_t last_alive =
      connection.is_closed() ? connection.closed_after_us : connection.last_seen_us;
  const auto span = [](std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; };

  Lifetime life;
  life.at_least_us = span(socket.opened_us, last_alive);
  life.at_most_us = socket.opened_after_us == 0 ? 0 : span(socket.opened_after_us, gone_by);
  life.certain = connection.is_closed() && socket.opened_after_us == socket.opened_us &&
                 connection.closed_after_us == connection.closed_us;
  return life;
}

}  // namespace netrec
