#include "recorder/probe.h"

#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "recorder/ring_trial.h"

namespace netrec {

namespace {

constexpr std::uint8_t kEstablished = 1;
constexpr std::uint8_t kSynSent = 2;
constexpr std::string_view kMessage = "netrec";
// A frame nobody takes in: an ethertype for local experiments (IEEE 802), between no addresses.
constexpr std::uint16_t kFrameType = 0x88b5;
constexpr std::size_t kFrameBytes = ETH_HLEN + kMessage.size();

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

struct Trial {
  std::uint16_t listening_port = 0;
  std::uint16_t connecting_port = 0;
  std::uint16_t datagram_port = 0;
  pid_t child = 0;
  std::uint32_t unix_inode = 0;  // of the end that connected
  std::uint32_t ring_inode = 0;  // of what was accepted through io_uring; 0: it could not be tried
  bool was_glanced_at = false;   // the connecting end, and what was seen is true
};

std::uint32_t inode_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? static_cast<std::uint32_t>(status.st_ino) : 0;
}

// What came back of the trial; everything else that happens on the host meanwhile is passed over.
class TrialSink final : public EventSink {
 public:
  explicit TrialSink(const Trial& trial) : trial_(trial) {}

  void on(const event_socket& event) override {
    if (event.ends.remote_port != trial_.listening_port) return;
    if (event.transition.new_state == kSynSent)
      connected_by_us |= event.task.pid == static_cast<std::uint32_t>(::getpid());
    if (event.transition.new_state == kEstablished)
      established |= event.ends.local_port == trial_.connecting_port;
  }
  void on(const event_transition&) override {}
  void on(const event_closed& event) override {
    if (event.ends.remote_port != trial_.listening_port) return;
    closed |= event.totals.bytes_sent == kMessage.size();
  }
  void on(const event_accepted& event) override {
    if (event.task.pid != static_cast<std::uint32_t>(::getpid())) return;
    (event.inode == trial_.ring_inode ? ring_accepted : accepted) = true;
  }
  void on(const event_connect_failed&) override {}
  void on(const event_time_wait& event) override {
    if (event.header.kind == EVENT_TIME_WAIT && event.ends.remote_port == trial_.listening_port)
      waiting = true;
  }
  void on(const event_process& event) override {
    if (event.task.pid != static_cast<std::uint32_t>(trial_.child)) return;
    (event.header.kind == EVENT_PROCESS_FORKED ? forked : exited) = true;
  }
  void on(const event_exec& event, const ExecStrings& strings) override {
    if (event.task.pid == static_cast<std::uint32_t>(trial_.child))
      executed = strings.command_line == std::string_view("true\0netrec", 11);
  }

  void on(const event_datagram_socket& event) override {
    if (event.task.pid == static_cast<std::uint32_t>(::getpid())) datagram = true;
  }
  void on(const event_dns&, std::span<const std::byte>) override {}
  void on(const event_unix& event) override {
    if (event.header.kind == EVENT_UNIX_CONNECTED && event.inode == trial_.unix_inode)
      unix_connected = event.task.pid == static_cast<std::uint32_t>(::getpid());
    if (event.header.kind == EVENT_UNIX_ACCEPTED && event.peer_inode == trial_.unix_inode)
      unix_accepted = true;
  }
  void on(const event_unix_left& event) override {
    if (event.inode == trial_.unix_inode) unix_left = event.references == 1;
  }

  bool connected_by_us = false;
  bool established = false;
  bool closed = false;
  bool accepted = false;
  bool ring_accepted = false;
  bool datagram = false;
  bool waiting = false;
  bool forked = false;
  bool executed = false;
  bool exited = false;
  bool unix_connected = false;
  bool unix_accepted = false;
  bool unix_left = false;

 private:
  const Trial& trial_;
};

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

tl::unexpected<Error> trial_error(std::string_view what) {
  return tl::unexpected<Error>(
      system_error(errno, what).while_doing("try the eBPF programs over loopback"));
}

// The glance is held against what the kernel tells of the connecting end by itself.
void glance_at(int client, EventSource& source, Trial& trial) {
  tcp_info told{};
  socklen_t size = sizeof(told);
  if (::getsockopt(client, IPPROTO_TCP, TCP_INFO, &told, &size) != 0) return;
  std::uint64_t cookie = 0;
  size = sizeof(cookie);
  if (::getsockopt(client, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return;
  const auto compare = [&](const tcp_glance& seen) {
    if (seen.cookie != cookie) return;
    trial.was_glanced_at |= seen.ends.local_port == trial.connecting_port &&
                            seen.ends.remote_port == trial.listening_port &&
                            seen.state == kEstablished && seen.is_stand_in == 0 &&
                            seen.segments_in == told.tcpi_segs_in &&
                            seen.segments_out == told.tcpi_segs_out;
  };
  // What is wrong with it is told by what it did not show.
  static_cast<void>(source.glance(compare));
}

// Connects, accepts, sends, and closes at both ends, the connecting one first.
Status make_connection(EventSource& source, Trial& trial) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.number(), name, sizeof(address)) != 0) return trial_error("bind");
  if (::listen(listener.number(), 1) != 0) return trial_error("listen");
  trial.listening_port = port_of(listener.number());
  address.sin_port = htons(trial.listening_port);
  Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.number(), name, sizeof(address)) != 0) return trial_error("connect");
  trial.connecting_port = port_of(client.number());
  Descriptor server(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
  if (server.number() < 0) return trial_error("accept");
  std::array<char, kMessage.size()> bytes{};
  if (::send(client.number(), kMessage.data(), kMessage.size(), MSG_NOSIGNAL) < 0 ||
      ::recv(server.number(), bytes.data(), bytes.size(), MSG_WAITALL) < 0)
    return trial_error("send");
  const Descriptor another(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(another.number(), name, sizeof(address)) != 0) return trial_error("connect");
  const Descriptor by_ring(accept_through_ring(listener.number()));
  if (by_ring.number() >= 0) trial.ring_inode = inode_of(by_ring.number());
  glance_at(client.number(), source, trial);
  client.close();
  // The client's FIN must have come before the server closes, or both would be in CLOSING.
  if (::recv(server.number(), bytes.data(), bytes.size(), 0) < 0) return trial_error("receive");
  return {};
}

// Connects to a name the kernel chooses (unix(7), autobind), accepts, and closes.
Status make_unix_connection(Trial& trial) {
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.number(), name, sizeof(address.sun_family)) != 0 ||
      ::listen(listener.number(), 1) != 0)
    return trial_error("listen for UNIX connections");
  socklen_t size = sizeof(address);
  ::getsockname(listener.number(), name, &size);
  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.number(), name, size) != 0) return trial_error("connect a UNIX socket");
  const Descriptor server(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
  if (server.number() < 0) return trial_error("accept a UNIX connection");
  trial.unix_inode = inode_of(client.number());
  return {};
}

// One packet to a socket of our own.
Status send_datagram(Trial& trial) {
  Descriptor receiver(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(receiver.number(), name, sizeof(address)) != 0) return trial_error("bind");
  trial.datagram_port = port_of(receiver.number());
  address.sin_port = htons(trial.datagram_port);
  if (::sendto(receiver.number(), kMessage.data(), kMessage.size(), 0, name, sizeof(address)) < 0)
    return trial_error("sendto");
  return {};
}

// A frame on loopback. False if none could be sent: packet sockets may not be ours to open.
bool send_frame() {
  const Descriptor sender(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(kFrameType);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  std::array<char, kFrameBytes> frame{};
  frame[12] = static_cast<char>(kFrameType >> 8);
  frame[13] = static_cast<char>(kFrameType & 0xff);
  kMessage.copy(frame.data() + ETH_HLEN, kMessage.size());
  return ::sendto(sender.number(), frame.data(), frame.size(), 0,
                  reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) == static_cast<ssize_t>(frame.size());
}

// "true netrec", or at least a process that fails to become it.
void start_process(Trial& trial) {
  std::string name = "true";
  std::string argument = "netrec";
  std::array<char*, 3> arguments = {name.data(), argument.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  if (::posix_spawnp(&trial.child, "true", nullptr, nullptr, arguments.data(),
                     environment.data()) != 0) {
    trial.child = 0;
    return;
  }
  int status = 0;
  while (::waitpid(trial.child, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<std::vector<ProbeFailure>> try_probes(EventSource& source) {
  Trial trial;
  NETREC_CHECKED(make_connection(source, trial));
  NETREC_CHECKED(make_unix_connection(trial));
  NETREC_CHECKED(send_datagram(trial));
  const bool sent_frame = send_frame();
  start_process(trial);
  std::uint64_t counted_bytes = 0, framed_bytes = 0;
  NETREC_CHECKED(source.read_peers([&](const peer_key& key, const peer_counts& counts) {
    if (key.remote_port == trial.datagram_port) counted_bytes = counts.bytes_sent;
    if (key.socket_type == SOCK_PACKET && key.protocol == kFrameType)
      framed_bytes = counts.bytes_sent;
  }));
  TrialSink sink(trial);
  source.drain(sink);
  std::vector<ProbeFailure> failures;
  const auto expect = [&](std::string_view probe, bool came, std::string_view what) {
    if (source.works(probe) && !came)
      failures.push_back({.probe = std::string(probe),
                          .why = fmt::format("a trial over loopback did not show {}", what)});
  };
  expect("tcp", sink.connected_by_us, "who connected");
  expect("tcp", sink.established, "the connection");
  expect("tcp", sink.closed, "the bytes at its close");
  expect("calls", sink.accepted, "who accepted");
  expect("calls", sink.unix_connected && sink.unix_accepted, "a UNIX connection");
  if (trial.ring_inode != 0) expect("rings", sink.ring_accepted, "who accepted through io_uring");
  expect("unix", sink.unix_left, "the end of a UNIX socket");
  expect("traffic", sink.datagram, "who made a UDP socket");
  expect("traffic", counted_bytes == kMessage.size(), "the bytes of a datagram");
  if (sent_frame) expect("frames", framed_bytes == kFrameBytes, "a frame sent below IP");
  expect("time_wait", sink.waiting, "TIME_WAIT");
  expect("glance", trial.was_glanced_at, "the connection as it is");
  if (trial.child != 0)
    expect("process", sink.forked && sink.executed && sink.exited, "the process it started");
  return failures;
}

}  // namespace netrec
