// Quick looks: at a host a test makes up, and, with the eBPF program, at real connections that no
// event was told of.
#include "recorder/quick_look.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "recorder/kernel_source.h"
#include "recorder/look.h"
#include "tests/recorder/fake_clock.h"
#include "tests/recorder/fake_source.h"
#include "tests/recorder/loopback.h"
#include "tests/recorder/private_namespace.h"

namespace netrec {
namespace {

using namespace std::chrono_literals;

/// Whatever looks go through: an Observer with events on that are never told.
class Looker {
 public:
  Looker(SocketSource& source, Clock& clock, GlanceScan scan)
      : observer_(Resume{}, clock), clock_(clock), look_(source, observer_, clock, {}) {
    observer_.sockets().use_events(EventCapture::on);
    observer_.begin(clock.now());
    observer_.begin_session({});
    look_.use(std::move(scan));
    full();
  }

  Tick full() { return tick(LookDepth::full); }
  Tick quick() { return tick(LookDepth::quick); }
  LookDepth depth() const { return depth_; }  ///< of the last look
  const Socket* with_ports(std::uint16_t local, std::uint16_t remote) const {
    for (const Socket& row : observer_.state().of<Socket>())
      if (row.transport == Transport::tcp && row.local_port == local && row.remote_port == remote)
        return &row;
    return nullptr;
  }
  const Disagreements& disagreements() { return observer_.sockets().disagreements(); }

 private:
  Tick tick(LookDepth depth) {
    observer_.sockets().begin_dumps();
    look_.start_over();
    look_.surroundings();
    depth_ = look_.sockets(depth);
    observer_.sockets().end_dumps();
    Tick tick = observer_.end(clock_.now());
    observer_.commit(clock_.now());
    observer_.begin(clock_.now());
    return tick;
  }

  Observer observer_;
  Clock& clock_;
  Look look_;
  LookDepth depth_ = LookDepth::full;
};

// --- a made up host ------------------------------------------------------------------------------

tcp_glance glance_of(const Socket& row, std::uint32_t inode) {
  tcp_glance seen{};
  seen.cookie = row.cookie;
  seen.network_namespace = inode;
  seen.ends.family = static_cast<__u16>(row.family);
  seen.ends.local_port = row.local_port;
  seen.ends.remote_port = row.remote_port;
  seen.state = static_cast<__u32>(row.state);
  seen.segments_in = row.segments_in;
  seen.segments_out = row.segments_out;
  seen.receive_queue = row.receive_queue;
  seen.send_queue = row.send_queue;
  return seen;
}

class QuickLookTest : public testing::Test {
 protected:
  QuickLookTest() {
    for (std::uint64_t cookie = 1; cookie <= 5; ++cookie) source.sockets.push_back(idle(cookie));
  }
  static Socket idle(std::uint64_t cookie) {
    Socket row = fake_tcp(cookie);
    row.inode = static_cast<std::uint32_t>(1000 + cookie);
    row.segments_in = row.segments_out = 3;
    return row;
  }
  Result<GlanceReport> scan(const GlanceVisitor& visit) {
    if (scan_fails) return failure(ErrorKind::permission, "not here");
    for (const Socket& row : source.sockets)
      if (row.cookie != hidden) visit(glance_of(row, source.place.inode));
    return GlanceReport{.is_shared = true};
  }

  FakeClock clock;
  FakeSource source;
  bool scan_fails = false;
  std::uint64_t hidden = 0;  ///< the table's walker misses it
  Looker looker{source, clock, [this](const GlanceVisitor& visit) { return scan(visit); }};
};

TEST_F(QuickLookTest, AsksForNothingWhereNothingChanged) {
  looker.full();
  const int dumped = source.dumped;
  EXPECT_TRUE(looker.quick().frame.delta.empty());
  EXPECT_EQ(looker.depth(), LookDepth::quick);
  EXPECT_TRUE(source.asked.empty());
  EXPECT_EQ(source.dumped - dumped, static_cast<int>(socket_kinds().size()) - 2) << "TCP is not";
  EXPECT_EQ(source.asked_for_listeners, 2);
}

TEST_F(QuickLookTest, AsksForWhatChangedWhatIsNewAndWhatWasNotShown) {
  looker.full();
  source.sockets[0].segments_in = 4;
  source.sockets[0].bytes_received = 100;
  source.sockets.push_back(idle(6));
  source.sockets.erase(source.sockets.begin() + 1);
  hidden = 3;
  const std::uint64_t missed = looker.disagreements().missed_opens;
  const Tick tick = looker.quick();
  EXPECT_EQ(source.asked.size(), 4u);
  const auto& delta = tick.frame.delta.of<Socket>();
  ASSERT_EQ(delta.opened.size(), 1u);
  EXPECT_EQ(delta.opened[0].cookie, 6u);
  ASSERT_EQ(delta.closed.size(), 1u);
  EXPECT_EQ(delta.closed[0].key, 2u);
  EXPECT_EQ(looker.with_ports(443, 1025)->bytes_received, 100u);
  EXPECT_NE(looker.with_ports(443, 1027), nullptr) << "the kernel has it, whatever the glance says";
  EXPECT_EQ(looker.disagreements().missed_opens - missed, 1u);
  EXPECT_EQ(looker.disagreements().missed_closes, 1u);
}

TEST_F(QuickLookTest, ClocksRunWhereSomethingWaitsToBeSent) {
  source.sockets[0].send_queue = 10;
  looker.full();
  source.sockets[0].busy_time_us = 1000;
  looker.quick();
  EXPECT_EQ(looker.with_ports(443, 1025)->busy_time_us, 1000u);
}

TEST_F(QuickLookTest, AListenerIsAlwaysShown) {
  Socket listener = idle(7);
  listener.state = TcpState::listen;
  listener.remote_port = 0;
  source.sockets.push_back(listener);
  hidden = 7;
  looker.full();
  source.sockets.back().receive_queue = 5;
  looker.quick();
  EXPECT_EQ(looker.with_ports(443, 0)->receive_queue, 5u);
  EXPECT_TRUE(source.asked.empty());
}

TEST_F(QuickLookTest, EverythingIsDumpedWhereMuchChanged) {
  for (std::uint64_t cookie = 100; cookie < 1'200; ++cookie) source.sockets.push_back(idle(cookie));
  const Tick tick = looker.quick();
  EXPECT_EQ(looker.depth(), LookDepth::full);
  EXPECT_TRUE(source.asked.empty());
  EXPECT_EQ(tick.frame.delta.of<Socket>().opened.size(), 1'105u);
}

TEST_F(QuickLookTest, EverythingIsDumpedWhereNoGlanceIsToBeHad) {
  scan_fails = true;
  EXPECT_EQ(looker.quick().frame.delta.of<Socket>().opened.size(), 5u);
  EXPECT_EQ(looker.depth(), LookDepth::full);
}

TEST_F(QuickLookTest, ANamespaceWithATableOfItsOwnIsDumped) {
  source.place.own = false;
  source.place.has_own_table = true;
  const Tick tick = looker.quick();
  EXPECT_EQ(looker.depth(), LookDepth::quick);
  EXPECT_EQ(tick.frame.delta.of<Socket>().opened.size(), 5u);
  EXPECT_TRUE(source.asked.empty());
}

// --- the kernel ----------------------------------------------------------------------------------

/// A KernelSource that remembers what was asked for.
class AskedSource final : public SocketSource {
 public:
  explicit AskedSource(SocketSource& kernel) : kernel_(kernel) {}

  Status find_namespaces() override { return kernel_.find_namespaces(); }
  std::span<const NamespaceFacts> namespaces() const override { return kernel_.namespaces(); }
  Result<DumpReport> dump(std::uint32_t inode, std::uint32_t id, SocketKind kind,
                          SocketSink& sink) override {
    dumped_tcp |= kind.transport == Transport::tcp;
    return kernel_.dump(inode, id, kind, sink);
  }
  Result<DumpReport> listeners(std::uint32_t inode, std::uint32_t id, Family family,
                               SocketSink& sink) override {
    return kernel_.listeners(inode, id, family, sink);
  }
  Result<DumpReport> ask(std::uint32_t inode, std::uint32_t id,
                         std::span<const SocketQuestion> questions, SocketSink& sink) override {
    asked += questions.size();
    return kernel_.ask(inode, id, questions, sink);
  }
  Result<DumpReport> ended(std::uint32_t inode, std::uint32_t id, SocketSink& sink) override {
    return kernel_.ended(inode, id, sink);
  }
  bool tells_ends() const override { return false; }
  int bell() const override { return -1; }
  Result<DumpReport> interfaces(std::uint32_t inode, std::uint32_t id,
                                InterfaceSink& sink) override {
    return kernel_.interfaces(inode, id, sink);
  }
  Result<std::span<const CounterValue>> counters(std::uint32_t inode) override {
    return kernel_.counters(inode);
  }

  std::size_t asked = 0;
  bool dumped_tcp = false;

 private:
  SocketSource& kernel_;
};

/// The parameter is the address family.
class QuickLookBpf : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!events_are_built()) GTEST_SKIP() << "built without the eBPF programs";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto started = EventSource::start({});
    if (!started) GTEST_SKIP() << started.error().message;
    events = std::move(*started);
    if (!events->works("glance")) GTEST_SKIP() << events->probes().back().failure;
  }

  GlanceScan scan() {
    return [this](const GlanceVisitor& visit) { return events->glance(visit); };
  }
  // In a namespace without anybody else's sockets; nothing is shown yet.
  void alone(const std::function<void(AskedSource&, Looker&)>& work) {
    ASSERT_TRUE(in_private_namespace([&] {
      auto kernel = KernelSource::open({.only = {"own"}});
      ASSERT_TRUE(kernel) << kernel.error().message;
      AskedSource source(**kernel);
      Looker looker(source, clock, scan());
      source.dumped_tcp = false;
      work(source, looker);
      EXPECT_EQ(looker.depth(), LookDepth::quick);
      EXPECT_FALSE(source.dumped_tcp);
    }));
  }

  SystemClock clock;
  std::unique_ptr<EventSource> events;
};

INSTANTIATE_TEST_SUITE_P(Both, QuickLookBpf, testing::Values(AF_INET, AF_INET6),
                         [](const auto& test) { return test.param == AF_INET ? "IPv4" : "IPv6"; });

std::uint16_t local_port(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);  // At the same place in IPv6.
}

TEST_P(QuickLookBpf, FindsWhatNoEventToldAndThenAsksNothing) {
  alone([](AskedSource& source, Looker& looker) {
    LoopbackPair pair(GetParam());
    looker.quick();
    const std::uint16_t port = local_port(pair.client());
    const Socket* const client = looker.with_ports(port, pair.port());
    const Socket* const server = looker.with_ports(pair.port(), port);
    ASSERT_NE(client, nullptr);
    ASSERT_NE(server, nullptr);
    EXPECT_EQ(server->state, TcpState::established);
    EXPECT_EQ(client->inode, inode_of(pair.client()));
    EXPECT_NE(client->rtt_us, 0u) << "what only sock_diag tells";
    EXPECT_NE(looker.with_ports(pair.port(), 0), nullptr);
    EXPECT_EQ(looker.disagreements().missed_opens, 3u);
    EXPECT_EQ(source.asked, 2u);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(looker.quick().frame.delta.of<Socket>().empty());
    EXPECT_EQ(source.asked, 2u) << "nothing happened";
  });
}

TEST_P(QuickLookBpf, AnIdleLookAfterADumpAsksNothing) {
  alone([](AskedSource& source, Looker& looker) {
    LoopbackPair pair(GetParam());
    pair.send_from_client("hello");
    pair.send_from_server("hello to you");
    looker.full();
    source.dumped_tcp = false;
    EXPECT_TRUE(looker.quick().frame.delta.of<Socket>().empty());
    EXPECT_EQ(source.asked, 0u);
  });
}

TEST_P(QuickLookBpf, SeesQueuesAndCountersMove) {
  alone([](AskedSource&, Looker& looker) {
    LoopbackPair pair(GetParam());
    looker.quick();
    const std::uint16_t port = local_port(pair.client());
    ASSERT_EQ(send(pair.client(), "hello", 5, 0), 5);
    looker.quick();
    EXPECT_EQ(looker.with_ports(port, pair.port())->bytes_sent, 5u);
    EXPECT_EQ(looker.with_ports(pair.port(), port)->receive_queue, 5u);
    char bytes[5];
    ASSERT_EQ(recv(pair.server(), bytes, sizeof bytes, 0), 5);
    looker.quick();
    EXPECT_EQ(looker.with_ports(pair.port(), port)->receive_queue, 0u);
  });
}

TEST_P(QuickLookBpf, ClosesWhatIsGone) {
  alone([](AskedSource&, Looker& looker) {
    LoopbackPair pair(GetParam());
    looker.quick();
    const std::uint16_t port = local_port(pair.client());
    pair.reset_from_server();
    const Tick tick = looker.quick();
    EXPECT_EQ(looker.with_ports(port, pair.port()), nullptr);
    EXPECT_EQ(looker.with_ports(pair.port(), port), nullptr);
    EXPECT_NE(looker.with_ports(pair.port(), 0), nullptr);
    EXPECT_EQ(tick.frame.delta.of<Socket>().closed.size(), 2u);
    EXPECT_EQ(looker.disagreements().missed_closes, 2u);
  });
}

TEST_P(QuickLookBpf, FollowsAConnectionIntoTimeWaitAndAsksNoMore) {
  alone([](AskedSource& source, Looker& looker) {
    LoopbackPair pair(GetParam());
    pair.send_from_client("hello");
    looker.quick();
    const std::uint16_t port = local_port(pair.client());
    const std::uint64_t cookie = looker.with_ports(port, pair.port())->cookie;
    pair.close_client();
    pair.close_server();
    looker.quick();
    const Socket* const waiting = looker.with_ports(port, pair.port());
    ASSERT_NE(waiting, nullptr);
    EXPECT_EQ(waiting->cookie, cookie);
    EXPECT_EQ(waiting->state, TcpState::time_wait);
    EXPECT_EQ(waiting->bytes_sent, 5u) << "its totals are kept";
    EXPECT_EQ(looker.with_ports(pair.port(), port), nullptr);
    const std::size_t asked = source.asked;
    EXPECT_TRUE(looker.quick().frame.delta.of<Socket>().empty());
    EXPECT_EQ(source.asked, asked);
  });
}

/// A process in a network namespace of its own with a connection over loopback, until this ends.
class Neighbour {
 public:
  /// `own_table`: of TCP connections.
  explicit Neighbour(int family, bool own_table) {
    int ready[2] = {};
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) live(family, own_table, ready[1]);
    EXPECT_EQ(read(ready[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
    close(ready[0]);
    close(ready[1]);
  }
  ~Neighbour() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  std::uint16_t port() const { return port_; }  ///< of the end that connected
  std::string inode() const {
    struct stat status {};
    stat(fmt::format("/proc/{}/ns/net", pid_).c_str(), &status);
    return std::to_string(status.st_ino);
  }

 private:
  [[noreturn]] static void live(int family, bool own_table, int ready) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
    if (own_table) {
      std::ofstream("/proc/sys/net/ipv4/tcp_child_ehash_entries") << 1024;
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
    }
    raise_loopback();
    const LoopbackPair pair(family);
    const std::uint16_t port = local_port(pair.client());
    if (write(ready, &port, sizeof port) != static_cast<ssize_t>(sizeof port)) _exit(1);
    for (;;) pause();
  }

  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

TEST_P(QuickLookBpf, SeesOtherNamespacesInTheSameGlance) {
  const Neighbour neighbour(GetParam(), false);
  auto kernel = KernelSource::open({.only = {neighbour.inode()}});
  ASSERT_TRUE(kernel) << kernel.error().message;
  AskedSource source(**kernel);
  Looker looker(source, clock, scan());
  source.dumped_tcp = false;
  EXPECT_TRUE(looker.quick().frame.delta.of<Socket>().empty());
  EXPECT_EQ(looker.depth(), LookDepth::quick);
  EXPECT_FALSE(source.dumped_tcp);
  EXPECT_EQ(source.asked, 0u);

  Looker stranger(source, clock, scan());  // Its first look dumps; a second neighbour is new to it.
  const Neighbour another(GetParam(), false);
  auto both = KernelSource::open({.only = {neighbour.inode(), another.inode()}});
  ASSERT_TRUE(both) << both.error().message;
  AskedSource of_both(**both);
  Looker of_two(of_both, clock, scan());
  EXPECT_TRUE(of_two.quick().frame.delta.of<Socket>().empty());
  EXPECT_EQ(of_both.asked, 0u);
}

TEST_P(QuickLookBpf, DumpsANamespaceThatHasATableOfItsOwn) {
  const Neighbour neighbour(GetParam(), true);
  auto kernel = KernelSource::open({.only = {neighbour.inode()}});
  ASSERT_TRUE(kernel) << kernel.error().message;
  AskedSource source(**kernel);
  if (!source.namespaces().front().has_own_table)
    GTEST_SKIP() << "this kernel gives no namespace a table of its own";
  Looker looker(source, clock, scan());
  source.dumped_tcp = false;
  EXPECT_TRUE(looker.quick().frame.delta.of<Socket>().empty());
  EXPECT_EQ(looker.depth(), LookDepth::quick);
  EXPECT_TRUE(source.dumped_tcp);
  EXPECT_EQ(source.asked, 0u);
}

}  // namespace
}  // namespace netrec
