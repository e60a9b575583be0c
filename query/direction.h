// Who called whom: the kernel does not keep it, so it is concluded, in this order, from the states
// a connection went through, from what listened, and from where its ports lie.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "schema/connection.h"
#include "schema/delta.h"
#include "schema/key_hash.h"

namespace netrec {

enum class Direction { outgoing, incoming };

/// ip_local_port_range of a namespace, or the kernel's default (32768 to 60999) if it is not known.
struct EphemeralPorts {
  std::uint16_t first = 32768;
  std::uint16_t last = 60999;

  bool contains(std::uint16_t port) const { return port >= first && port <= last; }
  std::uint32_t count() const { return std::uint32_t{last} - first + 1; }
};

EphemeralPorts ephemeral_ports(std::uint32_t network_namespace, const Snapshot& names);

/// Learns the ports that are listened on as lives go by.
class Directions {
 public:
  /// REQUIRES: the connection has a remote end.
  Direction of(const Connection& connection, const Snapshot& names);
  /// Remembers the port if the connection is a listener.
  void learn(const Connection& connection);

 private:
  std::unordered_set<std::uint64_t, KeyHash> listening_;  ///< namespace, transport and port
};

/// True for what talks to one other end over IP, and to a port of it where the protocol has ports.
bool is_ip_connection(const Socket& socket);

}  // namespace netrec
