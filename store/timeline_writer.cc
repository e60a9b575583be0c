#include "store/timeline_writer.h"

#include <optional>

#include "store/frame_codec.h"
#include "store/index.h"
#include "store/log_reader.h"
#include "store/recorder_lock.h"
#include "store/timeline.h"

namespace netrec {

namespace {

/// A keyframe is due when the deltas since the last one are this many times its size
/// (docs/decisions/0012), but not before they are worth a search.
constexpr std::uint64_t kKeyframeFactor = 6;
constexpr std::uint64_t kLeastDeltaBytes = 64 << 10;

/// Where the log ends, as far as it is written.
struct LogEnd {
  std::uint64_t sequence = 0;
  ChainHash hash;
  WallTime wall{};
  std::chrono::microseconds boot{};
};

}  // namespace

struct TimelineWriter::State {
  State(std::string file, const WriterOptions& writer_options, RecorderLock recorder_lock,
        Database opened)
      : path(std::move(file)),
        options(writer_options),
        lock(std::move(recorder_lock)),
        database(std::move(opened)) {}

  Status prepare();
  Status catch_up();
  Status read_end();
  Status read_resume();
  Status write_tick(Frame& frame, std::span<const Socket> departed, const Snapshot& now,
                    Keyframe keyframe);
  Status write_delta(Frame& frame, LogEnd& tail);
  Status write_keyframe(const Snapshot& snapshot, LogEnd& tail);

  std::string path;
  WriterOptions options;
  RecorderLock lock;
  Database database;
  std::optional<Query> insert_frame;
  std::optional<Query> insert_keyframe;
  std::optional<Index> index;

  Resume resume;
  LogEnd end;
  bool in_session = false;       // its first keyframe is written
  bool index_is_behind = false;  // a tick failed half way: what is in memory is not in the file
  std::uint64_t keyframe_bytes = 0;
  std::uint64_t delta_bytes = 0;  // since that keyframe
};

// --- opening -------------------------------------------------------------------------------------

Status TimelineWriter::State::prepare() {
  NETREC_TRY(frame, database.prepare("INSERT INTO frame (sequence, wall_us, boot_us, hash, data)"
                                     " VALUES (?, ?, ?, ?, ?)"));
  NETREC_TRY(keyframe,
             database.prepare("INSERT INTO keyframe (sequence, wall_us, boot_us, begins_session,"
                              " previous_hash, hash, data) VALUES (?, ?, ?, ?, ?, ?, ?)"));
  insert_frame.emplace(std::move(frame));
  insert_keyframe.emplace(std::move(keyframe));
  NETREC_CHECKED(read_end());
  NETREC_CHECKED(catch_up());
  return read_resume();
}

Status TimelineWriter::State::read_end() {
  NETREC_TRY(log, LogReader::open(database));
  NETREC_TRY(last, log.last_sequence());
  end = {};
  if (last == 0) return {};
  NETREC_TRY(entry, log.entry(last));
  end = {.sequence = last,
         .hash = entry.hash.value_or(ChainHash{}),
         .wall = entry.header.wall,
         .boot = entry.header.boot};
  return {};
}

// Follows the log from where the derived tables end.
Status TimelineWriter::State::catch_up() {
  NETREC_TRY(mark, read_mark(database));
  NETREC_TRY(fresh, Index::open(database, mark.next_ids));
  index.emplace(std::move(fresh));
  if (end.sequence == 0) return {};
  FrameCursor cursor(database, end.sequence);
  if (mark.sequence != 0) {
    NETREC_CHECKED(cursor.seek_sequence(mark.sequence));
    index->take_up(cursor.snapshot());
  }
  NETREC_CHECKED(database.begin());
  while (true) {
    NETREC_TRY(more, cursor.next());
    if (!more) break;
    const Frame& frame = cursor.frame();
    if (cursor.begins_session())
      NETREC_CHECKED(index->begin_session(cursor.snapshot(), frame.sequence));
    else if (frame.kind == FrameKind::delta)
      NETREC_CHECKED(index->follow(frame, cursor.departed()));
  }
  return database.commit();
}

Status TimelineWriter::State::read_resume() {
  const NextIds& ids = index->next_ids();
  resume = {};
  resume.last_sequence = end.sequence;
  resume.last_wall = end.wall;
  resume.last_boot = end.boot;
  resume.next_text = static_cast<std::uint32_t>(ids.text);
  resume.next_process = static_cast<std::uint32_t>(ids.process);
  resume.next_network_namespace = static_cast<std::uint32_t>(ids.network_namespace);
  resume.next_counter = static_cast<std::uint32_t>(ids.counter);
  resume.next_peer = static_cast<std::uint32_t>(ids.peer);
  resume.next_resolution = static_cast<std::uint32_t>(ids.resolution);
  NETREC_TRY(last, database.prepare("SELECT id, boot_id, ended_us IS NOT NULL FROM session"
                                    " ORDER BY id DESC LIMIT 1"));
  NETREC_TRY(found, last.first());
  if (found) {
    resume.next_session = static_cast<std::uint32_t>(last.integer(0) + 1);
    resume.last_boot_id = last.bytes(1);
    resume.ended_properly = last.integer(2) != 0;
  }
  NETREC_TRY(gap, database.prepare("SELECT ifnull(max(id), 0) + 1 FROM gap"));
  NETREC_TRY(counted, gap.first());
  if (counted) resume.next_gap = static_cast<std::uint64_t>(gap.integer(0));
  return {};
}

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

// --- writing -------------------------------------------------------------------------------------

bool TimelineWriter::keyframe_due() const {
  const State& state = *state_;
  if (!state.in_session) return true;
  return state.delta_bytes > kLeastDeltaBytes &&
         state.delta_bytes > kKeyframeFactor * state.keyframe_bytes;
}

Status TimelineWriter::State::write_delta(Frame& frame, LogEnd& tail) {
  std::string canonical = encode_delta(frame.delta);
  const FrameHeader header{
      .kind = FrameKind::delta, .sequence = frame.sequence, .wall = frame.wall, .boot = frame.boot};
  tail.hash = next_hash(tail.hash, header, canonical);
  tail.sequence = frame.sequence;
  delta_bytes += canonical.size();
  const std::string data = pack_frame(std::move(canonical));
  return insert_frame->run(frame.sequence, frame.wall.time_since_epoch().count(),
                           frame.boot.count(), SqlValue::blob(tail.hash.view()),
                           SqlValue::blob(data));
}

Status TimelineWriter::State::write_keyframe(const Snapshot& snapshot, LogEnd& tail) {
  std::string canonical = encode_keyframe(snapshot);
  const FrameHeader header{.kind = FrameKind::keyframe,
                           .begins_session = !in_session,
                           .sequence = tail.sequence + 1,
                           .wall = tail.wall,
                           .boot = tail.boot};
  const ChainHash before = tail.hash;
  tail.hash = next_hash(before, header, canonical);
  tail.sequence = header.sequence;
  keyframe_bytes = canonical.size();
  delta_bytes = 0;
  const std::string data = pack_frame(std::move(canonical));
  return insert_keyframe->run(header.sequence, tail.wall.time_since_epoch().count(),
                              tail.boot.count(), header.begins_session ? 1 : 0,
                              SqlValue::blob(before.view()), SqlValue::blob(tail.hash.view()),
                              SqlValue::blob(data));
}

Status TimelineWriter::State::write_tick(Frame& frame, std::span<const Socket> departed,
                                         const Snapshot& now, Keyframe keyframe) {
  LogEnd tail = end;
  tail.wall = frame.wall;
  tail.boot = frame.boot;
  frame.sequence = end.sequence + 1;
  frame.kind = in_session ? FrameKind::delta : FrameKind::keyframe;
  NETREC_CHECKED(database.begin());
  if (in_session) {
    NETREC_CHECKED(write_delta(frame, tail));
    NETREC_CHECKED(index->follow(frame, departed));
  } else {
    NETREC_CHECKED(index->begin_session(now, frame.sequence));
  }
  if (keyframe == Keyframe::yes) NETREC_CHECKED(write_keyframe(now, tail));
  NETREC_CHECKED(database.commit());
  end = tail;
  in_session = true;
  return {};
}

Status TimelineWriter::append(Frame& frame, std::span<const Socket> departed, const Snapshot& now,
                              Keyframe keyframe) {
  State& state = *state_;
  NETREC_CHECK(state.in_session || (keyframe == Keyframe::yes && frame.delta.empty()),
               "a session begins with a keyframe");
  if (state.index_is_behind) {
    NETREC_CHECKED(state.catch_up());
    state.index_is_behind = false;
  }
  const std::uint64_t delta_bytes = state.delta_bytes;
  const std::uint64_t keyframe_bytes = state.keyframe_bytes;
  auto written = state.write_tick(frame, departed, now, keyframe);
  if (written) return {};
  state.database.roll_back();
  state.delta_bytes = delta_bytes;
  state.keyframe_bytes = keyframe_bytes;
  state.index_is_behind = true;
  return tl::unexpected<Error>(std::move(written).error().while_doing(state.path));
}

Result<Pruned> TimelineWriter::maintain(const Snapshot&) { return Pruned{}; }

Status TimelineWriter::close(const Snapshot&) {
  NETREC_CHECKED(state_->database.checkpoint(true));
  state_.reset();
  return {};
}

std::uint64_t TimelineWriter::file_bytes() const { return state_->database.file_bytes(); }
std::uint64_t TimelineWriter::last_sequence() const { return state_->end.sequence; }
const std::string& TimelineWriter::path() const { return state_->path; }

}  // namespace netrec
