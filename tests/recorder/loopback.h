// Connections over loopback for tests, made and ended in each of the ways there are.
#pragma once

#include <cstdint>
#include <string_view>

namespace netrec {

/// A listener, and one connection to it whose both ends this process holds.
class LoopbackPair {
 public:
  /// `family`: AF_INET or AF_INET6.
  explicit LoopbackPair(int family);
  ~LoopbackPair();
  LoopbackPair(const LoopbackPair&) = delete;
  LoopbackPair& operator=(const LoopbackPair&) = delete;

  std::uint16_t port() const { return port_; }
  int listener() const { return listener_; }
  int client() const { return client_; }
  int server() const { return server_; }

  /// Sends, and reads it at the other end.
  void send_from_client(std::string_view bytes);
  void send_from_server(std::string_view bytes);
  void close_client();
  void close_server();
  /// SO_LINGER with 0, and close.
  void reset_from_server();

 private:
  int listener_ = -1;
  int client_ = -1;
  int server_ = -1;
  std::uint16_t port_ = 0;
};

/// A port of loopback nobody listens on.
std::uint16_t unused_port(int family);
/// What connect(2) says: 0 or an errno value. `address`: loopback if empty.
int connect_error(int family, std::uint16_t port, const char* address = "");
std::uint32_t own_network_namespace();
/// Of a socket's descriptor.
std::uint32_t inode_of(int descriptor);

/// While it lives, the thread is in a network namespace of its own in which nothing is up.
class OwnNetworkNamespace {
 public:
  OwnNetworkNamespace();
  ~OwnNetworkNamespace();
  OwnNetworkNamespace(const OwnNetworkNamespace&) = delete;
  OwnNetworkNamespace& operator=(const OwnNetworkNamespace&) = delete;

 private:
  int before_ = -1;
};

}  // namespace netrec
