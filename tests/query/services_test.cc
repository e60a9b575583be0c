#include "query/services.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

Connection listener(std::uint16_t port, std::uint64_t started, std::uint64_t stopped) {
  Connection life;
  life.socket.transport = Transport::tcp;
  life.socket.family = Family::inet;
  life.socket.state = TcpState::listen;
  life.socket.local_port = port;
  life.socket.opened_us = life.socket.opened_after_us = started;
  life.closed_us = life.closed_after_us = stopped;
  return life;
}

std::vector<Service> services_of(const std::vector<Connection>& lives) {
  Services services;
  for (const Connection& life : lives) services.add(life, Snapshot{});
  return services.result();
}

TEST(Services, JoinSocketsThatOverlapIntoOneRun) {
  const auto services = services_of({listener(80, 10, 50), listener(80, 20, 70)});
  ASSERT_EQ(services.size(), 1u);
  ASSERT_EQ(services[0].runs.size(), 1u);
  EXPECT_EQ(services[0].runs[0].started_us, 10u);
  EXPECT_EQ(services[0].runs[0].stopped_us, 70u);
  EXPECT_EQ(services[0].runs[0].sockets, 2u);
}

TEST(Services, TellARestartFromAWorker) {
  const auto services = services_of({listener(80, 10, 20), listener(80, 30, 0)});
  ASSERT_EQ(services.size(), 1u);
  ASSERT_EQ(services[0].runs.size(), 2u);
  EXPECT_EQ(services[0].runs[1].stopped_us, 0u) << "it is still there";
}

TEST(Services, AreNoConnections) {
  Connection life = listener(80, 10, 20);
  life.socket.state = TcpState::established;
  life.socket.remote_port = 50000;
  EXPECT_TRUE(services_of({life}).empty());
}

TEST(Services, IncludeDatagramSocketsThatAreBound) {
  Connection life = listener(53, 10, 0);
  life.socket.transport = Transport::udp;
  life.socket.state = TcpState::close;
  EXPECT_EQ(services_of({life}).size(), 1u);
}

TEST(Services, AreKnownByTheirPastWhereTheyEndedOtherwise) {
  Connection life = listener(80, 10, 20);
  life.socket.state = TcpState::close;
  life.transitions = {{10, 10, TcpState::listen}, {20, 20, TcpState::close}};
  EXPECT_EQ(services_of({life}).size(), 1u);
}

}  // namespace
}  // namespace netrec
