// One socket's state at one observation, as sock_diag(7), /proc/net and (later) eBPF tell it.
//
// It is a plain row of integers without padding, so that "did anything change" is one memcmp over a
// hundred thousand of them a tick. Relative values of the kernel (timers, "last sent 40 ms ago")
// are kept as the instants they mean, so a socket that does nothing does not change.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "schema/field.h"
#include "schema/ip_address.h"

namespace netrec {

/// What the socket speaks. Numbers are in the file.
enum class Transport : std::uint8_t {
  unknown = 0,
  tcp = 1,
  udp = 2,
  udplite = 3,
  raw = 4,
  icmp = 5,  ///< "ping" sockets (SOCK_DGRAM, IPPROTO_ICMP)
  unix = 6,
  packet = 7,
  mptcp = 8,
  sctp = 9,
  vsock = 10,
  dccp = 11,
};

/// Socket states as the kernel numbers them (net/tcp_states.h); other transports use the ones that
/// fit (a connected UDP socket is established, an unconnected one `close`, shown as UNCONN).
enum class TcpState : std::uint8_t {
  unknown = 0,
  established = 1,
  syn_sent = 2,
  syn_recv = 3,
  fin_wait1 = 4,
  fin_wait2 = 5,
  time_wait = 6,
  close = 7,
  close_wait = 8,
  last_ack = 9,
  listen = 10,
  closing = 11,
  new_syn_recv = 12,
  bound_inactive = 13,
};

/// Which timer runs on the socket (inet_diag_msg.idiag_timer).
enum class SocketTimer : std::uint8_t {
  none = 0,
  retransmit = 1,
  keepalive = 2,
  time_wait = 3,
  probe = 4
};

/// "tcp", "udp", "unix", …; with `family` inet6 netstat's "tcp6" is made by the caller.
std::string_view name(Transport transport);
/// netstat's spelling: "ESTABLISHED", "TIME_WAIT", "LISTEN"; "" for unknown.
std::string_view name(TcpState state);
/// ss's spelling: "ESTAB", "TIME-WAIT", "LISTEN", "UNCONN".
std::string_view short_name(TcpState state);
/// ss's word for the timer: "on", "keepalive", "timewait", "persist", "" for none.
std::string_view name(SocketTimer timer);

struct Socket {
  std::uint64_t cookie = 0;  ///< the kernel's, unique while the host is up; the key
  IpAddress local;           ///< vsock: the CID in `low`
  IpAddress remote;
  std::uint64_t opened_us = 0;        ///< when it was opened, or first seen
  std::uint64_t opened_after_us = 0;  ///< it did not exist then; 0: it was there before recording
  std::uint64_t state_since_us = 0;   ///< when the present state was entered, or first seen
  std::uint64_t timer_expires_us = 0;
  std::uint64_t cgroup = 0;
  std::uint64_t last_data_sent_ms = 0;
  std::uint64_t last_data_received_ms = 0;
  std::uint64_t last_ack_received_ms = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_acked = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_retransmitted = 0;
  std::uint64_t pacing_rate = 0;
  std::uint64_t max_pacing_rate = 0;
  std::uint64_t delivery_rate = 0;
  std::uint64_t busy_time_us = 0;
  std::uint64_t receive_window_limited_us = 0;
  std::uint64_t send_buffer_limited_us = 0;
  std::uint32_t network_namespace = 0;  ///< id of a NetworkNamespace
  std::uint32_t inode = 0;
  std::uint32_t peer_inode = 0;
  std::uint32_t uid = 0;
  std::uint32_t process = 0;  ///< id of a Process: the owner, the last one known
  std::uint32_t descriptor = 0;
  std::uint32_t sharers = 0;  ///< Text: every holder where there is more than one
  std::uint32_t path = 0;     ///< Text
  std::uint32_t interface = 0;
  std::uint32_t protocol = 0;
  std::uint32_t mark = 0;
  std::uint32_t remote_name = 0;  ///< Text: the name that led to the remote address
  std::uint32_t congestion = 0;   ///< Text
  std::uint32_t mptcp_token = 0;  ///< of the MPTCP connection a subflow or its socket belongs to
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
  std::uint32_t receive_memory = 0;
  std::uint32_t receive_buffer = 0;
  std::uint32_t send_memory = 0;
  std::uint32_t send_buffer = 0;
  std::uint32_t forward_allocated = 0;
  std::uint32_t queued_memory = 0;
  std::uint32_t option_memory = 0;
  std::uint32_t backlog_memory = 0;
  std::uint32_t drops = 0;
  std::uint32_t rto_us = 0;
  std::uint32_t ato_us = 0;
  std::uint32_t send_mss = 0;
  std::uint32_t receive_mss = 0;
  std::uint32_t advertised_mss = 0;
  std::uint32_t path_mtu = 0;
  std::uint32_t rtt_us = 0;
  std::uint32_t rtt_variance_us = 0;
  std::uint32_t min_rtt_us = 0;
  std::uint32_t receive_rtt_us = 0;
  std::uint32_t receive_space = 0;
  std::uint32_t receive_ssthresh = 0;
  std::uint32_t congestion_window = 0;
  std::uint32_t send_ssthresh = 0;
  std::uint32_t send_window = 0;
  std::uint32_t receive_window = 0;
  std::uint32_t unacked = 0;
  std::uint32_t sacked = 0;
  std::uint32_t lost = 0;
  std::uint32_t retransmitting = 0;
  std::uint32_t total_retransmits = 0;
  std::uint32_t reordering = 0;
  std::uint32_t reorder_seen = 0;
  std::uint32_t segments_out = 0;
  std::uint32_t segments_in = 0;
  std::uint32_t data_segments_out = 0;
  std::uint32_t data_segments_in = 0;
  std::uint32_t not_sent = 0;
  std::uint32_t delivered = 0;
  std::uint32_t delivered_ce = 0;
  std::uint32_t dsack_duplicates = 0;
  std::uint32_t received_out_of_order = 0;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint16_t error = 0;  ///< SO_ERROR where the connection failed or was broken: an errno value
  Family family = Family::none;
  Transport transport = Transport::unknown;
  TcpState state = TcpState::unknown;
  SocketTimer timer = SocketTimer::none;
  std::uint8_t type = 0;  ///< SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5
  std::uint8_t shutdown = 0;
  std::uint8_t timer_retransmits = 0;
  std::uint8_t congestion_state = 0;
  std::uint8_t probes = 0;
  std::uint8_t backoff = 0;
  std::uint8_t tcp_options = 0;
  std::uint8_t window_scale = 0;  ///< send scale in the low four bits, receive scale in the high
  std::uint8_t type_of_service = 0;
  std::uint8_t flags = 0;  ///< SocketFlag

  bool operator==(const Socket& other) const;
};

static_assert(std::has_unique_object_representations_v<Socket>, "compared as bytes, once a tick");

/// Socket::uid where the kernel does not tell it: what chown(2) and the audit log mean by -1.
inline constexpr std::uint32_t kUnknownUser = UINT32_MAX;

/// Bits of Socket::flags.
enum class SocketFlag : std::uint8_t {
  v6_only = 1,
  orphan = 2,        ///< no process holds it any more; `process` is the one that did
  owner_unsure = 4,  ///< no holder was found (not permitted, or gone before it could be read)
  promiscuous = 8,   ///< a packet socket that receives what is not for this host
};

/// True if `socket` has `flag`.
bool has(const Socket& socket, SocketFlag flag);

/// True if it talks to one other end that has an address, or did: no listener, no unconnected
/// datagram socket. Where connect(2) failed the kernel keeps the address and forgets the port.
bool has_remote_end(const Socket& socket);

template <>
struct EntityTraits<Socket> {
  static constexpr EntityKind kind = EntityKind::socket;
  static constexpr std::string_view name = "socket";
  static std::span<const Field<Socket>> fields();
  static std::uint64_t key(const Socket& row) { return row.cookie; }
};

}  // namespace netrec
