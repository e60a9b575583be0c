// Connections over loopback for tests, made and ended in each of the ways there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netrec {

/// A listener, and one connection to it whose both ends this process holds.
class LoopbackPair {
 public:
  /// `family`: AF_INET or AF_INET6. `text`: where to listen, loopback if empty.
  explicit LoopbackPair(int family, const char* text = "");
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

/// A UDP socket that sends to another without being connected, both of this process.
class DatagramPair {
 public:
  explicit DatagramPair(int family);
  ~DatagramPair();
  DatagramPair(const DatagramPair&) = delete;
  DatagramPair& operator=(const DatagramPair&) = delete;

  std::uint16_t sender_port() const { return sender_port_; }
  std::uint16_t receiver_port() const { return receiver_port_; }
  /// Sends a datagram of `bytes`, and reads it at the other end.
  void send(std::size_t bytes);
  /// As many with one call.
  void send_many(unsigned count, std::size_t bytes);

 private:
  int family_;
  int sender_ = -1;
  int receiver_ = -1;
  std::uint16_t sender_port_ = 0;
  std::uint16_t receiver_port_ = 0;
};

/// Answers this process's question from port 53 of loopback that a name has the address it was
/// given. REQUIRES: nobody else answers there.
class FakeResolver {
 public:
  explicit FakeResolver(const char* address) : address_(address) {}
  void answer(const char* name);

 private:
  const char* address_;
};

void bring_up_loopback();

/// A port of loopback nobody listens on.
std::uint16_t unused_port(int family);
/// What connect(2) says: 0 or an errno value. `text`: the address, loopback if empty.
int connect_error(int family, std::uint16_t port, const char* text = "");
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
