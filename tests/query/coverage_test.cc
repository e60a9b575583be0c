#include "query/coverage.h"

#include <gtest/gtest.h>

#include "query/lifetime_text.h"
#include "query/names.h"

namespace netrec {
namespace {

TEST(Coverage, DrawsWhatWasSeen) {
  EXPECT_EQ(coverage_bar({}, 0, 100, 5), "█████");
  EXPECT_EQ(coverage_bar({{0, 100}}, 0, 100, 4), "░░░░");
  EXPECT_EQ(coverage_bar({{50, 75}}, 0, 100, 4), "██░█");
  EXPECT_EQ(coverage_bar({{50, 60}}, 0, 100, 4), "██▒█");
}

TEST(Coverage, ShowsTheSmallestGap) {
  EXPECT_EQ(coverage_bar({{500'000, 500'001}}, 0, 1'000'000, 4), "██▒█");
}

TEST(Coverage, DrawsNothingOfNothing) {
  EXPECT_EQ(coverage_bar({}, 5, 5, 10), "");
  EXPECT_EQ(coverage_bar({}, 9, 5, 10), "");
  EXPECT_EQ(coverage_bar({}, 0, 5, 0), "");
}

TEST(Coverage, AddsUpWhatIsMissing) { EXPECT_EQ(length_of({{0, 10}, {20, 25}}), 15u); }

TEST(LifetimeText, SaysNoMoreThanIsKnown) {
  Connection life;
  life.socket.opened_us = life.socket.opened_after_us = 1'000'000;
  life.closed_us = life.closed_after_us = 2'240'000;
  EXPECT_EQ(lifetime_text(life), "1.24 s");
  life.closed_us = 4'000'000;
  EXPECT_EQ(lifetime_text(life), "1.24 s to 3.00 s");
  life.closed_after_us = 1'000'000;
  EXPECT_EQ(lifetime_text(life), "≤ 3.00 s");
  life.socket.opened_after_us = 0;
  life.closed_after_us = 3'000'000;
  EXPECT_EQ(lifetime_text(life), "≥ 2.00 s");
  life.socket.opened_after_us = 1'000'000;
  life.closed_us = life.closed_after_us = 0;
  life.last_seen_us = 6'000'000;
  EXPECT_EQ(lifetime_text(life), "5.00 s so far");
}

TEST(Names, QuotesArgumentsOnlyWhereTheyNeedIt) {
  EXPECT_EQ(arguments_text(std::string_view("ls\0-l\0a b\0", 10)), "ls -l 'a b'");
  EXPECT_EQ(arguments_text(std::string_view("nginx: worker\0", 14)), "nginx: worker");
  EXPECT_EQ(arguments_text(std::string_view("x\0it's\0\0", 8)), "x 'it'\\''s' ''");
  EXPECT_EQ(arguments_text(""), "");
}

TEST(Names, CallProtocolsAndStatesAsNetstatDoes) {
  Socket socket;
  socket.transport = Transport::udp;
  socket.family = Family::inet6;
  socket.state = TcpState::close;
  EXPECT_EQ(protocol_text(socket), "udp6");
  EXPECT_EQ(state_text(socket), "");
  socket.state = TcpState::established;
  EXPECT_EQ(state_text(socket), "ESTABLISHED");
  socket.transport = Transport::tcp;
  socket.state = TcpState::close;
  EXPECT_EQ(state_text(socket), "CLOSE");
}

TEST(Names, ReadHoldersLeniently) {
  Snapshot names;
  names.of<Text>().insert({1, "12:5,14:5 x:1,:,7"});
  Socket socket;
  socket.sharers = 1;
  EXPECT_EQ(holders_of(socket, names), (std::vector<std::uint32_t>{12, 14}));
}

}  // namespace
}  // namespace netrec
