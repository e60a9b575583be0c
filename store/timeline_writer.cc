#include "store/timeline_writer.h"

#include <algorithm>

#include "store/frame_codec.h"
#include "store/log_reader.h"
#include "store/retention.h"
#include "store/writer_state.h"

namespace netrec {

namespace {

/// A keyframe is due when the deltas since the last one have this many times its entries
/// (docs/decisions/0012), but not before it takes a while to carry them out.
constexpr std::uint64_t kKeyframeFactor = 32;
/// A session ends with one behind more than this: what was alive then is a part of many answers.
constexpr std::uint64_t kLeastEntriesBehindLast = 8'000;

}  // namespace

TimelineWriter::TimelineWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TimelineWriter::TimelineWriter(TimelineWriter&&) noexcept = default;
TimelineWriter& TimelineWriter::operator=(TimelineWriter&&) noexcept = default;
TimelineWriter::~TimelineWriter() = default;

Result<TimelineWriter> TimelineWriter::open(const std::string& path, const WriterOptions& options) {
  const auto opened = [&]() -> Result<TimelineWriter> {
    NETREC_TRY(lock, RecorderLock::take(path));
    NETREC_TRY(database, Database::open_for_writing(path, options.sync_every_tick));
    auto state = std::make_unique<State>(path, options, std::move(lock), std::move(database));
    NETREC_CHECKED(state->prepare());
    return TimelineWriter(std::move(state));
  };
  auto writer = opened();
  if (!writer) return tl::unexpected<Error>(std::move(writer).error().while_doing(path));
  return writer;
}

const Resume& TimelineWriter::resume() const { return state_->resume; }

bool TimelineWriter::keyframe_due() const {
  const State& state = *state_;
  if (!state.in_session) return true;
  if (keyframe_wanted_for_retention(state.options, state.since_keyframe.stored_bytes,
                                    state.end.header.wall - state.since_keyframe.wall))
    return true;
  return state.since_keyframe.entries >
         std::max(state.options.keyframe_after_entries,
                  kKeyframeFactor * state.since_keyframe.keyframe_entries);
}

// A write-ahead log that was moved into the file leaves its room to the next attempt.
void TimelineWriter::State::make_room(const Error& error) {
  if (error.kind == ErrorKind::full) (void)database.checkpoint(true);
}

// --- one tick ------------------------------------------------------------------------------------

Status TimelineWriter::State::write_delta(const Frame& frame, LogEnd& tail) {
  last_delta = encode_delta(frame.delta);
  tail.header = {
      .kind = FrameKind::delta, .sequence = frame.sequence, .wall = frame.wall, .boot = frame.boot};
  tail.hash = next_hash(tail.hash, tail.header, last_delta);
  since_keyframe.entries += frame.delta.size();
  const std::string data = pack_frame(last_delta);
  since_keyframe.stored_bytes += data.size();
  last_delta_stored = data.size();
  return insert_frame->run(frame.sequence, frame.wall.time_since_epoch().count(),
                           frame.boot.count(), SqlValue::blob(tail.hash.view()),
                           SqlValue::blob(data));
}

// At the same time as the frame `tail` is at, or (a session begins) at `tail`'s time.
Status TimelineWriter::State::write_keyframe(const Snapshot& now, LogEnd& tail) {
  std::string canonical = encode_keyframe(now);
  tail.header.kind = FrameKind::keyframe;
  tail.header.begins_session = !in_session;
  ++tail.header.sequence;
  const ChainHash before = tail.hash;
  tail.hash = next_hash(before, tail.header, canonical);
  since_keyframe = {.wall = tail.header.wall, .keyframe_entries = now.size()};
  const std::string data = pack_frame(canonical);
  return insert_keyframe->run(tail.header.sequence, tail.header.wall.time_since_epoch().count(),
                              tail.header.boot.count(), tail.header.begins_session ? 1 : 0,
                              SqlValue::blob(before.view()), SqlValue::blob(tail.hash.view()),
                              SqlValue::blob(data));
}

bool TimelineWriter::State::last_keyframe_pays() const {
  return in_session && since_keyframe.entries >
                           std::max(kLeastEntriesBehindLast, since_keyframe.keyframe_entries);
}

Status TimelineWriter::State::write_last_keyframe(const Snapshot& now) {
  LogEnd tail = end;
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(write_keyframe(now, tail));
  NETREC_CHECKED(database.commit());
  sealer->pass_keyframe(tail.header, tail.hash);
  end = tail;
  return {};
}

// What the others in memory learn of a tick, once it is in the file.
void TimelineWriter::State::take_in(const Frame& frame, std::span<const Socket> departed,
                                    const Snapshot& now, const LogEnd& delta_end,
                                    const LogEnd& tail) {
  keyframe_written = tail.header.kind == FrameKind::keyframe;
  if (!in_session) {
    sealer->take_up(now, tail.header, tail.hash);
    flushed_at = tail.header.boot;
  } else {
    sealer->follow(frame, departed, delta_end.hash, last_delta_stored, std::move(last_delta));
    if (keyframe_written) sealer->pass_keyframe(tail.header, tail.hash);
  }
  end = tail;
  in_session = true;
}

Status TimelineWriter::State::write_tick(Frame& frame, std::span<const Socket> departed,
                                         const Snapshot& now, Keyframe keyframe) {
  LogEnd tail = end;
  LogEnd delta_end = end;
  frame.sequence = end.header.sequence + 1;
  frame.kind = in_session ? FrameKind::delta : FrameKind::keyframe;
  NETREC_CHECKED(database.begin());
  if (in_session) {
    NETREC_CHECKED(write_delta(frame, tail));
    NETREC_CHECKED(index->follow(frame, departed, now));
    delta_end = tail;
  } else {
    tail.header.wall = frame.wall;
    tail.header.boot = frame.boot;
    FrameHeader first = tail.header;
    first.sequence = frame.sequence;
    NETREC_CHECKED(index->begin_session(now, first));
  }
  if (keyframe == Keyframe::yes) NETREC_CHECKED(write_keyframe(now, tail));
  NETREC_CHECKED(database.commit());
  take_in(frame, departed, now, delta_end, tail);
  return {};
}

Status TimelineWriter::append(Frame& frame, std::span<const Socket> departed, const Snapshot& now,
                              Keyframe keyframe) {
  State& state = *state_;
  NETREC_CHECK(state.in_session || (keyframe == Keyframe::yes && frame.delta.empty()),
               "a session begins with a keyframe");
  const auto written = [&]() -> Status {
    if (state.is_behind) NETREC_CHECKED(state.catch_up());
    state.is_behind = true;
    NETREC_CHECKED(state.write_tick(frame, departed, now, keyframe));
    state.is_behind = false;
    return {};
  };
  const State::SinceKeyframe since_keyframe = state.since_keyframe;
  auto done = written();
  if (done) return {};
  state.database.roll_back();
  state.since_keyframe = since_keyframe;
  state.make_room(done.error());
  return tl::unexpected<Error>(std::move(done).error().while_doing(state.path));
}

Status TimelineWriter::close(const Snapshot& now) {
  const std::unique_ptr<State> state = std::move(state_);
  const auto closed = [&]() -> Status {
    if (state->is_behind) NETREC_CHECKED(state->catch_up());
    // Without it what was there at the end is rebuilt.
    if (state->last_keyframe_pays() && !state->write_last_keyframe(now))
      state->database.roll_back();
    auto sealed = state->seal(now);
    if (!sealed) {
      state->database.roll_back();
      state->make_room(sealed.error());
      NETREC_CHECKED(state->seal(now));
    }
    // Without it a search is answered, too.
    if (!state->group_rest()) state->database.roll_back();
    // The hot frames took more room than their chunk. Only a matter of size: it may fail.
    (void)state->database.drop_free_pages();
    return state->database.make_plain_file();
  };
  auto done = closed();
  if (!done) return tl::unexpected<Error>(std::move(done).error().while_doing(state->path));
  return {};
}

std::uint64_t TimelineWriter::file_bytes() const { return state_->database.file_bytes(); }
std::uint64_t TimelineWriter::last_sequence() const { return state_->end.header.sequence; }
const std::string& TimelineWriter::path() const { return state_->path; }

}  // namespace netrec
