#include "recorder/source.h"

#include <fmt/format.h>

namespace netrec {

std::span<const SocketKind> socket_kinds() {
  static constexpr SocketKind kKinds[] = {
      {Transport::tcp, Family::inet},      {Transport::tcp, Family::inet6},
      {Transport::mptcp, Family::inet},    {Transport::mptcp, Family::inet6},
      {Transport::udp, Family::inet},      {Transport::udp, Family::inet6},
      {Transport::udplite, Family::inet},  {Transport::udplite, Family::inet6},
      {Transport::sctp, Family::inet},     {Transport::sctp, Family::inet6},
      {Transport::dccp, Family::inet},     {Transport::dccp, Family::inet6},
      {Transport::raw, Family::inet},      {Transport::raw, Family::inet6},
      {Transport::icmp, Family::inet},     {Transport::icmp, Family::inet6},
      {Transport::packet, Family::packet}, {Transport::vsock, Family::vsock},
      {Transport::unix, Family::unix},
  };
  return kKinds;
}

std::string to_string(const SocketKind& kind) {
  switch (kind.family) {
    case Family::inet:
      return fmt::format("{} over IPv4", name(kind.transport));
    case Family::inet6:
      return fmt::format("{} over IPv6", name(kind.transport));
    default:
      return std::string(name(kind.transport));
  }
}

}  // namespace netrec
