// What the kernel tells of a socket as it lets go of it (SKNLGRP_INET_TCP_DESTROY and its kin):
// both ends and the final counters, to whoever asks, without privilege. The next best where eBPF is
// not to be had: a connection that lived between two looks is in the timeline with its totals,
// though not with its owner, and its times are bounded by the looks.
//
// The kernel tells no owner then, no uid and no inode, and of an aborted connection no addresses;
// and it does not tell whether TIME_WAIT follows. So a socket that is known takes over the totals
// and goes when a look does not show it; one that is not known is taken in, and the next look ends
// it or shows what it became.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <optional>

#include "recorder/four_tuple.h"
#include "recorder/sockets.h"
#include "schema/delta.h"

namespace netrec {

/// Takes in what was told since the last time, and is made anew each time. REQUIRES: no dumps are
/// under way.
class LastWords final : public SocketSink {
 public:
  /// Both must outlive it. `state`: with the rows of `sockets`.
  LastWords(Sockets& sockets, const Snapshot& state) : sockets_(sockets), state_(state) {}

  std::uint32_t text(std::string_view bytes) override { return sockets_.text(bytes); }
  void see(const Socket& last) override;

 private:
  std::uint64_t time_wait_of(const Socket& last);

  Sockets& sockets_;
  const Snapshot& state_;
  /// Cookies of TIME_WAITs whose connection nobody saw; made when one is asked for.
  std::optional<tsl::robin_map<FourTuple, std::uint64_t, FourTupleHash>> time_waits_;
};

}  // namespace netrec
