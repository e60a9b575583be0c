// A process that held a socket, and the network namespace sockets live in.
//
// A pid alone is reused, and a process becomes another program by exec: so one row is one *program
// run* (pid, start time and what was executed), and a new row replaces it after an exec.
#pragma once

#include <cstdint>

#include "schema/field.h"

namespace netrec {

struct Process {
  std::uint64_t start_us = 0;  ///< CLOCK_BOOTTIME, microseconds (/proc/PID/stat field 22, in ticks)
  std::uint64_t first_seen_us = 0;  ///< wall clock
  std::uint64_t ended_us = 0;       ///< wall clock; 0: it runs, or its end was not seen
  std::uint64_t exe_inode = 0;
  std::uint64_t exe_device = 0;
  std::uint32_t id = 0;  ///< never reused in a file
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  std::uint32_t parent = 0;  ///< id of a Process, if the parent is known too
  std::uint32_t uid = 0;     ///< real uid
  std::uint32_t effective_uid = 0;
  std::uint32_t comm = 0;          ///< Text
  std::uint32_t exe = 0;           ///< Text, without " (deleted)"
  std::uint32_t command_line = 0;  ///< Text, arguments separated by NUL
  std::uint32_t cgroup = 0;        ///< Text, the v2 path
  std::uint32_t exe_sha256 = 0;    ///< Text, hexadecimal; or "failed: why"; 0: not computed
  std::uint8_t exe_deleted = 0;

  bool operator==(const Process&) const = default;
};

template <>
struct EntityTraits<Process> {
  static constexpr EntityKind kind = EntityKind::process;
  static constexpr std::string_view name = "process";
  static std::span<const Field<Process>> fields();
  static std::uint64_t key(const Process& row) { return row.id; }
};

struct NetworkNamespace {
  std::uint64_t cookie = 0;  ///< SO_NETNS_COOKIE, unique while the host is up; 0: not known
  std::uint32_t id = 0;      ///< never reused in a file
  std::uint32_t inode = 0;   ///< of /proc/PID/ns/net, as lsns prints it
  std::uint32_t name = 0;    ///< Text: name under /run/netns, or what holds it ("pid 812 nginx")
  std::uint32_t time_wait_limit = 0;  ///< net.ipv4.tcp_max_tw_buckets
  std::uint16_t first_port = 0;       ///< net.ipv4.ip_local_port_range
  std::uint16_t last_port = 0;

  bool operator==(const NetworkNamespace&) const = default;
};

template <>
struct EntityTraits<NetworkNamespace> {
  static constexpr EntityKind kind = EntityKind::network_namespace;
  static constexpr std::string_view name = "network_namespace";
  static std::span<const Field<NetworkNamespace>> fields();
  static std::uint64_t key(const NetworkNamespace& row) { return row.id; }
};

}  // namespace netrec
