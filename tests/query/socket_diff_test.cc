#include "query/socket_diff.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace netrec {
namespace {

Socket socket_of(std::uint64_t cookie, TcpState state = TcpState::established) {
  Socket socket;
  socket.cookie = cookie;
  socket.family = Family::inet;
  socket.transport = Transport::tcp;
  socket.state = state;
  socket.remote_port = static_cast<std::uint16_t>(cookie);
  return socket;
}

/// What a command line with these words selects.
SocketSelection selecting(const std::string& words) {
  SocketSelection selection;
  CLI::App app;
  selection.declare(app);
  app.parse(words);
  EXPECT_TRUE(selection.prepare().has_value());
  return selection;
}

class SocketDiffTest : public testing::Test {
 protected:
  Snapshot before;
  Snapshot after;

  SocketDiff diff(const std::string& words = "", Boots boots = Boots::same) const {
    SocketSelection selection;
    CLI::App app;
    selection.declare(app);
    app.parse(words);
    EXPECT_TRUE(selection.prepare().has_value());
    return diff_sockets(before, after, boots, selection);
  }
};

TEST_F(SocketDiffTest, FindsNothingBetweenTheSame) {
  before.of<Socket>().insert(socket_of(1));
  after = before;
  const SocketDiff found = diff();
  EXPECT_TRUE(found.opened.empty() && found.closed.empty() && found.changed.empty());
  EXPECT_EQ(found.unchanged, 1u);
}

TEST_F(SocketDiffTest, TellsOpenedClosedAndChanged) {
  before.of<Socket>().insert(socket_of(1));
  before.of<Socket>().insert(socket_of(2));
  after.of<Socket>().insert(socket_of(2, TcpState::close_wait));
  after.of<Socket>().insert(socket_of(3));
  const SocketDiff found = diff();
  ASSERT_EQ(found.opened.size(), 1u);
  EXPECT_EQ(found.opened[0]->cookie, 3u);
  ASSERT_EQ(found.closed.size(), 1u);
  EXPECT_EQ(found.closed[0]->cookie, 1u);
  ASSERT_EQ(found.changed.size(), 1u);
  EXPECT_EQ(changed_fields(*found.changed[0].before, *found.changed[0].after),
            std::vector<std::string>{"state"});
}

TEST_F(SocketDiffTest, CountsTrafficWithoutCallingItAChange) {
  Socket socket = socket_of(1);
  socket.bytes_sent = 100;
  before.of<Socket>().insert(socket);
  socket.bytes_sent = 350;
  socket.rtt_us = 9;
  after.of<Socket>().insert(socket);
  EXPECT_EQ(diff().unchanged, 1u);
  EXPECT_EQ(diff().bytes_sent, 250u);
}

TEST_F(SocketDiffTest, KnowsNoSocketAgainAfterABoot) {
  before.of<Socket>().insert(socket_of(1));
  after = before;
  const SocketDiff found = diff("", Boots::other);
  EXPECT_EQ(found.opened.size(), 1u);
  EXPECT_EQ(found.closed.size(), 1u);
  EXPECT_EQ(found.unchanged, 0u);
}

TEST_F(SocketDiffTest, ComparesWhatTheFilterWantsOfEitherInstant) {
  before.of<Socket>().insert(socket_of(1));
  before.of<Socket>().insert(socket_of(2));
  after.of<Socket>().insert(socket_of(1, TcpState::time_wait));
  after.of<Socket>().insert(socket_of(2));
  EXPECT_EQ(diff("state time-wait").changed.size(), 1u);
  EXPECT_EQ(diff("state time-wait").unchanged, 0u);
}

TEST_F(SocketDiffTest, TellsWhatInterfacesDid) {
  Interface eth0;
  eth0.index = 2;
  eth0.receive_bytes = 1000;
  eth0.operational_state = 6;
  before.of<Interface>().insert(eth0);
  eth0.receive_bytes = 1500;
  eth0.receive_dropped = 3;
  after.of<Interface>().insert(eth0);
  Interface idle;
  idle.index = 1;
  before.of<Interface>().insert(idle);
  after.of<Interface>().insert(idle);
  Interface fresh;
  fresh.index = 3;
  after.of<Interface>().insert(fresh);
  const auto found = diff_interfaces(before, after);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].received_bytes, 500u);
  EXPECT_EQ(found[0].dropped, 3u);
  EXPECT_FALSE(found[0].link_changed());
  EXPECT_TRUE(found[0].is_trouble());
  EXPECT_TRUE(found[1].link_changed());
}

TEST_F(SocketDiffTest, CountsACounterThatWentBackAsNothing) {
  Interface eth0;
  eth0.index = 2;
  eth0.receive_bytes = 1000;
  before.of<Interface>().insert(eth0);
  eth0.receive_bytes = 10;
  after.of<Interface>().insert(eth0);
  EXPECT_TRUE(diff_interfaces(before, after).empty());
}

TEST(SocketSelection, LeavesOutLocalSocketsUntilAsked) {
  Socket local;
  local.family = Family::unix;
  local.transport = Transport::unix;
  const Snapshot names;
  EXPECT_FALSE(selecting("").wants(local, names));
  EXPECT_TRUE(selecting("-a").wants(local, names));
  EXPECT_TRUE(selecting("-x").wants(local, names));
  EXPECT_FALSE(selecting("-t").wants(local, names));
  EXPECT_TRUE(selecting("not state listening").wants(local, names)) << "a filter asks for all";
}

TEST(SocketSelection, UnderstandsNetstatsSwitches) {
  const Snapshot names;
  Socket server = socket_of(1, TcpState::listen);
  Socket datagram = socket_of(2, TcpState::close);
  datagram.transport = Transport::udp;
  Socket v6 = socket_of(3);
  v6.family = Family::inet6;
  EXPECT_TRUE(selecting("-tl").wants(server, names));
  EXPECT_FALSE(selecting("-tl").wants(datagram, names));
  EXPECT_TRUE(selecting("-tul").wants(datagram, names)) << "bound and not connected";
  EXPECT_FALSE(selecting("-l").wants(v6, names));
  EXPECT_TRUE(selecting("-6").wants(v6, names));
  EXPECT_FALSE(selecting("-4").wants(v6, names));
  EXPECT_TRUE(selecting("-4 -6").wants(v6, names));
  EXPECT_TRUE(selecting("--inet").wants(v6, names));
}

}  // namespace
}  // namespace netrec
