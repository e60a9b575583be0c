#include "store/log_reader.h"

#include <algorithm>

#include "store/bytes.h"
#include "store/checksum.h"
#include "store/chunk.h"
#include "store/compression.h"
#include "store/frame_codec.h"
#include "store/key_finder.h"

namespace netrec {

namespace {

/// Shorter frames do not gain by being compressed alone.
constexpr std::size_t kLeastCompressed = 256;
constexpr char kZstdFirstByte = 0x28;
constexpr std::size_t kChecksumBytes = 4;
/// Of a chunk that is asked for more instants than this, its frames are cheaper: each leap reads
/// the columns anew.
constexpr int kMostLeaps = 2;

WallTime wall_from(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}

}  // namespace

std::string pack_frame(std::string_view canonical) {
  if (canonical.size() < kLeastCompressed) return std::string(canonical);
  std::string packed = compress(canonical);
  put_fixed32(packed, checksum(packed));
  return packed.size() < canonical.size() ? packed : std::string(canonical);
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

/// A chunk whose columns can be asked for.
struct OpenChunk {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  ChainHash previous;
  ChainHash hash;
  std::string header;
  std::string body;
  std::optional<ChunkReader> reader;  // Points into those.
  FrameTimes times;

  bool holds(std::uint64_t sequence) const {
    return sequence >= first_sequence && sequence <= last_sequence;
  }
};

namespace {

/// Place of the frame among those of a chunk; how many these are, if it is not there.
std::size_t place_of(std::uint64_t sequence, const FrameTimes& times) {
  const auto found = std::lower_bound(times.sequence.begin(), times.sequence.end(), sequence);
  return found != times.sequence.end() && *found == sequence
             ? static_cast<std::size_t>(found - times.sequence.begin())
             : times.sequence.size();
}

}  // namespace

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
  const Database* database;
  Query frame;
  Query keyframe;
  Query chunk;
  Query frame_wall;
  Query keyframe_wall;
  Query chunk_header;
  Query chunk_end;
  Query frame_at;
  Query keyframe_at;
  Query chunk_at;
  KeyFinder frame_keys;
  KeyFinder keyframe_keys;
  KeyFinder chunk_keys;

  Result<std::uint64_t> row_at(KeyFinder& keys, Query& at, Query& row, std::int64_t wall_us,
                               std::uint64_t last);
  Result<std::uint64_t> chunk_before(std::int64_t wall_us, std::uint64_t last);

  Result<Query*> row_in(std::initializer_list<Query*> tables, std::uint64_t sequence);
  Result<WallTime> row_wall(std::uint64_t sequence);
  Result<WallTime> chunk_wall(std::uint64_t first, std::uint64_t sequence);
  Result<LogEntry> row_entry(std::uint64_t sequence);
  Result<LogEntry> chunk_entry(std::uint64_t sequence);
  Status open_chunk(std::uint64_t sequence);
  Status unpack_chunk(std::uint64_t sequence);

  LogEntry entry;
  std::string data;               // of the frame or keyframe row `entry` is about
  const Frame* inside = nullptr;  // or the frame in `unpacked`
  // One is enough: a walk, either way, is done with a chunk when it needs the next.
  std::shared_ptr<const UnpackedChunk> unpacked = std::make_shared<UnpackedChunk>();
  std::shared_ptr<const OpenChunk> opened = nullptr;
  int leaps = 0;  // made in it
};

LogReader::LogReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Result<LogReader> LogReader::open(const Database& database) {
  NETREC_TRY(frame, database.prepare("SELECT wall_us, boot_us, hash, data FROM frame"
                                     " WHERE sequence = ?"));
  NETREC_TRY(keyframe,
             database.prepare("SELECT wall_us, boot_us, hash, data, begins_session, previous_hash"
                              "  FROM keyframe WHERE sequence = ?"));
  NETREC_TRY(chunk,
             database.prepare("SELECT first_sequence, last_sequence, previous_hash, hash, header,"
                              " body FROM chunk WHERE first_sequence = ?"));
  NETREC_TRY(frame_wall, database.prepare("SELECT wall_us FROM frame WHERE sequence = ?"));
  NETREC_TRY(keyframe_wall, database.prepare("SELECT wall_us FROM keyframe WHERE sequence = ?"));
  NETREC_TRY(chunk_header, database.prepare("SELECT header FROM chunk WHERE first_sequence = ?"));
  NETREC_TRY(chunk_end,
             database.prepare("SELECT last_sequence, least_wall_us, most_wall_us FROM chunk"
                              " WHERE first_sequence = ?"));
  NETREC_TRY(chunk_at, database.prepare("SELECT first_sequence FROM chunk"
                                        " WHERE least_wall_us <= ? AND first_sequence <= ?"
                                        " ORDER BY first_sequence DESC LIMIT 1"));
  NETREC_TRY(frame_at, database.prepare("SELECT sequence FROM frame"
                                        " WHERE wall_us <= ? AND sequence <= ?"
                                        " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(keyframe_at, database.prepare("SELECT sequence FROM keyframe"
                                           " WHERE wall_us <= ? AND sequence <= ?"
                                           " ORDER BY sequence DESC LIMIT 1"));
  NETREC_TRY(frames, KeyFinder::open(database, "frame", "sequence"));
  NETREC_TRY(keyframes, KeyFinder::open(database, "keyframe", "sequence"));
  NETREC_TRY(chunks, KeyFinder::open(database, "chunk", "first_sequence"));
  auto state = std::make_unique<State>(State{&database,
                                             std::move(frame),
                                             std::move(keyframe),
                                             std::move(chunk),
                                             std::move(frame_wall),
                                             std::move(keyframe_wall),
                                             std::move(chunk_header),
                                             std::move(chunk_end),
                                             std::move(frame_at),
                                             std::move(keyframe_at),
                                             std::move(chunk_at),
                                             std::move(frames),
                                             std::move(keyframes),
                                             std::move(chunks),
                                             {},
                                             {},
                                             nullptr});
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

}  // namespace

Result<std::uint64_t> LogReader::first_sequence() {
  std::uint64_t least = 0;
  for (KeyFinder* keys : {&state_->frame_keys, &state_->keyframe_keys, &state_->chunk_keys}) {
    NETREC_TRY(first, keys->at_or_after(1));
    if (first.key != 0 && (least == 0 || first.key < least)) least = first.key;
  }
  return least;
}

Result<std::uint64_t> LogReader::last_sequence() {
  NETREC_TRY(frame, state_->frame_keys.at_or_before(kLastKey));
  NETREC_TRY(keyframe, state_->keyframe_keys.at_or_before(kLastKey));
  NETREC_TRY(chunk, state_->chunk_keys.at_or_before(kLastKey));
  // A chunk that is not readable itself still is a place in the log.
  const auto in_chunk = number(state_->chunk_end, chunk.key);
  return std::max({frame.key, keyframe.key, in_chunk ? *in_chunk : chunk.key});
}

Result<std::uint64_t> LogReader::sequence_after(std::uint64_t sequence) {
  std::uint64_t least = 0;
  const auto consider = [&](std::uint64_t candidate) {
    if (candidate > sequence && (least == 0 || candidate < least)) least = candidate;
  };
  for (KeyFinder* keys : {&state_->frame_keys, &state_->keyframe_keys, &state_->chunk_keys}) {
    NETREC_TRY(next, keys->at_or_after(sequence + 1));
    consider(next.key);
  }
  if (least == sequence + 1) return least;
  const auto inside = state_->chunk_entry(sequence + 1);
  if (inside) return sequence + 1;
  if (inside.error().kind == ErrorKind::corrupt) return least;
  if (inside.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(inside.error());
  const auto& frames = state_->unpacked->frames;
  const auto next = std::upper_bound(
      frames.begin(), frames.end(), sequence,
      [](std::uint64_t wanted, const Frame& frame) { return wanted < frame.sequence; });
  if (next != frames.end()) consider(next->sequence);
  return least;
}

// The last row of a table, up to `last`, that is at or before `wall_us`: as `at` finds it, or where
// that meets pages it cannot read, row by row.
Result<std::uint64_t> LogReader::State::row_at(KeyFinder& keys, Query& at, Query& row,
                                               std::int64_t wall_us, std::uint64_t last) {
  auto fast = number(at, wall_us, last);
  if (fast || fast.error().kind != ErrorKind::corrupt) return fast;
  while (true) {
    NETREC_TRY(found, keys.at_or_before(last));
    if (found.key == 0) return 0;
    const auto readable = row.first(found.key);
    const bool is_before = readable && *readable && row.integer(0) <= wall_us;
    row.reset();
    if (is_before) return found.key;
    last = found.key - 1;
  }
}

// First sequence of the last chunk, up to `last`, that begins at or before `wall_us`; 0: none.
Result<std::uint64_t> LogReader::State::chunk_before(std::int64_t wall_us, std::uint64_t last) {
  auto fast = number(chunk_at, wall_us, last);
  if (fast || fast.error().kind != ErrorKind::corrupt) return fast;
  while (true) {
    NETREC_TRY(found, chunk_keys.at_or_before(last));
    if (found.key == 0) return 0;
    const auto readable = chunk_end.first(found.key);
    const bool is_before = readable && *readable && chunk_end.integer(1) <= wall_us;
    chunk_end.reset();
    if (is_before) return found.key;
    last = found.key - 1;
  }
}

Result<std::uint64_t> LogReader::sequence_at(WallTime wall, std::uint64_t last) {
  State& state = *state_;
  const std::int64_t wall_us = wall.time_since_epoch().count();
  NETREC_TRY(frame, state.row_at(state.frame_keys, state.frame_at, state.frame, wall_us, last));
  NETREC_TRY(keyframe,
             state.row_at(state.keyframe_keys, state.keyframe_at, state.keyframe, wall_us, last));
  std::uint64_t sequence = std::max(frame, keyframe);
  NETREC_TRY(before, state.chunk_before(wall_us, last));
  if (before == 0 || wall_us < 0) return sequence;
  // A damaged chunk is met again, and told, by whoever goes to its first frame.
  std::uint64_t inside = before;
  if (state.open_chunk(before)) {
    const FrameTimes& times = state.opened->times;
    inside = 0;
    for (std::size_t i = times.sequence.size(); i-- > 0 && inside == 0;)
      if (times.wall_us[i] <= static_cast<std::uint64_t>(wall_us) && times.sequence[i] <= last)
        inside = times.sequence[i];
  }
  return std::max(sequence, inside);
}

Result<WallTime> LogReader::wall_of(std::uint64_t sequence, Side side) {
  auto found = state_->row_wall(sequence);
  if (found) return found;
  NETREC_TRY(nearest, state_->chunk_keys.at_or_before(sequence));
  if (auto wall = state_->chunk_wall(nearest.key, sequence)) return wall;
  const auto row = state_->chunk_end.first(nearest.key);
  const bool holds =
      row && *row && state_->chunk_end.integer(0) >= static_cast<std::int64_t>(sequence);
  const WallTime wall =
      holds ? wall_from(state_->chunk_end.integer(side == Side::before ? 1 : 2)) : WallTime{};
  state_->chunk_end.reset();
  if (!holds) return tl::unexpected<Error>(std::move(found).error());
  return wall;
}

Result<std::uint64_t> LogReader::keyframe_at_or_before(std::uint64_t sequence) {
  NETREC_TRY(found, state_->keyframe_keys.at_or_before(sequence));
  return found.key;
}

Result<std::uint64_t> LogReader::keyframe_after(std::uint64_t sequence) {
  NETREC_TRY(found, state_->keyframe_keys.at_or_after(sequence + 1));
  return found.key;
}

// The one of `tables` that stands at the row of `sequence`; the caller resets it.
Result<Query*> LogReader::State::row_in(std::initializer_list<Query*> tables,
                                        std::uint64_t sequence) {
  Error unreadable{ErrorKind::not_found, fmt::format("there is no frame {}", sequence)};
  for (Query* const table : tables) {
    // A page that cannot be read may hide it, or have nothing to do with it.
    const auto found = table->first(sequence);
    if (found && *found) return table;
    if (found) continue;
    unreadable = found.error();
    if (unreadable.kind != ErrorKind::corrupt) break;
  }
  return tl::unexpected<Error>(std::move(unreadable));
}

// Without its bytes: whoever asks wants no more, and those of a keyframe may be ten million.
Result<WallTime> LogReader::State::row_wall(std::uint64_t sequence) {
  NETREC_TRY(row, row_in({&frame_wall, &keyframe_wall}, sequence));
  const WallTime wall = wall_from(row->integer(0));
  row->reset();
  return wall;
}

// Of the chunk that begins with `first`, its body is read as far as its frames' times lie in it.
Result<WallTime> LogReader::State::chunk_wall(std::uint64_t first, std::uint64_t sequence) {
  const auto in = [&](const FrameTimes& times) -> Result<WallTime> {
    const std::size_t place = place_of(sequence, times);
    if (place >= times.sequence.size())
      return failure(ErrorKind::not_found, "there is no frame {}", sequence);
    return wall_from(static_cast<std::int64_t>(times.wall_us[place]));
  };
  if (opened && opened->holds(sequence)) return in(opened->times);
  NETREC_TRY(found, chunk_header.first(first));
  if (!found) return failure(ErrorKind::not_found, "there is no chunk {}", first);
  auto header = ChunkHeader::decode(chunk_header.bytes(0));
  chunk_header.reset();
  if (!header) return tl::unexpected<Error>(std::move(header).error());
  if (header->first_sequence != first || header->last_sequence < sequence)
    return failure(ErrorKind::corrupt, "it holds other frames than its row says");
  Blob body;
  NETREC_CHECKED(database->go_to(body, "chunk", "body", first));
  const auto read = [&](std::size_t offset, std::span<char> out) { return body.read(offset, out); };
  NETREC_TRY(reader, ChunkReader::open(*std::move(header), ChunkBody(body.size(), read)));
  NETREC_TRY(times, reader.frame_times());
  return in(times);
}

Result<LogEntry> LogReader::State::row_entry(std::uint64_t sequence) {
  NETREC_TRY(row, row_in({&frame, &keyframe}, sequence));
  const bool is_keyframe = row == &keyframe;
  entry = {};
  entry.header = {.kind = is_keyframe ? FrameKind::keyframe : FrameKind::delta,
                  .begins_session = is_keyframe && row->integer(4) == 1,
                  .sequence = sequence,
                  .wall = wall_from(row->integer(0)),
                  .boot = std::chrono::microseconds(row->integer(1))};
  const auto hash = chain_hash(row->bytes(2));
  const auto previous = is_keyframe ? chain_hash(row->bytes(5)) : hash;
  data = row->bytes(3);
  inside = nullptr;
  const bool is_flag = !is_keyframe || (row->integer(4) | 1) == 1;
  row->reset();
  if (!is_flag) return failure(ErrorKind::corrupt, "begins_session is neither 0 nor 1");
  if (!hash) return tl::unexpected<Error>(hash.error());
  if (!previous) return tl::unexpected<Error>(previous.error());
  entry.hash = *hash;
  if (is_keyframe) entry.previous = *previous;
  return entry;
}

// Has the chunk that should hold `sequence` in `opened`.
Status LogReader::State::open_chunk(std::uint64_t sequence) {
  if (opened && opened->holds(sequence)) return {};
  NETREC_TRY(nearest, chunk_keys.at_or_before(sequence));
  auto found = chunk.first(nearest.key);
  if (!found)
    return tl::unexpected<Error>(
        std::move(found).error().while_doing(fmt::format("chunk {}", nearest.key)));
  if (!*found || static_cast<std::uint64_t>(chunk.integer(1)) < sequence) {
    chunk.reset();
    if (nearest.past_damage)
      return failure(ErrorKind::corrupt, "the page that may hold frame {} cannot be read",
                     sequence);
    return failure(ErrorKind::not_found, "there is no frame {}", sequence);
  }
  const auto open = [&]() -> Status {
    auto fresh = std::make_shared<OpenChunk>();
    fresh->first_sequence = static_cast<std::uint64_t>(chunk.integer(0));
    fresh->last_sequence = static_cast<std::uint64_t>(chunk.integer(1));
    NETREC_TRY(previous, chain_hash(chunk.bytes(2)));
    NETREC_TRY(hash, chain_hash(chunk.bytes(3)));
    fresh->previous = previous;
    fresh->hash = hash;
    fresh->header = chunk.bytes(4);
    fresh->body = chunk.bytes(5);
    NETREC_TRY(reader, ChunkReader::open(fresh->header, fresh->body));
    if (reader.header().first_sequence != fresh->first_sequence ||
        reader.header().last_sequence != fresh->last_sequence)
      return failure(ErrorKind::corrupt, "it holds other frames than its row says");
    NETREC_TRY(times, reader.frame_times());
    fresh->times = std::move(times);
    fresh->reader = std::move(reader);
    opened = std::move(fresh);
    return {};
  };
  opened = nullptr;
  leaps = 0;
  auto done = open();
  chunk.reset();
  if (!done)
    return tl::unexpected<Error>(
        std::move(done).error().while_doing(fmt::format("chunk {}", nearest.key)));
  return {};
}

// Has the chunk that should hold `sequence` in `unpacked`.
Status LogReader::State::unpack_chunk(std::uint64_t sequence) {
  inside = nullptr;
  unpacked = std::make_shared<UnpackedChunk>();
  NETREC_CHECKED(open_chunk(sequence));
  const std::shared_ptr<const OpenChunk> from = std::exchange(opened, nullptr);
  auto frames = from->reader->frames();
  if (!frames)
    return tl::unexpected<Error>(
        std::move(frames).error().while_doing(fmt::format("chunk {}", from->first_sequence)));
  UnpackedChunk fresh;
  fresh.first_sequence = from->first_sequence;
  fresh.last_sequence = from->last_sequence;
  fresh.previous = from->previous;
  fresh.hash = from->hash;
  fresh.frames = *std::move(frames);
  unpacked = std::make_shared<const UnpackedChunk>(std::move(fresh));
  return {};
}

Result<LogEntry> LogReader::State::chunk_entry(std::uint64_t sequence) {
  if (sequence < unpacked->first_sequence || sequence > unpacked->last_sequence ||
      unpacked->frames.empty())
    NETREC_CHECKED(unpack_chunk(sequence));
  inside = unpacked->find(sequence);
  if (inside == nullptr) return failure(ErrorKind::not_found, "there is no frame {}", sequence);
  entry = {};
  entry.header = {
      .kind = FrameKind::delta, .sequence = sequence, .wall = inside->wall, .boot = inside->boot};
  if (sequence == unpacked->first_sequence) entry.previous = unpacked->previous;
  if (sequence == unpacked->last_sequence) entry.hash = unpacked->hash;
  return entry;
}

Result<LogEntry> LogReader::entry(std::uint64_t sequence) {
  // In a walk through a chunk the next frame is mostly there.
  if (state_->unpacked->find(sequence) != nullptr) return state_->chunk_entry(sequence);
  auto row = state_->row_entry(sequence);
  if (row || (row.error().kind != ErrorKind::not_found && row.error().kind != ErrorKind::corrupt))
    return row;
  auto inside = state_->chunk_entry(sequence);
  return inside || row.error().kind == ErrorKind::not_found ? inside : row;
}

Result<std::optional<LogEntry>> LogReader::carry_out(std::uint64_t first, std::uint64_t last,
                                                     const std::optional<ChainHash>& chain,
                                                     Snapshot& state) {
  if (state_->unpacked->find(first) != nullptr) return std::nullopt;
  if (!state_->open_chunk(first) || state_->leaps++ >= kMostLeaps) return std::nullopt;
  const OpenChunk& chunk = *state_->opened;
  last = std::min(last, chunk.last_sequence);
  const std::size_t begin = place_of(first, chunk.times);
  const std::size_t end = place_of(last, chunk.times);
  const std::size_t frames = chunk.times.sequence.size();
  const bool follows = first != chunk.first_sequence || !chain || *chain == chunk.previous;
  if (begin >= frames || end >= frames || end - begin != last - first || !follows ||
      !chunk.reader->can_carry_out())
    return std::nullopt;
  NETREC_TRY(misfits, chunk.reader->carry_out(begin, end + 1, state));
  if (misfits != 0) return failure(ErrorKind::corrupt, "{} lives do not fit", misfits);
  LogEntry entry;
  entry.header = {.kind = FrameKind::delta,
                  .sequence = last,
                  .wall = wall_from(static_cast<std::int64_t>(chunk.times.wall_us[end])),
                  .boot = std::chrono::microseconds(chunk.times.boot_us[end])};
  if (last == chunk.last_sequence) entry.hash = chunk.hash;
  return entry;
}

void LogReader::share_chunk(const LogReader& other) {
  state_->unpacked = other.state_->unpacked;
  state_->opened = other.state_->opened;
  state_->leaps = other.state_->leaps;
  state_->inside = nullptr;
}

std::uint64_t LogReader::chunk_of_entry() const {
  return state_->inside == nullptr ? 0 : state_->unpacked->first_sequence;
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
