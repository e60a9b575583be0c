#include "store/log_reader.h"

#include <algorithm>

#include "store/compression.h"
#include "store/frame_codec.h"

namespace netrec {

namespace {

/// Shorter frames do not gain by being compressed alone.
constexpr std::size_t kLeastCompressed = 256;
constexpr char kZstdFirstByte = 0x28;

WallTime wall_from(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}

}  // namespace

std::string pack_frame(std::string canonical) {
  if (canonical.size() < kLeastCompressed) return canonical;
  std::string packed = compress(canonical);
  return packed.size() < canonical.size() ? packed : canonical;
}

Result<std::string> unpack_frame(std::string_view data) {
  if (data.empty()) return failure(ErrorKind::corrupt, "a frame without bytes");
  if (data.front() != kZstdFirstByte) return std::string(data);
  return decompress(data, kMostFrameBytes);
}

struct LogReader::State {
  Query ends;
  Query frame;
  Query keyframe;
  Query frame_at;
  Query keyframe_at;
  Query keyframe_before;
  Query keyframe_after;

  LogEntry entry;
  std::string data;  // of the frame or keyframe row `entry` is about
};

LogReader::LogReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Result<LogReader> LogReader::open(const Database& database) {
  NETREC_TRY(ends, database.prepare("SELECT (SELECT min(sequence) FROM frame),"
                                    "       (SELECT min(sequence) FROM keyframe),"
                                    "       (SELECT min(first_sequence) FROM chunk),"
                                    "       (SELECT max(sequence) FROM frame),"
                                    "       (SELECT max(sequence) FROM keyframe),"
                                    "       (SELECT last_sequence FROM chunk"
                                    "         ORDER BY first_sequence DESC LIMIT 1)"));
  NETREC_TRY(frame, database.prepare("SELECT wall_us, boot_us, hash, data FROM frame"
                                     " WHERE sequence = ?"));
  NETREC_TRY(keyframe,
             database.prepare("SELECT wall_us, boot_us, hash, data, begins_session, previous_hash"
                              "  FROM keyframe WHERE sequence = ?"));
  NETREC_TRY(frame_at, database.prepare("SELECT sequence FROM frame"
                                        " WHERE wall_us <= ? AND sequence <= ?"
                                        " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(keyframe_at, database.prepare("SELECT sequence FROM keyframe"
                                           " WHERE wall_us <= ? AND sequence <= ?"
                                           " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(before, database.prepare("SELECT max(sequence) FROM keyframe WHERE sequence <= ?"));
  NETREC_TRY(after, database.prepare("SELECT min(sequence) FROM keyframe WHERE sequence > ?"));
  return LogReader(std::make_unique<State>(State{
      std::move(ends), std::move(frame), std::move(keyframe), std::move(frame_at),
      std::move(keyframe_at), std::move(before), std::move(after), LogEntry{}, std::string{}}));
}

namespace {

// The one number a query gives; 0 for none. Sequences are positive: a negative one is damage.
template <class... Values>
Result<std::uint64_t> number(Query& query, const Values&... values) {
  NETREC_TRY(found, query.first(values...));
  const std::int64_t value = found ? query.integer(0) : 0;
  query.reset();
  if (value < 0) return failure(ErrorKind::corrupt, "a negative sequence");
  return static_cast<std::uint64_t>(value);
}

}  // namespace

Result<std::uint64_t> LogReader::first_sequence() {
  NETREC_TRY(found, state_->ends.first());
  std::uint64_t least = 0;
  for (int column = 0; found && column < 3; ++column) {
    const auto value = static_cast<std::uint64_t>(state_->ends.integer(column));
    if (value != 0 && (least == 0 || value < least)) least = value;
  }
  state_->ends.reset();
  return least;
}

Result<std::uint64_t> LogReader::last_sequence() {
  NETREC_TRY(found, state_->ends.first());
  std::int64_t most = 0;
  for (int column = 3; found && column < 6; ++column)
    most = std::max(most, state_->ends.integer(column));
  state_->ends.reset();
  return static_cast<std::uint64_t>(most);
}

Result<std::uint64_t> LogReader::sequence_at(WallTime wall, std::uint64_t last) {
  const std::int64_t wall_us = wall.time_since_epoch().count();
  NETREC_TRY(frame, number(state_->frame_at, wall_us, last));
  NETREC_TRY(keyframe, number(state_->keyframe_at, wall_us, last));
  return std::max(frame, keyframe);
}

Result<std::uint64_t> LogReader::keyframe_at_or_before(std::uint64_t sequence) {
  return number(state_->keyframe_before, sequence);
}

Result<std::uint64_t> LogReader::keyframe_after(std::uint64_t sequence) {
  return number(state_->keyframe_after, sequence);
}

Result<LogEntry> LogReader::entry(std::uint64_t sequence) {
  for (Query* query : {&state_->frame, &state_->keyframe}) {
    NETREC_TRY(found, query->first(sequence));
    if (!found) continue;
    const bool is_keyframe = query == &state_->keyframe;
    LogEntry& entry = state_->entry;
    entry = {};
    entry.header = {.kind = is_keyframe ? FrameKind::keyframe : FrameKind::delta,
                    .begins_session = is_keyframe && query->integer(4) != 0,
                    .sequence = sequence,
                    .wall = wall_from(query->integer(0)),
                    .boot = std::chrono::microseconds(query->integer(1))};
    const auto hash = chain_hash(query->bytes(2));
    const auto previous = is_keyframe ? chain_hash(query->bytes(5)) : hash;
    state_->data = query->bytes(3);
    query->reset();
    if (!hash) return tl::unexpected<Error>(hash.error());
    if (!previous) return tl::unexpected<Error>(previous.error());
    entry.hash = *hash;
    if (is_keyframe) entry.previous = *previous;
    return entry;
  }
  return failure(ErrorKind::not_found, "there is no frame {}", sequence);
}

Result<Delta> LogReader::content(const std::optional<ChainHash>& check_against) {
  const LogEntry& entry = state_->entry;
  NETREC_TRY(canonical, unpack_frame(state_->data));
  const auto& before = check_against ? check_against : entry.previous;
  if (check_against && entry.previous && *check_against != *entry.previous)
    return failure(ErrorKind::corrupt, "frame {} does not follow the one before it",
                   entry.header.sequence);
  if (before && entry.hash && next_hash(*before, entry.header, canonical) != *entry.hash)
    return failure(ErrorKind::corrupt, "frame {} is not what was hashed", entry.header.sequence);
  return decode_delta(canonical);
}

}  // namespace netrec
