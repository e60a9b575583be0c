#include "recorder/kernel_protocols.h"

#include <algorithm>
#include <charconv>

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

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<std::int64_t> sockets_in_use(SocketKind kind, std::string_view table) {
  const std::string_view wanted = protocol_name(kind);
  while (!table.empty()) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    if (next_word(line) != wanted) continue;
    next_word(line);  // The size of one.
    const std::string_view count = next_word(line);
    std::int64_t sockets = -1;
    std::from_chars(count.data(), count.data() + count.size(), sockets);
    return sockets;
  }
  return std::nullopt;
}

}  // namespace netrec
