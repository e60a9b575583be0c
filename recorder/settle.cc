#include "recorder/settle.h"

namespace netrec {

namespace {

// What the Observer knows and no kernel tells.
void carry_knowledge(const Socket& previous, Socket& observed) {
  observed.opened_us = previous.opened_us;
  observed.opened_after_us = previous.opened_after_us;
  if (observed.state == previous.state) observed.state_since_us = previous.state_since_us;
  observed.process = previous.process;
  observed.descriptor = previous.descriptor;
  observed.sharers = previous.sharers;
  observed.remote_name = previous.remote_name;
  if (observed.error == 0) observed.error = previous.error;
  constexpr auto kOwnership = static_cast<std::uint8_t>(SocketFlag::orphan) |
                              static_cast<std::uint8_t>(SocketFlag::owner_unsure);
  observed.flags = static_cast<std::uint8_t>(observed.flags | (previous.flags & kOwnership));
}

void settle_timer(const Socket& previous, Socket& observed) {
  if (observed.timer != previous.timer || observed.timer == SocketTimer::none) return;
  if (observed.timer_retransmits != previous.timer_retransmits) return;
  constexpr auto kTolerance = static_cast<std::uint64_t>(kTimerTolerance.count());
  // Unsigned: one comparison for both directions.
  if (observed.timer_expires_us - previous.timer_expires_us + kTolerance <= 2 * kTolerance)
    observed.timer_expires_us = previous.timer_expires_us;
}

// The kernel's stand-in for a connection that is over (struct inet_timewait_sock).
bool is_stand_in(const Socket& socket) { return socket.timer == SocketTimer::time_wait; }

// REQUIRES: `observed` is a stand-in.
void carry_totals(const Socket& previous, Socket& observed) {
  Socket merged = previous;
  merged.state = observed.state;
  merged.timer = observed.timer;
  merged.timer_expires_us = observed.timer_expires_us;
  merged.timer_retransmits = observed.timer_retransmits;
  merged.inode = observed.inode;
  merged.receive_queue = 0;
  merged.send_queue = 0;
  merged.unacked = 0;
  merged.not_sent = 0;
  // The memory went with the socket.
  merged.receive_memory = 0;
  merged.send_memory = 0;
  merged.forward_allocated = 0;
  merged.queued_memory = 0;
  merged.option_memory = 0;
  merged.backlog_memory = 0;
  merged.state_since_us = observed.state_since_us;
  observed = merged;
}

}  // namespace

void settle(const Socket& previous, Socket& observed) {
  carry_knowledge(previous, observed);
  settle_timer(previous, observed);
  if (is_stand_in(observed)) return carry_totals(previous, observed);
  if (observed.state != previous.state) return;
  if (observed.data_segments_out == previous.data_segments_out)
    observed.last_data_sent_ms = previous.last_data_sent_ms;
  if (observed.data_segments_in == previous.data_segments_in)
    observed.last_data_received_ms = previous.last_data_received_ms;
  if (observed.segments_in == previous.segments_in)
    observed.last_ack_received_ms = previous.last_ack_received_ms;
}

}  // namespace netrec
