#include "recorder/event_ends.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace netrec {

namespace {

std::uint64_t big_endian(const __u8* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

IpAddress address_in_event(const __u8 (&bytes)[16], Family family) {
  if (family == Family::inet) return {.high = 0, .low = big_endian(bytes, 4)};
  return {.high = big_endian(bytes, 8), .low = big_endian(bytes + 8, 8)};
}

Transport datagram_transport(std::uint16_t type, std::uint16_t protocol) {
  if (type == SOCK_RAW) return Transport::raw;
  switch (protocol) {
    case IPPROTO_UDPLITE:
      return Transport::udplite;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return Transport::icmp;
    case IPPROTO_SCTP:
      return Transport::sctp;
    default:
      return Transport::udp;
  }
}

}  // namespace netrec
