// The load of traffic_bench: one program that exchanges a known number of bytes with another, by
// one of the ways there are to send and to receive, and tells what it exchanged.
//
//   traffic_load ROLE TRANSPORT WAY FAMILY ADDRESS PORT MESSAGES SIZE PAUSE_US [LABEL]
//
// ROLE: `send` connects and sends, `fetch` connects and receives; `sink` and `source` are their
// other ends, which listen. TRANSPORT: tcp, udp, raw253, ping (an echo by a datagram socket), icmp
// (by a raw one), packet (below IP; ADDRESS is then an interface), sctp. WAY: call, mmsg, sendfile,
// splice, zerocopy, uring. Prints "ready" once it can be talked to, then one line of JSON:
//
//   {"sent": BYTES, "received": BYTES, "packets_sent": N, "packets_received": N}
//
// A sink or source of datagrams ends when its stdin is closed. 77: the kernel has no such thing.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRawProtocol = 253;
constexpr int kSkipped = 77;
constexpr unsigned kBatch = 32;

struct Job {
  std::string role, transport, way, address;
  int family = AF_INET;
  std::uint16_t port = 0;
  std::uint64_t messages = 0;
  std::size_t size = 0;
  std::chrono::microseconds pause{0};

  bool is_tcp() const { return transport == "tcp" || transport == "sctp"; }
  bool listens() const { return role == "sink" || role == "source"; }
  bool sends() const { return role == "send" || role == "source"; }
};

struct Count {
  std::uint64_t sent = 0, received = 0, packets_sent = 0, packets_received = 0;
};

[[noreturn]] void give_up(const char* what) {
  const int error = errno;
  std::perror(what);
  std::exit(error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT || error == EAFNOSUPPORT ? kSkipped
                                                                                          : 3);
}

template <class Number>
Number need(Number result, const char* what) {
  if (result < 0) give_up(what);
  return result;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const Job& job) {
  Address address;
  if (job.transport == "packet") {
    auto& link = reinterpret_cast<sockaddr_ll&>(address.storage);
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(ETH_P_IP);
    link.sll_ifindex = static_cast<int>(if_nametoindex(job.address.c_str()));
    link.sll_halen = ETH_ALEN;
    address.size = sizeof(link);
    return address;
  }
  const bool has_port = job.is_tcp() || job.transport == "udp";
  if (job.family == AF_INET6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(has_port ? job.port : 0);
    inet_pton(AF_INET6, job.address.c_str(), &v6.sin6_addr);
    address.size = sizeof(v6);
    return address;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(has_port ? job.port : 0);
  inet_pton(AF_INET, job.address.c_str(), &v4.sin_addr);
  address.size = sizeof(v4);
  return address;
}

int open_socket(const Job& job) {
  const auto open = [](int family, int type, int protocol) {
    return need(socket(family, type | SOCK_CLOEXEC, protocol), "socket");
  };
  if (job.transport == "tcp") return open(job.family, SOCK_STREAM, 0);
  if (job.transport == "sctp") return open(job.family, SOCK_STREAM, IPPROTO_SCTP);
  if (job.transport == "raw253") return open(job.family, SOCK_RAW, kRawProtocol);
  if (job.transport == "icmp") return open(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (job.transport == "ping") return open(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  // A sender takes no frames in.
  if (job.transport == "packet")
    return open(AF_PACKET, SOCK_RAW, job.sends() ? 0 : htons(ETH_P_IP));
  return open(job.family, SOCK_DGRAM, 0);
}

// --- io_uring: one operation at a time ----------------------------------------------------------

class Ring {
 public:
  Ring() {
    const int result = io_uring_queue_init(4, &ring_, 0);
    if (result < 0) {
      errno = -result;
      std::perror("io_uring_queue_init");
      std::exit(kSkipped);
    }
  }
  ~Ring() { io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  template <class Prepare>
  ssize_t run(Prepare prepare) {
    prepare(io_uring_get_sqe(&ring_));
    io_uring_submit(&ring_);
    io_uring_cqe* done = nullptr;
    if (io_uring_wait_cqe(&ring_, &done) < 0) return -1;
    const int result = done->res;
    io_uring_cqe_seen(&ring_, done);
    if (result < 0) errno = -result;
    return result < 0 ? -1 : result;
  }

 private:
  io_uring ring_{};
};

// --- one message, each way ----------------------------------------------------------------------

/// A frame with UDP over IPv4 in it, to ADDRESS' broadcast: nobody but packet sockets takes it in.
std::vector<char> frame_of(std::size_t payload) {
  std::vector<char> frame(sizeof(ether_header) + sizeof(iphdr) + sizeof(udphdr) + payload, 'f');
  auto* ethernet = reinterpret_cast<ether_header*>(frame.data());
  std::memset(ethernet->ether_dhost, 0xff, ETH_ALEN);
  std::memset(ethernet->ether_shost, 0x02, ETH_ALEN);
  ethernet->ether_type = htons(ETH_P_IP);
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.tot_len = htons(static_cast<std::uint16_t>(frame.size() - sizeof(ether_header)));
  inet_pton(AF_INET, "198.51.100.1", &ip.saddr);
  inet_pton(AF_INET, "198.51.100.9", &ip.daddr);
  std::memcpy(frame.data() + sizeof(ether_header), &ip, sizeof(ip));
  udphdr udp{};
  udp.source = htons(4000);
  udp.dest = htons(4001);
  udp.len = htons(static_cast<std::uint16_t>(sizeof(udp) + payload));
  std::memcpy(frame.data() + sizeof(ether_header) + sizeof(ip), &udp, sizeof(udp));
  return frame;
}

std::vector<char> message_of(const Job& job) {
  if (job.transport == "packet") return frame_of(job.size);
  std::vector<char> message(job.size, 'x');
  if (job.transport != "icmp" && job.transport != "ping") return message;
  icmphdr echo{};
  echo.type = ICMP_ECHO;
  echo.un.echo.id = htons(job.port);
  std::memcpy(message.data(), &echo, sizeof(echo));
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 1 < message.size(); at += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, message.data() + at, 2);
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  echo.checksum = static_cast<std::uint16_t>(~sum);
  std::memcpy(message.data(), &echo, sizeof(echo));
  return message;
}

class Sender {
 public:
  Sender(const Job& job, int socket) : job_(job), socket_(socket), message_(message_of(job)) {
    if (job.way == "sendfile" || job.way == "splice") make_file();
    if (job.way == "splice") need(pipe(pipe_.data()), "pipe");
    if (job.way == "zerocopy") {
      const int one = 1;
      need(setsockopt(socket, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), "SO_ZEROCOPY");
    }
    if (job.way == "uring") ring_ = std::make_unique<Ring>();
  }

  void run(Count& count) {
    const std::uint64_t step = job_.way == "mmsg" ? kBatch : 1;
    for (std::uint64_t left = job_.messages; left > 0; left -= std::min(left, step)) {
      if (step > 1)
        send_batch(static_cast<unsigned>(std::min(left, step)), count);
      else
        send_one(count);
      if (job_.pause.count() != 0) std::this_thread::sleep_for(job_.pause);
    }
  }

 private:
  void make_file() {
    file_ = need(memfd_create("load", MFD_CLOEXEC), "memfd_create");
    need(write(file_, message_.data(), message_.size()), "write");
  }

  ssize_t some(std::size_t from) {
    const char* bytes = message_.data() + from;
    const std::size_t left = message_.size() - from;
    off_t offset = static_cast<off_t>(from);
    if (job_.way == "sendfile") return sendfile(socket_, file_, &offset, left);
    if (job_.way == "splice") {
      const ssize_t in = need(splice(file_, &offset, pipe_[1], nullptr, left, 0), "splice");
      for (ssize_t out = 0; out < in;)
        out +=
            need(splice(pipe_[0], nullptr, socket_, nullptr, static_cast<std::size_t>(in - out), 0),
                 "splice out");
      return in;
    }
    if (job_.way == "uring")
      return ring_->run([&](io_uring_sqe* entry) {
        io_uring_prep_send(entry, socket_, bytes, left, MSG_NOSIGNAL);
      });
    if (job_.way == "zerocopy") {
      reap();
      return send(socket_, bytes, left, MSG_NOSIGNAL | MSG_ZEROCOPY);
    }
    return send(socket_, bytes, left, MSG_NOSIGNAL);
  }

  void send_one(Count& count) {
    for (std::size_t sent = 0; sent < message_.size();) {
      const ssize_t now = some(sent);
      if (now < 0 && (errno == ENOBUFS || errno == EINTR)) {
        reap();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      need(now, "send");
      sent += static_cast<std::size_t>(now);
      count.sent += static_cast<std::uint64_t>(now);
    }
    ++count.packets_sent;
  }

  void send_batch(unsigned size, Count& count) {
    std::array<mmsghdr, kBatch> messages{};
    iovec bytes{.iov_base = message_.data(), .iov_len = message_.size()};
    for (mmsghdr& one : messages) {
      one.msg_hdr.msg_iov = &bytes;
      one.msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < size;) {
      const int now = need(sendmmsg(socket_, messages.data(), size - done, 0), "sendmmsg");
      for (int i = 0; i < now; ++i) count.sent += messages[static_cast<std::size_t>(i)].msg_len;
      count.packets_sent += static_cast<std::uint64_t>(now);
      done += static_cast<unsigned>(now);
    }
  }

  /// Lets the kernel's notices of zerocopy go.
  void reap() const {
    std::array<char, 512> control;
    msghdr message{};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    while (recvmsg(socket_, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
      message.msg_controllen = control.size();
  }

  const Job& job_;
  int socket_;
  std::vector<char> message_;
  int file_ = -1;
  std::array<int, 2> pipe_{-1, -1};
  std::unique_ptr<Ring> ring_;
};

class Receiver {
 public:
  Receiver(const Job& job, int socket) : job_(job), socket_(socket), room_(256 << 10) {
    if (job.way == "splice") {
      need(pipe(pipe_.data()), "pipe");
      nowhere_ = need(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
    }
    if (job.way == "uring") ring_ = std::make_unique<Ring>();
  }

  /// What one call brings; 0: the end.
  void run_stream(Count& count) {
    for (ssize_t got = 0; (got = need(some(), "receive")) > 0; ++count.packets_received)
      count.received += static_cast<std::uint64_t>(got);
  }

  /// Until nothing came for a while after stdin was closed, or `wanted` came.
  void run_datagrams(Count& count, std::uint64_t wanted) {
    std::array<pollfd, 2> waits{{{.fd = socket_, .events = POLLIN, .revents = 0},
                                 {.fd = wanted != 0 ? -1 : 0, .events = POLLIN, .revents = 0}}};
    for (bool ending = wanted != 0; wanted == 0 || count.packets_received < wanted;) {
      const int ready = poll(waits.data(), waits.size(), ending ? 2000 : -1);
      if (ready == 0 && ending) return;
      if (waits[1].revents != 0) {
        ending = true;
        waits[1].fd = -1;
      }
      if (waits[0].revents != 0) take_datagrams(count);
    }
  }

 private:
  ssize_t some() {
    if (job_.way == "uring")
      return ring_->run([&](io_uring_sqe* entry) {
        io_uring_prep_recv(entry, socket_, room_.data(), room_.size(), 0);
      });
    if (job_.way != "splice") return recv(socket_, room_.data(), room_.size(), 0);
    const ssize_t in = splice(socket_, nullptr, pipe_[1], nullptr, 65536, 0);
    for (ssize_t out = 0; out < in;)
      out +=
          need(splice(pipe_[0], nullptr, nowhere_, nullptr, static_cast<std::size_t>(in - out), 0),
               "splice");
    return in;
  }

  void take_datagrams(Count& count) {
    if (job_.way != "mmsg") {
      const ssize_t got = need(some(), "receive");
      count.received += static_cast<std::uint64_t>(got);
      ++count.packets_received;
      return;
    }
    constexpr std::size_t kRoom = 4096;
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> bytes{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      bytes[i] = {.iov_base = room_.data() + i * kRoom, .iov_len = kRoom};
      messages[i].msg_hdr.msg_iov = &bytes[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int got =
        need(recvmmsg(socket_, messages.data(), kBatch, MSG_DONTWAIT, nullptr), "recvmmsg");
    for (int i = 0; i < got; ++i) count.received += messages[static_cast<std::size_t>(i)].msg_len;
    count.packets_received += static_cast<std::uint64_t>(got);
  }

  const Job& job_;
  int socket_;
  std::vector<char> room_;
  std::array<int, 2> pipe_{-1, -1};
  int nowhere_ = -1;
  std::unique_ptr<Ring> ring_;
};

// --- both ends ----------------------------------------------------------------------------------

void say_ready() {
  fmt::print("ready\n");
  std::fflush(stdout);
}

void widen(int socket) {
  const int bytes = 128 << 20;
  setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

int accept_one(const Job& job, int listener) {
  if (job.way != "uring") return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  Ring ring;
  return static_cast<int>(ring.run(
      [&](io_uring_sqe* entry) { io_uring_prep_accept(entry, listener, nullptr, nullptr, 0); }));
}

void connect_to(const Job& job, int socket, const Address& there) {
  if (job.way != "uring") {
    need(connect(socket, there.get(), there.size), "connect");
    return;
  }
  Ring ring;
  need(ring.run([&](io_uring_sqe* entry) {
    io_uring_prep_connect(entry, socket, there.get(), there.size);
  }),
       "connect");
}

void stream(const Job& job, int socket, Count& count) {
  if (job.sends()) {
    Sender(job, socket).run(count);
    shutdown(socket, SHUT_WR);
    char byte = 0;
    while (recv(socket, &byte, 1, 0) > 0) {
    }
  } else {
    Receiver(job, socket).run_stream(count);
  }
}

void run_stream(const Job& job, Count& count) {
  int socket = open_socket(job);
  if (job.listens()) {
    const int one = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    const Address here = address_of(job);
    need(bind(socket, here.get(), here.size), "bind");
    need(listen(socket, 16), "listen");
    say_ready();
    socket = need(accept_one(job, socket), "accept");
  } else {
    const Address there = address_of(job);
    connect_to(job, socket, there);
  }
  stream(job, socket, count);
}

// A datagram source waits for one message and sends to whom it came from.
void run_datagrams(const Job& job, Count& count) {
  const int socket = open_socket(job);
  widen(socket);
  const bool is_echo = job.transport == "icmp" || job.transport == "ping";
  const Address address = address_of(job);
  if (job.listens()) {
    need(bind(socket, address.get(), address.size), "bind");
    say_ready();
    if (!job.sends()) return Receiver(job, socket).run_datagrams(count, 0);
    Address from;
    from.size = sizeof(from.storage);
    char byte = 0;
    count.received += static_cast<std::uint64_t>(
        need(recvfrom(socket, &byte, 1, 0, reinterpret_cast<sockaddr*>(&from.storage), &from.size),
             "recvfrom"));
    ++count.packets_received;
    need(connect(socket, from.get(), from.size), "connect");
    return Sender(job, socket).run(count);
  }
  if (job.transport == "packet")
    need(bind(socket, address.get(), address.size), "bind");
  else
    need(connect(socket, address.get(), address.size), "connect");
  if (job.sends()) {
    if (is_echo) {
      // The echoes are as many as the questions: take them in as they come.
      Job one = job;
      one.messages = 1;
      for (std::uint64_t i = 1; i <= job.messages; ++i) {
        Sender(one, socket).run(count);
        Receiver(job, socket).run_datagrams(count, i);
      }
      return;
    }
    return Sender(job, socket).run(count);
  }
  count.sent += static_cast<std::uint64_t>(need(send(socket, "?", 1, 0), "send"));
  ++count.packets_sent;
  Receiver(job, socket).run_datagrams(count, job.messages);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 10) {
    fmt::print(stderr,
               "usage: traffic_load ROLE TRANSPORT WAY FAMILY ADDRESS PORT MESSAGES SIZE "
               "PAUSE_US [LABEL]\n");
    return 2;
  }
  const auto number = [&](int at) { return std::strtoull(argv[at], nullptr, 10); };
  const Job job{.role = argv[1],
                .transport = argv[2],
                .way = argv[3],
                .address = argv[5],
                .family = number(4) == 6 ? AF_INET6 : AF_INET,
                .port = static_cast<std::uint16_t>(number(6)),
                .messages = number(7),
                .size = static_cast<std::size_t>(number(8)),
                .pause = std::chrono::microseconds(number(9))};
  Count count;
  if (job.is_tcp())
    run_stream(job, count);
  else
    run_datagrams(job, count);
  fmt::print("{{\"sent\": {}, \"received\": {}, \"packets_sent\": {}, \"packets_received\": {}}}\n",
             count.sent, count.received, count.packets_sent, count.packets_received);
  return 0;
}
