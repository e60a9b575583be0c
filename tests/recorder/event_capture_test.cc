// What the recorder has of real connections and processes, from the kernel's events to the frame.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "tests/recorder/captured_events.h"
#include "tests/recorder/loopback.h"

namespace netrec {
namespace {

using std::chrono::microseconds;

const std::uint32_t kOwnPid = static_cast<std::uint32_t>(::getpid());

class EventCaptureBpf : public CapturedEvents {};

/// One end of a connection in a frame: as opened, as it went, and what it went through.
struct Life {
  Socket first;
  std::optional<Socket> last;
  std::vector<TcpState> states;
  std::optional<Closed> closed;
};

std::optional<Life> life_in(const Tick& tick, std::uint16_t port, bool connecting) {
  for (const Socket& row : tick.frame.delta.of<Socket>().opened) {
    if (row.state == TcpState::listen || row.transport != Transport::tcp) continue;
    if ((connecting ? row.remote_port : row.local_port) != port) continue;
    Life life{.first = row, .last = {}, .states = {row.state}, .closed = {}};
    for (const Change& change : tick.frame.delta.of<Socket>().changed)
      if (change.key == row.cookie && fields_of<Socket>()[change.field].name == "state")
        life.states.push_back(static_cast<TcpState>(change.value));
    for (const Closed& closed : tick.frame.delta.of<Socket>().closed)
      if (closed.key == row.cookie) life.closed = closed;
    for (const Socket& departed : tick.departed)
      if (departed.cookie == row.cookie) life.last = departed;
    return life;
  }
  return std::nullopt;
}

std::uint64_t wall_us_now() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

std::uint64_t closed_us(const Tick& tick, const Life& life) {
  const auto frame = static_cast<std::uint64_t>(tick.frame.wall.time_since_epoch().count());
  return life.closed && life.closed->at > 0 ? frame - (life.closed->at - 1) : 0;
}

TEST_P(EventCaptureBpf, ALifeWithinATickIsWholeAndExact) {
  const std::uint64_t before = wall_us_now();
  LoopbackPair pair(GetParam());
  pair.send_from_client("hello");
  pair.send_from_server("hello, you");
  const std::uint64_t established = wall_us_now();
  pair.close_server();
  pair.close_client();
  const std::uint64_t after = wall_us_now();
  const Tick tick = next_frame();
  const auto client = life_in(tick, pair.port(), true);
  ASSERT_TRUE(client && client->last);
  EXPECT_EQ(client->states, (std::vector{TcpState::syn_sent, TcpState::established,
                                         TcpState::close_wait, TcpState::last_ack}));
  EXPECT_EQ(client->first.opened_us, client->first.opened_after_us);
  EXPECT_GE(client->first.opened_us + 1000, before);
  EXPECT_LE(client->first.opened_us, established + 1000);
  EXPECT_GE(closed_us(tick, *client) + 1000, established);
  EXPECT_LE(closed_us(tick, *client), after + 1000);
  EXPECT_EQ(client->closed->reason, CloseReason::exact);
  EXPECT_EQ(client->last->bytes_sent, 5U);
  EXPECT_EQ(client->last->bytes_received, 10U);
  EXPECT_EQ(process(client->last->process).pid, kOwnPid);
  EXPECT_NE(client->first.local_port, 0);
  EXPECT_EQ(client->first.bytes_received, 10U) << "told once, in the opening";
}

TEST_P(EventCaptureBpf, TheActiveCloserGoesOnInTimeWaitAsTheSameConnection) {
  LoopbackPair pair(GetParam());
  const int server = pair.server();
  pair.close_client();
  pair.close_server();
  const Tick tick = next_frame();
  const auto client = life_in(tick, pair.port(), true);
  ASSERT_TRUE(client);
  EXPECT_FALSE(client->closed);
  EXPECT_EQ(client->states.back(), TcpState::time_wait);
  const Socket* now = observer.sockets().find(client->first.cookie);
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(process(now->process).pid, kOwnPid);
  EXPECT_GT(now->timer_expires_us, wall_us_now() + 50'000'000);
  const auto accepted = life_in(tick, pair.port(), false);
  ASSERT_TRUE(accepted && accepted->closed);
  EXPECT_EQ(accepted->last->descriptor, static_cast<std::uint32_t>(server));
  EXPECT_EQ(process(accepted->last->process).pid, kOwnPid);
}

TEST_P(EventCaptureBpf, ARefusedConnectIsAConnectionWithItsError) {
  const std::uint16_t port = unused_port(GetParam());
  connect_error(GetParam(), port);
  const auto client = life_in(next_frame(), port, true);
  ASSERT_TRUE(client && client->last);
  EXPECT_EQ(client->last->error, ECONNREFUSED);
  EXPECT_EQ(client->states, std::vector{TcpState::syn_sent});
  EXPECT_EQ(process(client->last->process).pid, kOwnPid);
}

TEST_P(EventCaptureBpf, AResetIsTold) {
  LoopbackPair pair(GetParam());
  pair.reset_from_server();
  pair.close_client();
  const Tick tick = next_frame();
  const auto client = life_in(tick, pair.port(), true);
  ASSERT_TRUE(client && client->last);
  EXPECT_EQ(client->last->error, ECONNRESET);
  EXPECT_EQ(client->states, (std::vector{TcpState::syn_sent, TcpState::established}));
}

TEST_P(EventCaptureBpf, AKilledProcessEndsItsConnections) {
  LoopbackPair pair(GetParam());
  const std::uint16_t port = pair.port();
  const pid_t child = ::fork();
  if (child == 0) {
    LoopbackPair own(GetParam());
    const std::uint16_t told = own.port();
    if (::write(pair.client(), &told, sizeof(told)) < 0) ::_exit(1);
    ::pause();
  }
  std::uint16_t childs = 0;
  ASSERT_EQ(::recv(pair.server(), &childs, sizeof(childs), MSG_WAITALL),
            static_cast<ssize_t>(sizeof(childs)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_NE(childs, port);
  const Tick tick = next_frame();
  for (const bool connecting : {true, false}) {
    const auto life = life_in(tick, childs, connecting);
    ASSERT_TRUE(life);
    const Socket& row = life->last ? *life->last : *observer.sockets().find(life->first.cookie);
    EXPECT_EQ(process(row.process).pid, static_cast<std::uint32_t>(child));
    EXPECT_NE(process(row.process).ended_us, 0U);
    EXPECT_EQ(process(row.process).parent_pid, kOwnPid);
  }
}

TEST_P(EventCaptureBpf, AConnectionOfManyTicksEndsWithItsTotals) {
  LoopbackPair pair(GetParam());
  Tick tick = next_frame();
  const auto client = life_in(tick, pair.port(), true);
  ASSERT_TRUE(client);
  pair.send_from_client(std::string(100'000, 'x'));
  next_frame();
  pair.close_server();
  pair.close_client();
  tick = next_frame();
  const Socket* last = nullptr;
  for (const Socket& row : tick.departed)
    if (row.cookie == client->first.cookie) last = &row;
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->bytes_sent, 100'000U);
  EXPECT_EQ(last->bytes_acked, 100'000U);
  EXPECT_EQ(last->opened_us, client->first.opened_us);
}

INSTANTIATE_TEST_SUITE_P(Both, EventCaptureBpf, testing::Values(AF_INET, AF_INET6),
                         [](const auto& parameter) {
                           return parameter.param == AF_INET ? "V4" : "V6";
                         });

TEST_F(EventCaptureBpf, AConnectWithoutARouteIsAConnectionThatFailed) {
  const OwnNetworkNamespace inside;
  EXPECT_EQ(connect_error(AF_INET, 4242, "203.0.113.7"), ENETUNREACH);
  const auto client = life_in(next_frame(), 4242, true);
  ASSERT_TRUE(client && client->last);
  EXPECT_EQ(client->last->error, ENETUNREACH);
  EXPECT_EQ(to_string(client->last->remote, client->last->family), "203.0.113.7");
  const auto* space = observer.state().of<NetworkNamespace>().find(client->last->network_namespace);
  ASSERT_NE(space, nullptr);
  EXPECT_EQ(space->inode, own_network_namespace());
}

TEST_P(EventCaptureBpf, DatagramsAreCountedByPeerAtBothEnds) {
  DatagramPair pair(GetParam());
  std::uint64_t bytes = 0;
  for (std::size_t size = 1; size <= 200; ++size, bytes += size - 1) pair.send(size);
  const Tick tick = next_frame();
  const Peer* sent = peer_with(tick, pair.receiver_port());
  const Peer* received = peer_with(tick, pair.sender_port());
  ASSERT_NE(sent, nullptr);
  ASSERT_NE(received, nullptr);
  EXPECT_EQ(sent->packets_sent, 200U);
  EXPECT_EQ(sent->bytes_sent, bytes);
  EXPECT_EQ(sent->bytes_received, 0U);
  EXPECT_EQ(received->packets_received, 200U);
  EXPECT_EQ(received->bytes_received, bytes);
  EXPECT_EQ(sent->transport, Transport::udp);
  EXPECT_EQ(process(sent->process).pid, kOwnPid);
  EXPECT_LE(sent->first_us, sent->last_us);
}

TEST_P(EventCaptureBpf, ADatagramSocketHasAnExactLifeAndItsPeersOutliveIt) {
  std::uint16_t port = 0;
  {
    DatagramPair pair(GetParam());
    pair.send(10);
    port = pair.receiver_port();
  }
  Tick tick = next_frame();
  const Peer* peer = peer_with(tick, port);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(process(peer->process).pid, kOwnPid);
  EXPECT_NE(peer->network_namespace, 0U);
  const auto& closed = tick.frame.delta.of<Socket>().closed;
  EXPECT_TRUE(std::any_of(closed.begin(), closed.end(), [&](const Closed& one) {
    return one.key == peer->socket && one.reason == CloseReason::exact && one.at != 0;
  }));
  const std::uint32_t id = peer->id;
  tick = next_frame();
  EXPECT_EQ(observer.peer(id), nullptr) << "closed once everything it exchanged was read";
}

TEST_F(EventCaptureBpf, AConnectionCarriesTheNameThatLedToIt) {
  const OwnNetworkNamespace inside;
  bring_up_loopback();
  FakeResolver resolver("127.0.0.77");
  resolver.answer("mail.example.org");
  LoopbackPair pair(AF_INET, "127.0.0.77");
  const Tick tick = next_frame();
  const auto& answers = tick.frame.delta.of<Resolution>().opened;
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(text(answers[0].name), "mail.example.org");
  EXPECT_EQ(to_string(answers[0].address, answers[0].family), "127.0.0.77");
  EXPECT_EQ(process(answers[0].process).pid, kOwnPid);
  const auto client = life_in(tick, pair.port(), true);
  ASSERT_TRUE(client);
  EXPECT_EQ(text(client->first.remote_name), "mail.example.org");
}

// Each lives a millisecond or so, makes one connection, and has its own arguments.
TEST_F(EventCaptureBpf, EveryShortProcessHasItsOwnCommandLine) {
  LoopbackPair target(AF_INET);
  const int count = std::getenv("NETREC_LONG_TESTS") != nullptr ? 5000 : 200;
  std::map<std::uint32_t, std::string> wanted;
  for (int i = 0; i < count; ++i) {
    const std::string command = "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(target.port());
    const std::string name = "number-" + std::to_string(i);
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/bash", "bash", "-c", command.c_str(), name.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    const int accepted = ::accept(target.listener(), nullptr, nullptr);
    ::waitpid(child, nullptr, 0);
    ::close(accepted);
    wanted[static_cast<std::uint32_t>(child)] = name;
  }
  const Tick tick = next_frame();
  std::size_t found = 0;
  for (const Socket& row : tick.frame.delta.of<Socket>().opened) {
    if (row.remote_port != target.port()) continue;
    const Process& run = process(row.process);
    if (!wanted.count(run.pid)) continue;
    ++found;
    EXPECT_TRUE(text(run.command_line).ends_with(wanted[run.pid])) << text(run.command_line);
    EXPECT_EQ(text(run.exe), "/usr/bin/bash");
    EXPECT_NE(run.ended_us, 0U);
  }
  EXPECT_EQ(found, wanted.size());
}

}  // namespace
}  // namespace netrec
