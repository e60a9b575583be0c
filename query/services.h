// What was offered on a port, since when and until when. A service is what somebody can connect to
// (address, port, program); its sockets come and go with restarts and workers (SO_REUSEPORT), so
// those that overlap in time are one run of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schema/connection.h"
#include "schema/delta.h"

namespace netrec {

struct ServiceKey {
  std::uint32_t network_namespace = 0;
  Transport transport = Transport::unknown;
  Family family = Family::none;
  std::uint16_t port = 0;
  IpAddress address;
  std::string path;     ///< UNIX sockets
  std::string program;  ///< comm; "" if not known

  auto operator<=>(const ServiceKey&) const = default;
};

/// The service was there without a break in this time.
struct ServiceRun {
  std::uint64_t started_us = 0;
  std::uint64_t started_after_us = 0;  ///< 0: it was there before recording began
  std::uint64_t stopped_us = 0;        ///< 0: it is still there
  std::uint64_t stopped_after_us = 0;
  std::uint64_t sockets = 0;
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
  std::string exe;
  std::string user;
  bool exe_deleted = false;
};

struct Service {
  ServiceKey key;
  std::string network_namespace;  ///< its name
  std::vector<ServiceRun> runs;   ///< oldest first
};

/// True if the life is, or was, a socket others could reach: a listener, or a datagram socket bound
/// and not connected.
bool is_service(const Connection& life);

class Services {
 public:
  void add(const Connection& life, const Snapshot& names);
  /// In the order of their keys: by namespace, transport, family, port.
  std::vector<Service> result() const;

 private:
  struct Found {
    std::string network_namespace;
    std::vector<ServiceRun> sockets;
  };
  std::map<ServiceKey, Found> found_;
};

}  // namespace netrec
