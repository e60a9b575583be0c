#include "recorder/unix_lives.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "recorder/event_folder.h"
#include "tests/recorder/fake_clock.h"

namespace netrec {
namespace {

constexpr std::uint32_t kInode = 700, kPeer = 701;

class UnixLivesTest : public testing::Test {
 protected:
  UnixLivesTest() {
    observer.sockets().use_events(EventCapture::on);
    observer.begin(clock.now());
    observer.begin_session({});
    observer.surroundings().meet_namespace(4026531840);
    take();
  }

  Tick take() {
    Tick tick = observer.end(clock.now());
    observer.commit(clock.now());
    observer.begin(clock.now());
    return tick;
  }
  event_header header(std::uint32_t kind) {
    clock.pass(std::chrono::milliseconds(1));
    return {.at_ns = static_cast<std::uint64_t>(clock.now().boot.count()) * 1000,
            .kind = kind,
            .network_namespace = 4026531840};
  }
  void tell(std::uint32_t kind, std::uint32_t inode, std::uint32_t peer = 0,
            std::string_view name = "", std::string_view remote = "") {
    event_unix event{};
    event.header = header(kind);
    event.inode = inode;
    event.peer_inode = peer;
    event.descriptor = 4;
    event.type = 1;
    event.error = kind == EVENT_UNIX_FAILED ? ECONNREFUSED : 0;
    event.name_bytes = static_cast<std::uint16_t>(name.size());
    event.remote_name_bytes = static_cast<std::uint16_t>(remote.size());
    std::memcpy(event.name, name.data(), std::min(name.size(), sizeof(event.name)));
    std::memcpy(event.remote_name, remote.data(),
                std::min(remote.size(), sizeof(event.remote_name)));
    folder.on(event);
  }
  void leave(std::uint32_t inode, std::uint32_t references, std::uint32_t pid = 0) {
    event_unix_left event{};
    event.header = header(EVENT_UNIX_LEFT);
    event.inode = inode;
    event.references = references;
    event.pid = pid;
    event.exits = pid != 0 ? 1 : 0;
    folder.on(event);
  }
  void look(std::initializer_list<std::pair<std::uint64_t, std::uint32_t>> shown) {
    Sockets& sockets = observer.sockets();
    sockets.begin_dumps();
    sockets.begin_part(1, {Transport::unix, Family::unix});
    for (const auto& [cookie, inode] : shown) {
      Socket row;
      row.cookie = cookie;
      row.family = Family::unix;
      row.transport = Transport::unix;
      row.network_namespace = 1;
      row.state = TcpState::established;
      row.inode = inode;
      sockets.see(row);
    }
    sockets.end_part(true);
    sockets.end_dumps();
  }
  const Socket* row(std::uint32_t inode) { return observer.sockets().with_inode(inode); }
  std::string text(std::uint32_t id) { return std::string(observer.state().text(id)); }

  FakeClock clock;
  Observer observer{Resume{}, clock};
  EventFolder folder{observer};
};

TEST_F(UnixLivesTest, BothEndsKnowEachOtherWhicheverIsToldFirst) {
  tell(EVENT_UNIX_CONNECTED, kInode, 0, "", "/run/x");
  tell(EVENT_UNIX_ACCEPTED, kPeer, kInode, "/run/x");
  EXPECT_EQ(row(kInode)->peer_inode, kPeer);
  EXPECT_EQ(row(kPeer)->peer_inode, kInode);
  tell(EVENT_UNIX_ACCEPTED, 801, 800, "/run/x");
  tell(EVENT_UNIX_CONNECTED, 800, 801, "", "/run/x");
  EXPECT_EQ(row(800)->peer_inode, 801U);
  EXPECT_EQ(text(row(800)->remote_name), "/run/x");
  EXPECT_EQ(text(row(801)->path), "/run/x");
}

TEST_F(UnixLivesTest, TheLastReferenceEndsIt) {
  tell(EVENT_UNIX_CONNECTED, kInode, 0, "", "/run/x");
  leave(kInode, 2);
  EXPECT_NE(row(kInode), nullptr);
  EXPECT_TRUE(folder.take_unix_doubt());
  leave(kInode, 1);
  EXPECT_EQ(row(kInode), nullptr);
  EXPECT_FALSE(folder.take_unix_doubt());
  EXPECT_EQ(take().frame.delta.of<Socket>().closed.at(0).reason, CloseReason::exact);
}

TEST_F(UnixLivesTest, AProcessThatEndsWithAllOfThemEndsIt) {
  tell(EVENT_UNIX_CONNECTED, kInode);
  leave(kInode, 3, 12);
  leave(kInode, 3, 13);
  leave(kInode, 3, 13);
  EXPECT_NE(row(kInode), nullptr) << "one of process 12, two of process 13: neither had all";
  leave(kInode, 3, 13);
  EXPECT_EQ(row(kInode), nullptr);
}

TEST_F(UnixLivesTest, WhatLookedLikeItsLastReferenceWasNotIfItIsToldOfAgain) {
  tell(EVENT_UNIX_CONNECTED, kInode);
  leave(kInode, 2, 12);
  tell(EVENT_UNIX_CONNECTED, kInode);
  leave(kInode, 2, 12);
  EXPECT_NE(row(kInode), nullptr);
}

TEST_F(UnixLivesTest, ALookThatIsLateShowsNoneThatEnded) {
  tell(EVENT_UNIX_CONNECTED, kInode);
  leave(kInode, 1);
  leave(999, 1);
  look({{5, kInode}, {6, 999}});
  EXPECT_EQ(observer.state().of<Socket>().size(), 0U);
  clock.pass(std::chrono::seconds(2));
  look({});
  look({{5, kInode}});
  EXPECT_EQ(observer.state().of<Socket>().size(), 1U) << "after a while it is another";
}

TEST_F(UnixLivesTest, ALookJoinsTheCookieToWhatEventsTold) {
  tell(EVENT_UNIX_CONNECTED, kInode, 0, "", "/run/x");
  const std::uint64_t key = row(kInode)->cookie;
  EXPECT_NE(key & Sockets::kUnixKey, 0U);
  look({{5, kInode}, {6, kPeer}});
  look({{6, kPeer}, {5, kInode}});
  EXPECT_EQ(observer.state().of<Socket>().size(), 2U);
  EXPECT_EQ(row(kInode)->cookie, key);
  EXPECT_EQ(text(row(kInode)->remote_name), "/run/x");
  look({{6, kPeer}});
  EXPECT_EQ(row(kInode), nullptr) << "a look that does not show it ends it";
}

TEST_F(UnixLivesTest, OneALookShowedFirstKeepsItsCookieAndGetsItsExactBeginning) {
  look({});
  const std::uint64_t at_us = observer.wall_us(clock.now().boot) + 1000;
  event_unix late{};
  late.header = header(EVENT_UNIX_CONNECTED);
  late.inode = kInode;
  late.type = 1;
  clock.pass(std::chrono::milliseconds(5));
  look({{5, kInode}});
  folder.on(late);
  EXPECT_EQ(row(kInode)->cookie, 5U);
  EXPECT_EQ(row(kInode)->opened_us, at_us);
  EXPECT_EQ(row(kInode)->opened_after_us, at_us);
}

TEST_F(UnixLivesTest, ARefusalIsALifeOfNoLengthBesideItsSocket) {
  look({{5, kInode}});
  take();
  tell(EVENT_UNIX_FAILED, kInode, 0, "", std::string_view("\0name", 5));
  const Tick tick = take();
  ASSERT_EQ(tick.departed.size(), 1U);
  EXPECT_EQ(tick.departed[0].error, ECONNREFUSED);
  EXPECT_EQ(text(tick.departed[0].remote_name), "@name");
  EXPECT_NE(row(kInode), nullptr);
}

TEST_F(UnixLivesTest, ALyingLengthIsNotBelieved) {
  event_unix event{};
  event.header = header(EVENT_UNIX_CONNECTED);
  event.inode = kInode;
  std::memset(event.remote_name, 'x', sizeof(event.remote_name));
  event.remote_name_bytes = 60000;
  folder.on(event);
  EXPECT_EQ(text(row(kInode)->remote_name), std::string(EVENT_UNIX_NAME_MAX, 'x'));
}

TEST_F(UnixLivesTest, NoneIsRecordedWhereNoneIsWanted) {
  folder.leave_out_unix_sockets();
  tell(EVENT_UNIX_CONNECTED, kInode);
  EXPECT_EQ(row(kInode), nullptr);
}

}  // namespace
}  // namespace netrec
