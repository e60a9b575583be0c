#include "recorder/sock_diag_inet.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <netinet/in.h>

#include "recorder/tcp_info.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace netrec {

namespace {

// SYN_RECV comes as NEW_SYN_RECV's bit too; BOUND_INACTIVE (bound, neither listening nor
// connecting) is one more walk over all sockets in the kernel, and shows none that moves data.
constexpr std::uint32_t kAllStates = 0x1fff;

std::uint32_t protocol_of(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return IPPROTO_UDP;
    case Transport::udplite:
      return IPPROTO_UDPLITE;
    case Transport::raw:
      return IPPROTO_RAW;
    case Transport::icmp:
      return IPPROTO_ICMP;
    case Transport::mptcp:
      return IPPROTO_MPTCP;
    case Transport::sctp:
      return IPPROTO_SCTP;
    case Transport::dccp:
      return IPPROTO_DCCP;
    default:
      return IPPROTO_TCP;
  }
}

// Of what the kernel tells by itself.
Transport transport_of(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return Transport::tcp;
    case IPPROTO_UDP:
      return Transport::udp;
    case IPPROTO_UDPLITE:
      return Transport::udplite;
    default:
      return Transport::unknown;
  }
}

constexpr int extension(int number) { return 1 << (number - 1); }

std::uint8_t extensions_of(SocketKind kind) {
  int wanted = extension(INET_DIAG_SKMEMINFO);
  if (kind.transport == Transport::tcp)
    wanted |= extension(INET_DIAG_INFO) | extension(INET_DIAG_CONG);
  if (kind.transport == Transport::mptcp) wanted |= extension(INET_DIAG_INFO);
  wanted |= extension(kind.family == Family::inet6 ? INET_DIAG_TCLASS : INET_DIAG_TOS);
  return static_cast<std::uint8_t>(wanted);
}

std::uint8_t type_of(Transport transport) {
  switch (transport) {
    case Transport::udp:
    case Transport::udplite:
    case Transport::icmp:
      return SOCK_DGRAM;
    case Transport::raw:
      return SOCK_RAW;
    case Transport::dccp:
      return SOCK_DCCP;
    default:
      return SOCK_STREAM;
  }
}

IpAddress address_of(const __be32 (&words)[4], Family family) {
  if (family == Family::inet) return {.high = 0, .low = ntohl(words[0])};
  std::uint64_t halves[2];
  std::memcpy(halves, words, sizeof halves);
  return {.high = be64toh(halves[0]), .low = be64toh(halves[1])};
}

void put_address(const IpAddress& address, Family family, __be32 (&words)[4]) {
  if (family == Family::inet) {
    words[0] = htonl(static_cast<std::uint32_t>(address.low));
    return;
  }
  const std::uint64_t halves[2] = {htobe64(address.high), htobe64(address.low)};
  std::memcpy(words, halves, sizeof halves);
}

inet_diag_req_v2 request_for(SocketKind kind, std::uint32_t states) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(kind.family);
  request.sdiag_protocol =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(protocol_of(kind.transport), IPPROTO_RAW));
  request.idiag_ext = extensions_of(kind);
  request.idiag_states = states;
  return request;
}

std::vector<std::byte> bytes_of(const inet_diag_req_v2& request) {
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  return bytes;
}

void decode_header(const inet_diag_msg& message, const DecodeContext& context, Socket& row) {
  row.cookie = cookie_of(message.id.idiag_cookie);
  row.family = context.kind.family;
  row.transport = context.kind.transport;
  row.type = type_of(context.kind.transport);
  row.network_namespace = context.network_namespace;
  row.local = address_of(message.id.idiag_src, row.family);
  row.remote = address_of(message.id.idiag_dst, row.family);
  row.local_port = ntohs(message.id.idiag_sport);
  row.remote_port = ntohs(message.id.idiag_dport);
  row.interface = message.id.idiag_if;
  row.state = static_cast<TcpState>(message.idiag_state);
  row.receive_queue = message.idiag_rqueue;
  row.send_queue = message.idiag_wqueue;
  row.uid = message.idiag_uid;
  row.inode = message.idiag_inode;
  if (message.idiag_timer == 0) return;
  row.timer = static_cast<SocketTimer>(message.idiag_timer);
  row.timer_retransmits = message.idiag_retrans;
  row.timer_expires_us = context.received_us + std::uint64_t{message.idiag_expires} * 1000;
}

// linux/mptcp.h of Linux 6.12; older kernels fill a beginning of it.
struct KernelMptcpInfo {
  std::uint8_t counts[8];
  std::uint32_t flags;
  std::uint32_t token;
  std::uint64_t write_seq;
  std::uint64_t snd_una;
  std::uint64_t rcv_nxt;
  std::uint8_t more_counts[4];
  std::uint32_t retransmits;
  std::uint64_t bytes_retrans;
  std::uint64_t bytes_sent;
  std::uint64_t bytes_received;
  std::uint64_t bytes_acked;
};
static_assert(offsetof(KernelMptcpInfo, token) == offsetof(mptcp_info, mptcpi_token));
static_assert(offsetof(KernelMptcpInfo, rcv_nxt) == offsetof(mptcp_info, mptcpi_rcv_nxt));

void decode_mptcp_info(Bytes bytes, Socket& row) {
  const auto info = read_as<KernelMptcpInfo>(bytes);
  row.mptcp_token = info.token;
  row.total_retransmits = info.retransmits;
  row.bytes_retransmitted = info.bytes_retrans;
  row.bytes_sent = info.bytes_sent;
  row.bytes_received = info.bytes_received;
  row.bytes_acked = info.bytes_acked;
}

// A TCP subflow of an MPTCP connection names it by token. Only told with CAP_NET_ADMIN.
void decode_upper_layer(Bytes bytes, Socket& row) {
  for_each_attribute(bytes, [&](const Attribute& layer) {
    if (layer.type != INET_ULP_INFO_MPTCP) return;
    for_each_attribute(layer.bytes, [&](const Attribute& subflow) {
      if (subflow.type == MPTCP_SUBFLOW_ATTR_TOKEN_LOC)
        row.mptcp_token = read_as<std::uint32_t>(subflow.bytes);
    });
  });
}

void decode_attribute(const Attribute& attribute, const DecodeContext& context, Socket& row) {
  switch (attribute.type) {
    case INET_DIAG_INFO:
      if (row.transport == Transport::tcp)
        decode_tcp_info(attribute.bytes, context.received_us, row);
      else if (row.transport == Transport::mptcp)
        decode_mptcp_info(attribute.bytes, row);
      break;
    case INET_DIAG_CONG:
      row.congestion = context.congestion.intern(context.texts, as_c_string(attribute.bytes));
      break;
    case INET_DIAG_SKMEMINFO:
      decode_memory(attribute.bytes, row);
      break;
    case INET_DIAG_SHUTDOWN:
      row.shutdown = read_as<std::uint8_t>(attribute.bytes);
      break;
    case INET_DIAG_TOS:
    case INET_DIAG_TCLASS:
      row.type_of_service = read_as<std::uint8_t>(attribute.bytes);
      break;
    case INET_DIAG_MARK:
      row.mark = read_as<std::uint32_t>(attribute.bytes);
      break;
    case INET_DIAG_CGROUP_ID:
      row.cgroup = read_as<std::uint64_t>(attribute.bytes);
      break;
    case INET_DIAG_PROTOCOL:
      row.protocol = read_as<std::uint8_t>(attribute.bytes);
      break;
    case INET_DIAG_SKV6ONLY:
      if (read_as<std::uint8_t>(attribute.bytes) != 0)
        row.flags |= static_cast<std::uint8_t>(SocketFlag::v6_only);
      break;
    case INET_DIAG_ULP_INFO:
      decode_upper_layer(attribute.bytes, row);
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<std::byte> inet_request(SocketKind kind) {
  const std::uint32_t protocol = protocol_of(kind.transport);
  const inet_diag_req_v2 request = request_for(kind, kAllStates);
  std::vector<std::byte> bytes(sizeof request);
  std::memcpy(bytes.data(), &request, sizeof request);
  if (protocol > IPPROTO_RAW) {  // Does not fit the byte meant for it.
    const nlattr header{.nla_len = sizeof(nlattr) + sizeof protocol,
                        .nla_type = INET_DIAG_REQ_PROTOCOL};
    bytes.resize(sizeof request + header.nla_len);
    std::memcpy(bytes.data() + sizeof request, &header, sizeof header);
    std::memcpy(bytes.data() + sizeof request + sizeof header, &protocol, sizeof protocol);
  }
  return bytes;
}

std::vector<std::byte> listeners_request(SocketKind kind) {
  return bytes_of(request_for(kind, 1U << static_cast<unsigned>(TcpState::listen)));
}

std::vector<std::byte> inet_question(SocketKind kind, const SocketQuestion& question) {
  inet_diag_req_v2 request = request_for(kind, kAllStates);
  request.id.idiag_sport = htons(question.local_port);
  request.id.idiag_dport = htons(question.remote_port);
  put_address(question.local, kind.family, request.id.idiag_src);
  put_address(question.remote, kind.family, request.id.idiag_dst);
  request.id.idiag_if = question.interface;
  // Whichever is there now.
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return bytes_of(request);
}

bool decode_inet(Bytes payload, const DecodeContext& context, Socket& row) {
  if (payload.size() < sizeof(inet_diag_msg)) return false;
  const auto message = read_as<inet_diag_msg>(payload);
  if (message.idiag_family != static_cast<std::uint8_t>(context.kind.family)) return false;
  row = Socket{};
  decode_header(message, context, row);
  return for_each_attribute(
      payload.subspan(sizeof(inet_diag_msg)),
      [&](const Attribute& attribute) { decode_attribute(attribute, context, row); });
}

bool decode_ended(Bytes payload, const DecodeContext& context, Socket& row) {
  if (payload.size() < sizeof(inet_diag_msg)) return false;
  const auto message = read_as<inet_diag_msg>(payload);
  SocketKind kind{.transport = Transport::unknown,
                  .family = static_cast<Family>(message.idiag_family)};
  if (kind.family != Family::inet && kind.family != Family::inet6) return false;
  const bool whole =
      for_each_attribute(payload.subspan(sizeof(inet_diag_msg)), [&](const Attribute& attribute) {
        if (attribute.type == INET_DIAG_PROTOCOL)
          kind.transport = transport_of(read_as<std::uint8_t>(attribute.bytes));
      });
  if (!whole || kind.transport == Transport::unknown) return false;
  const DecodeContext known{.kind = kind,
                            .network_namespace = context.network_namespace,
                            .received_us = context.received_us,
                            .texts = context.texts,
                            .congestion = context.congestion};
  return decode_inet(payload, known, row);
}

}  // namespace netrec
