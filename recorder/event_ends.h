// Addresses and times as events carry them, as the schema has them.
#pragma once

#include <chrono>

#include "bpf/event.h"
#include "schema/ip_address.h"

namespace netrec {

/// The first four or all of `bytes`, in network order.
IpAddress address_in_event(const __u8 (&bytes)[16], Family family);

inline std::chrono::microseconds boot_of(const event_header& header) {
  return std::chrono::microseconds(header.at_ns / 1000);
}

}  // namespace netrec
