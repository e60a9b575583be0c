#include "tests/recorder/loopback.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace netrec {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address address_of(int family, std::uint16_t port, const char* text) {
  Address result;
  result.storage.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
    v4.sin_port = htons(port);
    ::inet_pton(AF_INET, *text == '\0' ? "127.0.0.1" : text, &v4.sin_addr);
    result.size = sizeof(v4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    v6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, *text == '\0' ? "::1" : text, &v6.sin6_addr);
    result.size = sizeof(v6);
  }
  return result;
}

int need(int result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::abort();
  }
  return result;
}

std::uint16_t port_of(int socket) {
  Address address;
  address.size = sizeof(address.storage);
  need(::getsockname(socket, address.get(), &address.size), "getsockname");
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

void send_over(int from, int to, std::string_view bytes) {
  need(static_cast<int>(::send(from, bytes.data(), bytes.size(), MSG_NOSIGNAL)), "send");
  std::string got(bytes.size(), '\0');
  need(static_cast<int>(::recv(to, got.data(), got.size(), MSG_WAITALL)), "recv");
}

// An answer to a question for `name`'s IPv4 address, RFC 1035.
std::string dns_answer_bytes(const char* name, const char* address) {
  std::string question;
  std::string_view rest(name);
  while (!rest.empty()) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    question += static_cast<char>(label.size());
    question += label;
    rest.remove_prefix(std::min(rest.size(), label.size() + 1));
  }
  question += std::string("\0\0\1\0\1", 5);  // the root; type A; class IN
  const std::string header("\x12\x34\x81\x80\0\1\0\1\0\0\0\0", 12);
  const std::string record("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4", 12);  // the same name, 60 s
  in_addr bytes{};
  ::inet_pton(AF_INET, address, &bytes);
  return header + question + record + std::string(reinterpret_cast<const char*>(&bytes), 4);
}

std::uint32_t inode_at(const std::string& path) {
  struct stat status {};
  need(::stat(path.c_str(), &status), path.c_str());
  return static_cast<std::uint32_t>(status.st_ino);
}

}  // namespace

LoopbackPair::LoopbackPair(int family, const char* text) {
  Address address = address_of(family, 0, text);
  listener_ = need(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  need(::bind(listener_, address.get(), address.size), "bind");
  need(::listen(listener_, 8), "listen");
  port_ = port_of(listener_);
  address = address_of(family, port_, text);
  client_ = need(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  need(::connect(client_, address.get(), address.size), "connect");
  server_ = need(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), "accept");
}

LoopbackPair::~LoopbackPair() {
  close_client();
  close_server();
  ::close(listener_);
}

void LoopbackPair::send_from_client(std::string_view bytes) { send_over(client_, server_, bytes); }
void LoopbackPair::send_from_server(std::string_view bytes) { send_over(server_, client_, bytes); }

void LoopbackPair::close_client() {
  if (client_ >= 0) ::close(std::exchange(client_, -1));
}

void LoopbackPair::close_server() {
  if (server_ >= 0) ::close(std::exchange(server_, -1));
}

void LoopbackPair::reset_from_server() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  need(::setsockopt(server_, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
  close_server();
}

DatagramPair::DatagramPair(int family) : family_(family) {
  for (auto [socket, port] : {std::pair(&sender_, &sender_port_), {&receiver_, &receiver_port_}}) {
    *socket = need(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    Address address = address_of(family, 0, "");
    need(::bind(*socket, address.get(), address.size), "bind");
    *port = port_of(*socket);
  }
}

DatagramPair::~DatagramPair() {
  ::close(sender_);
  ::close(receiver_);
}

void DatagramPair::send(std::size_t bytes) {
  std::string payload(bytes, 'x');
  Address to = address_of(family_, receiver_port_, "");
  need(static_cast<int>(::sendto(sender_, payload.data(), bytes, 0, to.get(), to.size)), "sendto");
  need(static_cast<int>(::recv(receiver_, payload.data(), bytes, 0)), "recv");
}

void DatagramPair::send_many(unsigned count, std::size_t bytes) {
  std::string payload(bytes, 'x');
  Address to = address_of(family_, receiver_port_, "");
  iovec part{.iov_base = payload.data(), .iov_len = bytes};
  std::vector<mmsghdr> messages(count);
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_name = const_cast<sockaddr*>(to.get());
    message.msg_hdr.msg_namelen = to.size;
    message.msg_hdr.msg_iov = &part;
    message.msg_hdr.msg_iovlen = 1;
  }
  need(::sendmmsg(sender_, messages.data(), count, 0), "sendmmsg");
}

void FakeResolver::answer(const char* name) {
  const int server = need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  const int client = need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  Address at = address_of(AF_INET, 53, "");
  need(::bind(server, at.get(), at.size), "bind to port 53");
  Address back = address_of(AF_INET, 0, "");
  need(::bind(client, back.get(), back.size), "bind");
  back = address_of(AF_INET, port_of(client), "");
  const std::string message = dns_answer_bytes(name, address_);
  need(static_cast<int>(::sendto(server, message.data(), message.size(), 0, back.get(), back.size)),
       "sendto");
  std::string got(message.size(), '\0');
  need(static_cast<int>(::recv(client, got.data(), got.size(), 0)), "recv");
  ::close(server);
  // The asker stays open, as a program's does until it has read the answer.
  static int kept = -1;
  if (kept >= 0) ::close(kept);
  kept = client;
}

void bring_up_loopback() {
  const int socket = need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  need(::ioctl(socket, SIOCSIFFLAGS, &request), "lo up");
  ::close(socket);
}

std::uint16_t unused_port(int family) {
  const int socket = need(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  Address address = address_of(family, 0, "");
  need(::bind(socket, address.get(), address.size), "bind");
  const std::uint16_t port = port_of(socket);
  ::close(socket);
  return port;
}

int connect_error(int family, std::uint16_t port, const char* text) {
  const int socket = need(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  Address address = address_of(family, port, text);
  const int error = ::connect(socket, address.get(), address.size) == 0 ? 0 : errno;
  ::close(socket);
  return error;
}

std::uint32_t own_network_namespace() { return inode_at("/proc/thread-self/ns/net"); }

std::uint32_t inode_of(int descriptor) {
  return inode_at("/proc/self/fd/" + std::to_string(descriptor));
}

OwnNetworkNamespace::OwnNetworkNamespace()
    : before_(need(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "ns/net")) {
  need(::unshare(CLONE_NEWNET), "unshare");
}

OwnNetworkNamespace::~OwnNetworkNamespace() {
  need(::setns(before_, CLONE_NEWNET), "setns");
  ::close(before_);
}

}  // namespace netrec
