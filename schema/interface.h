// A network interface as rtnetlink tells it (`netstat -i`, `ip -s link`), and one protocol counter
// of /proc/net/snmp, snmp6 or netstat (`netstat -s`, `nstat`).
#pragma once

#include <cstdint>
#include <string>

#include "schema/field.h"

namespace netrec {

struct Interface {
  std::uint32_t network_namespace = 0;
  std::uint32_t index = 0;
  std::uint32_t name = 0;  ///< Text
  std::uint32_t mtu = 0;
  std::uint32_t flags = 0;              ///< IFF_*, netdevice(7)
  std::uint32_t type = 0;               ///< ARPHRD_*
  std::uint32_t promiscuity = 0;        ///< how many asked for promiscuous mode
  std::uint32_t operational_state = 0;  ///< RFC 2863: 2 down, 6 up; 0 unknown
  std::uint32_t carrier_changes = 0;
  std::uint32_t transmit_queue_length = 0;
  std::uint64_t hardware_address = 0;  ///< 48 bits, 0 if it has none or another kind
  // struct rtnl_link_stats64, linux/if_link.h
  std::uint64_t receive_packets = 0;
  std::uint64_t transmit_packets = 0;
  std::uint64_t receive_bytes = 0;
  std::uint64_t transmit_bytes = 0;
  std::uint64_t receive_errors = 0;
  std::uint64_t transmit_errors = 0;
  std::uint64_t receive_dropped = 0;
  std::uint64_t transmit_dropped = 0;
  std::uint64_t multicast = 0;
  std::uint64_t collisions = 0;
  std::uint64_t receive_length_errors = 0;
  std::uint64_t receive_over_errors = 0;
  std::uint64_t receive_crc_errors = 0;
  std::uint64_t receive_frame_errors = 0;
  std::uint64_t receive_fifo_errors = 0;
  std::uint64_t receive_missed_errors = 0;
  std::uint64_t transmit_aborted_errors = 0;
  std::uint64_t transmit_carrier_errors = 0;
  std::uint64_t transmit_fifo_errors = 0;
  std::uint64_t transmit_heartbeat_errors = 0;
  std::uint64_t transmit_window_errors = 0;
  std::uint64_t receive_no_handler = 0;

  bool operator==(const Interface&) const = default;
};

/// "UP BROADCAST RUNNING MULTICAST", in the order of ifconfig(8). Unknown bits as hexadecimal.
std::string interface_flags_text(std::uint32_t flags);
/// "up", "down", "lowerlayerdown", "dormant", "unknown", …
std::string_view operational_state_name(std::uint32_t state);

template <>
struct EntityTraits<Interface> {
  static constexpr EntityKind kind = EntityKind::interface;
  static constexpr std::string_view name = "interface";
  static std::span<const Field<Interface>> fields();
  static std::uint64_t key(const Interface& row) {
    return std::uint64_t{row.network_namespace} << 32 | row.index;
  }
};

struct Counter {
  std::uint64_t value = 0;
  std::uint32_t id = 0;  ///< never reused in a file
  std::uint32_t network_namespace = 0;
  std::uint32_t name = 0;  ///< Text: "Tcp.RetransSegs", "TcpExt.ListenDrops", "Ip6InReceives"

  bool operator==(const Counter&) const = default;
};

template <>
struct EntityTraits<Counter> {
  static constexpr EntityKind kind = EntityKind::counter;
  static constexpr std::string_view name = "counter";
  static std::span<const Field<Counter>> fields();
  static std::uint64_t key(const Counter& row) { return row.id; }
};

}  // namespace netrec
