#include "query/destinations.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

Connection call(std::uint64_t low, std::uint16_t port, std::uint64_t opened_us) {
  Connection life;
  Socket& socket = life.socket;
  socket.transport = Transport::tcp;
  socket.family = Family::inet;
  socket.local_port = 40000;
  socket.remote = {0, low};
  socket.remote_port = port;
  socket.process = 1;
  socket.opened_us = opened_us;
  socket.bytes_sent = 100;
  socket.bytes_received = 1000;
  life.transitions = {{opened_us, opened_us, TcpState::syn_sent}};
  life.closed_us = opened_us + 50;
  return life;
}

class DestinationsTest : public testing::Test {
 protected:
  DestinationsTest() {
    names_.of<Text>().insert({1, "curl"});
    names_.of<Text>().insert({2, "example.org"});
    Process curl;
    curl.id = 1;
    curl.pid = 7;
    curl.comm = 1;
    names_.of<Process>().insert(curl);
  }

  Destinations add_up(GroupBy by, const std::vector<Connection>& lives,
                      Direction direction = Direction::outgoing) {
    Destinations rows(by, direction);
    for (const Connection& life : lives) rows.learn(life);
    for (const Connection& life : lives) rows.add(life, names_);
    return rows;
  }

  Snapshot names_;
};

TEST_F(DestinationsTest, AddUpByProgramAndEnd) {
  std::vector<Connection> lives = {call(1, 443, 1000), call(1, 443, 500), call(1, 80, 700)};
  lives[0].socket.remote_name = 2;
  const Destinations rows = add_up(GroupBy::endpoint, lives);
  ASSERT_EQ(rows.rows().size(), 2u);
  const Destination& tls = std::next(rows.rows().begin())->second;
  EXPECT_EQ(tls.key.program, "curl");
  EXPECT_EQ(tls.key.port, 443);
  EXPECT_EQ(tls.connections, 2u);
  EXPECT_EQ(tls.bytes_sent, 200u);
  EXPECT_EQ(tls.bytes_received, 2000u);
  EXPECT_EQ(tls.first_us, 500u);
  EXPECT_EQ(tls.last_us, 1050u);
  EXPECT_EQ(tls.names, std::set<std::string>{"example.org"});
}

TEST_F(DestinationsTest, HaveAPortWhereTheProtocolHasPorts) {
  std::vector<Connection> lives = {call(1, 0, 1), call(1, 0, 2), call(0, 0, 3)};
  lives[1].socket.transport = lives[2].socket.transport = Transport::icmp;  // connected, and not
  const Destinations rows = add_up(GroupBy::endpoint, lives);
  ASSERT_EQ(rows.rows().size(), 1u);
  EXPECT_EQ(rows.rows().begin()->second.key.transport, Transport::icmp);
  EXPECT_EQ(rows.rows().begin()->second.connections, 1u);
}

TEST_F(DestinationsTest, AddUpNetworks) {
  const Destinations rows =
      add_up(GroupBy::network, {call(0xc0000201, 443, 1), call(0xc00002fe, 80, 2)});
  ASSERT_EQ(rows.rows().size(), 1u);
  const Destination& row = rows.rows().begin()->second;
  EXPECT_EQ(to_string(row.key.remote, row.key.family), "192.0.2.0");
  EXPECT_EQ(row.addresses.size(), 2u);
}

TEST_F(DestinationsTest, CountPeersOfDatagramSockets) {
  Destinations rows(GroupBy::endpoint, Direction::outgoing);
  Peer peer;
  peer.family = Family::inet;
  peer.transport = Transport::udp;
  peer.remote = {0, 0x08080808};
  peer.remote_port = 53;
  peer.local_port = 45000;
  peer.process = 1;
  peer.bytes_sent = 40;
  rows.add(peer, names_);
  ASSERT_EQ(rows.rows().size(), 1u);
  EXPECT_EQ(rows.rows().begin()->second.bytes_sent, 40u);
}

TEST_F(DestinationsTest, TellWhatTheKernelSendsForItself) {
  Destinations rows(GroupBy::program, Direction::outgoing);
  Peer resets;
  resets.family = Family::inet;
  resets.transport = Transport::raw;
  resets.protocol = 6;
  resets.remote = {0, 0x08080808};
  rows.add(resets, names_);
  Peer unknown = resets;  // A program's socket, of which only the owner is not known.
  unknown.network_namespace = 1;
  rows.add(unknown, names_);
  ASSERT_EQ(rows.rows().size(), 2u);
  EXPECT_EQ(rows.rows().begin()->first.program, "");
  EXPECT_EQ(rows.rows().rbegin()->first.program, "kernel");
}

TEST_F(DestinationsTest, TellWhoCalledUsFromWhomWeCalled) {
  Connection accepted = call(9, 50000, 10);
  accepted.socket.local_port = 443;
  accepted.transitions = {{10, 10, TcpState::syn_recv}};
  EXPECT_TRUE(add_up(GroupBy::endpoint, {accepted}).rows().empty());
  const Destinations incoming = add_up(GroupBy::endpoint, {accepted}, Direction::incoming);
  ASSERT_EQ(incoming.rows().size(), 1u);
  EXPECT_EQ(incoming.rows().begin()->first.port, 443);
}

}  // namespace
}  // namespace netrec
