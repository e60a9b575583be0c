// An IPv4 or IPv6 address as two integers, so that it is stored in two columns like any other
// number. The family is kept by whoever holds the address (a Socket has one for both its ends):
// an IPv4 address alone is its 32 bits in `low`, with `high` 0.
//
// Refused: sockaddr and in6_addr in the schema (layout of one kernel ABI), strings (nothing can be
// compared by prefix), IPv4 as ::ffff:0:0/96 (an IPv6 socket talking to a mapped address is a fact
// of its own, and stays visible).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// Address families as the kernel numbers them (linux/socket.h); the file keeps these numbers.
enum class Family : std::uint8_t {
  none = 0,
  unix = 1,
  inet = 2,
  inet6 = 10,
  packet = 17,
  vsock = 40
};

struct IpAddress {
  std::uint64_t high =
      0;  ///< the first eight bytes of an IPv6 address in network order, as a number
  std::uint64_t low = 0;  ///< the last eight; for IPv4 the four bytes

  auto operator<=>(const IpAddress&) const = default;
  bool is_zero() const { return high == 0 && low == 0; }
};

/// "192.0.2.1", "2001:db8::1" (RFC 5952). Families other than inet and inet6 give "".
std::string to_string(const IpAddress& address, Family family);

/// The address as netstat and ss print an end: "192.0.2.1:80", "[2001:db8::1]:80", "*" for port 0
/// and "0.0.0.0"/"[::]" for no address.
std::string endpoint_text(const IpAddress& address, std::uint16_t port, Family family);

/// True for 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104.
bool is_loopback(const IpAddress& address, Family family);

/// A set of addresses with a common beginning (CIDR). REQUIRES of users: `bits` ≤ 32 or 128.
struct Prefix {
  IpAddress address;
  Family family = Family::none;
  int bits = 0;

  /// IPv4 prefixes also contain IPv4-mapped IPv6 addresses, as ss's filters do.
  bool contains(const IpAddress& other, Family other_family) const;
};

/// Reads "10.0.0.0/8", "::1", "[2001:db8::]/32", "192.0.2.7". Bits after the prefix are cleared.
Result<Prefix> parse_prefix(std::string_view text);

}  // namespace netrec
