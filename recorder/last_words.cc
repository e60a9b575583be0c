#include "recorder/last_words.h"

#include <algorithm>

namespace netrec {

namespace {

// The kernel counts sequence numbers: SYN and FIN take one each, and are no bytes of a program.
std::uint64_t acked_data(const Socket& last) {
  return std::min(last.bytes_acked, last.bytes_sent - last.bytes_retransmitted);
}

void take_totals(const Socket& last, Socket& row) {
  row.bytes_sent = last.bytes_sent;
  row.bytes_acked = acked_data(last);
  row.bytes_received = last.bytes_received;
  row.bytes_retransmitted = last.bytes_retransmitted;
  row.segments_out = last.segments_out;
  row.segments_in = last.segments_in;
  row.data_segments_out = last.data_segments_out;
  row.data_segments_in = last.data_segments_in;
  row.total_retransmits = last.total_retransmits;
  row.rtt_us = last.rtt_us;
  row.rtt_variance_us = last.rtt_variance_us;
  row.min_rtt_us = last.min_rtt_us;
  row.congestion_window = last.congestion_window;
  row.delivered = last.delivered;
  row.delivered_ce = last.delivered_ce;
  row.last_data_sent_ms = last.last_data_sent_ms;
  row.last_data_received_ms = last.last_data_received_ms;
  row.last_ack_received_ms = last.last_ack_received_ms;
}

// Not what was made and thrown away without a packet or a port.
bool was_of_use(const Socket& last) {
  return last.local_port != 0 || last.remote_port != 0 || last.segments_out != 0 ||
         last.segments_in != 0;
}

}  // namespace

std::uint64_t LastWords::time_wait_of(const Socket& last) {
  if (last.transport != Transport::tcp || last.remote_port == 0) return 0;
  if (!time_waits_) {
    time_waits_.emplace();
    for (const Socket& row : state_.of<Socket>())
      if (row.timer == SocketTimer::time_wait && row.segments_out == 0)
        time_waits_->emplace(FourTuple(row), row.cookie);
  }
  const auto found = time_waits_->find(FourTuple(last));
  return found == time_waits_->end() ? 0 : found->second;
}

void LastWords::see(const Socket& last) {
  const Socket* known = sockets_.find(last.cookie);
  if (known == nullptr) {
    // A look showed its TIME_WAIT first.
    if (const std::uint64_t key = time_wait_of(last); key != 0) known = sockets_.find(key);
  }
  if (known != nullptr) {
    Socket now = *known;
    if (last.transport == Transport::tcp) take_totals(last, now);
    if (!(now == *known)) sockets_.tell(now);
    return;
  }
  if (!was_of_use(last)) return;
  Socket row = last;
  row.bytes_acked = acked_data(last);
  row.uid = kUnknownUser;
  row.flags |= static_cast<std::uint8_t>(SocketFlag::owner_unsure);
  sockets_.take_in(row);
}

}  // namespace netrec
