#include "recorder/settle.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

Socket established() {
  Socket row;
  row.cookie = 42;
  row.transport = Transport::tcp;
  row.state = TcpState::established;
  row.inode = 1234;
  row.uid = 1000;
  row.bytes_sent = 777;
  row.segments_in = 5;
  row.data_segments_out = 3;
  row.data_segments_in = 2;
  row.last_data_sent_ms = 1'000'000;
  row.last_data_received_ms = 2'000'000;
  row.last_ack_received_ms = 3'000'000;
  row.timer = SocketTimer::keepalive;
  row.timer_expires_us = 9'000'000'000;
  return row;
}

TEST(Settle, InstantsStayWhileTheirCountersDo) {
  const Socket previous = established();
  Socket observed = previous;
  observed.last_data_sent_ms += 3;
  observed.last_data_received_ms -= 4;
  observed.last_ack_received_ms += 1;
  settle(previous, observed);
  EXPECT_EQ(observed, previous);
}

TEST(Settle, InstantsStayWhenTheWallClockIsStepped) {
  const Socket previous = established();
  Socket observed = previous;
  observed.last_data_sent_ms += 3'600'000;
  observed.last_ack_received_ms += 3'600'000;
  settle(previous, observed);
  EXPECT_EQ(observed.last_data_sent_ms, previous.last_data_sent_ms);
  EXPECT_EQ(observed.last_ack_received_ms, previous.last_ack_received_ms);
}

TEST(Settle, InstantsFollowTheirCounters) {
  const Socket previous = established();
  Socket observed = previous;
  observed.data_segments_out += 1;
  observed.last_data_sent_ms += 2;
  observed.last_data_received_ms += 2;
  settle(previous, observed);
  EXPECT_EQ(observed.last_data_sent_ms, previous.last_data_sent_ms + 2);
  EXPECT_EQ(observed.last_data_received_ms, previous.last_data_received_ms);
}

TEST(Settle, ATimerStaysWithinTheToleranceOnBothSides) {
  const Socket previous = established();
  const auto tolerance = static_cast<std::uint64_t>(kTimerTolerance.count());
  for (const std::uint64_t off : {std::uint64_t{0} - tolerance, std::uint64_t{1}, tolerance}) {
    Socket observed = previous;
    observed.timer_expires_us += off;
    settle(previous, observed);
    EXPECT_EQ(observed.timer_expires_us, previous.timer_expires_us);
  }
  for (const std::uint64_t off : {std::uint64_t{0} - tolerance - 1, tolerance + 1}) {
    Socket observed = previous;
    observed.timer_expires_us += off;
    settle(previous, observed);
    EXPECT_EQ(observed.timer_expires_us, previous.timer_expires_us + off);
  }
}

TEST(Settle, AnotherTimerIsAnotherTime) {
  const Socket previous = established();
  Socket observed = previous;
  observed.timer = SocketTimer::retransmit;
  observed.timer_expires_us += 10;
  settle(previous, observed);
  EXPECT_EQ(observed.timer_expires_us, previous.timer_expires_us + 10);
}

TEST(Settle, TimeWaitKeepsTheConnectionsTotals) {
  Socket previous = established();
  previous.process = 9;
  previous.opened_us = 5;
  previous.receive_queue = 10;
  previous.receive_memory = 4096;
  previous.state_since_us = 6;
  Socket observed;
  observed.cookie = 42;
  observed.transport = Transport::tcp;
  observed.state = TcpState::time_wait;
  observed.timer = SocketTimer::time_wait;
  observed.timer_expires_us = 77;
  settle(previous, observed);
  EXPECT_EQ(observed.state, TcpState::time_wait);
  EXPECT_EQ(observed.timer_expires_us, 77u);
  EXPECT_EQ(observed.bytes_sent, 777u);
  EXPECT_EQ(observed.uid, 1000u);
  EXPECT_EQ(observed.process, 9u);
  EXPECT_EQ(observed.opened_us, 5u);
  EXPECT_EQ(observed.inode, 0u);
  EXPECT_EQ(observed.receive_queue, 0u);
  EXPECT_EQ(observed.receive_memory, 0u);
  EXPECT_EQ(observed.state_since_us, 0u);
  Socket later = observed;
  later.bytes_sent = 0;
  later.timer_expires_us += 900;
  settle(observed, later);
  EXPECT_EQ(later, observed);
}

TEST(Settle, WhatTheObserverKnowsIsCarriedOver) {
  Socket previous = established();
  previous.opened_us = 1;
  previous.opened_after_us = 2;
  previous.state_since_us = 3;
  previous.process = 4;
  previous.descriptor = 5;
  previous.sharers = 6;
  previous.remote_name = 7;
  previous.error = 104;
  previous.flags = static_cast<std::uint8_t>(SocketFlag::owner_unsure);
  Socket observed = established();
  observed.flags = static_cast<std::uint8_t>(SocketFlag::v6_only);
  settle(previous, observed);
  EXPECT_EQ(observed.opened_us, 1u);
  EXPECT_EQ(observed.opened_after_us, 2u);
  EXPECT_EQ(observed.state_since_us, 3u);
  EXPECT_EQ(observed.process, 4u);
  EXPECT_EQ(observed.descriptor, 5u);
  EXPECT_EQ(observed.sharers, 6u);
  EXPECT_EQ(observed.remote_name, 7u);
  EXPECT_EQ(observed.error, 104u);
  EXPECT_TRUE(has(observed, SocketFlag::owner_unsure));
  EXPECT_TRUE(has(observed, SocketFlag::v6_only));
}

TEST(Settle, ANewStateBeginsNow) {
  Socket previous = established();
  previous.state_since_us = 3;
  Socket observed = established();
  observed.state = TcpState::close_wait;
  settle(previous, observed);
  EXPECT_EQ(observed.state_since_us, 0u);
}

}  // namespace
}  // namespace netrec
