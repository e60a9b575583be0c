#include "query/destinations.h"

#include <algorithm>

#include "query/names.h"

namespace netrec {

namespace {

std::string program_of(std::uint32_t process, const Snapshot& names) {
  const Process* owner = process == 0 ? nullptr : names.of<Process>().find(process);
  return owner == nullptr ? "" : std::string(program_name(*owner, names));
}

// The kernel answers for itself (resets, ICMP, IGMP) through raw sockets that no program made and
// no look shows; so nobody knows which namespace they are in, either.
bool is_the_kernels(const Peer& peer) {
  return peer.transport == Transport::raw && peer.process == 0 && peer.network_namespace == 0;
}

template <class T>
void insert_some(std::set<T>& set, const T& value, std::size_t most) {
  if (set.size() < most) set.insert(value);
}

}  // namespace

Prefix network_of(const IpAddress& address, Family family) {
  if (family == Family::inet) return {{0, address.low & ~std::uint64_t{0xff}}, family, 24};
  return {{address.high & ~std::uint64_t{0xffff}, 0}, family, 48};
}

/// One conversation, of either kind.
struct Destinations::Seen {
  std::string program;
  std::string_view name;
  Transport transport;
  Family family;
  IpAddress remote;
  std::uint16_t port;
  std::uint64_t first_us;
  std::uint64_t last_us;
  std::uint64_t bytes_sent;
  std::uint64_t bytes_received;
  bool open;
};

void Destinations::add(const Connection& life, const Snapshot& names) {
  const Socket& socket = life.socket;
  if (!is_ip_connection(socket) || directions_.of(life, names) != direction_) return;
  add({.program = program_of(socket.process, names),
       .name = names.text(socket.remote_name),
       .transport = socket.transport,
       .family = socket.family,
       .remote = socket.remote,
       .port = direction_ == Direction::outgoing ? socket.remote_port : socket.local_port,
       .first_us = socket.opened_us,
       .last_us = life.is_closed() ? life.closed_us : life.last_seen_us,
       .bytes_sent = socket.bytes_sent,
       .bytes_received = socket.bytes_received,
       .open = !life.is_closed()});
}

void Destinations::add(const Peer& peer, const Snapshot& names) {
  if (peer.family != Family::inet && peer.family != Family::inet6) return;
  const EphemeralPorts ports = ephemeral_ports(peer.network_namespace, names);
  const bool called_us = ports.contains(peer.remote_port) && !ports.contains(peer.local_port);
  if ((called_us ? Direction::incoming : Direction::outgoing) != direction_) return;
  add({.program = is_the_kernels(peer) ? "kernel" : program_of(peer.process, names),
       .name = names.text(peer.remote_name),
       .transport = peer.transport,
       .family = peer.family,
       .remote = peer.remote,
       .port = called_us ? peer.local_port : peer.remote_port,
       .first_us = peer.first_us,
       .last_us = peer.last_us,
       .bytes_sent = peer.bytes_sent,
       .bytes_received = peer.bytes_received,
       .open = false});
}

void Destinations::add(const Seen& seen) {
  DestinationKey key;
  if (by_ == GroupBy::endpoint || by_ == GroupBy::program) key.program = seen.program;
  if (by_ == GroupBy::endpoint) key.transport = seen.transport;
  if (by_ == GroupBy::endpoint) key.port = seen.port;
  if (by_ != GroupBy::program) key.family = seen.family;
  if (by_ == GroupBy::endpoint || by_ == GroupBy::address) key.remote = seen.remote;
  if (by_ == GroupBy::network) key.remote = network_of(seen.remote, seen.family).address;
  const auto [found, is_new] = rows_.try_emplace(key);
  Destination& row = found->second;
  if (is_new) {
    row.key = key;
    row.direction = direction_;
    row.first_us = seen.first_us;
  }
  row.first_us = std::min(row.first_us, seen.first_us);
  row.last_us = std::max(row.last_us, seen.last_us);
  ++row.connections;
  row.open += seen.open ? 1 : 0;
  row.bytes_sent += seen.bytes_sent;
  row.bytes_received += seen.bytes_received;
  if (!seen.name.empty()) insert_some(row.names, std::string(seen.name), kMostNames);
  if (!seen.program.empty()) insert_some(row.programs, seen.program, kMostNames);
  insert_some(row.addresses, seen.remote, kMostAddresses);
}

}  // namespace netrec
