#include "query/direction.h"

namespace netrec {

namespace {

std::uint64_t port_key(const Socket& socket) {
  return std::uint64_t{socket.network_namespace} << 24 |
         std::uint64_t{static_cast<std::uint8_t>(socket.transport)} << 16 | socket.local_port;
}

bool was_in(const Connection& connection, TcpState state) {
  for (const Transition& transition : connection.transitions)
    if (transition.state == state) return true;
  return connection.socket.state == state;
}

}  // namespace

EphemeralPorts ephemeral_ports(std::uint32_t network_namespace, const Snapshot& names) {
  const NetworkNamespace* found = names.of<NetworkNamespace>().find(network_namespace);
  const bool known =
      found != nullptr && found->first_port != 0 && found->last_port >= found->first_port;
  return known ? EphemeralPorts{found->first_port, found->last_port} : EphemeralPorts{};
}

void Directions::learn(const Connection& connection) {
  if (connection.socket.state == TcpState::listen) listening_.insert(port_key(connection.socket));
}

Direction Directions::of(const Connection& connection, const Snapshot& names) {
  const Socket& socket = connection.socket;
  if (was_in(connection, TcpState::syn_sent)) return Direction::outgoing;
  if (was_in(connection, TcpState::syn_recv) || was_in(connection, TcpState::new_syn_recv))
    return Direction::incoming;
  if (listening_.contains(port_key(socket))) return Direction::incoming;
  const EphemeralPorts ports = ephemeral_ports(socket.network_namespace, names);
  const bool ours = ports.contains(socket.local_port);
  const bool theirs = ports.contains(socket.remote_port);
  if (ours != theirs) return ours ? Direction::outgoing : Direction::incoming;
  // Neither or both: services have the lower port more often than not.
  return socket.remote_port <= socket.local_port ? Direction::outgoing : Direction::incoming;
}

bool is_ip_connection(const Socket& socket) {
  if (socket.family != Family::inet && socket.family != Family::inet6) return false;
  const bool has_ports = socket.transport != Transport::raw && socket.transport != Transport::icmp;
  return has_ports ? socket.remote_port != 0 : !socket.remote.is_zero();
}

}  // namespace netrec
