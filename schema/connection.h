// The life of one socket: opened, states gone through, closed, totals, and how sure each end is.
//
// A Connection is not an entity of the log: it is read out of it (store/history.h), whole, where
// the socket's life ended or at the end of what was recorded.
#pragma once

#include <cstdint>
#include <vector>

#include "schema/delta.h"

namespace netrec {

/// The socket was in `state` from `at_us` on. It is known to have entered it after `after_us`;
/// equal: the kernel's own time; 0: it was in that state when first seen.
struct Transition {
  std::uint64_t at_us = 0;
  std::uint64_t after_us = 0;
  TcpState state = TcpState::unknown;

  bool operator==(const Transition&) const = default;
};

struct Connection {
  Socket socket;                      ///< as last seen: its counters are the totals
  std::uint32_t session = 0;          ///< id of the Session that saw it end, or saw it last
  std::uint64_t closed_us = 0;        ///< it was gone by then; 0: still there at `last_seen_us`
  std::uint64_t closed_after_us = 0;  ///< it was still there then; equal to closed_us: exact
  std::uint64_t last_seen_us = 0;     ///< the last frame that had it
  CloseReason reason = CloseReason::gone;  ///< REQUIRES closed_us != 0
  std::vector<Transition> transitions;     ///< oldest first

  bool is_closed() const { return closed_us != 0; }
};

/// Microseconds it certainly lived, and at most lived (to `last_seen_us` if it is not closed).
/// `certain`: both ends exact. A life that began before recording has no upper bound: at_most is 0.
struct Lifetime {
  std::uint64_t at_least_us = 0;
  std::uint64_t at_most_us = 0;
  bool certain = false;
};

Lifetime lifetime_of(const Connection& connection);

}  // namespace netrec
