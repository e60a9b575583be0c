#include "tests/store/timeline_fixture.h"

#include <unistd.h>

#include <algorithm>

namespace netrec {

TimelineFixture::TimelineFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "netrec-XXXXXX").string();
  folder_ = ::mkdtemp(pattern.data());
  path_ = folder_ / "timeline.netrec";
}

TimelineFixture::~TimelineFixture() { std::filesystem::remove_all(folder_); }

TimelineWriter TimelineFixture::open_writer(const WriterOptions& options) {
  WriterOptions given = options;
  // A test's host is small; keyframes are to come all the same.
  given.keyframe_after_entries = std::min<std::uint64_t>(given.keyframe_after_entries, 64'000);
  auto writer = TimelineWriter::open(path_, given);
  if (!writer) throw std::runtime_error(writer.error().message);
  return *std::move(writer);
}

void TimelineFixture::begin(TimelineWriter& writer) {
  host_.begin_session();
  Frame frame = host_.empty_frame();
  const auto written = writer.append(frame, {}, host_.now(), Keyframe::yes);
  ASSERT_TRUE(written) << written.error().message;
  if (keep_past_) past_.push_back({frame, host_.now()});
}

void TimelineFixture::record(TimelineWriter& writer, int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<Socket> departed;
    Frame frame = host_.tick(departed);
    const Keyframe keyframe = writer.keyframe_due() ? Keyframe::yes : Keyframe::no;
    const auto written = writer.append(frame, departed, host_.now(), keyframe);
    ASSERT_TRUE(written) << written.error().message;
    if (keep_past_) {
      past_.push_back({frame, host_.now()});
      Frame restated = host_.empty_frame();
      restated.kind = FrameKind::keyframe;
      restated.sequence = frame.sequence + 1;
      if (keyframe == Keyframe::yes) past_.push_back({restated, host_.now()});
    }
    const auto maintained = writer.maintain(host_.now());
    ASSERT_TRUE(maintained) << maintained.error().message;
    pruned_ += maintained->frames;
  }
}

void TimelineFixture::finish(TimelineWriter& writer) {
  Frame frame = host_.end_session();
  const auto written = writer.append(frame, {}, host_.now(), Keyframe::no);
  ASSERT_TRUE(written) << written.error().message;
  if (keep_past_) past_.push_back({frame, host_.now()});
  const auto closed = writer.close(host_.now());
  ASSERT_TRUE(closed) << closed.error().message;
  const auto timeline = Timeline::open(path_);
  ASSERT_TRUE(timeline) << timeline.error().message;
  // A long session ends with a keyframe.
  if (!keep_past_ || timeline->totals()->frames == past_.size()) return;
  Frame restated = host_.empty_frame();
  restated.kind = FrameKind::keyframe;
  restated.sequence = frame.sequence + 1;
  past_.push_back({restated, host_.now()});
}

}  // namespace netrec
