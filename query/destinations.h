// Who talked to whom, added up: connections of TCP and of connected sockets, and, where events were
// recorded, the peers of unconnected ones.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "query/direction.h"
#include "schema/connection.h"
#include "schema/peer.h"

namespace netrec {

/// What one row stands for.
enum class GroupBy {
  endpoint,  ///< a program and a remote address and port
  address,   ///< a remote address
  network,   ///< its /24 (IPv4) or /48 (IPv6)
  program,
};

struct DestinationKey {
  std::string program;
  Transport transport = Transport::unknown;  ///< unknown: several
  Family family = Family::none;
  IpAddress remote;
  std::uint16_t port = 0;  ///< outgoing: theirs; incoming: ours

  auto operator<=>(const DestinationKey&) const = default;
};

struct Destination {
  DestinationKey key;
  Direction direction = Direction::outgoing;
  std::uint64_t first_us = 0;
  std::uint64_t last_us = 0;  ///< when it was last seen talking
  std::uint64_t connections = 0;
  std::uint64_t open = 0;  ///< of those, not closed
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::set<std::string> names;     ///< that led there, at most a few
  std::set<std::string> programs;  ///< at most a few
  std::set<IpAddress> addresses;   ///< counted up to kMostAddresses
};

class Destinations {
 public:
  Destinations(GroupBy by, Direction direction) : by_(by), direction_(direction) {}

  /// Before add(): what listened, which says who called whom.
  void learn(const Connection& life) { directions_.learn(life); }
  void add(const Connection& life, const Snapshot& names);
  void add(const Peer& peer, const Snapshot& names);

  const std::map<DestinationKey, Destination>& rows() const { return rows_; }

  static constexpr std::size_t kMostNames = 4;
  static constexpr std::size_t kMostAddresses = 1000;

 private:
  struct Seen;
  void add(const Seen& seen);

  GroupBy by_;
  Direction direction_;
  Directions directions_;
  std::map<DestinationKey, Destination> rows_;
};

/// The network an address is added up under.
Prefix network_of(const IpAddress& address, Family family);

}  // namespace netrec
