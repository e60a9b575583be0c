// The eBPF programs on the running kernel: real connections, real processes.
#include "recorder/event_source.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "tests/recorder/loopback.h"

namespace netrec {
namespace {

/// Keeps what has to do with one listening port, and every process.
class Keeping final : public EventSink {
 public:
  explicit Keeping(std::uint16_t wanted) : port(wanted) {}

  void on(const event_socket& event) override {
    if (concerns(event.ends)) identified.push_back(event);
  }
  void on(const event_transition& event) override { changed.push_back(event); }
  void on(const event_closed& event) override {
    if (concerns(event.ends)) closed.push_back(event);
  }
  void on(const event_accepted& event) override { accepted[event.cookie] = event; }
  void on(const event_connect_failed& event) override {
    if (concerns(event.ends)) failed.push_back(event);
  }
  void on(const event_time_wait& event) override {
    if (concerns(event.ends)) waits.push_back(event);
  }
  void on(const event_process& event) override { processes.push_back(event); }
  void on(const event_datagram_socket& event) override { datagrams.push_back(event); }
  void on(const event_dns&, std::span<const std::byte> message) override {
    messages.emplace_back(message.begin(), message.end());
  }
  void on(const event_unix&) override {}
  void on(const event_unix_left&) override {}
  void on(const event_exec& event, const ExecStrings& strings) override {
    programs[event.task.pid] = {event, strings.path, std::string(strings.command_line)};
  }

  bool concerns(const event_ends& ends) const {
    return ends.local_port == port || ends.remote_port == port;
  }
  /// The end that connected (its remote port is the listener's), by state entered.
  const event_socket* entered(std::uint8_t state, bool connecting) const {
    for (const event_socket& event : identified)
      if (event.transition.new_state == state && (event.ends.remote_port == port) == connecting)
        return &event;
    return nullptr;
  }
  const event_closed* closing(bool connecting) const {
    for (const event_closed& event : closed)
      if ((event.ends.remote_port == port) == connecting) return &event;
    return nullptr;
  }

  struct Program {
    event_exec event;
    std::string path;
    std::string command_line;
  };
  std::uint16_t port;
  std::vector<event_socket> identified;
  std::vector<event_transition> changed;
  std::vector<event_closed> closed;
  std::map<std::uint64_t, event_accepted> accepted;
  std::vector<event_connect_failed> failed;
  std::vector<event_time_wait> waits;
  std::vector<event_process> processes;
  std::vector<event_datagram_socket> datagrams;
  std::vector<std::vector<std::byte>> messages;
  std::map<std::uint32_t, Program> programs;
};

class EventSourceBpf : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!events_are_built()) GTEST_SKIP() << "built without the eBPF programs";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto started = EventSource::start({});
    if (!started) GTEST_SKIP() << started.error().message;
    source = std::move(*started);
  }
  Keeping drained(std::uint16_t port) {
    Keeping sink(port);
    source->drain(sink);
    EXPECT_EQ(source->take_losses().total(), 0U);
    return sink;
  }

  std::unique_ptr<EventSource> source;
};

constexpr std::uint8_t kEstablished = 1, kSynSent = 2, kListen = 10;
const std::uint32_t kOwnPid = static_cast<std::uint32_t>(::getpid());

TEST_F(EventSourceBpf, AllProbesWorkHere) {
  for (const Probe& probe : source->probes())
    EXPECT_TRUE(probe.works()) << probe.name << ": " << probe.failure;
}

TEST_P(EventSourceBpf, TellsBothEndsAndBothOwners) {
  LoopbackPair pair(GetParam());
  pair.send_from_client("hello");
  pair.close_client();
  pair.close_server();
  const Keeping seen = drained(pair.port());
  ASSERT_NE(seen.entered(kListen, false), nullptr);
  EXPECT_EQ(seen.entered(kListen, false)->task.pid, kOwnPid);
  EXPECT_EQ(seen.entered(kListen, false)->descriptor, pair.listener());
  ASSERT_NE(seen.entered(kSynSent, true), nullptr);
  EXPECT_EQ(seen.entered(kSynSent, true)->task.pid, kOwnPid);
  const event_socket* client = seen.entered(kEstablished, true);
  const event_socket* server = seen.entered(kEstablished, false);
  ASSERT_NE(client, nullptr);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(client->ends.local_port, server->ends.remote_port);
  EXPECT_EQ(client->transition.header.network_namespace, own_network_namespace());
  ASSERT_TRUE(seen.accepted.count(server->transition.cookie));
  EXPECT_EQ(seen.accepted.at(server->transition.cookie).task.pid, kOwnPid);
  ASSERT_NE(seen.closing(true), nullptr);
  ASSERT_NE(seen.closing(false), nullptr);
  EXPECT_EQ(seen.closing(true)->totals.bytes_sent, 5U);
  EXPECT_EQ(seen.closing(true)->totals.bytes_acked, 5U);
  EXPECT_EQ(seen.closing(true)->totals.bytes_received, 0U);
  EXPECT_EQ(seen.closing(false)->totals.bytes_received, 5U);
  EXPECT_EQ(seen.closing(false)->ends.remote_port, client->ends.local_port);
}

TEST_P(EventSourceBpf, TellsThatAConnectionWasRefused) {
  const std::uint16_t port = unused_port(GetParam());
  const int error = connect_error(GetParam(), port);
  EXPECT_EQ(error, ECONNREFUSED);
  const Keeping seen = drained(port);
  ASSERT_NE(seen.closing(true), nullptr);
  EXPECT_EQ(seen.closing(true)->transition.error, ECONNREFUSED);
  EXPECT_NE(seen.closing(true)->ends.local_port, 0);
}

TEST_P(EventSourceBpf, TellsThatAConnectionWasReset) {
  LoopbackPair pair(GetParam());
  pair.reset_from_server();
  pair.close_client();
  const Keeping seen = drained(pair.port());
  ASSERT_NE(seen.closing(true), nullptr);
  EXPECT_EQ(seen.closing(true)->transition.error, ECONNRESET);
  EXPECT_TRUE(seen.waits.empty());
}

TEST_P(EventSourceBpf, FollowsTheActiveCloserIntoTimeWait) {
  LoopbackPair pair(GetParam());
  pair.close_client();
  pair.close_server();
  const Keeping seen = drained(pair.port());
  const event_socket* client = seen.entered(kEstablished, true);
  ASSERT_NE(client, nullptr);
  ASSERT_FALSE(seen.waits.empty());
  const event_time_wait& last = seen.waits.back();
  EXPECT_EQ(last.cookie, client->transition.cookie);
  EXPECT_EQ(last.header.kind, __u32{EVENT_TIME_WAIT});
  EXPECT_EQ(last.state, 6U);
  EXPECT_NEAR(last.expires_ms, 60'000, 10'000);
}

INSTANTIATE_TEST_SUITE_P(Both, EventSourceBpf, testing::Values(AF_INET, AF_INET6),
                         [](const auto& parameter) {
                           return parameter.param == AF_INET ? "V4" : "V6";
                         });

TEST_F(EventSourceBpf, TellsThatThereIsNoRoute) {
  const OwnNetworkNamespace inside;
  const std::uint16_t port = 4242;
  EXPECT_EQ(connect_error(AF_INET, port, "203.0.113.7"), ENETUNREACH);
  const Keeping seen = drained(port);
  ASSERT_EQ(seen.failed.size(), 1U);
  EXPECT_EQ(seen.failed[0].error, static_cast<__u32>(ENETUNREACH));
  EXPECT_EQ(seen.failed[0].task.pid, kOwnPid);
  EXPECT_EQ(seen.failed[0].ends.remote[0], 203);
  EXPECT_EQ(seen.failed[0].header.network_namespace, own_network_namespace());
}

TEST_F(EventSourceBpf, TellsTheProgramOfEachShortProcess) {
  constexpr int kProcesses = 300;
  std::map<pid_t, std::string> wanted;
  for (int i = 0; i < kProcesses; ++i) {
    const std::string argument = "argument-" + std::to_string(i);
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/true", "true", argument.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    wanted[child] = std::string("true\0", 5) + argument;
    ::waitpid(child, nullptr, 0);
  }
  const Keeping seen = drained(0);
  for (const auto& [pid, command_line] : wanted) {
    const auto found = seen.programs.find(static_cast<std::uint32_t>(pid));
    ASSERT_NE(found, seen.programs.end()) << pid;
    EXPECT_EQ(found->second.command_line, command_line);
    EXPECT_EQ(found->second.path, "/usr/bin/true");
    EXPECT_EQ(found->second.event.task.parent_pid, kOwnPid);
  }
}

// Three events each: asked, refused, and connect(2) saying so. Others' lost events are counted,
// too.
TEST_F(EventSourceBpf, WhatDoesNotFitIntoTheRingIsCountedToTheLast) {
  constexpr std::uint64_t kRefused = 500;
  auto started = EventSource::start({.ring_bytes = 64 << 10});
  ASSERT_TRUE(started) << started.error().message;
  const std::uint16_t port = unused_port(AF_INET);
  for (std::uint64_t i = 0; i < kRefused; ++i)
    ASSERT_EQ(connect_error(AF_INET, port), ECONNREFUSED);
  Keeping seen(port);
  (*started)->drain(seen);
  const std::uint64_t told = seen.identified.size() + seen.closed.size() + seen.failed.size();
  EXPECT_LT(told, 3 * kRefused);
  const EventLosses lost = (*started)->take_losses();
  EXPECT_GE(told + lost.sockets + lost.others, 3 * kRefused);
}

TEST_F(EventSourceBpf, TheBellIsRungWhenSomethingHappens) {
  source->read_on();
  LoopbackPair pair(AF_INET);
  pollfd bell{.fd = source->bell(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&bell, 1, 10'000), 1);
  EXPECT_NE(drained(pair.port()).entered(kSynSent, true), nullptr);
}

TEST_F(EventSourceBpf, FindsEveryDescriptorThatIsASocket) {
  LoopbackPair pair(AF_INET);
  std::set<std::uint32_t> own;
  const Status read = source->read_descriptors(
      [&](std::uint32_t pid, std::uint32_t descriptor, std::uint32_t inode) {
        if (pid != kOwnPid) return;
        own.insert(descriptor);
        if (descriptor == static_cast<std::uint32_t>(pair.listener())) {
          EXPECT_EQ(inode, inode_of(pair.listener()));
        }
      });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(own.count(static_cast<std::uint32_t>(pair.listener())));
}

}  // namespace
}  // namespace netrec
