// The kernel source beside ss(8) in a network namespace where nothing else happens: the same
// sockets, and the same values of them.
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstdio>
#include <map>
#include <sstream>

#include "recorder/kernel_source.h"
#include "recorder/procfs.h"
#include "schema/ip_address.h"
#include "tests/recorder/collecting_sinks.h"
#include "tests/recorder/live_socket.h"
#include "tests/recorder/private_namespace.h"

namespace netrec {
namespace {

// One line of `ss -H -O -n -a -e -i`.
struct SsRow {
  std::string state, local, remote, rest;
  std::uint64_t receive_queue = 0, send_queue = 0;

  /// The number after "key:" among the details; ~0 if it is not told.
  std::uint64_t number(const std::string& key, int base = 10) const {
    const std::size_t at = rest.find(" " + key + ":");
    if (at == std::string::npos) return ~std::uint64_t{0};
    return std::strtoull(rest.c_str() + at + key.size() + 2, nullptr, base);
  }
};

std::istringstream ss_lines(const std::string& options) {
  std::string text;
  FILE* const pipe = popen(("ss -H -O -n -a -e -m -i " + options).c_str(), "r");
  if (pipe == nullptr) return {};
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, size);
  pclose(pipe);
  return std::istringstream(text);
}

// By cookie ("sk:").
std::map<std::uint64_t, SsRow> ss(const std::string& options) {
  std::map<std::uint64_t, SsRow> rows;
  std::istringstream lines = ss_lines(options);
  for (std::string line; std::getline(lines, line);) {
    SsRow row;
    std::istringstream words(line);
    words >> row.state >> row.receive_queue >> row.send_queue >> row.local >> row.remote;
    std::getline(words, row.rest);
    rows.emplace(row.number("sk", 16), row);
  }
  return rows;
}

bool has_ss() { return std::system("ss -V >/dev/null 2>&1") == 0; }

CollectedSockets dump(SocketKind kind) {
  CollectedSockets sockets;
  auto source = KernelSource::open({.only = {"own"}});
  EXPECT_TRUE(source);
  const auto report = (*source)->dump((*source)->namespaces()[0].inode, 1, kind, sockets);
  EXPECT_TRUE(report && report->whole());
  return sockets;
}

// A number ss leaves out where it is 0.
std::uint64_t told(std::uint64_t number) { return number == ~std::uint64_t{0} ? 0 : number; }

void compare_row(const Socket& row, const SsRow& ss) {
  SCOPED_TRACE(ss.state + " " + ss.local + " " + ss.remote + " " + ss.rest);
  EXPECT_EQ(short_name(row.state), ss.state);
  EXPECT_EQ(row.receive_queue, ss.receive_queue);
  EXPECT_EQ(row.send_queue, ss.send_queue);
  EXPECT_EQ(row.inode, told(ss.number("ino")));
  EXPECT_EQ(row.uid, told(ss.number("uid")));
  if (row.remote_port != 0) {
    EXPECT_EQ(endpoint_text(row.local, row.local_port, row.family), ss.local);
    EXPECT_EQ(endpoint_text(row.remote, row.remote_port, row.family), ss.remote);
  }
}

void compare_tcp_info(const Socket& row, const SsRow& ss) {
  if (row.state != TcpState::established && row.state != TcpState::close_wait) return;
  SCOPED_TRACE(ss.rest);
  EXPECT_EQ(row.congestion_window, ss.number("cwnd"));
  EXPECT_EQ(row.send_mss, ss.number("mss"));
  EXPECT_EQ(row.path_mtu, ss.number("pmtu"));
  EXPECT_EQ(row.advertised_mss, ss.number("advmss"));
  EXPECT_EQ(row.rto_us / 1000, ss.number("rto"));
  EXPECT_EQ(row.rtt_us / 1000, ss.number("rtt"));
  EXPECT_EQ(row.bytes_sent, told(ss.number("bytes_sent")));
  EXPECT_EQ(row.bytes_acked, told(ss.number("bytes_acked")));
  EXPECT_EQ(row.bytes_received, told(ss.number("bytes_received")));
  EXPECT_EQ(row.segments_out, told(ss.number("segs_out")));
  EXPECT_EQ(row.segments_in, told(ss.number("segs_in")));
  EXPECT_EQ(row.data_segments_out, told(ss.number("data_segs_out")));
  EXPECT_EQ(row.data_segments_in, told(ss.number("data_segs_in")));
  EXPECT_EQ(row.receive_space, ss.number("rcv_space"));
  EXPECT_EQ(row.receive_ssthresh, ss.number("rcv_ssthresh"));
  EXPECT_EQ(row.delivered, told(ss.number("delivered")));
  EXPECT_EQ(row.window_scale & 0xf, ss.number("wscale"));
  EXPECT_NE(ss.rest.find(fmt::format("skmem:(r{},rb{},t{},tb{},f{},w{},o{},bl{},d{})",
                                     row.receive_memory, row.receive_buffer, row.send_memory,
                                     row.send_buffer, row.forward_allocated, row.queued_memory,
                                     row.option_memory, row.backlog_memory, row.drops)),
            std::string::npos);
}

// Nothing is shown that ss has not, and nothing is missed.
void compare_all(const CollectedSockets& ours, const std::map<std::uint64_t, SsRow>& theirs,
                 std::size_t at_least) {
  EXPECT_EQ(ours.rows.size(), theirs.size());
  EXPECT_GE(ours.rows.size(), at_least);
  for (const Socket& row : ours.rows) {
    const auto found = theirs.find(row.cookie);
    ASSERT_NE(found, theirs.end()) << row.cookie;
    compare_row(row, found->second);
    if (row.transport == Transport::tcp) compare_tcp_info(row, found->second);
  }
}

struct Traffic {
  std::vector<LiveSocket> sockets;

  LiveSocket* add(LiveSocket socket) {
    sockets.push_back(std::move(socket));
    return &sockets.back();
  }
};

// Connections of one family with data read and unread, half-closed ones, and TIME_WAITs.
void make_tcp(int family, Traffic& traffic) {
  LiveSocket listener(family, SOCK_STREAM, 0);
  const std::uint16_t port = listener.bind_loopback(family);
  ASSERT_EQ(listen(listener.descriptor(), 64), 0);
  for (int i = 0; i < 60; ++i) {
    LiveSocket client(family, SOCK_STREAM, 0);
    client.connect_loopback(family, port);
    LiveSocket server = listener.accept_one();
    const std::string data(static_cast<std::size_t>(i) * 100, 'x');
    ASSERT_EQ(send(client.descriptor(), data.data(), data.size(), 0),
              static_cast<ssize_t>(data.size()));
    if (i % 4 == 1) shutdown(client.descriptor(), SHUT_WR);
    if (i % 4 == 2) {
      std::string all(data.size() + 1, '\0');
      recv(server.descriptor(), all.data(), all.size(), MSG_DONTWAIT);
      client.close();
      server.close();
    }
    traffic.add(std::move(client));
    traffic.add(std::move(server));
  }
  traffic.add(std::move(listener));
}

void wait_for_acknowledgements() { usleep(300'000); }

TEST(AgainstSsRoot, TcpOverBothFamilies) {
  if (!has_ss()) GTEST_SKIP() << "ss is not installed";
  const bool made = in_private_namespace([] {
    Traffic traffic;
    make_tcp(AF_INET, traffic);
    make_tcp(AF_INET6, traffic);
    wait_for_acknowledgements();
    compare_all(dump({Transport::tcp, Family::inet}), ss("-t -4"), 100);
    compare_all(dump({Transport::tcp, Family::inet6}), ss("-t -6"), 100);
  });
  if (!made) GTEST_SKIP() << "making network namespaces needs root";
}

TEST(AgainstSsRoot, UdpAndRaw) {
  if (!has_ss()) GTEST_SKIP() << "ss is not installed";
  const bool made = in_private_namespace([] {
    Traffic traffic;
    for (const int family : {AF_INET, AF_INET6}) {
      LiveSocket receiver(family, SOCK_DGRAM, 0);
      const std::uint16_t port = receiver.bind_loopback(family);
      LiveSocket sender(family, SOCK_DGRAM, 0);
      sender.connect_loopback(family, port);
      ASSERT_EQ(send(sender.descriptor(), "hello", 5, 0), 5);
      traffic.add(std::move(receiver));
      traffic.add(std::move(sender));
    }
    compare_all(dump({Transport::udp, Family::inet}), ss("-u -4"), 2);
    compare_all(dump({Transport::udp, Family::inet6}), ss("-u -6"), 2);
  });
  if (!made) GTEST_SKIP() << "making network namespaces needs root";
}

TEST(AgainstSsRoot, UnixSockets) {
  if (!has_ss()) GTEST_SKIP() << "ss is not installed";
  const bool made = in_private_namespace([] {
    Traffic traffic;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
      int ends[2];
      ASSERT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
      ASSERT_EQ(send(ends[0], "hello", 5, 0), 5);
      traffic.add(LiveSocket(ends[0]));
      traffic.add(LiveSocket(ends[1]));
    }
    const auto ours = dump({Transport::unix, Family::unix});
    EXPECT_EQ(ours.rows.size(), 6u);
    std::size_t lines = 0;
    // ss prints a type first, inodes in the place of ports, and no cookie.
    std::istringstream theirs = ss_lines("-x");
    for (std::string type, state, path, peer_path; theirs >> type; ++lines) {
      std::uint32_t receive_queue = 0, send_queue = 0, inode = 0, peer = 0;
      theirs >> state >> receive_queue >> send_queue >> path >> inode >> peer_path >> peer;
      const Socket* const row = ours.with_inode(inode);
      ASSERT_NE(row, nullptr) << inode;
      EXPECT_EQ(short_name(row->state), state);
      EXPECT_EQ(row->receive_queue, receive_queue);
      EXPECT_EQ(row->send_queue, send_queue);
      EXPECT_EQ(row->peer_inode, peer);
      std::getline(theirs, type);
    }
    EXPECT_EQ(lines, ours.rows.size());
  });
  if (!made) GTEST_SKIP() << "making network namespaces needs root";
}

TEST(AgainstSsRoot, AsManyAsProcNetTcpHas) {
  const bool made = in_private_namespace([] {
    Traffic traffic;
    make_tcp(AF_INET, traffic);
    const auto table = read_file("/proc/thread-self/net/tcp", 1 << 24);
    ASSERT_TRUE(table);
    const auto lines = std::count(table->begin(), table->end(), '\n');
    EXPECT_EQ(dump({Transport::tcp, Family::inet}).rows.size(),
              static_cast<std::size_t>(lines) - 1);
  });
  if (!made) GTEST_SKIP() << "making network namespaces needs root";
}

}  // namespace
}  // namespace netrec
