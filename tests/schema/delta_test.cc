#include "schema/delta.h"

#include <gtest/gtest.h>

#include "tests/schema/random_snapshot.h"

namespace netrec {
namespace {

// Texts never change under their id: give both snapshots the same bytes for the same id.
void agree_on_texts(const Snapshot& one, Snapshot& other) {
  for (const Text& text : one.of<Text>())
    if (Text* twin = other.of<Text>().find(text.id)) twin->bytes = text.bytes;
}

Socket socket_with(std::uint64_t cookie) {
  Socket socket;
  socket.cookie = cookie;
  return socket;
}

std::uint16_t field_id(std::string_view wanted) {
  const auto fields = fields_of<Socket>();
  for (std::uint16_t id = 0; id < fields.size(); ++id)
    if (fields[id].name == wanted) return id;
  ADD_FAILURE() << "no field " << wanted;
  return 0;
}

TEST(Delta, ApplyUndoesDiff) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    const Snapshot before = random_snapshot(random, 8);
    Snapshot after = random_snapshot(random, 8);
    agree_on_texts(before, after);
    Snapshot applied = before;
    EXPECT_EQ(apply(diff(before, after), applied), 0u);
    ASSERT_TRUE(applied == after) << "round " << round;
  }
}

TEST(Delta, OfASnapshotToItselfIsEmpty) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50; ++round) {
    const Snapshot snapshot = random_snapshot(random, 8);
    EXPECT_TRUE(diff(snapshot, snapshot).empty());
  }
}

TEST(Delta, FromNothingIsAKeyframe) {
  std::mt19937_64 random(3);
  const Snapshot snapshot = random_snapshot(random, 8);
  Snapshot rebuilt;
  EXPECT_EQ(apply(diff({}, snapshot), rebuilt), 0u);
  EXPECT_TRUE(rebuilt == snapshot);
}

TEST(Delta, IsTheSameWhateverTheOrderOfRows) {
  Snapshot forward, backward;
  for (std::uint64_t cookie = 1; cookie <= 50; ++cookie)
    forward.of<Socket>().insert(socket_with(cookie));
  for (std::uint64_t cookie = 50; cookie >= 1; --cookie)
    backward.of<Socket>().insert(socket_with(cookie));
  EXPECT_TRUE(forward == backward);
  EXPECT_TRUE(diff({}, forward) == diff({}, backward));
}

TEST(Delta, LeavesOutAndCountsWhatDoesNotFit) {
  Snapshot snapshot;
  snapshot.of<Socket>().insert(socket_with(1));
  Delta delta;
  auto& sockets = delta.of<Socket>();
  sockets.opened = {socket_with(1)};                                        // already there
  sockets.changed = {{.key = 2, .value = 1, .field = 3},                    // not there
                     {.key = 1, .value = 1, .field = 60000},                // no such field
                     {.key = 1, .value = 9, .field = field_id("cookie")}};  // the key itself
  sockets.closed = {{.key = 3}};                                            // not there
  EXPECT_EQ(apply(delta, snapshot), 5u);
}

TEST(Delta, KeepsTheOrderInWhichAStateChanged) {
  const std::uint16_t state = field_id("state");
  Delta delta;
  delta.of<Socket>().changed = {{.key = 1, .value = 7, .at = 0, .field = state},
                                {.key = 1, .value = 5, .at = 11, .field = state},
                                {.key = 1, .value = 1, .at = 901, .field = state}};
  sort(delta);
  Snapshot snapshot;
  snapshot.of<Socket>().insert(socket_with(1));
  const auto& changed = delta.of<Socket>().changed;
  EXPECT_EQ(changed[0].at, 901u);
  EXPECT_EQ(changed[1].at, 11u);
  EXPECT_EQ(changed[2].at, 0u);
  EXPECT_EQ(apply(delta, snapshot), 0u);
  EXPECT_EQ(snapshot.of<Socket>().find(1)->state, TcpState::close);
}

TEST(Delta, ASocketMayLiveWithinOneFrame) {
  Delta delta;
  delta.of<Socket>().opened = {socket_with(1)};
  delta.of<Socket>().changed = {{.key = 1, .value = 7, .at = 5, .field = field_id("state")}};
  delta.of<Socket>().closed = {{.key = 1, .at = 5, .reason = CloseReason::exact}};
  Snapshot snapshot;
  EXPECT_EQ(apply(delta, snapshot), 0u);
  EXPECT_TRUE(snapshot.of<Socket>().empty());
}

TEST(Snapshot, GivesNoTextForAnIdThatIsNotThere) {
  Snapshot snapshot;
  snapshot.of<Text>().insert({.id = 1, .bytes = "nginx"});
  EXPECT_EQ(snapshot.text(1), "nginx");
  EXPECT_EQ(snapshot.text(0), "");
  EXPECT_EQ(snapshot.text(2), "");
}

}  // namespace
}  // namespace netrec
