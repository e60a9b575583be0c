#include "schema/socket.h"

#include <array>
#include <cstring>

namespace netrec {

std::string_view name(Transport transport) {
  constexpr std::array<std::string_view, 12> kNames = {"unknown", "tcp",  "udp",   "udplite",
                                                       "raw",     "icmp", "unix",  "packet",
                                                       "mptcp",   "sctp", "vsock", "dccp"};
  const auto index = static_cast<std::size_t>(transport);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string_view name(TcpState state) {
  constexpr std::array<std::string_view, 14> kNames = {
      "",      "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",    "TIME_WAIT",
      "CLOSE", "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV", "BOUND"};
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : "";
}

std::string_view short_name(TcpState state) {
  constexpr std::array<std::string_view, 14> kNames = {
      "",       "ESTAB",      "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",   "TIME-WAIT",
      "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",   "CLOSING",    "NEW-SYN-RECV", "BOUND"};
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : "";
}

std::string_view name(SocketTimer timer) {
  constexpr std::array<std::string_view, 5> kNames = {"", "on", "keepalive", "timewait", "persist"};
  const auto index = static_cast<std::size_t>(timer);
  return index < kNames.size() ? kNames[index] : "";
}

bool Socket::operator==(const Socket& other) const {
  return std::memcmp(this, &other, sizeof(Socket)) == 0;
}

bool has(const Socket& socket, SocketFlag flag) {
  return (socket.flags & static_cast<std::uint8_t>(flag)) != 0;
}

bool has_remote_end(const Socket& socket) {
  const bool over_ip = socket.family == Family::inet || socket.family == Family::inet6;
  return socket.remote_port != 0 || (over_ip && !socket.remote.is_zero());
}

// Append only: the index is the field's id in the file.
// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Socket>> EntityTraits<Socket>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Socket, member, name, kind, about)
  static constexpr Field<Socket> kFields[] = {
      F(cookie, "cookie", identity, "The kernel's socket cookie, unique while the host is up"),
      F(network_namespace, "network_namespace", reference, "Network namespace the socket lives in"),
      F(family, "family", code, "Address family: 1 unix, 2 inet, 10 inet6, 17 packet, 40 vsock"),
      F(transport, "transport", code,
        "1 tcp, 2 udp, 3 udplite, 4 raw, 5 icmp, 6 unix, 7 packet, 8 mptcp, 9 sctp, 10 vsock, 11 "
        "dccp"),
      F(type, "type", code, "SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5"),
      F(protocol, "protocol", identity, "Raw: IP protocol number; packet: ethertype"),
      F(local.high, "local_high", identity, "First 8 bytes of an IPv6 local address"),
      F(local.low, "local_low", identity,
        "Local address: IPv4, or the last 8 bytes of IPv6; vsock: CID"),
      F(local_port, "local_port", identity, "Local port"),
      F(remote.high, "remote_high", identity, "First 8 bytes of an IPv6 remote address"),
      F(remote.low, "remote_low", identity, "Remote address: IPv4, or the last 8 bytes of IPv6"),
      F(remote_port, "remote_port", identity, "Remote port"),
      F(interface, "interface", identity, "Interface index the socket is bound to (0: any)"),
      F(path, "path", text, "UNIX: path; a leading @ is the abstract namespace"),
      F(inode, "inode", identity,
        "Inode in sockfs, as in /proc/PID/fd; 0 before accept and in TIME_WAIT"),
      F(peer_inode, "peer_inode", identity, "UNIX: inode of the peer"),
      F(uid, "uid", identity, "User that created the socket; 4294967295: not known"),
      F(process, "process", reference, "Owner: the process holding it, the last one known"),
      F(descriptor, "descriptor", identity, "The owner's file descriptor"),
      F(sharers, "sharers", text,
        "Every holder as process:descriptor, where there is more than one"),
      F(cgroup, "cgroup", identity, "cgroup v2 id"),
      F(mark, "mark", identity, "SO_MARK (needs CAP_NET_ADMIN)"),
      F(opened_us, "opened_us", instant_us, "When it opened, or was first seen"),
      F(opened_after_us, "opened_after_us", instant_us,
        "It was not there yet at this time; 0: it was there before recording began"),
      F(state, "state", code,
        "TCP state as the kernel numbers it: 1 ESTABLISHED … 6 TIME_WAIT, 7 CLOSE, 10 LISTEN"),
      F(state_since_us, "state_since_us", instant_us, "When the state was entered, or first seen"),
      F(receive_queue, "receive_queue", number,
        "Recv-Q: bytes not read by the program; listener: connections not accepted"),
      F(send_queue, "send_queue", number,
        "Send-Q: bytes not acknowledged; listener: the backlog's limit"),
      F(shutdown, "shutdown", code, "1 receive, 2 send: sides shut down"),
      F(flags, "flags", code, "1 IPv6 only, 2 orphan, 4 owner not found, 8 promiscuous"),
      F(timer, "timer", code, "1 retransmit, 2 keepalive, 3 time-wait, 4 zero-window probe"),
      F(timer_expires_us, "timer_expires_us", instant_us, "When the timer fires"),
      F(timer_retransmits, "timer_retransmits", number,
        "Retransmissions or probes of the running timer"),
      F(congestion, "congestion", text, "Congestion control"),
      F(congestion_state, "congestion_state", code,
        "0 open, 1 disorder, 2 cwr, 3 recovery, 4 loss"),
      F(tcp_options, "tcp_options", code,
        "1 timestamps, 2 sack, 4 wscale, 8 ecn, 16 ecn seen, 32 syn data"),
      F(window_scale, "window_scale", code, "Send scale, and 16 times the receive scale"),
      F(type_of_service, "type_of_service", code, "TOS or traffic class"),
      F(receive_memory, "receive_memory", number, "skmem r: bytes allocated for receiving"),
      F(receive_buffer, "receive_buffer", number, "skmem rb: receive buffer limit"),
      F(send_memory, "send_memory", number, "skmem t: bytes allocated for sending"),
      F(send_buffer, "send_buffer", number, "skmem tb: send buffer limit"),
      F(forward_allocated, "forward_allocated", number, "skmem f: reserved, not used"),
      F(queued_memory, "queued_memory", number, "skmem w: queued for sending"),
      F(option_memory, "option_memory", number, "skmem o: socket options"),
      F(backlog_memory, "backlog_memory", number, "skmem bl: backlog, not processed yet"),
      F(drops, "drops", counter, "skmem d: packets dropped at this socket"),
      F(rto_us, "rto_us", number, "tcp_info: retransmission timeout"),
      F(ato_us, "ato_us", number, "tcp_info: delayed-ack timeout"),
      F(send_mss, "send_mss", number, "tcp_info: snd_mss"),
      F(receive_mss, "receive_mss", number, "tcp_info: rcv_mss"),
      F(advertised_mss, "advertised_mss", number, "tcp_info: advmss"),
      F(path_mtu, "path_mtu", number, "tcp_info: pmtu"),
      F(rtt_us, "rtt_us", number, "tcp_info: smoothed round-trip time"),
      F(rtt_variance_us, "rtt_variance_us", number, "tcp_info: rttvar"),
      F(min_rtt_us, "min_rtt_us", number, "tcp_info: min_rtt"),
      F(receive_rtt_us, "receive_rtt_us", number, "tcp_info: rcv_rtt"),
      F(receive_space, "receive_space", number, "tcp_info: rcv_space"),
      F(receive_ssthresh, "receive_ssthresh", number, "tcp_info: rcv_ssthresh"),
      F(congestion_window, "congestion_window", number, "tcp_info: snd_cwnd, in segments"),
      F(send_ssthresh, "send_ssthresh", number, "tcp_info: snd_ssthresh"),
      F(send_window, "send_window", number, "tcp_info: snd_wnd, the peer's window in bytes"),
      F(receive_window, "receive_window", number, "tcp_info: rcv_wnd, our window in bytes"),
      F(unacked, "unacked", number, "tcp_info: segments in flight; listener: accept queue"),
      F(sacked, "sacked", number, "tcp_info: sacked segments; listener: backlog"),
      F(lost, "lost", number, "tcp_info: segments thought lost"),
      F(retransmitting, "retransmitting", number, "tcp_info: retransmitted segments in flight"),
      F(total_retransmits, "total_retransmits", counter,
        "tcp_info: segments retransmitted in the connection's life"),
      F(reordering, "reordering", number, "tcp_info: reordering"),
      F(reorder_seen, "reorder_seen", counter, "tcp_info: reordering events"),
      F(bytes_sent, "bytes_sent", counter, "tcp_info: data bytes sent, retransmissions included"),
      F(bytes_acked, "bytes_acked", counter, "tcp_info: data bytes the peer acknowledged"),
      F(bytes_received, "bytes_received", counter, "tcp_info: data bytes received"),
      F(bytes_retransmitted, "bytes_retransmitted", counter, "tcp_info: data bytes retransmitted"),
      F(segments_out, "segments_out", counter, "tcp_info: segments sent"),
      F(segments_in, "segments_in", counter, "tcp_info: segments received"),
      F(data_segments_out, "data_segments_out", counter, "tcp_info: segments with data sent"),
      F(data_segments_in, "data_segments_in", counter, "tcp_info: segments with data received"),
      F(not_sent, "not_sent", number, "tcp_info: notsent_bytes"),
      F(delivered, "delivered", counter, "tcp_info: segments delivered"),
      F(delivered_ce, "delivered_ce", counter,
        "tcp_info: segments delivered with a congestion mark"),
      F(dsack_duplicates, "dsack_duplicates", counter, "tcp_info: duplicate SACKs received"),
      F(received_out_of_order, "received_out_of_order", counter, "tcp_info: rcv_ooopack"),
      F(pacing_rate, "pacing_rate", number, "tcp_info: bytes a second"),
      F(max_pacing_rate, "max_pacing_rate", number, "tcp_info: bytes a second; 2^64-1 is no limit"),
      F(delivery_rate, "delivery_rate", number, "tcp_info: bytes a second"),
      F(busy_time_us, "busy_time_us", counter, "tcp_info: time with data in flight"),
      F(receive_window_limited_us, "receive_window_limited_us", counter,
        "tcp_info: time limited by the peer's window"),
      F(send_buffer_limited_us, "send_buffer_limited_us", counter,
        "tcp_info: time limited by the send buffer"),
      F(probes, "probes", number, "tcp_info: zero-window or keepalive probes unanswered"),
      F(backoff, "backoff", number, "tcp_info: exponent of the timer's backoff"),
      F(last_data_sent_ms, "last_data_sent_ms", instant_ms, "When data was last sent"),
      F(last_data_received_ms, "last_data_received_ms", instant_ms, "When data was last received"),
      F(last_ack_received_ms, "last_ack_received_ms", instant_ms,
        "When an acknowledgement was last received"),
      F(error, "error", code,
        "Why it failed or broke: an errno value (111 refused, 104 reset, 110 timed out)"),
      F(mptcp_token, "mptcp_token", identity, "Token of the MPTCP connection it belongs to"),
      F(remote_name, "remote_name", text,
        "DNS name that led to the remote address, as the host asked for it"),
  };
#undef F
  return kFields;
}

}  // namespace netrec
