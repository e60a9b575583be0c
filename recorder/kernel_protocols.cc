#include "recorder/kernel_protocols.h"

namespace netrec {

namespace {

// As the kernel's struct proto names it.
std::string_view protocol_name(SocketKind kind) {
  const bool v6 = kind.family == Family::inet6;
  switch (kind.transport) {
    case Transport::tcp:
      return v6 ? "TCPv6" : "TCP";
    case Transport::udp:
      return v6 ? "UDPv6" : "UDP";
    case Transport::udplite:
      return v6 ? "UDPLITEv6" : "UDP-Lite";
    case Transport::raw:
      return v6 ? "RAWv6" : "RAW";
    case Transport::icmp:
      return v6 ? "PINGv6" : "PING";
    case Transport::mptcp:
      return v6 ? "MPTCPv6" : "MPTCP";
    case Transport::sctp:
      return v6 ? "SCTPv6" : "SCTP";
    case Transport::dccp:
      return v6 ? "DCCPv6" : "DCCP";
    case Transport::unix:
      return "UNIX";
    case Transport::packet:
      return "PACKET";
    case Transport::vsock:
      return "AF_VSOCK";
    case Transport::unknown:
      break;
  }
  return "";
}

}  // namespace

bool kernel_has(SocketKind kind, std::string_view table) {
  const std::string_view wanted = protocol_name(kind);
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    if (line.substr(0, line.find(' ')) == wanted) return true;
  }
  return false;
}

}  // namespace netrec
