// What the recorder has of real UNIX connections, from the kernel's events to the frame.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "tests/recorder/captured_events.h"
#include "tests/recorder/live_socket.h"

namespace netrec {
namespace {

const std::uint32_t kOwnPid = static_cast<std::uint32_t>(::getpid());

// In the abstract namespace, so that nothing is left behind.
struct Name {
  sockaddr_un address{};
  socklen_t size;
  std::string text;

  explicit Name(std::string_view what)
      : text("@netrec-test-" + std::to_string(kOwnPid) + "-" + std::string(what)) {
    address.sun_family = AF_UNIX;
    text.copy(address.sun_path, sizeof(address.sun_path));
    address.sun_path[0] = '\0';
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

std::uint64_t wall_us_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

class UnixCaptureBpf : public CapturedEvents {
 protected:
  LiveSocket listen_at(const Name& name, int type = SOCK_STREAM) {
    LiveSocket listener(AF_UNIX, type, 0);
    EXPECT_EQ(::bind(listener.descriptor(), name.get(), name.size), 0);
    EXPECT_EQ(::listen(listener.descriptor(), 8), 0);
    return listener;
  }
  LiveSocket connect_to(const Name& name, int type = SOCK_STREAM) {
    LiveSocket client(AF_UNIX, type, 0);
    EXPECT_EQ(::connect(client.descriptor(), name.get(), name.size), 0) << std::strerror(errno);
    return client;
  }

  /// A UNIX socket as a frame opened it.
  const Socket* opened(const Tick& tick, std::uint32_t inode) const {
    for (const Socket& row : tick.frame.delta.of<Socket>().opened)
      if (row.inode == inode && row.transport == Transport::unix) return &row;
    return nullptr;
  }
  /// When it ended, by the frame; 0: it did not, or not at a time of its own.
  static std::uint64_t closed_us(const Tick& tick, std::uint64_t cookie) {
    const auto frame = static_cast<std::uint64_t>(tick.frame.wall.time_since_epoch().count());
    for (const Closed& closed : tick.frame.delta.of<Socket>().closed)
      if (closed.key == cookie && closed.at > 0 && closed.reason == CloseReason::exact)
        return frame - (closed.at - 1);
    return 0;
  }
  static bool is_closed(const Tick& tick, std::uint64_t cookie) {
    for (const Closed& closed : tick.frame.delta.of<Socket>().closed)
      if (closed.key == cookie) return true;
    return false;
  }
};

TEST_F(UnixCaptureBpf, AConnectionWithinATickIsWholeAndExactAtBothEnds) {
  const Name name("short");
  const LiveSocket listener = listen_at(name);
  const std::uint64_t before = wall_us_now();
  LiveSocket client = connect_to(name);
  LiveSocket server(::accept(listener.descriptor(), nullptr, nullptr));
  const std::uint32_t client_inode = client.inode(), server_inode = server.inode();
  const std::uint64_t connected = wall_us_now();
  client.close();
  const std::uint64_t client_closed = wall_us_now();
  ::usleep(2000);
  server.close();
  const Tick tick = next_frame();
  const Socket* one = opened(tick, client_inode);
  const Socket* other = opened(tick, server_inode);
  ASSERT_TRUE(one != nullptr && other != nullptr);
  EXPECT_EQ(one->state, TcpState::established);
  EXPECT_EQ(text(one->remote_name), name.text);
  EXPECT_EQ(text(other->path), name.text);
  EXPECT_EQ(one->peer_inode, server_inode);
  EXPECT_EQ(other->peer_inode, client_inode);
  EXPECT_EQ(process(one->process).pid, kOwnPid);
  EXPECT_EQ(process(other->process).pid, kOwnPid);
  EXPECT_EQ(one->opened_us, one->opened_after_us);
  EXPECT_GE(one->opened_us + 1000, before);
  EXPECT_LE(one->opened_us, connected + 1000);
  EXPECT_GE(closed_us(tick, one->cookie) + 1000, connected);
  EXPECT_LE(closed_us(tick, one->cookie), client_closed + 1000);
  EXPECT_GE(closed_us(tick, other->cookie), client_closed + 1000);
}

TEST_F(UnixCaptureBpf, AListenerIsToldWithItsNameAndItsEnd) {
  const Name name("listener");
  LiveSocket listener = listen_at(name);
  const std::uint32_t inode = listener.inode();
  const Tick first = next_frame();
  const Socket* row = opened(first, inode);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, TcpState::listen);
  EXPECT_EQ(text(row->path), name.text);
  EXPECT_EQ(process(row->process).pid, kOwnPid);
  listener.close();
  EXPECT_NE(closed_us(next_frame(), row->cookie), 0U);
}

TEST_F(UnixCaptureBpf, ARefusedConnectIsTellingItsNameAndItsError) {
  const Name name("nobody");
  LiveSocket client(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_NE(::connect(client.descriptor(), name.get(), name.size), 0);
  const Tick tick = next_frame();
  const Socket* found = nullptr;
  for (const Socket& row : tick.frame.delta.of<Socket>().opened)
    if (row.transport == Transport::unix && text(row.remote_name) == name.text) found = &row;
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->error, ECONNREFUSED);
  EXPECT_EQ(process(found->process).pid, kOwnPid);
  EXPECT_NE(closed_us(tick, found->cookie), 0U);
}

TEST_F(UnixCaptureBpf, APairAndADatagramConnectionAreConnectionsToo) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
  LiveSocket one(pair[0]), other(pair[1]);
  const Name name("datagrams");
  LiveSocket receiver(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(::bind(receiver.descriptor(), name.get(), name.size), 0);
  LiveSocket sender = connect_to(name, SOCK_DGRAM);
  const std::uint32_t one_inode = one.inode(), sender_inode = sender.inode();
  const Tick tick = next_frame();
  const Socket* paired = opened(tick, one_inode);
  ASSERT_NE(paired, nullptr);
  EXPECT_EQ(paired->peer_inode, other.inode());
  EXPECT_EQ(paired->type, SOCK_SEQPACKET);
  const Socket* connected = opened(tick, sender_inode);
  ASSERT_NE(connected, nullptr);
  EXPECT_EQ(text(connected->remote_name), name.text);
  EXPECT_EQ(connected->type, SOCK_DGRAM);
}

TEST_F(UnixCaptureBpf, ADescriptorHeldTwiceEndsWithTheSecond) {
  const Name name("twice");
  const LiveSocket listener = listen_at(name);
  LiveSocket client = connect_to(name);
  LiveSocket copy(::dup(client.descriptor()));
  const std::uint32_t inode = client.inode();
  client.close();
  const Tick first = next_frame();
  const Socket* row = opened(first, inode);
  ASSERT_NE(row, nullptr);
  EXPECT_FALSE(is_closed(first, row->cookie));
  EXPECT_TRUE(folder.take_unix_doubt()) << "the other holder may have let go at the same time";
  copy.close();
  EXPECT_NE(closed_us(next_frame(), row->cookie), 0U);
}

TEST_F(UnixCaptureBpf, DescriptorsGoByDup2AndByCloseRangeToo) {
  const Name name("ranges");
  const LiveSocket listener = listen_at(name);
  LiveSocket over = connect_to(name);
  const int first = ::fcntl(connect_to(name).descriptor(), F_DUPFD_CLOEXEC, 500);
  LiveSocket ranged(first);
  const std::uint32_t over_inode = over.inode(), ranged_inode = ranged.inode();
  const Tick made = next_frame();
  const Socket* one = opened(made, over_inode);
  const Socket* other = opened(made, ranged_inode);
  ASSERT_TRUE(one != nullptr && other != nullptr);
  ::dup2(-1, over.descriptor());
  ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(first), CLOSE_RANGE_CLOEXEC);
  const Tick refused = next_frame();
  EXPECT_FALSE(is_closed(refused, one->cookie)) << "dup2 was refused";
  EXPECT_FALSE(is_closed(refused, other->cookie)) << "only marked";
  ::dup2(STDERR_FILENO, over.descriptor());
  ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(first) + 10, 0);
  const Tick gone = next_frame();
  EXPECT_NE(closed_us(gone, one->cookie), 0U);
  EXPECT_NE(closed_us(gone, other->cookie), 0U);
}

// By one descriptor, by two of the same socket, and one inherited from a process that lives on.
TEST_F(UnixCaptureBpf, AProcessThatEndsTakesItsSocketsWithIt) {
  const Name name("exits");
  const LiveSocket listener = listen_at(name);
  const LiveSocket kept = connect_to(name);
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    LiveSocket once = connect_to(name), twice = connect_to(name);
    if (::dup(twice.descriptor()) < 0) ::_exit(1);
    const std::uint32_t inodes[2] = {once.inode(), twice.inode()};
    if (::write(told[1], inodes, sizeof(inodes)) < 0) ::_exit(1);
    ::pause();
  }
  std::uint32_t inodes[2] = {};
  ASSERT_EQ(::read(told[0], inodes, sizeof(inodes)), static_cast<ssize_t>(sizeof(inodes)));
  const Tick made = next_frame();
  const Socket* once = opened(made, inodes[0]);
  const Socket* twice = opened(made, inodes[1]);
  const Socket* mine = opened(made, kept.inode());
  ASSERT_TRUE(once != nullptr && twice != nullptr && mine != nullptr);
  EXPECT_EQ(process(once->process).pid, static_cast<std::uint32_t>(child));
  const std::uint64_t before = wall_us_now();
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  const std::uint64_t after = wall_us_now();
  const Tick gone = next_frame();
  for (const Socket* row : {once, twice}) {
    EXPECT_GE(closed_us(gone, row->cookie) + 1000, before);
    EXPECT_LE(closed_us(gone, row->cookie), after + 1000);
  }
  EXPECT_FALSE(is_closed(gone, mine->cookie));
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(UnixCaptureBpf, ALookShowsNothingTwice) {
  const Name name("looked");
  const LiveSocket listener = listen_at(name);
  const LiveSocket client = connect_to(name);
  const Tick made = next_frame();
  const Socket* row = opened(made, client.inode());
  ASSERT_NE(row, nullptr);
  Socket shown = *row;
  shown.cookie = client.cookie();
  shown.process = shown.remote_name = 0;
  Sockets& sockets = observer.sockets();
  for (int look = 0; look < 2; ++look) {
    sockets.begin_dumps();
    sockets.begin_part(row->network_namespace, {Transport::unix, Family::unix});
    sockets.see(shown);
    sockets.end_part(true);
    sockets.end_dumps();
    const Tick looked = next_frame();
    EXPECT_EQ(opened(looked, client.inode()), nullptr);
    EXPECT_FALSE(is_closed(looked, row->cookie));
  }
  const Socket* now = sockets.with_inode(client.inode());
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(text(now->remote_name), name.text) << "what only events tell stays";
  EXPECT_EQ(process(now->process).pid, kOwnPid);
}

}  // namespace
}  // namespace netrec
