#include "schema/ip_address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace netrec {

namespace {

constexpr std::uint64_t kMappedPrefix = 0x0000'ffff'0000'0000;  // ::ffff:0:0/96, low half

std::array<unsigned char, 16> to_bytes(const IpAddress& address) {
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(address.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<unsigned char>(address.low >> (56 - 8 * i));
  }
  return bytes;
}

std::uint64_t big_endian(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

std::uint64_t leading_ones(int bits) {
  if (bits <= 0) return 0;
  return bits >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> bits);
}

bool is_mapped(const IpAddress& address) {
  return address.high == 0 && (address.low & 0xffff'ffff'0000'0000) == kMappedPrefix;
}

}  // namespace

std::string to_string(const IpAddress& address, Family family) {
  char text[INET6_ADDRSTRLEN] = "";
  if (family == Family::inet) {
    const std::uint32_t network = htonl(static_cast<std::uint32_t>(address.low));
    inet_ntop(AF_INET, &network, text, sizeof text);
  } else if (family == Family::inet6) {
    const auto bytes = to_bytes(address);
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

std::string endpoint_text(const IpAddress& address, std::uint16_t port, Family family) {
  const std::string host = to_string(address, family);
  const std::string service = port == 0 ? "*" : std::to_string(port);
  if (family == Family::inet6) return fmt::format("[{}]:{}", host, service);
  return fmt::format("{}:{}", host, service);
}

bool is_loopback(const IpAddress& address, Family family) {
  if (family == Family::inet) return (address.low >> 24) == 127;
  if (family != Family::inet6) return false;
  if (is_mapped(address)) return ((address.low >> 24) & 0xff) == 127;
  return address.high == 0 && address.low == 1;
}

bool Prefix::contains(const IpAddress& other, Family other_family) const {
  if (family == Family::inet) {
    const bool comparable =
        other_family == Family::inet || (other_family == Family::inet6 && is_mapped(other));
    if (!comparable) return false;
    const std::uint64_t mask = leading_ones(32 + bits) & 0xffff'ffff;
    return ((other.low ^ address.low) & mask) == 0;
  }
  if (other_family != family) return false;
  return ((other.high ^ address.high) & leading_ones(bits)) == 0 &&
         ((other.low ^ address.low) & leading_ones(bits - 64)) == 0;
}

Result<Prefix> parse_prefix(std::string_view text) {
  const std::string whole(text);
  std::string_view host = text;
  int bits = -1;
  if (const auto slash = host.find('/'); slash != std::string_view::npos) {
    const std::string_view digits = host.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0)
      return failure(ErrorKind::invalid_argument, "'{}' has no prefix length after '/'", whole);
    host = host.substr(0, slash);
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);

  Prefix prefix;
  unsigned char bytes[16];
  const std::string address(host);
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) {
    prefix.family = Family::inet;
    prefix.address.low = big_endian(bytes, 4);
  } else if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) {
    prefix.family = Family::inet6;
    prefix.address = {big_endian(bytes, 8), big_endian(bytes + 8, 8)};
  } else {
    return failure(ErrorKind::invalid_argument, "'{}' is not an IPv4 or IPv6 address", whole);
  }
  const int widest = prefix.family == Family::inet ? 32 : 128;
  prefix.bits = bits < 0 ? widest : bits;
  if (prefix.bits > widest)
    return failure(ErrorKind::invalid_argument, "'{}': a prefix length is at most {}", whole,
                   widest);
  if (prefix.family == Family::inet) {
    prefix.address.low &= leading_ones(32 + prefix.bits) & 0xffff'ffff;
  } else {
    prefix.address.high &= leading_ones(prefix.bits);
    prefix.address.low &= leading_ones(prefix.bits - 64);
  }
  return prefix;
}

}  // namespace netrec
