// The property everything stands on: the state before a frame, and its delta, give the state after
// it; and the state is what the last dump showed.
#include "recorder/sockets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/recorder/fake_clock.h"

namespace netrec {
namespace {

using namespace std::chrono_literals;

constexpr SocketKind kTcp{Transport::tcp, Family::inet};

Socket tcp(std::uint64_t cookie, TcpState state = TcpState::established) {
  Socket row{};
  row.cookie = cookie;
  row.network_namespace = 1;
  row.family = Family::inet;
  row.transport = Transport::tcp;
  row.state = state;
  row.local = {.low = 0x7f000001};
  row.remote = {.low = 0x7f000001};
  row.local_port = 80;
  row.remote_port = static_cast<std::uint16_t>(cookie);
  row.inode = static_cast<std::uint32_t>(10'000 + cookie);
  return row;
}

class SocketsTest : public testing::Test {
 protected:
  SocketsTest() { frame(); }  // The first frame of a session is a keyframe only.

  void dump(const std::vector<Socket>& rows, bool whole = true, SocketKind kind = kTcp) {
    sockets.begin_dumps();
    show(rows, whole, kind);
    sockets.end_dumps();
  }
  void show(const std::vector<Socket>& rows, bool whole = true, SocketKind kind = kTcp) {
    sockets.begin_part(1, kind);
    for (const Socket& row : rows) sockets.see(row);
    sockets.end_part(whole);
  }

  Tick frame() {
    clock.pass(1s);
    const Snapshot before = committed;
    Tick tick = ledger.take(clock.time);
    ledger.commit(clock.time);
    Snapshot after = before;
    EXPECT_EQ(apply(tick.frame.delta, after), 0u);
    EXPECT_EQ(after, ledger.snapshot());
    committed = ledger.snapshot();
    return tick;
  }
  const Changes<Socket>& of(const Tick& tick) { return tick.frame.delta.of<Socket>(); }
  std::uint64_t wall_us() const { return microseconds_of(clock.time.wall); }

  FakeClock clock;
  Ledger ledger{Resume{}};
  Sockets sockets{ledger, clock};
  Snapshot committed;
};

TEST_F(SocketsTest, ADumpOfTheSameIsAnEmptyFrame) {
  dump({tcp(1), tcp(2), tcp(3)});
  EXPECT_EQ(of(frame()).opened.size(), 3u);
  dump({tcp(1), tcp(2), tcp(3)});
  EXPECT_TRUE(frame().frame.delta.empty());
}

TEST_F(SocketsTest, OpenedAndClosedAreBoundedByTheDumps) {
  const std::uint64_t first_dump = wall_us();
  dump({tcp(1)});
  frame();
  clock.pass(10ms);
  dump({tcp(1), tcp(2)});
  const Socket opened = of(frame()).opened.at(0);
  EXPECT_EQ(opened.opened_after_us, first_dump);
  EXPECT_EQ(opened.opened_us, first_dump + 1'010'000);
  dump({tcp(2)});
  const Tick tick = frame();
  ASSERT_EQ(of(tick).closed.size(), 1u);
  EXPECT_EQ(of(tick).closed[0], (Closed{.key = 1, .at = 0, .reason = CloseReason::gone}));
  ASSERT_EQ(tick.departed.size(), 1u);
  EXPECT_EQ(tick.departed[0].cookie, 1u);
  EXPECT_EQ(tick.departed[0].opened_after_us, 0u) << "it was there at the first dump";
}

TEST_F(SocketsTest, ABrokenDumpDeclaresNothingGone) {
  dump({tcp(1), tcp(2)});
  frame();
  dump({tcp(1)}, false);
  EXPECT_TRUE(frame().frame.delta.empty());
  dump({tcp(1)});
  EXPECT_EQ(of(frame()).closed.size(), 1u);
}

TEST_F(SocketsTest, AKindThatWasNotDumpedKeepsItsSockets) {
  constexpr SocketKind kUdp{Transport::udp, Family::inet};
  Socket datagram = tcp(7);
  datagram.transport = Transport::udp;
  sockets.begin_dumps();
  show({tcp(1)});
  show({datagram}, true, kUdp);
  sockets.end_dumps();
  frame();
  dump({tcp(1)});
  EXPECT_TRUE(frame().frame.delta.empty());
}

TEST_F(SocketsTest, AVanishedNamespaceTakesItsSocketsAlong) {
  dump({tcp(1), tcp(2)});
  frame();
  sockets.namespace_gone(1);
  EXPECT_EQ(of(frame()).closed.size(), 2u);
}

TEST_F(SocketsTest, StateChangesCarrySinceWhen) {
  dump({tcp(1)});
  frame();
  dump({tcp(1, TcpState::close_wait)});
  const std::uint64_t seen = wall_us();
  frame();
  EXPECT_EQ(sockets.find(1)->state_since_us, seen);
}

TEST_F(SocketsTest, TheOwnerSurvivesTheProgramLettingGo) {
  dump({tcp(1)});
  Socket owned = *sockets.find(1);
  owned.process = 42;
  sockets.own(owned);
  frame();
  Socket orphan = tcp(1, TcpState::fin_wait2);
  orphan.inode = 0;
  dump({orphan});
  frame();
  EXPECT_EQ(sockets.find(1)->process, 42u);
  EXPECT_TRUE(has(*sockets.find(1), SocketFlag::orphan));
}

TEST_F(SocketsTest, AnOwnerFoundInTheSameTickIsPartOfTheOpening) {
  dump({tcp(1)});
  Socket owned = *sockets.find(1);
  owned.process = 42;
  sockets.own(owned);
  const Tick tick = frame();
  EXPECT_EQ(of(tick).opened.at(0).process, 42u);
  EXPECT_TRUE(of(tick).changed.empty());
}

TEST_F(SocketsTest, ATimeWaitWithAnotherCookieBelongsToItsConnection) {
  dump({tcp(1), tcp(2)});
  frame();
  Socket time_wait = tcp(900, TcpState::time_wait);
  time_wait.remote_port = 1;
  time_wait.timer = SocketTimer::time_wait;
  time_wait.inode = 0;
  dump({tcp(2), time_wait});
  const Tick tick = frame();
  EXPECT_TRUE(of(tick).opened.empty());
  EXPECT_TRUE(of(tick).closed.empty());
  EXPECT_EQ(sockets.find(1)->state, TcpState::time_wait);
  dump({tcp(2), time_wait});
  EXPECT_TRUE(frame().frame.delta.empty());
  dump({tcp(2)});
  EXPECT_EQ(of(frame()).closed.at(0).key, 1u);
}

TEST_F(SocketsTest, ATimeWaitNobodySawAliveIsASocketOfItsOwn) {
  dump({tcp(2)});
  frame();
  dump({tcp(2), tcp(3, TcpState::time_wait)});
  EXPECT_EQ(of(frame()).opened.at(0).cookie, 3u);
}

TEST_F(SocketsTest, InodesAreReportedAsTheyComeAndGo) {
  dump({tcp(1), tcp(2)});
  EXPECT_EQ(sockets.take_inode_changes().appeared, (std::vector<std::uint32_t>{10'001, 10'002}));
  dump({tcp(2), tcp(3)});
  const InodeChanges changes = sockets.take_inode_changes();
  EXPECT_EQ(changes.appeared, std::vector<std::uint32_t>{10'003});
  EXPECT_EQ(changes.departed, std::vector<std::uint32_t>{10'001});
  EXPECT_EQ(sockets.with_inode(10'003)->cookie, 3u);
  EXPECT_EQ(sockets.with_inode(10'002)->cookie, 2u);
  EXPECT_EQ(sockets.with_inode(10'001), nullptr);
}

TEST_F(SocketsTest, AnEventGivesLivesExactEnds) {
  sockets.opened(tcp(1, TcpState::syn_sent), clock.time.boot);
  const std::uint64_t opened = wall_us();
  clock.pass(300us);
  sockets.event(tcp(1), clock.time.boot);
  clock.pass(40ms);
  sockets.ended(1, clock.time.boot);
  const Tick tick = frame();
  EXPECT_EQ(of(tick).opened.at(0).state, TcpState::syn_sent);
  EXPECT_EQ(of(tick).opened.at(0).opened_us, opened);
  EXPECT_EQ(of(tick).opened.at(0).opened_after_us, opened);
  const std::uint64_t frame_us = microseconds_of(tick.frame.wall);
  EXPECT_EQ(frame_us - (of(tick).changed.at(0).at - 1), opened + 300);
  EXPECT_EQ(frame_us - (of(tick).closed.at(0).at - 1), opened + 40'300);
  EXPECT_EQ(of(tick).closed.at(0).reason, CloseReason::exact);
  EXPECT_EQ(tick.departed.at(0).state, TcpState::established);
}

TEST_F(SocketsTest, AnEventForASocketOfBeforeDoesNotInventABeginning) {
  sockets.event(tcp(1, TcpState::close_wait), clock.time.boot);
  EXPECT_EQ(sockets.find(1)->opened_after_us, 0u);
}

class Reconciliation : public SocketsTest {
 protected:
  Reconciliation() { sockets.use_events(EventCapture::on); }
};

TEST_F(Reconciliation, WhatNoEventToldIsTakenOverAndCounted) {
  dump({tcp(1), tcp(2)});
  EXPECT_EQ(sockets.disagreements().missed_opens, 2u);
  frame();
  dump({tcp(2, TcpState::close_wait)});
  EXPECT_EQ(sockets.disagreements().missed_closes, 1u);
  EXPECT_EQ(sockets.disagreements().wrong_states, 1u);
  EXPECT_EQ(sockets.find(2)->state, TcpState::close_wait);
  frame();
}

// It may have gone a minute before the last frame was written.
TEST_F(Reconciliation, WhatWentBetweenTwoLooksWasLastSeenByTheFirst) {
  constexpr SocketKind kPacket{Transport::packet, Family::packet};
  Socket row = tcp(1, TcpState::unknown);
  row.transport = Transport::packet;
  row.family = Family::packet;
  dump({row}, true, kPacket);
  frame();
  const auto second_look = clock.time.boot;
  dump({row}, true, kPacket);
  for (int i = 0; i < 5; ++i) frame();
  dump({}, true, kPacket);
  const Tick tick = frame();
  ASSERT_EQ(of(tick).closed.size(), 1u);
  EXPECT_EQ(of(tick).closed[0].reason, CloseReason::unseen);
  EXPECT_EQ(tick.frame.boot - std::chrono::microseconds(of(tick).closed[0].at - 1), second_look);
}

TEST_F(Reconciliation, WhatCameAfterTheLastLookWasThereWhenItCame) {
  dump({});
  for (int i = 0; i < 5; ++i) frame();
  const auto opened = clock.time.boot;
  sockets.opened(tcp(1), opened);
  for (int i = 0; i < 5; ++i) frame();
  dump({});
  ledger.keep(ledger.take(clock.time));  // The disk was full.
  const Tick tick = frame();
  ASSERT_EQ(of(tick).closed.size(), 1u);
  EXPECT_EQ(of(tick).closed[0].reason, CloseReason::unseen);
  EXPECT_EQ(tick.frame.boot - std::chrono::microseconds(of(tick).closed[0].at - 1), opened);
}

TEST_F(Reconciliation, WhatTheKernelDoesNotTellOfAStandInIsNoDisagreement) {
  Socket stand_in = tcp(1, TcpState::fin_wait2);
  stand_in.timer = SocketTimer::time_wait;
  sockets.opened(stand_in, clock.time.boot);
  frame();
  stand_in.state = TcpState::time_wait;
  dump({stand_in});
  EXPECT_EQ(sockets.find(1)->state, TcpState::time_wait);
  EXPECT_EQ(sockets.disagreements().total(), 0u);
}

TEST_F(Reconciliation, EventsUnderWayDuringTheDumpAreNoDisagreements) {
  sockets.opened(tcp(1), clock.time.boot);
  sockets.opened(tcp(2), clock.time.boot);
  frame();
  sockets.begin_dumps();
  const auto began = clock.time.boot;
  show({tcp(1, TcpState::close_wait), tcp(3)});
  clock.pass(1ms);
  sockets.event(tcp(1, TcpState::close_wait), began + 100us);
  sockets.ended(2, began + 200us);
  sockets.opened(tcp(3, TcpState::syn_sent), began + 300us);
  sockets.event(tcp(3), began + 400us);
  sockets.end_dumps();
  EXPECT_EQ(sockets.disagreements().total(), 0u);
  const Tick tick = frame();
  EXPECT_EQ(of(tick).closed.at(0).reason, CloseReason::exact);
  const Socket& opened = of(tick).opened.at(0);
  EXPECT_EQ(opened.state, TcpState::syn_sent) << "what it went through is told by the changes";
  EXPECT_EQ(opened.opened_us, opened.opened_after_us);
  EXPECT_EQ(sockets.find(3)->state, TcpState::established);
}

TEST_F(SocketsTest, AFrameThatCouldNotBeWrittenIsPartOfTheNext) {
  sockets.opened(tcp(1), clock.time.boot);
  const std::uint64_t opened_us = wall_us();
  clock.pass(10ms);
  sockets.event(tcp(1, TcpState::close_wait), clock.time.boot);
  clock.pass(1s);
  ledger.keep(ledger.take(clock.time));
  clock.pass(5s);
  sockets.ended(1, clock.time.boot);
  sockets.opened(tcp(2), clock.time.boot);
  const Tick tick = frame();
  EXPECT_EQ(of(tick).opened.size(), 2u);
  EXPECT_EQ(of(tick).closed.size(), 1u);
  const std::uint64_t frame_us = microseconds_of(tick.frame.wall);
  EXPECT_EQ(frame_us - (of(tick).changed.at(0).at - 1), opened_us + 10'000);
}

// Random worlds: sockets come, go, change and are told of by events, and whatever happens the
// frames add up (frame() checks) and the state is what the last dump showed.
TEST_F(SocketsTest, TheStateIsAlwaysWhatTheDumpShowed) {
  std::mt19937 random(20261124);
  std::vector<Socket> world;
  std::uint64_t next_cookie = 1;
  for (int tick = 0; tick < 200; ++tick) {
    for (auto coming = random() % 20; coming > 0; --coming) {
      const auto place = static_cast<std::ptrdiff_t>(random() % (world.size() + 1));
      world.insert(world.begin() + place, tcp(next_cookie++));
    }
    for (auto going = random() % 20; going > 0 && !world.empty(); --going)
      world.erase(world.begin() + static_cast<std::ptrdiff_t>(random() % world.size()));
    for (Socket& row : world)
      if (random() % 10 == 0) row.bytes_sent += random() % 1000;
    if (tick % 3 == 0) {
      sockets.opened(tcp(next_cookie), clock.time.boot);
      world.push_back(tcp(next_cookie++));
    }
    dump(world);
    frame();
    ASSERT_EQ(ledger.sockets().size(), world.size());
    for (const Socket& row : world) {
      const Socket* known = sockets.find(row.cookie);
      ASSERT_NE(known, nullptr);
      EXPECT_EQ(known->bytes_sent, row.bytes_sent);
      EXPECT_EQ(sockets.with_inode(row.inode), known);
    }
  }
}

}  // namespace
}  // namespace netrec
