#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <chrono>
#include <cstring>
#include <map>

#include "query/names.h"

namespace netrec {

namespace {

constexpr std::chrono::seconds kTimeForLookups{10};

socklen_t fill(sockaddr_storage& storage, const IpAddress& address, Family family) {
  if (family == Family::inet) {
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
    ipv4.sin_family = AF_INET;
    ipv4.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(address.low));
    return sizeof ipv4;
  }
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  ipv6.sin6_family = AF_INET6;
  for (std::size_t i = 0; i < 8; ++i) {
    ipv6.sin6_addr.s6_addr[i] = static_cast<std::uint8_t>(address.high >> (56 - 8 * i));
    ipv6.sin6_addr.s6_addr[8 + i] = static_cast<std::uint8_t>(address.low >> (56 - 8 * i));
  }
  return sizeof ipv6;
}

std::string looked_up(const IpAddress& address, Family family) {
  sockaddr_storage storage{};
  const socklen_t size = fill(storage, address, family);
  char host[NI_MAXHOST] = "";
  const int error = getnameinfo(reinterpret_cast<const sockaddr*>(&storage), size, host,
                                sizeof host, nullptr, 0, NI_NAMEREQD);
  return error == 0 ? host : "";
}

bool is_ip(Family family) { return family == Family::inet || family == Family::inet6; }

/// What is left to say of a socket's end that has no IP address.
std::string other_end(const Socket& socket, const IpAddress& address, std::uint16_t port,
                      const Snapshot& names) {
  if (socket.family == Family::vsock) return fmt::format("{}:{}", address.low, port);
  if (socket.family == Family::packet) {
    const std::string interface = interface_text(socket, names);
    return fmt::format("{}:{}",
                       socket.protocol == 3 ? "all" : fmt::format("{:#06x}", socket.protocol),
                       interface.empty() ? "*" : interface);
  }
  return "";
}

}  // namespace

struct EndpointNames::Cache {
  std::map<std::pair<IpAddress, Family>, std::string> hosts;
  std::map<std::pair<std::uint16_t, Transport>, std::string> services;
  std::chrono::steady_clock::duration spent{0};
};

EndpointNames::EndpointNames(Mode mode) : mode_(mode), cache_(std::make_unique<Cache>()) {}
EndpointNames::EndpointNames(EndpointNames&&) noexcept = default;
EndpointNames& EndpointNames::operator=(EndpointNames&&) noexcept = default;
EndpointNames::~EndpointNames() = default;

std::string EndpointNames::address(const IpAddress& address, Family family,
                                   std::string_view recorded) {
  std::string number = to_string(address, family);
  if (mode_ == Mode::numbers || address.is_zero() || !is_ip(family)) return number;
  if (!recorded.empty()) return std::string(recorded);
  const auto key = std::pair(address, family);
  if (const auto found = cache_->hosts.find(key); found != cache_->hosts.end())
    return found->second;
  if (cache_->spent >= kTimeForLookups) return number;
  const auto begin = std::chrono::steady_clock::now();
  const std::string host = looked_up(address, family);
  cache_->spent += std::chrono::steady_clock::now() - begin;
  return cache_->hosts[key] = host.empty() ? number : host;
}

std::string EndpointNames::endpoint(const IpAddress& address, std::uint16_t port, Family family,
                                    Transport transport, std::string_view recorded) {
  if (mode_ == Mode::numbers) return endpoint_text(address, port, family);
  const std::string host = this->address(address, family, recorded);
  std::string service = port == 0 ? "*" : std::to_string(port);
  if (port != 0) {
    const auto [found, is_new] = cache_->services.try_emplace({port, transport});
    if (is_new) found->second = service_name(port, transport);
    if (!found->second.empty()) service = found->second;
  }
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? fmt::format("[{}]:{}", host, service) : fmt::format("{}:{}", host, service);
}

std::string EndpointNames::local(const Socket& socket, const Snapshot& names) {
  if (socket.family == Family::unix) return std::string(names.text(socket.path));
  if (!is_ip(socket.family)) return other_end(socket, socket.local, socket.local_port, names);
  return endpoint(socket.local, socket.local_port, socket.family, socket.transport, "");
}

std::string EndpointNames::remote(const Socket& socket, const Snapshot& names) {
  if (socket.family == Family::unix) return std::string(names.text(socket.remote_name));
  if (socket.family == Family::packet) return "";
  if (!is_ip(socket.family)) return other_end(socket, socket.remote, socket.remote_port, names);
  return endpoint(socket.remote, socket.remote_port, socket.family, socket.transport,
                  names.text(socket.remote_name));
}

}  // namespace netrec
