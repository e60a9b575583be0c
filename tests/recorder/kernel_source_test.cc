#include "recorder/kernel_source.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#include <ctime>

#include "recorder/settle.h"
#include "tests/recorder/collecting_sinks.h"
#include "tests/recorder/live_socket.h"

namespace netrec {
namespace {

constexpr std::uint32_t kId = 7;

// The running kernel, seen from the test's own namespace.
class KernelSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = KernelSource::open({.only = {"own"}});
    ASSERT_TRUE(opened) << opened.error().message;
    source_ = *std::move(opened);
    ASSERT_EQ(source_->namespaces().size(), 1u);
    own_ = source_->namespaces().front();
    ASSERT_TRUE(own_.readable()) << own_.error;
  }

  CollectedSockets dump(Transport transport, Family family) {
    CollectedSockets sockets;
    const auto report = source_->dump(own_.inode, kId, {transport, family}, sockets);
    EXPECT_TRUE(report) << report.error().message;
    if (report) {
      EXPECT_EQ(report->count, sockets.rows.size());
      EXPECT_EQ(report->broken, 0u);
      EXPECT_FALSE(report->overrun);
    }
    return sockets;
  }

  std::unique_ptr<KernelSource> source_;
  NamespaceFacts own_;
};

std::uint64_t wall_ms() { return static_cast<std::uint64_t>(std::time(nullptr)) * 1000; }

struct TcpPair {
  LiveSocket listener, client, server;
  std::uint16_t port = 0;
};

TcpPair tcp_pair(int family) {
  TcpPair pair{LiveSocket(family, SOCK_STREAM, 0), LiveSocket(family, SOCK_STREAM, 0),
               LiveSocket(-1)};
  pair.port = pair.listener.bind_loopback(family);
  EXPECT_EQ(listen(pair.listener.descriptor(), 17), 0);
  pair.client.connect_loopback(family, pair.port);
  pair.server = pair.listener.accept_one();
  return pair;
}

class KernelSourceTcp : public KernelSourceTest, public testing::WithParamInterface<int> {
 protected:
  Family family() const { return GetParam() == AF_INET ? Family::inet : Family::inet6; }
  IpAddress loopback() const {
    return GetParam() == AF_INET ? IpAddress{.high = 0, .low = INADDR_LOOPBACK}
                                 : IpAddress{.high = 0, .low = 1};
  }
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, KernelSourceTcp, testing::Values(AF_INET, AF_INET6));

TEST_P(KernelSourceTcp, ShowsBothEndsOfAConnection) {
  const TcpPair pair = tcp_pair(GetParam());
  const auto sockets = dump(Transport::tcp, family());
  const Socket* client = sockets.with_inode(pair.client.inode());
  const Socket* server = sockets.with_inode(pair.server.inode());
  ASSERT_NE(client, nullptr);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(client->cookie, pair.client.cookie());
  EXPECT_EQ(client->network_namespace, kId);
  EXPECT_EQ(client->family, family());
  EXPECT_EQ(client->state, TcpState::established);
  EXPECT_EQ(client->local, loopback());
  EXPECT_EQ(client->remote, loopback());
  EXPECT_EQ(client->remote_port, pair.port);
  EXPECT_EQ(client->local_port, server->remote_port);
  EXPECT_EQ(server->local_port, pair.port);
  EXPECT_EQ(client->uid, geteuid());
  EXPECT_EQ(client->type, SOCK_STREAM);
  EXPECT_NE(sockets.texts.at(client->congestion), "");
  EXPECT_GT(client->send_buffer, 0u);
  EXPECT_GT(client->rtt_us, 0u);
  EXPECT_GT(client->send_mss, 0u);
  EXPECT_EQ(client->last_data_sent_ms, 0u);
  EXPECT_EQ(client->opened_us, 0u);
  EXPECT_EQ(client->process, 0u);
}

TEST_P(KernelSourceTcp, CountsQueuesAndBytesOfBothEnds) {
  const TcpPair pair = tcp_pair(GetParam());
  const std::string data(4321, 'x');
  ASSERT_EQ(send(pair.client.descriptor(), data.data(), data.size(), 0), 4321);
  const auto sockets = dump(Transport::tcp, family());
  const Socket* client = sockets.with_inode(pair.client.inode());
  const Socket* server = sockets.with_inode(pair.server.inode());
  ASSERT_TRUE(client != nullptr && server != nullptr);
  EXPECT_EQ(client->bytes_sent, 4321u);
  EXPECT_EQ(server->bytes_received, 4321u);
  EXPECT_EQ(server->receive_queue, 4321u);
  EXPECT_GT(server->receive_memory, 0u);
  EXPECT_NEAR(static_cast<double>(client->last_data_sent_ms), static_cast<double>(wall_ms()), 3000);
  EXPECT_NEAR(static_cast<double>(server->last_data_received_ms), static_cast<double>(wall_ms()),
              3000);
}

TEST_P(KernelSourceTcp, ShowsAListenersBacklogAndItsLimit) {
  LiveSocket listener(GetParam(), SOCK_STREAM, 0);
  const std::uint16_t port = listener.bind_loopback(GetParam());
  ASSERT_EQ(listen(listener.descriptor(), 17), 0);
  LiveSocket waiting(GetParam(), SOCK_STREAM, 0);
  waiting.connect_loopback(GetParam(), port);
  const auto sockets = dump(Transport::tcp, family());
  const Socket* row = sockets.with_inode(listener.inode());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, TcpState::listen);
  EXPECT_EQ(row->receive_queue, 1u);
  EXPECT_EQ(row->send_queue, 17u);
  EXPECT_EQ(row->last_data_sent_ms, 0u);
  EXPECT_EQ(row->last_ack_received_ms, 0u);
}

TEST_P(KernelSourceTcp, ShowsTimeWaitUnderTheSameCookie) {
  TcpPair pair = tcp_pair(GetParam());
  dump(Transport::tcp, family());
  const std::uint64_t cookie = pair.client.cookie();
  pair.client.close();
  pair.server.close();
  const auto sockets = dump(Transport::tcp, family());
  const Socket* row = sockets.with_cookie(cookie);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, TcpState::time_wait);
  EXPECT_EQ(row->timer, SocketTimer::time_wait);
  EXPECT_EQ(row->inode, 0u);
  const double expected = static_cast<double>(wall_ms() + 60'000) * 1000;
  EXPECT_NEAR(static_cast<double>(row->timer_expires_us), expected, 5e6);
}

TEST_P(KernelSourceTcp, AnIdleSocketSettlesToTheSameBytes) {
  const TcpPair pair = tcp_pair(GetParam());
  const int on = 1;
  setsockopt(pair.client.descriptor(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  char byte = 'x';
  ASSERT_EQ(send(pair.client.descriptor(), &byte, 1, 0), 1);
  ASSERT_EQ(recv(pair.server.descriptor(), &byte, 1, 0), 1);
  usleep(300'000);  // The delayed acknowledgement, which is not "doing nothing".
  Socket previous = *dump(Transport::tcp, family()).with_inode(pair.client.inode());
  EXPECT_EQ(previous.timer, SocketTimer::keepalive);
  for (int tick = 0; tick < 20; ++tick) {
    usleep(7'000);
    Socket observed = *dump(Transport::tcp, family()).with_inode(pair.client.inode());
    settle(previous, observed);
    EXPECT_EQ(observed, previous);
    previous = observed;
  }
}

// Nothing looked at it while it was open.
TEST_P(KernelSourceTcp, TellsTheEndOfAConnectionNobodyLookedAt) {
  auto watching = KernelSource::open({.only = {"own"}, .watch_ends = true});
  ASSERT_TRUE(watching && (*watching)->tells_ends());
  std::uint16_t port = 0;
  {
    const TcpPair pair = tcp_pair(GetParam());
    port = pair.port;
    ASSERT_EQ(send(pair.client.descriptor(), "hello", 5, 0), 5);
    char bytes[5];
    ASSERT_EQ(recv(pair.server.descriptor(), bytes, 5, MSG_WAITALL), 5);
  }
  CollectedSockets told;
  const Socket* client = nullptr;
  for (int tries = 0; tries < 1000 && client == nullptr; ++tries) {
    pollfd readable{.fd = (*watching)->bell(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, 1000);
    ASSERT_TRUE((*watching)->ended(own_.inode, kId, told));
    for (const Socket& row : told.rows)
      if (row.remote_port == port) client = &row;
  }
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->transport, Transport::tcp);
  EXPECT_EQ(client->family, family());
  EXPECT_EQ(client->remote, loopback());
  EXPECT_EQ(client->network_namespace, kId);
  EXPECT_EQ(client->bytes_sent, 5u);
  EXPECT_NE(client->cookie, 0u);
  EXPECT_EQ(source_->bell(), -1) << "it was not asked to";
}

TEST_F(KernelSourceTest, ShowsAConnectedUdpSocket) {
  LiveSocket receiver(AF_INET, SOCK_DGRAM, 0);
  LiveSocket sender(AF_INET, SOCK_DGRAM, 0);
  const std::uint16_t port = receiver.bind_loopback(AF_INET);
  sender.connect_loopback(AF_INET, port);
  ASSERT_EQ(send(sender.descriptor(), "hello", 5, 0), 5);
  const auto sockets = dump(Transport::udp, Family::inet);
  const Socket* row = sockets.with_inode(receiver.inode());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, TcpState::close);
  EXPECT_EQ(row->local_port, port);
  EXPECT_GT(row->receive_queue, 0u);
  EXPECT_EQ(row->type, SOCK_DGRAM);
  const Socket* connected = sockets.with_inode(sender.inode());
  ASSERT_NE(connected, nullptr);
  EXPECT_EQ(connected->state, TcpState::established);
  EXPECT_EQ(connected->remote_port, port);
}

TEST_F(KernelSourceTest, TellsWhetherAnIpv6SocketIsForIpv6Only) {
  LiveSocket both(AF_INET6, SOCK_DGRAM, 0);
  LiveSocket only(AF_INET6, SOCK_DGRAM, 0);
  const int on = 1, off = 0;
  setsockopt(both.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  setsockopt(only.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // To no address: one bound to an IPv6 address is for IPv6 only whatever was asked.
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  for (const LiveSocket* socket : {&both, &only})
    ASSERT_EQ(bind(socket->descriptor(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  const auto sockets = dump(Transport::udp, Family::inet6);
  ASSERT_NE(sockets.with_inode(both.inode()), nullptr);
  EXPECT_FALSE(has(*sockets.with_inode(both.inode()), SocketFlag::v6_only));
  EXPECT_TRUE(has(*sockets.with_inode(only.inode()), SocketFlag::v6_only));
}

TEST_F(KernelSourceTest, ShowsUdpLiteWhereTheKernelHasIt) {
  LiveSocket socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
  if (!socket.is_open()) GTEST_SKIP() << "this kernel has no UDP-Lite";
  const std::uint16_t port = socket.bind_loopback(AF_INET);
  const auto sockets = dump(Transport::udplite, Family::inet);
  ASSERT_NE(sockets.with_inode(socket.inode()), nullptr);
  EXPECT_EQ(sockets.with_inode(socket.inode())->local_port, port);
}

TEST_F(KernelSourceTest, JoinsAnMptcpConnectionAndItsSubflowByToken) {
  constexpr int kMptcp = 262;
  LiveSocket listener(AF_INET, SOCK_STREAM, kMptcp);
  if (!listener.is_open()) GTEST_SKIP() << "this kernel has no MPTCP";
  const std::uint16_t port = listener.bind_loopback(AF_INET);
  ASSERT_EQ(listen(listener.descriptor(), 5), 0);
  LiveSocket client(AF_INET, SOCK_STREAM, kMptcp);
  client.connect_loopback(AF_INET, port);
  const LiveSocket server = listener.accept_one();
  const auto connections = dump(Transport::mptcp, Family::inet);
  const Socket* connection = connections.with_inode(client.inode());
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->remote_port, port);
  EXPECT_NE(connection->mptcp_token, 0u);
  if (geteuid() != 0) GTEST_SKIP() << "subflows name their connection only to root";
  const auto subflows = dump(Transport::tcp, Family::inet);
  EXPECT_TRUE(std::any_of(subflows.rows.begin(), subflows.rows.end(), [&](const Socket& row) {
    return row.mptcp_token == connection->mptcp_token && row.remote_port == port;
  }));
}

TEST_F(KernelSourceTest, ShowsUnixSocketsWithPathPeerAndState) {
  LiveSocket listener(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "netrec test " + std::to_string(getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(bind(listener.descriptor(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.descriptor(), 3), 0);
  LiveSocket client(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client.descriptor(), reinterpret_cast<sockaddr*>(&address), size), 0);
  const LiveSocket server = listener.accept_one();
  const auto sockets = dump(Transport::unix, Family::unix);
  const Socket* listening = sockets.with_inode(listener.inode());
  ASSERT_NE(listening, nullptr);
  EXPECT_EQ(listening->state, TcpState::listen);
  EXPECT_EQ(sockets.texts.at(listening->path), "@" + name);
  EXPECT_EQ(listening->cookie, listener.cookie());
  const Socket* connected = sockets.with_inode(client.inode());
  ASSERT_NE(connected, nullptr);
  EXPECT_EQ(connected->state, TcpState::established);
  EXPECT_EQ(connected->peer_inode, server.inode());
  EXPECT_EQ(connected->type, SOCK_STREAM);
}

TEST_F(KernelSourceTest, ShowsTheLoopbackInterfaceWithItsCounters) {
  TcpPair pair = tcp_pair(AF_INET);
  CollectedInterfaces interfaces;
  const auto report = source_->interfaces(own_.inode, kId, interfaces);
  ASSERT_TRUE(report) << report.error().message;
  const auto loopback =
      std::find_if(interfaces.rows.begin(), interfaces.rows.end(),
                   [&](const Interface& row) { return interfaces.texts.at(row.name) == "lo"; });
  ASSERT_NE(loopback, interfaces.rows.end());
  EXPECT_EQ(loopback->network_namespace, kId);
  EXPECT_EQ(loopback->index, if_nametoindex("lo"));
  EXPECT_GT(loopback->mtu, 0u);
  EXPECT_TRUE(loopback->flags & IFF_LOOPBACK);
  EXPECT_GT(loopback->receive_packets, 0u);
  EXPECT_EQ(loopback->receive_bytes, loopback->transmit_bytes);
}

TEST_F(KernelSourceTest, CountsProtocolEventsInAConstantOrder) {
  const auto value_of = [](std::span<const CounterValue> counters, std::string_view name) {
    const auto found = std::find_if(counters.begin(), counters.end(),
                                    [&](const CounterValue& c) { return c.name == name; });
    return found == counters.end() ? ~std::uint64_t{0} : found->value;
  };
  const auto before = source_->counters(own_.inode);
  ASSERT_TRUE(before);
  const std::uint64_t opens = value_of(*before, "Tcp.ActiveOpens");
  const std::string third(before->data()[3].name);
  const std::size_t count = before->size();
  ASSERT_NE(opens, ~std::uint64_t{0});
  EXPECT_NE(value_of(*before, "TcpExt.ListenDrops"), ~std::uint64_t{0});
  EXPECT_NE(value_of(*before, "Ip6InReceives"), ~std::uint64_t{0});
  tcp_pair(AF_INET);
  const auto after = source_->counters(own_.inode);
  ASSERT_TRUE(after);
  EXPECT_GE(value_of(*after, "Tcp.ActiveOpens"), opens + 1);
  EXPECT_GE(after->size(), count);
  EXPECT_EQ(after->data()[3].name, third);
}

TEST_F(KernelSourceTest, NoKindOfSocketFailsForAnyReasonButAKernelWithoutIt) {
  for (const SocketKind kind : socket_kinds()) {
    CollectedSockets sockets;
    const auto report = source_->dump(own_.inode, kId, kind, sockets);
    if (!report)
      EXPECT_EQ(report.error().kind, ErrorKind::unsupported) << report.error().message;
    else
      EXPECT_EQ(report->broken, 0u) << to_string(kind);
  }
}

TEST_F(KernelSourceTest, AnUnknownNamespaceIsNotFound) {
  CollectedSockets sockets;
  const auto report = source_->dump(1, kId, {Transport::tcp, Family::inet}, sockets);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::not_found);
}

TEST_F(KernelSourceTest, KnowsThePortsAndTheTimeWaitLimitOfItsNamespace) {
  EXPECT_TRUE(own_.own);
  EXPECT_GT(own_.first_port, 0u);
  EXPECT_GT(own_.last_port, own_.first_port);
  EXPECT_GT(own_.time_wait_limit, 0u);
  EXPECT_NE(own_.cookie, 0u);
}

using KernelSourceRoot = KernelSourceTest;

TEST_F(KernelSourceRoot, ShowsRawSocketsWithTheirProtocol) {
  LiveSocket v4(AF_INET, SOCK_RAW, 253);
  LiveSocket v6(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  if (!v4.is_open()) GTEST_SKIP() << "raw sockets need root";
  const auto sockets = dump(Transport::raw, Family::inet);
  const Socket* row = sockets.with_inode(v4.inode());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->protocol, 253u);
  EXPECT_EQ(row->local_port, 0u);
  EXPECT_EQ(row->type, SOCK_RAW);
  EXPECT_EQ(row->cookie, v4.cookie());
  EXPECT_EQ(dump(Transport::raw, Family::inet).with_inode(v4.inode())->cookie, v4.cookie());
  const auto sockets6 = dump(Transport::raw, Family::inet6);
  ASSERT_NE(sockets6.with_inode(v6.inode()), nullptr);
  EXPECT_EQ(sockets6.with_inode(v6.inode())->protocol, unsigned{IPPROTO_ICMPV6});
}

TEST_F(KernelSourceRoot, ShowsASnifferAndItsPromiscuousMode) {
  LiveSocket sniffer(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  if (!sniffer.is_open()) GTEST_SKIP() << "packet sockets need root";
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
  ASSERT_EQ(bind(sniffer.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto calm = dump(Transport::packet, Family::packet);
  ASSERT_NE(calm.with_inode(sniffer.inode()), nullptr);
  EXPECT_FALSE(has(*calm.with_inode(sniffer.inode()), SocketFlag::promiscuous));
  packet_mreq membership{};
  membership.mr_ifindex = address.sll_ifindex;
  membership.mr_type = PACKET_MR_PROMISC;
  ASSERT_EQ(setsockopt(sniffer.descriptor(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                       sizeof membership),
            0);
  const auto keen = dump(Transport::packet, Family::packet);
  const Socket* row = keen.with_inode(sniffer.inode());
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(has(*row, SocketFlag::promiscuous));
  EXPECT_EQ(row->protocol, unsigned{ETH_P_ALL});
  EXPECT_EQ(row->interface, static_cast<std::uint32_t>(address.sll_ifindex));
  EXPECT_EQ(row->cookie, sniffer.cookie());
}

TEST_F(KernelSourceRoot, TellsTheMarkOfASocket) {
  LiveSocket socket(AF_INET, SOCK_DGRAM, 0);
  const std::uint32_t mark = 0x1234;
  if (setsockopt(socket.descriptor(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
    GTEST_SKIP() << "marks need root";
  socket.bind_loopback(AF_INET);
  const auto sockets = dump(Transport::udp, Family::inet);
  ASSERT_NE(sockets.with_inode(socket.inode()), nullptr);
  EXPECT_EQ(sockets.with_inode(socket.inode())->mark, mark);
}

}  // namespace
}  // namespace netrec
