#include "query/churn.h"

#include <gtest/gtest.h>

#include "query/human.h"
#include "query/sparkline.h"

namespace netrec {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kNoon = 1'795'521'600 * kSecond;

TEST(LevelSeries, FindsThePeakAndWhenItWasReached) {
  LevelSeries level(kNoon, kNoon + 100 * kSecond);
  level.add(kNoon + 10 * kSecond, kNoon + 30 * kSecond);
  level.add(kNoon + 20 * kSecond, kNoon + 40 * kSecond);
  level.add(kNoon + 30 * kSecond, kNoon + 50 * kSecond);  // begins where the first ends
  EXPECT_EQ(level.peak().value, 2u);
  EXPECT_EQ(level.peak().at_us, kNoon + 20 * kSecond);
}

TEST(LevelSeries, CountsOnlyThePartInsideTheRange) {
  LevelSeries level(kNoon, kNoon + 10 * kSecond);
  level.add(kNoon - 50 * kSecond, kNoon - 20 * kSecond);
  level.add(kNoon + 20 * kSecond, kNoon + 30 * kSecond);
  EXPECT_EQ(level.peak().value, 0u);
  level.add(kNoon - 50 * kSecond, kNoon + 500 * kSecond);
  EXPECT_EQ(level.peak().value, 1u);
  EXPECT_EQ(level.columns(4), (std::vector<std::uint64_t>{1, 1, 1, 1}));
}

TEST(LevelSeries, TakesARangeOfNoLength) {
  LevelSeries level(kNoon, kNoon);
  level.add(kNoon, kNoon + 1);
  EXPECT_EQ(level.peak().value, 1u);
  EXPECT_EQ(level.columns(3), (std::vector<std::uint64_t>{1, 1, 1}));
}

TEST(LevelSeries, KeepsItsSizeForAYear) {
  LevelSeries level(kNoon, kNoon + 365 * 86'400 * kSecond);
  for (std::uint64_t day = 0; day < 365; ++day)
    level.add(kNoon + day * 86'400 * kSecond, kNoon + (day + 2) * 86'400 * kSecond);
  EXPECT_LE(level.peak().value, 3u);
  EXPECT_GE(level.peak().value, 2u);
}

TEST(CountSeries, TellsTheBusiestSecond) {
  CountSeries counts(kNoon, kNoon + 60 * kSecond);
  for (int i = 0; i < 5; ++i) counts.add(kNoon + 30 * kSecond + static_cast<std::uint64_t>(i));
  counts.add(kNoon + 10 * kSecond);
  counts.add(kNoon + 90 * kSecond);  // outside
  EXPECT_EQ(counts.total(), 6u);
  EXPECT_EQ(counts.peak_per_second().value, 5u);
  EXPECT_NEAR(static_cast<double>(counts.peak_per_second().at_us - kNoon), 30e6, 1e6);
}

TEST(Sparkline, ScalesToTheLargest) {
  const std::vector<std::uint64_t> values = {0, 1, 4, 8};
  EXPECT_EQ(sparkline(values), " ▂▅█");
  EXPECT_EQ(sparkline({}), "");
}

/// Lives between 10.0.0.5 and a database at 10.0.0.9:5432, opened by worker[812].
class ChurnTest : public testing::Test {
 protected:
  ChurnTest() {
    names_.of<Text>().insert({1, "worker"});
    Process worker;
    worker.id = 1;
    worker.pid = 812;
    worker.comm = 1;
    names_.of<Process>().insert(worker);
    NetworkNamespace host;
    host.id = 1;
    host.first_port = 40000;
    host.last_port = 40099;
    host.time_wait_limit = 50;
    names_.of<NetworkNamespace>().insert(host);
  }

  static Connection life(std::uint16_t local_port, std::uint64_t opened, std::uint64_t closed) {
    Connection one;
    Socket& socket = one.socket;
    socket.transport = Transport::tcp;
    socket.family = Family::inet;
    socket.network_namespace = 1;
    socket.local = {0, 0x0a000005};
    socket.remote = {0, 0x0a000009};
    socket.local_port = local_port;
    socket.remote_port = 5432;
    socket.process = 1;
    socket.opened_us = socket.opened_after_us = kNoon + opened * kSecond;
    socket.state = TcpState::time_wait;
    one.transitions = {
        {socket.opened_us, socket.opened_us, TcpState::syn_sent},
        {socket.opened_us + kSecond / 10, socket.opened_us, TcpState::established},
        {socket.opened_us + kSecond, socket.opened_us + kSecond, TcpState::time_wait}};
    one.closed_us = one.closed_after_us = kNoon + closed * kSecond;
    one.reason = CloseReason::exact;
    return one;
  }

  Churn analyse(const std::vector<Connection>& lives, std::size_t limit = 10) {
    ChurnAnalysis analysis({from_us(kNoon), from_us(kNoon + 600 * kSecond)}, 16);
    for (const Connection& one : lives) analysis.learn(one);
    for (const Connection& one : lives) analysis.tally(one, names_);
    analysis.choose(limit);
    for (const Connection& one : lives) analysis.follow(one, names_);
    return analysis.result();
  }

  Snapshot names_;
};

TEST_F(ChurnTest, CountsPortsOfOneDestinationWithTheirTimeWaits) {
  std::vector<Connection> lives;
  for (std::uint16_t i = 0; i < 80; ++i)
    lives.push_back(life(static_cast<std::uint16_t>(40000 + i), i, i + 61));
  const Churn churn = analyse(lives);
  ASSERT_EQ(churn.ends.size(), 1u);
  const ChurnRow& row = churn.ends.front();
  EXPECT_EQ(row.end.direction, Direction::outgoing);
  EXPECT_EQ(row.opened, 80u);
  EXPECT_EQ(row.closed, 80u);
  EXPECT_EQ(row.time_waits, 80u);
  EXPECT_EQ(row.ports.value, 61u);
  EXPECT_EQ(row.ports_there, 100u);
  EXPECT_EQ(row.opened_a_second.value, 1u);
  EXPECT_EQ(row.in_time_wait.value, 60u);
  EXPECT_EQ(verdict(row, TimeStyle::full).substr(0, 47),
            "10.0.0.5 -> 10.0.0.9:5432: 61 of 100 ports at 2");
  EXPECT_TRUE(verdict(row, TimeStyle::full).ends_with("(61 %), by worker[812]"))
      << verdict(row, TimeStyle::full);
  ASSERT_EQ(churn.namespaces.size(), 1u);
  EXPECT_EQ(churn.namespaces.front().entered, 80u);
  EXPECT_EQ(churn.namespaces.front().at_once.value, 60u);
  EXPECT_NEAR(churn.namespaces.front().percent(), 120, 0.1);
}

TEST_F(ChurnTest, KeepsDestinationsApart) {
  std::vector<Connection> lives = {life(40000, 0, 61), life(40001, 0, 61)};
  lives[1].socket.remote_port = 5433;
  const Churn churn = analyse(lives);
  ASSERT_EQ(churn.ends.size(), 2u);
  EXPECT_EQ(churn.ends[0].ports.value, 1u);
  EXPECT_EQ(churn.ends[1].ports.value, 1u);
}

TEST_F(ChurnTest, FollowsOnlyTheBusiest) {
  std::vector<Connection> lives = {life(40000, 0, 61), life(40001, 0, 61), life(40002, 0, 61)};
  lives[2].socket.remote_port = 5433;
  const Churn churn = analyse(lives, 1);
  ASSERT_EQ(churn.ends.size(), 1u);
  EXPECT_EQ(churn.ends[0].end.remote_port, 5432);
  EXPECT_EQ(churn.ends_in_all, 2u);
}

TEST_F(ChurnTest, PutsCallersOfAServiceTogether) {
  Connection listener;
  listener.socket.transport = Transport::tcp;
  listener.socket.family = Family::inet;
  listener.socket.network_namespace = 1;
  listener.socket.local_port = 40001;  // inside the ephemeral range: only the listener tells
  listener.socket.state = TcpState::listen;
  std::vector<Connection> lives = {listener, life(40001, 0, 61), life(40001, 1, 62)};
  for (std::size_t i = 1; i < lives.size(); ++i) {
    lives[i].transitions.erase(lives[i].transitions.begin());
    lives[i].socket.remote_port = static_cast<std::uint16_t>(50000 + i);
  }
  const Churn churn = analyse(lives);
  ASSERT_EQ(churn.ends.size(), 1u);
  EXPECT_EQ(churn.ends[0].end.direction, Direction::incoming);
  EXPECT_EQ(churn.ends[0].end.local_port, 40001);
  EXPECT_EQ(churn.ends[0].opened, 2u);
}

}  // namespace
}  // namespace netrec
