// Recordings of a host that a test makes up, written to real files and read back.
#include "recorder/recording.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "store/history.h"
#include "store/timeline.h"
#include "tests/recorder/fake_clock.h"
#include "tests/recorder/fake_source.h"

namespace netrec {
namespace {

using namespace std::chrono_literals;

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() {
    std::string pattern = testing::TempDir() + "netrec-recording-XXXXXX";
    folder = mkdtemp(pattern.data());
    options.output = folder + "/timeline.netrec";
    options.capture = CaptureChoice::poll;
    said = std::tmpfile();
    voice.emplace(said, Manner::plain, Loudness::all);
  }
  ~RecordingTest() override {
    std::fclose(said);
    std::filesystem::remove_all(folder);
  }

  void start() {
    auto started = Recording::start(options, source, clock, *voice);
    ASSERT_TRUE(started) << started.error().message;
    recording = std::move(*started);
  }
  // One tick, after waiting for it.
  void tick() {
    if (recording->deadline() > clock.time.monotonic)
      clock.pass(recording->deadline() - clock.time.monotonic);
    const Status ticked = recording->tick();
    ASSERT_TRUE(ticked) << ticked.error().message;
  }
  void finish() {
    const Status finished = recording->finish();
    ASSERT_TRUE(finished) << finished.error().message;
    recording.reset();
  }

  std::unique_ptr<Timeline> open(const std::string& path) {
    auto timeline = Timeline::open(path);
    EXPECT_TRUE(timeline) << timeline.error().message;
    return timeline ? std::make_unique<Timeline>(std::move(*timeline)) : nullptr;
  }
  Snapshot last_snapshot(const std::string& path) {
    const auto timeline = open(path);
    FrameCursor cursor = timeline->cursor();
    EXPECT_TRUE(cursor.seek_sequence(timeline->summary().last_sequence));
    EXPECT_TRUE(cursor.damage().empty());
    return cursor.snapshot();
  }
  std::vector<Gap> gaps(const std::string& path, GapCause cause) {
    std::vector<Gap> found;
    const auto timeline = open(path);
    const auto all = timeline->gaps();
    EXPECT_TRUE(all);
    for (const RecordedGap& recorded : *all)
      if (recorded.cause == cause) found.push_back(recorded);
    return found;
  }
  std::string text() {
    std::string all(static_cast<std::size_t>(std::ftell(said)), '\0');
    std::rewind(said);
    all.resize(std::fread(all.data(), 1, all.size(), said));
    return all;
  }
  std::uint64_t wall_us() const { return microseconds_of(clock.time.wall); }

  std::string folder;
  RecordOptions options;
  FakeClock clock;
  FakeSource source;
  std::FILE* said = nullptr;
  std::optional<Voice> voice;
  std::unique_ptr<Recording> recording;
};

TEST_F(RecordingTest, WhatWasSeenIsInTheFile) {
  source.sockets = {fake_tcp(1), fake_tcp(2)};
  start();
  tick();
  source.sockets = {fake_tcp(2), fake_tcp(3)};
  source.received = 17;
  tick();
  tick();
  finish();
  const Snapshot last = last_snapshot(options.output);
  EXPECT_EQ(last.of<Socket>().size(), 2u);
  EXPECT_EQ(last.of<Socket>().find(1), nullptr);
  ASSERT_NE(last.of<Socket>().find(3), nullptr);
  EXPECT_NE(last.of<Socket>().find(3)->opened_after_us, 0u);
  EXPECT_EQ(last.of<Interface>().begin()->receive_packets, 17u);
  EXPECT_EQ(last.of<Counter>().size(), 2u);
  EXPECT_TRUE(last.of<Session>().empty()) << "the session has ended";
}

// As the kernel tells ends: no inode, no user.
Socket last_word(Socket row, std::uint64_t bytes) {
  row.state = TcpState::close;
  row.bytes_sent = bytes;
  row.bytes_acked = bytes + 2;
  row.segments_out = 5;
  return row;
}

std::vector<Connection> connections_in(const Timeline& timeline) {
  std::vector<Connection> all;
  const auto read = scan_connections(timeline, {}, [&](const Connection& life, const Snapshot&) {
    all.push_back(life);
    return true;
  });
  EXPECT_TRUE(read);
  return all;
}

TEST_F(RecordingTest, WhatLivedBetweenTwoLooksIsInTheFileWithItsTotalsAndBounds) {
  source.watches_ends = true;
  start();
  tick();
  const std::uint64_t before = wall_us();
  clock.pass(100ms);
  source.ends = {last_word(fake_tcp(7), 4711)};
  recording->listen();
  tick();
  finish();
  const auto lives = connections_in(*open(options.output));
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_EQ(lives[0].socket.bytes_sent, 4711u);
  EXPECT_EQ(lives[0].socket.bytes_acked, 4711u) << "SYN and FIN are no bytes";
  EXPECT_EQ(lives[0].socket.uid, kUnknownUser);
  EXPECT_EQ(lives[0].socket.opened_after_us, before);
  EXPECT_TRUE(lives[0].is_closed());
  EXPECT_LT(lives[0].closed_after_us, lives[0].closed_us);
}

TEST_F(RecordingTest, ALastWordIsOfTheSocketThatIsKnown) {
  source.watches_ends = true;
  source.sockets = {fake_tcp(1)};
  start();
  tick();
  source.sockets = {};
  Socket aborted = last_word({}, 99);  // The kernel has forgotten its ends.
  aborted.cookie = 1;
  aborted.transport = Transport::tcp;
  aborted.family = Family::inet;
  source.ends = {aborted};
  tick();
  finish();
  const auto lives = connections_in(*open(options.output));
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_EQ(lives[0].socket.remote_port, fake_tcp(1).remote_port);
  EXPECT_EQ(lives[0].socket.bytes_sent, 99u);
  EXPECT_EQ(lives[0].socket.uid, 0u) << "as the look told it";
}

// In either order: the kernel gives the TIME_WAIT of a connection nobody asked about a cookie of
// its own.
TEST_F(RecordingTest, ATimeWaitIsJoinedToTheLastWordOfItsConnection) {
  for (const bool look_first : {false, true}) {
    options.output = folder + (look_first ? "/first.netrec" : "/last.netrec");
    source.watches_ends = true;
    source.sockets = {};
    start();
    tick();
    Socket left = fake_tcp(900);
    left.state = TcpState::time_wait;
    left.timer = SocketTimer::time_wait;
    left.remote_port = fake_tcp(7).remote_port;
    source.sockets = {left};
    if (look_first) tick();
    source.ends = {last_word(fake_tcp(7), 12)};
    tick();
    tick();
    finish();
    const auto lives = connections_in(*open(options.output));
    ASSERT_EQ(lives.size(), 1u) << look_first;
    EXPECT_EQ(lives[0].socket.bytes_sent, 12u) << look_first;
    EXPECT_EQ(lives[0].socket.state, TcpState::time_wait);
    EXPECT_FALSE(lives[0].is_closed());
  }
}

TEST_F(RecordingTest, WhatWasMadeAndThrownAwayUnusedIsNoConnection) {
  source.watches_ends = true;
  start();
  tick();
  Socket unused{};
  unused.cookie = 5;
  unused.transport = Transport::tcp;
  unused.family = Family::inet;
  unused.state = TcpState::close;
  source.ends = {unused};
  tick();
  finish();
  EXPECT_TRUE(connections_in(*open(options.output)).empty());
}

TEST_F(RecordingTest, EndsThatWereLostAreAGap) {
  source.watches_ends = true;
  start();
  tick();
  source.lost_ends = true;
  tick();
  finish();
  EXPECT_EQ(gaps(options.output, GapCause::buffer_overrun).size(), 1u);
}

TEST_F(RecordingTest, TheFileIsForNobodyElse) {
  start();
  struct stat status {};
  ASSERT_EQ(stat(options.output.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(RecordingTest, TheFolderIsMade) {
  options.output = folder + "/a/b/timeline.netrec";
  start();
  struct stat status {};
  ASSERT_EQ(stat((folder + "/a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0750u);
}

TEST_F(RecordingTest, ASecondRecorderIsToldThePidOfTheFirst) {
  start();
  const auto second = Recording::start(options, source, clock, *voice);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::busy);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos);
}

TEST_F(RecordingTest, ASocketThatOutlivesARestartKeepsItsLife) {
  start();
  tick();
  source.sockets = {fake_tcp(1)};
  tick();
  const std::uint64_t opened_us = wall_us();
  tick();
  finish();
  const std::uint64_t stopped_us = wall_us();
  clock.pass(1h);
  source.sockets = {fake_tcp(1), fake_tcp(2)};
  start();
  tick();
  finish();
  const Snapshot last = last_snapshot(options.output);
  EXPECT_EQ(last.of<Socket>().find(1)->opened_us, opened_us);
  EXPECT_EQ(last.of<Socket>().find(2)->opened_after_us, stopped_us)
      << "it was not there when the recorder stopped";
  const auto stopped = gaps(options.output, GapCause::recorder_stopped);
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].from_us, stopped_us);
  EXPECT_EQ(stopped[0].to_us, stopped_us + 3'600'000'000);
  EXPECT_EQ(open(options.output)->sessions()->size(), 2u);
}

TEST_F(RecordingTest, AKilledRecorderIsAGapOfItsOwn) {
  source.sockets = {fake_tcp(1)};
  start();
  tick();
  tick();
  recording.reset();  // As a kill leaves it: no end of the session, nothing sealed.
  clock.pass(10s);
  start();
  tick();
  finish();
  EXPECT_EQ(gaps(options.output, GapCause::recorder_killed).size(), 1u);
  EXPECT_TRUE(gaps(options.output, GapCause::recorder_stopped).empty());
}

TEST_F(RecordingTest, RotationLeavesASealedFileAndGoesOn) {
  start();
  tick();
  source.sockets = {fake_tcp(1)};
  tick();
  const std::uint64_t opened_us = wall_us();
  const std::string aside = aside_path(options.output, clock.time.wall);
  ASSERT_TRUE(recording->rotate());
  tick();
  finish();
  EXPECT_EQ(last_snapshot(aside).of<Socket>().find(1)->opened_us, opened_us);
  EXPECT_EQ(last_snapshot(options.output).of<Socket>().find(1)->opened_us, opened_us);
  EXPECT_TRUE(gaps(options.output, GapCause::recorder_stopped).empty());
}

TEST_F(RecordingTest, AFileThatWasMovedAwayIsNoticed) {
  source.sockets = {fake_tcp(1)};
  start();
  tick();
  const std::string moved = folder + "/moved.netrec";
  ASSERT_EQ(rename(options.output.c_str(), moved.c_str()), 0);
  for (int i = 0; i < 8; ++i) tick();
  finish();
  EXPECT_NE(text().find("was moved or removed"), std::string::npos);
  EXPECT_EQ(last_snapshot(options.output).of<Socket>().size(), 1u);
}

TEST_F(RecordingTest, LateAndMissedTicksAreGaps) {
  start();
  tick();
  tick();
  clock.pass(5s);
  tick();
  tick();
  finish();
  const auto missed = gaps(options.output, GapCause::missed_tick);
  ASSERT_EQ(missed.size(), 1u);
  EXPECT_EQ(missed[0].count, 4u);
}

TEST_F(RecordingTest, ASocketThatWentInAGapWentUnseen) {
  source.sockets = {fake_tcp(1)};
  start();
  tick();
  tick();
  clock.sleep(8h);
  source.sockets.clear();
  tick();
  finish();
  const auto timeline = open(options.output);
  FrameCursor cursor = timeline->cursor();
  std::vector<Closed> closed;
  while (cursor.next().value())
    for (const Closed& one : cursor.frame().delta.of<Socket>().closed) closed.push_back(one);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].reason, CloseReason::unseen);
  EXPECT_EQ(gaps(options.output, GapCause::suspend).size(), 1u);
}

TEST_F(RecordingTest, AnInterruptedDumpIsAGapAndNobodyGoes) {
  source.sockets = {fake_tcp(1)};
  start();
  tick();
  source.sockets.clear();
  source.interrupted = true;
  tick();
  EXPECT_EQ(recording->totals().alive, 1u);
  source.interrupted = false;
  tick();
  EXPECT_EQ(recording->totals().alive, 0u);
  finish();
  EXPECT_FALSE(gaps(options.output, GapCause::dump_interrupted).empty());
}

TEST_F(RecordingTest, WhatIsLeftOutIsSaidInTheFile) {
  options.unix_sockets = false;
  options.interfaces = false;
  options.counters = false;
  Socket local = fake_tcp(9);
  local.transport = Transport::unix;
  local.family = Family::unix;
  source.sockets = {local};
  start();
  tick();
  finish();
  const Snapshot last = last_snapshot(options.output);
  EXPECT_TRUE(last.of<Socket>().empty());
  EXPECT_TRUE(last.of<Interface>().empty());
  EXPECT_TRUE(last.of<Counter>().empty());
  EXPECT_EQ(gaps(options.output, GapCause::left_out).size(), 4u) << "and polling was asked for";
}

TEST(Observer, DropsTextsNobodyNeedsBeforeAKeyframe) {
  FakeClock clock;
  Observer observer(Resume{}, clock);
  observer.begin_session({});
  observer.end(clock.time);
  observer.commit(clock.time);
  const std::uint32_t path = observer.text("/run/fake.socket");
  Socket local = fake_tcp(9);
  local.path = path;
  observer.sockets().opened(local, clock.time.boot);
  observer.tidy();
  EXPECT_EQ(observer.state().text(path), "/run/fake.socket") << "a socket has it";
  observer.sockets().ended(9, clock.time.boot);
  observer.tidy();
  EXPECT_EQ(observer.state().text(path), "");
  EXPECT_NE(observer.text("/run/fake.socket"), path) << "ids are never used again";
}

TEST(AsidePath, NeverNamesAFileThatExists) {
  std::string pattern = testing::TempDir() + "netrec-aside-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  const WallTime wall{1'700'000'000s};
  const std::string first = aside_path(folder + "/web.netrec", wall);
  EXPECT_EQ(first, folder + "/web-20231114T221320Z.netrec");
  std::fclose(std::fopen(first.c_str(), "w"));
  EXPECT_EQ(aside_path(folder + "/web.netrec", wall), folder + "/web-20231114T221320Z-1.netrec");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace netrec
