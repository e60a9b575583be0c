// Addresses, times and transports as events carry them, as the schema has them.
#pragma once

#include <chrono>

#include "bpf/event.h"
#include "schema/ip_address.h"
#include "schema/socket.h"

namespace netrec {

/// The first four or all of `bytes`, in network order.
IpAddress address_in_event(const __u8 (&bytes)[16], Family family);

/// What a socket of the internet families that is no TCP speaks.
Transport datagram_transport(std::uint16_t type, std::uint16_t protocol);

inline std::chrono::microseconds boot_of(const event_header& header) {
  return std::chrono::microseconds(header.at_ns / 1000);
}

}  // namespace netrec
