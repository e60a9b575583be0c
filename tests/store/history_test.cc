#include "store/history.h"

#include <map>

#include "store/transition_book.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

class History : public TimelineFixture {
 protected:
  /// What the ticks themselves say of every socket, by cookie.
  std::map<std::uint64_t, Connection> lives() const {
    std::map<std::uint64_t, Connection> lives;
    std::uint64_t previous_us = 0;
    for (std::size_t i = 0; i < past_.size(); ++i) {
      const Frame& frame = past_[i].frame;
      const std::uint64_t now_us = wall_us(frame.wall);
      // The last frame of a life may still have changed it.
      for (const Change& change : frame.delta.of<Socket>().changed) {
        Connection& life = lives[change.key];
        Socket after = life.socket;
        fields_of<Socket>()[change.field].set(after, change.value);
        note(life, after, now_us);
      }
      for (const Closed& end : frame.delta.of<Socket>().closed) {
        const std::uint64_t seen_us = end.at == 0 ? previous_us : now_us - (end.at - 1);
        lives[end.key].closed_us = now_us;
        lives[end.key].closed_after_us = seen_us;
        lives[end.key].last_seen_us = seen_us;
      }
      for (const Socket& row : past_[i].snapshot.of<Socket>()) note(lives[row.cookie], row, now_us);
      previous_us = now_us;
    }
    return lives;
  }

  static void note(Connection& life, const Socket& row, std::uint64_t now_us) {
    if (life.transitions.empty())
      life.transitions.push_back({.at_us = row.state_since_us, .state = row.state});
    else if (life.transitions.back().state != row.state)
      life.transitions.push_back({.at_us = now_us, .state = row.state});
    life.socket = row;
    life.last_seen_us = now_us;
  }

  std::vector<Connection> scan(const Wanted& wanted = {}) {
    const auto timeline = Timeline::open(path_);
    EXPECT_TRUE(timeline) << timeline.error().message;
    std::vector<Connection> found;
    names_missing_ = 0;
    const auto damage =
        scan_connections(*timeline, wanted, [&](const Connection& row, const Snapshot& names) {
          found.push_back(row);
          if (names.of<Process>().find(row.socket.process) == nullptr) ++names_missing_;
          return true;
        });
    EXPECT_TRUE(damage) << damage.error().message;
    if (damage) damage_ = *damage;
    return found;
  }

  void expect_same_lives(const std::vector<Connection>& found,
                         const std::map<std::uint64_t, Connection>& lives) {
    EXPECT_EQ(found.size(), lives.size());
    EXPECT_EQ(names_missing_, 0);
    for (const Connection& row : found) {
      const auto life = lives.find(row.socket.cookie);
      ASSERT_NE(life, lives.end());
      EXPECT_EQ(row.socket, life->second.socket);
      EXPECT_EQ(row.closed_us, life->second.closed_us);
      EXPECT_EQ(row.closed_after_us, life->second.closed_after_us);
      EXPECT_EQ(row.last_seen_us, life->second.last_seen_us);
      ASSERT_EQ(row.transitions.size(), life->second.transitions.size()) << row.socket.cookie;
      for (std::size_t i = 0; i < row.transitions.size(); ++i) {
        EXPECT_EQ(row.transitions[i].at_us, life->second.transitions[i].at_us);
        EXPECT_EQ(row.transitions[i].state, life->second.transitions[i].state);
      }
    }
  }

  void damage_the_first_chunk() {
    const std::string command = "sqlite3 '" + path_ +
                                "' \"UPDATE chunk SET body = zeroblob(length(body)) WHERE "
                                "first_sequence = (SELECT min(first_sequence) FROM chunk)\"";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  int names_missing_ = 0;
  std::vector<Damage> damage_;
};

TEST_F(History, TellsEveryLifeOnceFromChunksAndWhatIsNotSealed) {
  TimelineWriter writer = open_writer({.seal_after_frames = 40});
  begin(writer);
  record(writer, 190);
  expect_same_lives(scan(), lives());
  EXPECT_TRUE(damage_.empty());
}

TEST_F(History, TellsTheSameWhenAllIsSealed) {
  TimelineWriter writer = open_writer({.seal_after_frames = 50});
  begin(writer);
  record(writer, 120);
  finish(writer);
  expect_same_lives(scan(), lives());
}

TEST_F(History, TellsThoseThatEndedFirst) {
  TimelineWriter writer = open_writer({.seal_after_frames = 30});
  begin(writer);
  record(writer, 100);
  std::uint64_t last = 0;
  bool alive = false;
  for (const Connection& row : scan()) {
    if (!row.is_closed()) {
      alive = true;
      continue;
    }
    EXPECT_FALSE(alive);
    EXPECT_GE(row.closed_us, last);
    last = row.closed_us;
  }
  EXPECT_TRUE(alive);
}

TEST_F(History, DoesNotMakeTwoOfASocketThatOutlivesTheRecorder) {
  {
    TimelineWriter writer = open_writer({.seal_after_frames = 30});
    begin(writer);
    record(writer, 70);
    finish(writer);
  }
  host_.sleep(std::chrono::seconds(20));
  TimelineWriter writer = open_writer({.seal_after_frames = 30});
  begin(writer);
  record(writer, 70);
  // Nor does it forget the states before, in chunks, in frames not sealed and at the end.
  expect_same_lives(scan(), lives());
  finish(writer);
  expect_same_lives(scan(), lives());
}

TEST_F(History, TellsThatASocketChangedWhileNoRecorderRan) {
  {
    TimelineWriter writer = open_writer({.seal_after_frames = 30});
    begin(writer);
    record(writer, 40);
    finish(writer);
  }
  const auto before = lives();
  host_.sleep(std::chrono::seconds(20));
  std::uint64_t changed = 0;
  for (const Socket& row : host_.now().of<Socket>())
    if (row.state == TcpState::established && before.at(row.cookie).transitions.size() == 1)
      changed = row.cookie;
  ASSERT_NE(changed, 0u);
  Socket& socket = *host_.unseen().of<Socket>().find(changed);
  socket.state = TcpState::close_wait;
  socket.state_since_us = wall_us(host_.wall());
  TimelineWriter writer = open_writer({.seal_after_frames = 30});
  begin(writer);
  record(writer, 1);
  for (const Connection& row : scan()) {
    if (row.socket.cookie != changed) continue;
    ASSERT_GE(row.transitions.size(), 2u);
    EXPECT_EQ(row.transitions[0].state, TcpState::established);
    EXPECT_EQ(row.transitions[1].state, TcpState::close_wait);
    EXPECT_EQ(row.transitions[1].after_us, before.at(changed).last_seen_us);
    return;
  }
  FAIL() << "the socket is not there";
}

TEST_F(History, FindsASocketByEachOfItsHolders) {
  host_.begin_session();
  const Process other = *host_.now().of<Process>().begin();
  const std::uint32_t sharers = 1'000'000;
  host_.unseen().of<Text>().insert({sharers, fmt::format("999:3,{}:7", other.id)});
  std::uint64_t shared = 0;
  for (const Socket& row : host_.now().of<Socket>())
    if (row.process != other.id && row.state != TcpState::listen) shared = row.cookie;
  ASSERT_NE(shared, 0u);
  host_.unseen().of<Socket>().find(shared)->sharers = sharers;
  TimelineWriter writer = open_writer({.seal_after_frames = 30});
  begin(writer);
  record(writer, 400);
  finish(writer);
  Wanted wanted;
  wanted.pids = {other.pid};
  bool found = false;
  bool ended = false;
  for (const Connection& row : scan(wanted))
    if (row.socket.cookie == shared) found = true, ended = row.is_closed();
  EXPECT_TRUE(found);
  EXPECT_TRUE(ended) << "choose another socket: this one is still alive";
}

TEST_F(History, NarrowsToARangeOfTime) {
  TimelineWriter writer = open_writer({.seal_after_frames = 25});
  begin(writer);
  record(writer, 150);
  Wanted wanted;
  wanted.from = past_[60].frame.wall;
  wanted.to = past_[70].frame.wall;
  std::map<std::uint64_t, Connection> expected;
  for (const auto& [cookie, life] : lives()) {
    const std::uint64_t end = life.is_closed() ? life.closed_us : life.last_seen_us;
    if (end >= wall_us(wanted.from) && life.socket.opened_us <= wall_us(wanted.to))
      expected[cookie] = life;
  }
  EXPECT_LT(expected.size(), lives().size());
  expect_same_lives(scan(wanted), expected);
}

TEST_F(History, NarrowsToWhatIsWanted) {
  TimelineWriter writer = open_writer({.seal_after_frames = 25});
  begin(writer);
  record(writer, 150);
  const auto matching = [&](auto&& is_wanted) {
    std::map<std::uint64_t, Connection> expected;
    for (const auto& [cookie, life] : lives())
      if (is_wanted(life.socket)) expected[cookie] = life;
    EXPECT_GT(expected.size(), 0u);
    return expected;
  };
  Wanted address;
  address.remote = {*parse_prefix("203.0.113.7")};
  expect_same_lives(scan(address),
                    matching([](const Socket& row) { return row.remote.low == 0xcb007107; }));
  Wanted network;
  network.remote = {*parse_prefix("203.0.113.8/30")};
  expect_same_lives(scan(network), matching([](const Socket& row) {
                      return row.remote.low >> 2 == 0xcb007108 >> 2;
                    }));
  Wanted port;
  port.remote_ports = {{443, 443}};
  expect_same_lives(scan(port), matching([](const Socket& row) { return row.remote_port == 443; }));
  Wanted udp;
  udp.transports = {Transport::udp};
  expect_same_lives(scan(udp),
                    matching([](const Socket& row) { return row.transport == Transport::udp; }));
  Wanted program;
  program.programs = {"PROGRAM3"};
  expect_same_lives(scan(program), matching([](const Socket& row) { return row.process == 4; }));
  Wanted pid;
  pid.pids = {301, 302};
  expect_same_lives(
      scan(pid), matching([](const Socket& row) { return row.process == 2 || row.process == 3; }));
  Wanted nowhere;
  nowhere.remote = {*parse_prefix("198.51.100.0/24")};
  EXPECT_TRUE(scan(nowhere).empty());
}

TEST_F(History, FillsOnlyTheFieldsAskedFor) {
  TimelineWriter writer = open_writer({.seal_after_frames = 25});
  begin(writer);
  record(writer, 60);
  Wanted wanted;
  wanted.fields.emplace();
  for (std::size_t id = 0; id < fields_of<Socket>().size(); ++id)
    if (fields_of<Socket>()[id].name == "bytes_sent") wanted.fields->set(id);
  wanted.transitions = false;
  const auto all = scan();
  const auto some = scan(wanted);
  ASSERT_EQ(all.size(), some.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(some[i].socket.bytes_sent, all[i].socket.bytes_sent);
    EXPECT_EQ(some[i].socket.remote_port, 0);
    EXPECT_TRUE(some[i].transitions.empty());
  }
}

TEST_F(History, StopsWhenToldTo) {
  TimelineWriter writer = open_writer({.seal_after_frames = 25});
  begin(writer);
  record(writer, 60);
  const auto timeline = Timeline::open(path_);
  int told = 0;
  ASSERT_TRUE(scan_connections(*timeline, {},
                               [&](const Connection&, const Snapshot&) { return ++told < 5; }));
  EXPECT_EQ(told, 5);
}

TEST_F(History, AnswersFromTheRestOfADamagedFileAndSaysWhatIsMissing) {
  TimelineWriter writer = open_writer({.seal_after_frames = 25});
  begin(writer);
  record(writer, 100);
  finish(writer);
  const std::size_t before = scan().size();
  damage_the_first_chunk();
  EXPECT_LT(scan().size(), before);
  EXPECT_GT(scan().size(), before / 2);
  ASSERT_FALSE(damage_.empty());
  EXPECT_EQ(damage_[0].first_sequence, 2u);
}

}  // namespace
}  // namespace netrec
