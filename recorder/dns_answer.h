// A DNS message as a program received it, read with a DNS library (ldns): the name that was asked
// for and the addresses it was given. Whoever answers may be hostile: what is no sound answer is an
// error, and what comes out is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schema/ip_address.h"
#include "schema/result.h"

namespace netrec {

/// More addresses than this in one answer are left out.
inline constexpr std::size_t kMostAddresses = 64;

struct ResolvedAddress {
  IpAddress address;
  Family family = Family::none;
  std::uint32_t ttl_s = 0;

  bool operator==(const ResolvedAddress&) const = default;
};

struct DnsAnswer {
  std::string name;  ///< asked for: lower case, without the final dot, escaped as in RFC 1035
  std::uint16_t query_type = 0;
  std::uint8_t response_code = 0;
  std::vector<ResolvedAddress> addresses;  ///< at the end of a CNAME chain too
};

/// Errors: corrupt (no DNS message), unsupported (a query, several questions, not of the Internet).
Result<DnsAnswer> parse_dns_answer(std::span<const std::byte> message);

}  // namespace netrec
