// The kernel's habits, told without a kernel: in which order events come, and what they leave out.
#include "recorder/event_folder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "tests/recorder/fake_clock.h"

namespace netrec {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kCookie = 41;
constexpr std::uint32_t kNamespace = 4026531840;

class EventFolderTest : public testing::Test {
 protected:
  EventFolderTest() {
    observer.begin_session({});
    frame();
  }

  Tick frame() {
    folder.settle(clock.time.boot + 1s);
    Tick tick = observer.end(clock.now());
    observer.commit(clock.now());
    clock.pass(1s);
    observer.begin(clock.now());
    return tick;
  }
  event_transition transition(TcpState from, TcpState to, std::uint16_t error = 0) {
    clock.pass(1ms);
    event_transition event{};
    event.header.at_ns = static_cast<__u64>(clock.time.boot.count()) * 1000;
    event.header.network_namespace = kNamespace;
    event.cookie = kCookie;
    event.old_state = static_cast<__u8>(from);
    event.new_state = static_cast<__u8>(to);
    event.error = error;
    return event;
  }
  static event_ends ends() {
    event_ends ends{};
    ends.family = 2;
    ends.local[0] = ends.remote[0] = 127;
    ends.local_port = 40000;
    ends.remote_port = 80;
    return ends;
  }
  void identify(TcpState from, TcpState to) {
    event_socket event{};
    event.transition = transition(from, to);
    event.ends = ends();
    event.descriptor = -1;
    folder.on(event);
  }
  void close(TcpState from, std::uint16_t error = 0) {
    event_closed event{};
    event.transition = transition(from, TcpState::close, error);
    event.ends = ends();
    event.totals.bytes_sent = 7;
    folder.on(event);
  }
  void time_wait(std::uint32_t kind, TcpState state = TcpState::time_wait) {
    event_time_wait event{};
    event.header = transition(state, state).header;
    event.header.kind = kind;
    event.cookie = kCookie;
    event.ends = ends();
    event.state = static_cast<__u32>(state);
    event.expires_ms = 60'000;
    folder.on(event);
  }
  const Socket* row() { return observer.sockets().find(kCookie); }

  FakeClock clock;
  Observer observer{Resume{}, clock};
  EventFolder folder{observer};
};

TEST_F(EventFolderTest, AConnectionThatWaitsInTimeWaitIsNotClosedWithItsSocket) {
  identify(TcpState::close, TcpState::syn_sent);
  identify(TcpState::syn_sent, TcpState::established);
  time_wait(EVENT_TIME_WAIT);
  close(TcpState::fin_wait2);
  EXPECT_TRUE(frame().frame.delta.of<Socket>().closed.empty());
  ASSERT_NE(row(), nullptr);
  EXPECT_EQ(row()->state, TcpState::time_wait);
  EXPECT_EQ(row()->bytes_sent, 7U);
  time_wait(EVENT_TIME_WAIT_ENDED);
  const Tick tick = frame();
  ASSERT_EQ(tick.frame.delta.of<Socket>().closed.size(), 1U);
  EXPECT_EQ(tick.frame.delta.of<Socket>().closed[0].reason, CloseReason::exact);
}

TEST_F(EventFolderTest, ATimerThatIsSetAnewEndsNothing) {
  identify(TcpState::close, TcpState::syn_sent);
  identify(TcpState::syn_sent, TcpState::established);
  time_wait(EVENT_TIME_WAIT, TcpState::fin_wait2);
  close(TcpState::fin_wait2);
  time_wait(EVENT_TIME_WAIT_ENDED, TcpState::time_wait);
  time_wait(EVENT_TIME_WAIT);
  frame();
  ASSERT_NE(row(), nullptr);
  EXPECT_EQ(row()->state, TcpState::time_wait);
}

TEST_F(EventFolderTest, AConnectTriedAgainWithTheSameSocketIsNotTakenForItsEnd) {
  identify(TcpState::close, TcpState::syn_sent);
  close(TcpState::syn_sent, ECONNREFUSED);
  identify(TcpState::close, TcpState::syn_sent);
  identify(TcpState::syn_sent, TcpState::established);
  const Tick tick = frame();
  EXPECT_TRUE(tick.frame.delta.of<Socket>().closed.empty());
  std::vector<TcpState> states;
  for (const Change& change : tick.frame.delta.of<Socket>().changed)
    if (fields_of<Socket>()[change.field].name == "state")
      states.push_back(static_cast<TcpState>(change.value));
  EXPECT_EQ(states, (std::vector{TcpState::close, TcpState::syn_sent, TcpState::established}));
}

TEST_F(EventFolderTest, TheErrorOfConnectIsTakenWhereTheTransitionKnewNone) {
  identify(TcpState::close, TcpState::syn_sent);
  close(TcpState::syn_sent);
  event_connect_failed event{};
  event.header = transition(TcpState::close, TcpState::close).header;
  event.cookie = kCookie;
  event.ends = ends();
  event.error = EADDRNOTAVAIL;
  folder.on(event);
  const Tick tick = frame();
  ASSERT_EQ(tick.departed.size(), 1U);
  EXPECT_EQ(tick.departed[0].error, EADDRNOTAVAIL);
}

TEST_F(EventFolderTest, AnEndWithoutABeginningIsTakenInAndCounted) {
  close(TcpState::established);
  EXPECT_EQ(folder.totals().unknown_closed, 1U);
  const Tick tick = frame();
  ASSERT_EQ(tick.departed.size(), 1U);
  EXPECT_EQ(tick.departed[0].local_port, 40000);
  EXPECT_NE(tick.departed[0].opened_after_us, tick.departed[0].opened_us);
}

TEST_F(EventFolderTest, WhatIsOutsideTheNamespacesAskedForIsNotRecorded) {
  EventFolder choosy(observer, FoldNamespaces::known);
  event_closed event{};
  event.transition = transition(TcpState::established, TcpState::close);
  event.transition.header.network_namespace = 1;
  event.ends = ends();
  choosy.on(event);
  EXPECT_TRUE(frame().frame.delta.of<Socket>().opened.empty());
}

}  // namespace
}  // namespace netrec
