#include "store/timeline.h"

#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

using TimelineTest = TimelineFixture;

TEST_F(TimelineTest, GivesBackEveryTick) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 300);
  finish(writer);

  auto timeline = Timeline::open(path_);
  ASSERT_TRUE(timeline) << timeline.error().message;
  EXPECT_EQ(timeline->totals()->frames, past_.size());
  FrameCursor cursor = timeline->cursor();
  for (const Past& past : past_) {
    const auto more = cursor.next();
    ASSERT_TRUE(more) << more.error().message;
    ASSERT_TRUE(*more) << past.frame.sequence;
    ASSERT_EQ(cursor.frame(), past.frame);
    ASSERT_EQ(cursor.snapshot(), past.snapshot);
  }
  EXPECT_FALSE(*cursor.next());
  EXPECT_TRUE(cursor.damage().empty());
}

TEST_F(TimelineTest, SeeksToAnyFrameInAnyOrder) {
  load_.working = 0.9;
  host_ = SimulatedHost(load_, 2);
  auto writer = open_writer();
  begin(writer);
  record(writer, 400);
  finish(writer);

  auto timeline = Timeline::open(path_);
  ASSERT_TRUE(timeline) << timeline.error().message;
  EXPECT_GT(timeline->totals()->keyframes, 2u);
  FrameCursor cursor = timeline->cursor();
  FrameCursor leaping = timeline->cursor();
  for (std::size_t i = 0; i < past_.size(); ++i) {
    const Past& past = past_[i * 7919 % past_.size()];
    const auto landed = cursor.seek_sequence(past.frame.sequence);
    ASSERT_TRUE(landed) << landed.error().message;
    ASSERT_EQ(cursor.frame().sequence, past.frame.sequence);
    ASSERT_EQ(cursor.snapshot(), past.snapshot);
    ASSERT_TRUE(leaping.seek_sequence(past.frame.sequence, Landing::state));
    ASSERT_EQ(leaping.frame().sequence, past.frame.sequence);
    ASSERT_EQ(leaping.frame().wall, past.frame.wall);
    ASSERT_EQ(leaping.frame().boot, past.frame.boot);
    ASSERT_EQ(leaping.hash(), cursor.hash());
    ASSERT_EQ(leaping.snapshot(), past.snapshot);
  }
  EXPECT_TRUE(leaping.damage().empty());
}

TEST_F(TimelineTest, AForkSeeksForItself) {
  auto writer = open_writer({.seal_after_frames = 50});
  begin(writer);
  record(writer, 120);
  const auto timeline = Timeline::open(path_);
  for (const std::size_t first : {3u, 60u, 110u}) {
    for (const std::size_t second : {2u, 61u, 119u}) {
      FrameCursor cursor = timeline->cursor();
      ASSERT_TRUE(cursor.seek_sequence(first));
      FrameCursor fork = cursor.fork();
      EXPECT_EQ(fork.snapshot(), past_[first - 1].snapshot);
      ASSERT_TRUE(fork.seek_sequence(second));
      EXPECT_EQ(fork.snapshot(), past_[second - 1].snapshot) << first << " to " << second;
      EXPECT_EQ(cursor.snapshot(), past_[first - 1].snapshot);
      ASSERT_TRUE(*cursor.next());
      EXPECT_EQ(cursor.frame(), past_[first].frame);
      FrameCursor leaping = timeline->cursor();
      ASSERT_TRUE(leaping.seek_sequence(first, Landing::state));
      FrameCursor beyond = leaping.fork();
      ASSERT_TRUE(beyond.seek_sequence(second, Landing::state));
      EXPECT_EQ(beyond.snapshot(), past_[second - 1].snapshot) << first << " to " << second;
      EXPECT_EQ(leaping.snapshot(), past_[first - 1].snapshot);
      ASSERT_TRUE(*leaping.next());
      EXPECT_EQ(leaping.frame(), past_[first].frame);
      EXPECT_EQ(leaping.snapshot(), past_[first].snapshot);
    }
  }
}

TEST_F(TimelineTest, StepsBackToTheBeginning) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 40);
  finish(writer);

  auto timeline = Timeline::open(path_);
  FrameCursor cursor = timeline->cursor();
  ASSERT_TRUE(cursor.seek_sequence(past_.size()));
  for (std::size_t i = past_.size() - 1; i > 0; --i) {
    ASSERT_TRUE(*cursor.previous());
    ASSERT_EQ(cursor.snapshot(), past_[i - 1].snapshot);
  }
  EXPECT_FALSE(*cursor.previous());
}

TEST_F(TimelineTest, FindsTheLastFrameAtOrBeforeATime) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 20);
  finish(writer);

  auto timeline = Timeline::open(path_);
  for (const Past& past : past_) {
    EXPECT_EQ(*timeline->sequence_at(past.frame.wall), past.frame.sequence);
    EXPECT_EQ(*timeline->sequence_at(past.frame.wall + std::chrono::milliseconds(900)),
              past.frame.sequence);
  }
  const auto before = timeline->sequence_at(past_.front().frame.wall - std::chrono::seconds(1));
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().kind, ErrorKind::not_found);
}

TEST_F(TimelineTest, SeesWholeTicksOnlyBesideARunningRecorder) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 10);
  auto timeline = Timeline::open(path_);
  ASSERT_TRUE(timeline) << timeline.error().message;
  EXPECT_EQ(timeline->summary().last_sequence, 11u);
  FrameCursor cursor = timeline->cursor();
  record(writer, 10);
  ASSERT_TRUE(cursor.seek_sequence(11));
  EXPECT_FALSE(*cursor.next());
  EXPECT_TRUE(*timeline->refresh());
  EXPECT_FALSE(*timeline->refresh());
  FrameCursor later = timeline->cursor();
  ASSERT_TRUE(later.seek_sequence(21));
  EXPECT_EQ(later.snapshot(), past_[20].snapshot);
}

TEST_F(TimelineTest, TellsItsSessions) {
  auto writer = open_writer();
  begin(writer);
  record(writer, 3);
  finish(writer);
  host_.sleep(std::chrono::hours(1));
  auto again = open_writer();
  EXPECT_EQ(again.resume().next_session, 2u);
  EXPECT_EQ(again.resume().last_sequence, 5u);
  EXPECT_TRUE(again.resume().ended_properly);
  EXPECT_EQ(again.resume().last_boot_id, "6b86b273-ff34-4ce1-9d6b-804eff5a3f57");
  begin(again);
  record(again, 3);

  auto timeline = Timeline::open(path_);
  const auto sessions = timeline->sessions();
  ASSERT_TRUE(sessions) << sessions.error().message;
  ASSERT_EQ(sessions->size(), 2u);
  EXPECT_EQ(sessions->front().host_name, "simulated");
  EXPECT_NE(sessions->front().ended_us, 0u);
  EXPECT_EQ(sessions->back().first_sequence, 6u);
  EXPECT_EQ(sessions->back().ended_us, 0u);
}

TEST_F(TimelineTest, RefusesWhatIsNotATimeline) {
  EXPECT_EQ(Timeline::open(path_).error().kind, ErrorKind::not_found);
  { std::ofstream(path_) << "hello, this is some text and no database at all"; }
  EXPECT_EQ(Timeline::open(path_).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(TimelineWriter::open(path_, {}).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace netrec
