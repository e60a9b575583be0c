#include "store/timeline_writer.h"

#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "store/database.h"
#include "store/verify.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

class TimelineWriterTest : public TimelineFixture {
 protected:
  /// The timeline holds exactly past_.
  void expect_past() {
    auto timeline = Timeline::open(path_);
    ASSERT_TRUE(timeline) << timeline.error().message;
    ASSERT_EQ(timeline->totals()->frames, past_.size());
    FrameCursor cursor = timeline->cursor();
    for (const Past& past : past_) {
      const auto more = cursor.next();
      ASSERT_TRUE(more && *more) << past.frame.sequence;
      ASSERT_EQ(cursor.frame(), past.frame);
      ASSERT_EQ(cursor.snapshot(), past.snapshot);
    }
    EXPECT_FALSE(*cursor.next());
    EXPECT_TRUE(cursor.damage().empty());
  }

  std::int64_t number(std::string_view sql) {
    auto database = Database::open_read_only(path_);
    auto query = database->prepare(sql);
    EXPECT_TRUE(query) << query.error().message;
    EXPECT_TRUE(*query->first());
    return query->integer(0);
  }
};

constexpr WriterOptions kSmallChunks{.seal_after_frames = 20};

TEST_F(TimelineWriterTest, SealsWithoutChangingWhatIsRead) {
  auto writer = open_writer(kSmallChunks);
  begin(writer);
  record(writer, 105);
  expect_past();
  finish(writer);
  expect_past();
  EXPECT_GE(number("SELECT count(*) FROM chunk"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lock"));
}

TEST_F(TimelineWriterTest, SealsAsideWithoutChangingWhatIsRead) {
  auto writer = open_writer({.seal_after_frames = 20, .sealing = Sealing::aside});
  begin(writer);
  record(writer, 105);
  expect_past();
  finish(writer);
  expect_past();
  EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
}

TEST_F(TimelineWriterTest, TakesUpAChunkThatWasBeingMade) {
  const WriterOptions aside{
      .seal_after_frames = 20, .tables_every = std::chrono::seconds(0), .sealing = Sealing::aside};
  for (int session = 0; session < 4; ++session) {
    auto writer = open_writer(aside);
    EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
    begin(writer);
    record(writer, 20 + 7 * session);
    if (session == 0) {
      EXPECT_EQ(number("SELECT count(*) FROM frame, mark WHERE frame.sequence <= mark.sequence"),
                20);
    }
  }  // Its destructor leaves the file as it is.
  expect_past();
  { auto writer = open_writer(aside); }
  expect_past();
  EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
  const auto verification = verify(path_, nullptr);
  ASSERT_TRUE(verification) << verification.error().message;
  for (const Damage& damage : verification->damage) ADD_FAILURE() << damage.what;
  for (const std::string& finding : verification->index_findings) ADD_FAILURE() << finding;
}

// The chunks of a busy host are shorter than what is gathered for the derived tables.
TEST_F(TimelineWriterTest, TakesUpTablesThatAreBehindItsChunks) {
  for (const Sealing sealing : {Sealing::here, Sealing::aside, Sealing::here}) {
    auto writer = open_writer({.seal_after_frames = 5, .sealing = sealing});
    EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
    begin(writer);
    record(writer, 87);
    // Several chunks lie behind the mark.
    EXPECT_GE(number("SELECT count(*) FROM chunk, mark WHERE first_sequence > mark.sequence"), 3);
  }  // Its destructor leaves the file as it is.
  expect_past();
  { auto writer = open_writer({}); }
  EXPECT_EQ(number("SELECT count(*) FROM frame, mark WHERE frame.sequence > mark.sequence"), 0);
  expect_past();
  const auto verification = verify(path_, nullptr);
  ASSERT_TRUE(verification) << verification.error().message;
  for (const Damage& damage : verification->damage) ADD_FAILURE() << damage.what;
  for (const std::string& finding : verification->index_findings) ADD_FAILURE() << finding;
}

TEST_F(TimelineWriterTest, GivesFreePagesBackAtItsEnd) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 300);
  const std::uint64_t before = writer.file_bytes();
  finish(writer);
  EXPECT_EQ(number("PRAGMA freelist_count"), 0);
  EXPECT_LT(std::filesystem::file_size(path_), before / 2);
}

TEST_F(TimelineWriterTest, TakesUpWhatAKilledRecorderLeft) {
  for (int session = 1; session <= 4; ++session) {
    auto writer = open_writer(kSmallChunks);
    EXPECT_EQ(writer.resume().ended_properly, session == 1 ? true : false);
    EXPECT_EQ(writer.resume().last_sequence, past_.size());
    EXPECT_EQ(number("SELECT count(*) FROM frame"), 0);
    begin(writer);
    record(writer, 13 * session);
  }  // Its destructor leaves the file as it is.
  expect_past();
  EXPECT_EQ(number("SELECT count(*) FROM session WHERE ended_us IS NULL"), 4);
}

// What was there at the end is asked for often: it is not rebuilt each time.
TEST_F(TimelineWriterTest, EndsALongRunWithAKeyframe) {
  for (int session = 1; session <= 2; ++session) {
    auto writer = open_writer();
    EXPECT_EQ(writer.resume().ended_properly, true);
    begin(writer);
    record(writer, 400);
    finish(writer);
    const auto last = static_cast<std::uint64_t>(number("SELECT max(sequence) FROM keyframe"));
    EXPECT_EQ(last, past_.size());
    EXPECT_EQ(past_.back().frame.kind, FrameKind::keyframe);
  }
  expect_past();
}

TEST_F(TimelineWriterTest, CountsTheSameDestinationsKilledOrNot) {
  const auto totals = [&] {
    return std::pair(number("SELECT total(connections) FROM destination"),
                     number("SELECT total(bytes_received) FROM destination"));
  };
  std::int64_t connections = 0;
  std::int64_t received = 0;
  for (int session = 0; session < 2; ++session) {
    auto writer = open_writer(kSmallChunks);
    begin(writer);
    for (int i = 0; i < 50; ++i) {
      std::vector<Socket> departed;
      Frame frame = host_.tick(departed);
      ASSERT_TRUE(writer.append(frame, departed, host_.now(), Keyframe::no));
      ASSERT_TRUE(writer.maintain(host_.now()));
      for (const Socket& socket : departed) {
        if (socket.remote_port == 0) continue;
        ++connections;
        received += static_cast<std::int64_t>(socket.bytes_received);
      }
    }
  }
  auto writer = open_writer();  // Takes up the rest.
  EXPECT_EQ(totals(), std::pair(connections, received));
}

TEST_F(TimelineWriterTest, NeverGivesOutAnIdTwice) {
  {
    auto writer = open_writer();
    begin(writer);
    record(writer, 3);
  }
  const auto highest = [&] {
    std::uint32_t id = 0;
    for (const Text& text : host_.now().of<Text>()) id = std::max(id, text.id);
    return id;
  };
  auto writer = open_writer();
  EXPECT_EQ(writer.resume().next_text, highest() + 1);
  EXPECT_EQ(writer.resume().next_process, load_.programs + 1);
  EXPECT_EQ(writer.resume().next_session, 2u);
}

TEST_F(TimelineWriterTest, RefusesASecondRecorderByPid) {
  auto writer = open_writer();
  const auto second = TimelineWriter::open(path_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::busy);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_EQ(*recorder_of(path_), ::getpid());
}

TEST_F(TimelineWriterTest, IsNotBlockedByADeadRecordersLock) {
  { std::ofstream(path_ + ".lock") << "1\n"; }
  EXPECT_FALSE(recorder_of(path_));
  auto writer = open_writer();
  EXPECT_EQ(*recorder_of(path_), ::getpid());
}

TEST_F(TimelineWriterTest, NamesTheVersionANewerFileNeeds) {
  {
    auto writer = open_writer();
    begin(writer);
    finish(writer);
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);  // user_version, big-endian (sqlite.org/fileformat.html)
    file.write("\0\0\0\7", 4);
  }
  for (const Error& error :
       {Timeline::open(path_).error(), TimelineWriter::open(path_, {}).error()}) {
    EXPECT_EQ(error.kind, ErrorKind::unsupported);
    EXPECT_NE(error.message.find("version 7"), std::string::npos) << error.message;
  }
}

TEST_F(TimelineWriterTest, RefusesTablesThatOnlyLookLikeOurs) {
  {
    auto writer = open_writer();
    begin(writer);
    finish(writer);
  }
  ASSERT_EQ(
      std::system(
          ("sqlite3 " + path_ + " 'DROP TABLE gap; CREATE VIEW gap AS SELECT 1 AS id'").c_str()),
      0);
  EXPECT_EQ(Timeline::open(path_).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(TimelineWriter::open(path_, {}).error().kind, ErrorKind::corrupt);
}

TEST_F(TimelineWriterTest, DropsTheOldEndToStayBelowItsSize) {
  keep_past_ = false;
  load_ = {.sockets = 300, .opened_each_tick = 6};
  host_ = SimulatedHost(load_, 5);
  WriterOptions options{.max_size_bytes = 1 << 20, .seal_after_frames = 64};
  auto writer = open_writer(options);
  begin(writer);
  record(writer, 3000);
  const std::uint64_t last = writer.last_sequence();
  finish(writer);
  EXPECT_GT(pruned_, 0u);
  EXPECT_LE(std::filesystem::file_size(path_), options.max_size_bytes);
  EXPECT_GT(std::filesystem::file_size(path_), options.max_size_bytes / 2);
  auto timeline = Timeline::open(path_);
  const TimelineSummary& summary = timeline->summary();
  EXPECT_EQ(summary.first_sequence, pruned_ + 1);
  const std::uint64_t frames = timeline->totals()->frames;
  EXPECT_EQ(frames, last + 1 - pruned_);
  FrameCursor cursor = timeline->cursor();
  std::uint64_t read = 0;
  while (*cursor.next()) ++read;
  EXPECT_EQ(read, frames);
  EXPECT_TRUE(cursor.damage().empty());
}

// Chunks come faster than the derived tables are written, and the file has no room for a minute.
TEST_F(TimelineWriterTest, StaysBelowItsSizeWhereMuchHappens) {
  keep_past_ = false;
  load_ = {.sockets = 300, .opened_each_tick = 1500};
  host_ = SimulatedHost(load_, 5);
  const WriterOptions options{.max_size_bytes = 1 << 20, .seal_after_frames = 3};
  auto writer = open_writer(options);
  begin(writer);
  record(writer, 150);
  finish(writer);
  EXPECT_LE(std::filesystem::file_size(path_), options.max_size_bytes);
}

TEST_F(TimelineWriterTest, DropsWhatIsTooOld) {
  keep_past_ = false;
  auto writer = open_writer({.max_age = std::chrono::seconds(600), .seal_after_frames = 64});
  begin(writer);
  record(writer, 2000);
  finish(writer);
  auto timeline = Timeline::open(path_);
  const auto span = timeline->summary().last_wall - timeline->summary().first_wall;
  EXPECT_GE(span, std::chrono::seconds(600));
  EXPECT_LE(span, std::chrono::seconds(700));
}

// A file system of 16 MiB that fills up.
TEST(TimelineWriterRoot, PausesOnAFullDiskAndGoesOn) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("netrec-full-{}", ::getpid());
  std::filesystem::create_directory(folder);
  if (::mount("none", folder.c_str(), "tmpfs", 0, "size=16m") != 0) {
    std::filesystem::remove(folder);
    GTEST_SKIP() << "mounting a tmpfs needs root";
  }
  const std::string path = folder / "timeline.netrec";
  SimulatedHost host({}, 3);
  int written = 0;
  {
    auto writer = TimelineWriter::open(path, {});
    ASSERT_TRUE(writer) << writer.error().message;
    host.begin_session();
    Frame first = host.empty_frame();
    ASSERT_TRUE(writer->append(first, {}, host.now(), Keyframe::yes));
    { std::ofstream(folder / "ballast") << std::string(15 << 20, 'x'); }
    Snapshot last_written = host.now();
    bool was_full = false;
    for (int i = 0; i < 20000 && !(was_full && written > 50); ++i) {
      std::vector<Socket> departed;
      Frame frame = host.tick(departed);
      if (was_full) {  // All that happened since the last frame in the file.
        frame.delta = diff(last_written, host.now());
        departed = departed_in(frame.delta, last_written);
      }
      const auto status = writer->append(frame, departed, host.now(), Keyframe::no);
      if (!status) {
        ASSERT_EQ(status.error().kind, ErrorKind::full) << status.error().message;
        if (!was_full) std::filesystem::remove(folder / "ballast");
        was_full = true;
        written = 0;
        continue;
      }
      last_written = host.now();
      ++written;
    }
    EXPECT_TRUE(was_full);
    EXPECT_GT(written, 50);
    Frame end = host.end_session();
    ASSERT_TRUE(writer->append(end, {}, host.now(), Keyframe::no));
    const auto closed = writer->close(host.now());
    EXPECT_TRUE(closed) << closed.error().message;
  }
  {
    auto timeline = Timeline::open(path);
    ASSERT_TRUE(timeline) << timeline.error().message;
    FrameCursor cursor = timeline->cursor();
    while (*cursor.next()) {
    }
    EXPECT_TRUE(cursor.damage().empty());
    EXPECT_EQ(cursor.snapshot(), host.now());
  }
  ::umount(folder.c_str());
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace netrec
