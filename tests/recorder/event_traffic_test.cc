// That bytes are counted whatever call sent them and whatever protocol carried them, and that they
// are their program's: bench/traffic_bench in small.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "tests/recorder/captured_events.h"
#include "tests/recorder/loopback.h"

namespace netrec {
namespace {

const auto kOwnPid = static_cast<std::uint32_t>(::getpid());

class EventTrafficBpf : public CapturedEvents {
 protected:
  const Peer* peer_of(const Tick& tick, Transport transport, std::uint32_t protocol, bool sent) {
    for (const Peer& row : tick.frame.delta.of<Peer>().opened)
      if (row.transport == transport && row.protocol == protocol && (row.bytes_sent != 0) == sent)
        return &row;
    return nullptr;
  }
};

void drain(int socket, std::size_t bytes) {
  std::vector<char> room(bytes);
  ASSERT_EQ(::recv(socket, room.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
}

TEST_P(EventTrafficBpf, BytesOfAConnectionAreRightWhateverCallSentThem) {
  constexpr std::size_t kBytes = 20'000;
  const std::string payload(kBytes, 'x');
  LoopbackPair pair(GetParam());
  const std::uint16_t port = pair.port();
  const int file = ::memfd_create("payload", MFD_CLOEXEC);
  ASSERT_EQ(::write(file, payload.data(), kBytes), static_cast<ssize_t>(kBytes));
  off_t at = 0;
  ASSERT_EQ(::sendfile(pair.client(), file, &at, kBytes), static_cast<ssize_t>(kBytes));
  drain(pair.server(), kBytes);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  at = 0;
  ASSERT_EQ(::splice(file, &at, pipe[1], nullptr, kBytes, 0), static_cast<ssize_t>(kBytes));
  ASSERT_EQ(::splice(pipe[0], nullptr, pair.client(), nullptr, kBytes, 0),
            static_cast<ssize_t>(kBytes));
  drain(pair.server(), kBytes);
  const int one = 1;
  ASSERT_EQ(::setsockopt(pair.client(), SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), 0);
  ASSERT_EQ(::send(pair.client(), payload.data(), kBytes, MSG_ZEROCOPY),
            static_cast<ssize_t>(kBytes));
  drain(pair.server(), kBytes);
  for (const int descriptor : {file, pipe[0], pipe[1]}) ::close(descriptor);
  pair.close_client();
  pair.close_server();
  const Tick tick = next_frame();
  std::size_t ends = 0;
  for (const Socket& row : tick.frame.delta.of<Socket>().opened) {
    if (row.remote_port != port && (row.local_port != port || row.state == TcpState::listen))
      continue;
    ++ends;
    EXPECT_EQ(row.remote_port == port ? row.bytes_acked : row.bytes_received, 3 * kBytes);
    EXPECT_EQ(process(row.process).pid, kOwnPid);
  }
  EXPECT_EQ(ends, 2U);
}

TEST_P(EventTrafficBpf, ManyMessagesOfOneCallAreCountedEach) {
  DatagramPair pair(GetParam());
  constexpr unsigned kMessages = 16;
  pair.send_many(kMessages, 100);
  const Tick tick = next_frame();
  const Peer* sent = peer_with(tick, pair.receiver_port());
  ASSERT_NE(sent, nullptr);
  EXPECT_EQ(sent->packets_sent, kMessages);
  EXPECT_EQ(sent->bytes_sent, kMessages * 100U);
}

TEST_P(EventTrafficBpf, ARawProtocolOfAnyNumberIsItsPrograms) {
  constexpr int kProtocol = 253;  // for experiments, RFC 3692
  const OwnNetworkNamespace inside;
  bring_up_loopback();
  const int receiver = ::socket(GetParam(), SOCK_RAW | SOCK_CLOEXEC, kProtocol);
  const int sender = ::socket(GetParam(), SOCK_RAW | SOCK_CLOEXEC, kProtocol);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_v6 = GetParam() == AF_INET6;
  const auto* to = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  const std::string payload(300, 'r');
  std::array<char, 512> room{};
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(
        ::sendto(sender, payload.data(), payload.size(), 0, to, is_v6 ? sizeof(v6) : sizeof(v4)),
        300);
    ASSERT_GT(::recv(receiver, room.data(), room.size(), 0), 0);
  }
  const Tick tick = next_frame();
  ::close(sender);
  ::close(receiver);
  for (const bool sending : {true, false}) {
    const Peer* peer = peer_of(tick, Transport::raw, kProtocol, sending);
    ASSERT_NE(peer, nullptr);
    EXPECT_EQ(sending ? peer->bytes_sent : peer->bytes_received, 3000U);
    EXPECT_EQ(process(peer->process).pid, kOwnPid);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, EventTrafficBpf, testing::Values(AF_INET, AF_INET6),
                         [](const auto& parameter) {
                           return parameter.param == AF_INET ? "V4" : "V6";
                         });

/// Ethernet, IPv4 and UDP around `payload` bytes, to 198.51.100.9 port 4001.
std::vector<char> frame_of(std::size_t payload) {
  std::vector<char> frame(ETH_HLEN + 28 + payload, 'f');
  constexpr std::array<unsigned char, ETH_HLEN + 28> kHeaders = {
      255,  255, 255, 255, 255, 255, 2,    0,    0,    0,    0, 1, 8,   0,
      0x45, 0,   0,   0,   0,   0,   0,    0,    64,   17,   0, 0, 198, 51,
      100,  1,   198, 51,  100, 9,   0x0f, 0xa0, 0x0f, 0xa1, 0, 0, 0,   0};
  std::memcpy(frame.data(), kHeaders.data(), kHeaders.size());
  frame[16] = static_cast<char>((28 + payload) >> 8);
  frame[17] = static_cast<char>(28 + payload);
  return frame;
}

class PacketSocket {
 public:
  explicit PacketSocket(std::uint16_t protocol)
      : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(protocol);
    address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~PacketSocket() { ::close(socket_); }
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;
  int number() const { return socket_; }

 private:
  int socket_;
};

TEST_F(EventTrafficBpf, FramesSentBelowIpAreCountedForWhomTheyGoTo) {
  if (!source->works("frames")) GTEST_SKIP() << "this kernel does not tell of frames";
  const OwnNetworkNamespace inside;
  bring_up_loopback();
  const std::vector<char> frame = frame_of(100);
  {
    const PacketSocket sender(ETH_P_IP);
    for (int i = 0; i < 20; ++i)
      ASSERT_EQ(::send(sender.number(), frame.data(), frame.size(), 0),
                static_cast<ssize_t>(frame.size()));
  }
  const Tick tick = next_frame();
  const Peer* peer = peer_with(tick, 4001);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->transport, Transport::packet);
  EXPECT_EQ(to_string(peer->remote, peer->family), "198.51.100.9");
  EXPECT_EQ(to_string(peer->local, peer->family), "198.51.100.1");
  EXPECT_EQ(peer->protocol, ETH_P_IP);
  EXPECT_EQ(peer->packets_sent, 20U);
  EXPECT_EQ(peer->bytes_sent, 20 * frame.size());
  EXPECT_EQ(process(peer->process).pid, kOwnPid) << "gone before any look";
  const Socket* socket = observer.sockets().find(peer->socket);
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(socket->transport, Transport::packet);
}

TEST_F(EventTrafficBpf, FramesPastTheQueueAreCountedWithoutAPeer) {
  if (!source->works("frames")) GTEST_SKIP() << "this kernel does not tell of frames";
  const OwnNetworkNamespace inside;
  bring_up_loopback();
  const std::vector<char> frame = frame_of(100);
  const PacketSocket sender(ETH_P_IP);
  const int one = 1;
  ASSERT_EQ(::setsockopt(sender.number(), SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)), 0);
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(::send(sender.number(), frame.data(), frame.size(), 0),
              static_cast<ssize_t>(frame.size()));
  const Tick tick = next_frame();
  const Peer* peer = peer_of(tick, Transport::packet, ETH_P_IP, true);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->bytes_sent, 20 * frame.size());
  EXPECT_EQ(process(peer->process).pid, kOwnPid);
}

TEST_F(EventTrafficBpf, FramesAProgramTakesInAreItsOwn) {
  if (!source->works("frames")) GTEST_SKIP() << "this kernel does not tell of frames";
  const OwnNetworkNamespace inside;
  bring_up_loopback();
  const PacketSocket sniffer(ETH_P_IP);
  DatagramPair pair(AF_INET);
  pair.send(50);
  std::array<char, 512> room{};
  ASSERT_GT(::recv(sniffer.number(), room.data(), room.size(), MSG_PEEK), 50);
  const ssize_t got = ::recv(sniffer.number(), room.data(), room.size(), 0);
  ASSERT_GT(got, 50);
  const Tick tick = next_frame();
  const Peer* peer = peer_of(tick, Transport::packet, ETH_P_IP, false);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->packets_received, 1U);
  EXPECT_EQ(peer->bytes_received, static_cast<std::uint64_t>(got));
  EXPECT_EQ(process(peer->process).pid, kOwnPid);
}

}  // namespace
}  // namespace netrec
