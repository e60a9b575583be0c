#include "store/log_reader.h"

#include <algorithm>

#include "store/bytes.h"
#include "store/checksum.h"
#include "store/chunk.h"
#include "store/compression.h"
#include "store/frame_codec.h"

namespace netrec {

namespace {

/// Shorter frames do not gain by being compressed alone.
constexpr std::size_t kLeastCompressed = 256;
constexpr char kZstdFirstByte = 0x28;
constexpr std::size_t kChecksumBytes = 4;

WallTime wall_from(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}

}  // namespace

std::string pack_frame(std::string canonical) {
  if (canonical.size() < kLeastCompressed) return canonical;
  std::string packed = compress(canonical);
  put_fixed32(packed, checksum(packed));
  return packed.size() < canonical.size() ? packed : canonical;
}

Result<std::string> unpack_frame(std::string_view data) {
  if (data.empty()) return failure(ErrorKind::corrupt, "a frame without bytes");
  if (data.front() != kZstdFirstByte) return std::string(data);
  if (data.size() < kChecksumBytes) return failure(ErrorKind::corrupt, "a frame cut short");
  const std::string_view packed = data.substr(0, data.size() - kChecksumBytes);
  if (ByteReader(data.substr(packed.size())).fixed32() != checksum(packed))
    return failure(ErrorKind::corrupt, "a frame's checksum is wrong");
  return decompress(packed, kMostFrameBytes);
}

/// A chunk whose frames are unpacked.
struct UnpackedChunk {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  ChainHash previous;
  ChainHash hash;
  std::vector<Frame> frames;

  const Frame* find(std::uint64_t sequence) const {
    const auto found = std::lower_bound(
        frames.begin(), frames.end(), sequence,
        [](const Frame& frame, std::uint64_t wanted) { return frame.sequence < wanted; });
    return found != frames.end() && found->sequence == sequence ? &*found : nullptr;
  }
};

struct LogReader::State {
  Query ends;
  Query frame;
  Query keyframe;
  Query chunk;
  Query frame_at;
  Query keyframe_at;
  Query chunk_at;
  Query keyframe_before;
  Query keyframe_after;
  Query row_after;

  Result<LogEntry> row_entry(std::uint64_t sequence);
  Result<LogEntry> chunk_entry(std::uint64_t sequence);
  Status unpack_chunk(std::uint64_t sequence);

  LogEntry entry;
  std::string data;               // of the frame or keyframe row `entry` is about
  const Frame* inside = nullptr;  // or the frame in `unpacked`
  // One is enough: a walk, either way, is done with a chunk when it needs the next.
  UnpackedChunk unpacked;
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
  NETREC_TRY(chunk,
             database.prepare("SELECT first_sequence, last_sequence, previous_hash, hash, header,"
                              " body FROM chunk WHERE first_sequence <= ?"
                              " ORDER BY first_sequence DESC LIMIT 1"));
  NETREC_TRY(chunk_at, database.prepare("SELECT header, body FROM chunk"
                                        " WHERE least_wall_us <= ? AND first_sequence <= ?"
                                        " ORDER BY first_sequence DESC LIMIT 1"));
  NETREC_TRY(frame_at, database.prepare("SELECT sequence FROM frame"
                                        " WHERE wall_us <= ? AND sequence <= ?"
                                        " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(keyframe_at, database.prepare("SELECT sequence FROM keyframe"
                                           " WHERE wall_us <= ? AND sequence <= ?"
                                           " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(before, database.prepare("SELECT max(sequence) FROM keyframe WHERE sequence <= ?"));
  NETREC_TRY(after, database.prepare("SELECT min(sequence) FROM keyframe WHERE sequence > ?"));
  NETREC_TRY(row_after,
             database.prepare("SELECT (SELECT min(sequence) FROM frame WHERE sequence > ?1),"
                              "       (SELECT min(sequence) FROM keyframe WHERE sequence > ?1),"
                              "       (SELECT min(first_sequence) FROM chunk"
                              "         WHERE first_sequence > ?1)"));
  auto state = std::make_unique<State>(State{std::move(ends),
                                             std::move(frame),
                                             std::move(keyframe),
                                             std::move(chunk),
                                             std::move(frame_at),
                                             std::move(keyframe_at),
                                             std::move(chunk_at),
                                             std::move(before),
                                             std::move(after),
                                             std::move(row_after),
                                             {},
                                             {},
                                             nullptr,
                                             {}});
  return LogReader(std::move(state));
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

// The last frame of a chunk at or before `wall_us`; 0 if there is none.
Result<std::uint64_t> sequence_in_chunk(std::string_view header, std::string_view body,
                                        std::uint64_t wall_us, std::uint64_t last) {
  NETREC_TRY(reader, ChunkReader::open(header, body));
  NETREC_TRY(times, reader.frame_times());
  for (std::size_t i = times.sequence.size(); i-- > 0;)
    if (times.wall_us[i] <= wall_us && times.sequence[i] <= last) return times.sequence[i];
  return 0;
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

Result<std::uint64_t> LogReader::sequence_after(std::uint64_t sequence) {
  std::uint64_t least = 0;
  const auto consider = [&](std::uint64_t candidate) {
    if (candidate > sequence && (least == 0 || candidate < least)) least = candidate;
  };
  NETREC_TRY(found, state_->row_after.first(sequence));
  for (int column = 0; found && column < 3; ++column)
    consider(static_cast<std::uint64_t>(state_->row_after.integer(column)));
  state_->row_after.reset();
  if (least == sequence + 1) return least;
  const auto inside = state_->chunk_entry(sequence + 1);
  if (inside) return sequence + 1;
  if (inside.error().kind == ErrorKind::corrupt) return least;
  if (inside.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(inside.error());
  const auto& frames = state_->unpacked.frames;
  const auto next = std::upper_bound(
      frames.begin(), frames.end(), sequence,
      [](std::uint64_t wanted, const Frame& frame) { return wanted < frame.sequence; });
  if (next != frames.end()) consider(next->sequence);
  return least;
}

Result<std::uint64_t> LogReader::sequence_at(WallTime wall, std::uint64_t last) {
  const std::int64_t wall_us = wall.time_since_epoch().count();
  NETREC_TRY(frame, number(state_->frame_at, wall_us, last));
  NETREC_TRY(keyframe, number(state_->keyframe_at, wall_us, last));
  std::uint64_t sequence = std::max(frame, keyframe);
  NETREC_TRY(found, state_->chunk_at.first(wall_us, last));
  if (found && wall_us >= 0) {
    const auto inside = sequence_in_chunk(state_->chunk_at.bytes(0), state_->chunk_at.bytes(1),
                                          static_cast<std::uint64_t>(wall_us), last);
    // A damaged chunk is met again, and told, by whoever goes there.
    if (inside) sequence = std::max(sequence, *inside);
  }
  state_->chunk_at.reset();
  return sequence;
}

Result<std::uint64_t> LogReader::keyframe_at_or_before(std::uint64_t sequence) {
  return number(state_->keyframe_before, sequence);
}

Result<std::uint64_t> LogReader::keyframe_after(std::uint64_t sequence) {
  return number(state_->keyframe_after, sequence);
}

Result<LogEntry> LogReader::State::row_entry(std::uint64_t sequence) {
  for (Query* query : {&frame, &keyframe}) {
    NETREC_TRY(found, query->first(sequence));
    if (!found) continue;
    const bool is_keyframe = query == &keyframe;
    entry = {};
    entry.header = {.kind = is_keyframe ? FrameKind::keyframe : FrameKind::delta,
                    .begins_session = is_keyframe && query->integer(4) == 1,
                    .sequence = sequence,
                    .wall = wall_from(query->integer(0)),
                    .boot = std::chrono::microseconds(query->integer(1))};
    const auto hash = chain_hash(query->bytes(2));
    const auto previous = is_keyframe ? chain_hash(query->bytes(5)) : hash;
    data = query->bytes(3);
    inside = nullptr;
    const bool is_flag = !is_keyframe || (query->integer(4) | 1) == 1;
    query->reset();
    if (!is_flag) return failure(ErrorKind::corrupt, "begins_session is neither 0 nor 1");
    if (!hash) return tl::unexpected<Error>(hash.error());
    if (!previous) return tl::unexpected<Error>(previous.error());
    entry.hash = *hash;
    if (is_keyframe) entry.previous = *previous;
    return entry;
  }
  return failure(ErrorKind::not_found, "there is no frame {}", sequence);
}

// Has the chunk that should hold `sequence` in `unpacked`.
Status LogReader::State::unpack_chunk(std::uint64_t sequence) {
  NETREC_TRY(found, chunk.first(sequence));
  if (!found || static_cast<std::uint64_t>(chunk.integer(1)) < sequence) {
    chunk.reset();
    return failure(ErrorKind::not_found, "there is no frame {}", sequence);
  }
  const auto unpack = [&]() -> Status {
    UnpackedChunk fresh;
    fresh.first_sequence = static_cast<std::uint64_t>(chunk.integer(0));
    fresh.last_sequence = static_cast<std::uint64_t>(chunk.integer(1));
    NETREC_TRY(previous, chain_hash(chunk.bytes(2)));
    NETREC_TRY(hash, chain_hash(chunk.bytes(3)));
    NETREC_TRY(reader, ChunkReader::open(chunk.bytes(4), chunk.bytes(5)));
    if (reader.header().first_sequence != fresh.first_sequence ||
        reader.header().last_sequence != fresh.last_sequence)
      return failure(ErrorKind::corrupt, "it holds other frames than its row says");
    NETREC_TRY(frames, reader.frames());
    fresh.previous = previous;
    fresh.hash = hash;
    fresh.frames = std::move(frames);
    unpacked = std::move(fresh);
    return {};
  };
  inside = nullptr;
  unpacked = {};
  auto done = unpack();
  const std::int64_t first = chunk.integer(0);
  chunk.reset();
  if (!done)
    return tl::unexpected<Error>(
        std::move(done).error().while_doing(fmt::format("chunk {}", first)));
  return {};
}

Result<LogEntry> LogReader::State::chunk_entry(std::uint64_t sequence) {
  if (sequence < unpacked.first_sequence || sequence > unpacked.last_sequence ||
      unpacked.frames.empty())
    NETREC_CHECKED(unpack_chunk(sequence));
  inside = unpacked.find(sequence);
  if (inside == nullptr) return failure(ErrorKind::not_found, "there is no frame {}", sequence);
  entry = {};
  entry.header = {
      .kind = FrameKind::delta, .sequence = sequence, .wall = inside->wall, .boot = inside->boot};
  if (sequence == unpacked.first_sequence) entry.previous = unpacked.previous;
  if (sequence == unpacked.last_sequence) entry.hash = unpacked.hash;
  return entry;
}

Result<LogEntry> LogReader::entry(std::uint64_t sequence) {
  // In a walk through a chunk the next frame is mostly there.
  if (state_->unpacked.find(sequence) != nullptr) return state_->chunk_entry(sequence);
  auto row = state_->row_entry(sequence);
  if (row || row.error().kind != ErrorKind::not_found) return row;
  return state_->chunk_entry(sequence);
}

std::uint64_t LogReader::chunk_of_entry() const {
  return state_->inside == nullptr ? 0 : state_->unpacked.first_sequence;
}

Result<std::string> LogReader::canonical() {
  if (state_->inside != nullptr) return encode_delta(state_->inside->delta);
  return unpack_frame(state_->data);
}

Result<Delta> LogReader::content(const std::optional<ChainHash>& check_against) {
  const LogEntry& entry = state_->entry;
  const auto& before = check_against ? check_against : entry.previous;
  if (check_against && entry.previous && *check_against != *entry.previous)
    return failure(ErrorKind::corrupt, "frame {} does not follow the one before it",
                   entry.header.sequence);
  // Inside a chunk, checksums have been checked; the hash only spans it whole (verify.h).
  if (state_->inside != nullptr) return state_->inside->delta;
  NETREC_TRY(canonical, unpack_frame(state_->data));
  if (before && entry.hash && next_hash(*before, entry.header, canonical) != *entry.hash)
    return failure(ErrorKind::corrupt, "frame {} is not what was hashed", entry.header.sequence);
  return decode_delta(canonical);
}

}  // namespace netrec
