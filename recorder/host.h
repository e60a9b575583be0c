// Which host, which boot, which kernel this is: what a Session says of where it was recorded.
#pragma once

#include <cstdint>
#include <string>

namespace netrec {

/// "" where the host does not say.
struct HostIdentity {
  std::string host;        ///< nodename
  std::string boot_id;     ///< /proc/sys/kernel/random/boot_id
  std::string machine_id;  ///< /etc/machine-id
  std::string kernel;      ///< "Linux 6.18.44 x86_64"
  std::string time_zone;   ///< "Europe/Berlin +0100": the zone's name and its offset now
};

HostIdentity read_host_identity();

/// The calling process's effective capabilities, bit n = capability n (capabilities(7)).
std::uint64_t effective_capabilities();

}  // namespace netrec
