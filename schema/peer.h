// Whom a socket without a connection talked to (UDP, raw, ICMP, SCTP, packet), and the names
// programs asked for: what only event capture can see.
#pragma once

#include <cstdint>

#include "schema/field.h"
#include "schema/ip_address.h"
#include "schema/socket.h"

namespace netrec {

/// What one socket exchanged with one peer: aggregated in the kernel, so exact in bytes and
/// packets.
struct Peer {
  std::uint64_t socket = 0;  ///< cookie; the Socket itself may be gone already
  IpAddress local;
  IpAddress remote;
  std::uint64_t first_us = 0;  ///< wall clock of the first packet
  std::uint64_t last_us = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;  ///< payload, as the program passed it
  std::uint64_t bytes_received = 0;
  std::uint32_t id = 0;  ///< never reused in a file
  std::uint32_t network_namespace = 0;
  std::uint32_t process = 0;      ///< id of a Process
  std::uint32_t remote_name = 0;  ///< Text: the name that led to the address; 0: none was asked for
  std::uint32_t protocol = 0;     ///< raw: IP protocol number; packet: ethertype
  std::uint32_t interface = 0;    ///< packet sockets: index
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  Family family = Family::none;
  Transport transport = Transport::unknown;

  bool operator==(const Peer&) const = default;
};

template <>
struct EntityTraits<Peer> {
  static constexpr EntityKind kind = EntityKind::peer;
  static constexpr std::string_view name = "peer";
  static std::span<const Field<Peer>> fields();
  static std::uint64_t key(const Peer& row) { return row.id; }
};

/// One address a DNS answer gave for a name, or (family none) a name that had no answer.
struct Resolution {
  IpAddress address;
  std::uint64_t answered_us = 0;  ///< wall clock
  std::uint32_t id = 0;           ///< never reused in a file
  std::uint32_t name = 0;         ///< Text: the name asked for (not the end of a CNAME chain)
  std::uint32_t network_namespace = 0;
  std::uint32_t process = 0;  ///< id of the Process that asked; 0: not known
  std::uint32_t ttl_s = 0;
  std::uint16_t query_type = 0;  ///< RFC 1035 QTYPE: 1 A, 28 AAAA
  Family family = Family::none;
  std::uint8_t response_code = 0;  ///< RFC 1035 RCODE: 0 answered, 3 no such name

  bool operator==(const Resolution&) const = default;
};

template <>
struct EntityTraits<Resolution> {
  static constexpr EntityKind kind = EntityKind::resolution;
  static constexpr std::string_view name = "resolution";
  static std::span<const Field<Resolution>> fields();
  static std::uint64_t key(const Resolution& row) { return row.id; }
};

}  // namespace netrec
