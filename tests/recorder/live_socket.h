// A socket of the test's own, closed at the end of its scope.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace netrec {

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

class LiveSocket {
 public:
  LiveSocket(int family, int type, int protocol)
      : descriptor_(socket(family, type | SOCK_CLOEXEC, protocol)) {}
  explicit LiveSocket(int descriptor) : descriptor_(descriptor) {}
  LiveSocket(LiveSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LiveSocket& operator=(LiveSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~LiveSocket() { close(); }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  std::uint32_t inode() const {
    struct stat status {};
    EXPECT_EQ(fstat(descriptor_, &status), 0);
    return static_cast<std::uint32_t>(status.st_ino);
  }
  std::uint64_t cookie() const {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    EXPECT_EQ(getsockopt(descriptor_, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    return cookie;
  }
  /// Binds to `port` (0: any) of loopback; returns the port.
  std::uint16_t bind_loopback(int family, std::uint16_t port = 0) {
    sockaddr_storage address = loopback(family, port);
    EXPECT_EQ(bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size_of(family)), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port)
                             : ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  }
  void connect_loopback(int family, std::uint16_t port) {
    const sockaddr_storage address = loopback(family, port);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), size_of(family)), 0)
        << std::strerror(errno);
  }
  LiveSocket accept_one() {
    return LiveSocket(accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  static socklen_t size_of(int family) {
    return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  static sockaddr_storage loopback(int family, std::uint16_t port) {
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      v4.sin_port = htons(port);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6.sin6_addr = in6addr_loopback;
      v6.sin6_port = htons(port);
    }
    return address;
  }

  int descriptor_;
};

}  // namespace netrec
