// The kernel's habits, told without a kernel: in which order events come, and what they leave out.
#include "recorder/event_folder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
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
  event_ends ends() const {
    event_ends ends{};
    ends.family = 2;
    ends.local[0] = ends.remote[0] = 127;
    ends.local_port = 40000;
    ends.remote_port = remote_port;
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
  std::uint16_t remote_port = 80;
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

// A port scan with one socket.
TEST_F(EventFolderTest, AConnectTriedElsewhereWithTheSameSocketIsAConnectionOfItsOwn) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{80, 81, 82}) {
    remote_port = port;
    identify(TcpState::close, TcpState::syn_sent);
    close(TcpState::syn_sent, ECONNREFUSED);
  }
  const Tick tick = frame();
  ASSERT_EQ(tick.departed.size(), 3U);
  std::set<std::uint16_t> tried;
  for (const Socket& row : tick.departed) {
    EXPECT_EQ(row.error, ECONNREFUSED);
    tried.insert(row.remote_port);
  }
  EXPECT_EQ(tried, (std::set<std::uint16_t>{80, 81, 82}));
  Snapshot none;
  EXPECT_EQ(apply(tick.frame.delta, none), 0U);
}

TEST_F(EventFolderTest, ASocketUsedAgainWithinAFrameHasAKeyForEachOfItsLives) {
  for (int life = 0; life < 3; ++life) {
    identify(TcpState::close, TcpState::syn_sent);
    identify(TcpState::syn_sent, TcpState::established);
    ASSERT_NE(row(), nullptr);
    EXPECT_EQ(row()->state, TcpState::established);
    if (life < 2) close(TcpState::established);
  }
  const Tick tick = frame();
  const auto& changes = tick.frame.delta.of<Socket>();
  EXPECT_EQ(changes.opened.size(), 3U);
  EXPECT_EQ(changes.closed.size(), 2U);
  std::set<std::uint64_t> keys;
  for (const Socket& opened : changes.opened) keys.insert(opened.cookie);
  EXPECT_EQ(keys.size(), 3U);
  Snapshot state;
  EXPECT_EQ(apply(tick.frame.delta, state), 0U);
  // The last life goes on under its key.
  close(TcpState::established);
  EXPECT_EQ(frame().departed.size(), 1U);
  identify(TcpState::close, TcpState::syn_sent);
  ASSERT_NE(row(), nullptr);
}

TEST_F(EventFolderTest, AnEndThatIsStillToBeCarriedOutIsNoDisagreementOfALook) {
  observer.sockets().use_events(EventCapture::on);
  identify(TcpState::close, TcpState::syn_sent);
  close(TcpState::syn_sent, ECONNREFUSED);
  Sockets& sockets = observer.sockets();
  sockets.begin_dumps();
  sockets.begin_part(row()->network_namespace, {Transport::tcp, Family::inet});
  sockets.end_part(true);
  folder.spare_ending();
  sockets.end_dumps();
  EXPECT_EQ(sockets.disagreements().total(), 0U);
  const Tick tick = frame();
  ASSERT_EQ(tick.frame.delta.of<Socket>().closed.size(), 1U);
  EXPECT_EQ(tick.frame.delta.of<Socket>().closed[0].reason, CloseReason::exact);
}

TEST_F(EventFolderTest, ABeginningToldAfterALookShowedTheSocketIsExactAndNoDisagreement) {
  event_socket event{};
  event.transition = transition(TcpState::close, TcpState::syn_sent);
  event.ends = ends();
  event.mark = 5;
  event.descriptor = -1;
  const std::uint64_t began_us = observer.wall_us(clock.time.boot);
  clock.pass(1ms);
  Sockets& sockets = observer.sockets();
  sockets.use_events(EventCapture::on);
  sockets.begin_dumps();
  const std::uint32_t place = observer.surroundings().meet_namespace(kNamespace);
  sockets.begin_part(place, {Transport::tcp, Family::inet});
  Socket shown;
  shown.cookie = kCookie;
  shown.transport = Transport::tcp;
  shown.family = Family::inet;
  shown.state = TcpState::syn_sent;
  shown.network_namespace = place;
  sockets.see(shown);
  sockets.end_part(true);
  folder.on(event);
  sockets.end_dumps();
  EXPECT_EQ(sockets.disagreements().total(), 0U);
  ASSERT_NE(row(), nullptr);
  EXPECT_EQ(row()->opened_us, began_us);
  EXPECT_EQ(row()->opened_after_us, began_us);
  EXPECT_EQ(row()->mark, 5U);
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

// Or its beginning and all that follows would be taken for a part of the life before.
TEST_F(EventFolderTest, ALifeWhoseEndWasLostEndsWhereTheNextBegins) {
  identify(TcpState::close, TcpState::listen);
  frame();
  identify(TcpState::close, TcpState::listen);
  identify(TcpState::close, TcpState::listen);
  const Tick tick = frame();
  const auto& changes = tick.frame.delta.of<Socket>();
  ASSERT_EQ(changes.closed.size(), 2u);
  for (const Closed& closed : changes.closed) {
    EXPECT_EQ(closed.reason, CloseReason::unseen);
    EXPECT_EQ(closed.at, 0u) << "nobody knows when";
  }
  ASSERT_EQ(changes.opened.size(), 2u);
  EXPECT_EQ(observer.state().of<Socket>().size(), 1u);
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
