// Makes an observation comparable with the one before: a socket that did nothing must come out of
// it equal, byte for byte, although the kernel tells some things only roughly or no longer.
//
//  - "Data was last sent 41 ms ago" is told in whole milliseconds (of a jiffy, even) and arrives a
//    while after it was true. The instant is kept as long as the counter that must move with it
//    (segments with data out, with data in, segments in) did not move, so it also survives a
//    stepped clock and a suspend, and it is 0 (never) while that counter is 0.
//  - A timer's expiry is kept while the same timer runs on and the new value lies within
//    kTimerTolerance of the old.
//  - A TCP socket in TIME_WAIT (or FIN_WAIT2 after the program let go) is a small stand-in in the
//    kernel that has lost its counters, uid, cgroup and congestion name: those are carried over, so
//    that the row still tells the connection's totals when it goes.
//
// Refused: remembering the raw messages and comparing those (the relative times in them differ at
// every dump), and rounding instants (a value at the edge of a step flips for ever).
#pragma once

#include <chrono>

#include "schema/socket.h"

namespace netrec {

/// Jiffies are 1 to 10 ms; the rest is how late a message is read after it was written.
inline constexpr std::chrono::microseconds kTimerTolerance{50'000};

/// Brings `observed`, a fresh row of a source, in line with `previous`, the row of the same socket
/// (same cookie) at the last dump. What the Observer itself fills in (opened_us, opened_after_us,
/// state_since_us, process, descriptor, sharers, remote_name, error, the flags orphan and
/// owner_unsure) is taken from `previous`, except that state_since_us is left 0 where the state is
/// another one.
void settle(const Socket& previous, Socket& observed);

}  // namespace netrec
