#include "store/sealer.h"

#include <algorithm>

#include "store/frame_codec.h"
#include "store/log_reader.h"

namespace netrec {

namespace {

/// Frames are kept in memory until they are sealed if each is so long at least, and all together so
/// long at most: those of a busy host for some seconds, those of an idle one for an hour not.
constexpr std::size_t kLeastKeptBytes = 256 << 10;
constexpr std::size_t kMostKeptBytes = 48 << 20;

}  // namespace

Result<Sealer> Sealer::open(const Database& database) {
  NETREC_TRY(read, database.prepare("SELECT sequence, wall_us, boot_us, data FROM frame"
                                    " WHERE sequence BETWEEN ? AND ? ORDER BY sequence"));
  NETREC_TRY(insert, database.prepare("INSERT INTO chunk (first_sequence, last_sequence, frames,"
                                      " least_wall_us, most_wall_us, previous_hash, hash, header,"
                                      " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  NETREC_TRY(erase, database.prepare("DELETE FROM frame WHERE sequence BETWEEN ? AND ?"));
  NETREC_TRY(search, SearchWriter::open(database));
  return Sealer(std::move(read), std::move(insert), std::move(erase), std::move(search));
}

void Sealer::take_up(const Snapshot& snapshot, const FrameHeader& header, const ChainHash& hash) {
  NETREC_CHECK(!is_sealing(), "what one chunk hands on to the next is being used");
  carry_->begin(snapshot);
  session_ = 0;
  for (const Session& row : snapshot.of<Session>()) session_ = std::max(session_, row.id);
  before_ = last_ = {.sequence = header.sequence, .wall = header.wall, .hash = hash};
  hot_frames_ = hot_bytes_ = 0;
  kept_.clear();
  opened_.clear();
  departed_ = {};
}

void Sealer::follow(const Frame& frame, std::span<const Socket> departed, const ChainHash& hash,
                    std::size_t stored_bytes, std::string canonical) {
  if (hot_frames_ == 0) {
    first_hot_ = frame.sequence;
    kept_bytes_ = 0;
  }
  kept_bytes_ += canonical.size();
  if (kept_.size() == hot_frames_ && canonical.size() >= kLeastKeptBytes &&
      kept_bytes_ <= kMostKeptBytes)
    kept_.push_back({.sequence = frame.sequence,
                     .wall = frame.wall,
                     .boot = frame.boot,
                     .data = std::move(canonical)});
  else
    kept_ = {};
  ++hot_frames_;
  hot_bytes_ += stored_bytes;
  for (const Socket& row : frame.delta.of<Socket>().opened) opened_.insert(row.cookie);
  for (const Socket& row : departed)
    if (!opened_.contains(row.cookie)) departed_.add(row);
  last_ = last_delta_ = {.sequence = frame.sequence, .wall = frame.wall, .hash = hash};
}

void Sealer::pass_keyframe(const FrameHeader& header, const ChainHash& hash) {
  last_ = {.sequence = header.sequence, .wall = header.wall, .hash = hash};
  if (hot_frames_ == 0) before_ = last_;
}

Result<std::vector<Sealer::Stored>> Sealer::take_frames() {
  std::vector<Stored> kept = std::exchange(kept_, {});
  if (kept.size() == hot_frames_) return kept;
  return read_frames();
}

Result<std::vector<Sealer::Stored>> Sealer::read_frames() {
  std::vector<Stored> frames;
  NETREC_TRY(more, read_.first(first_hot_, last_delta_.sequence));
  while (more) {
    frames.push_back({.sequence = static_cast<std::uint64_t>(read_.integer(0)),
                      .wall = WallTime(std::chrono::microseconds(read_.integer(1))),
                      .boot = std::chrono::microseconds(read_.integer(2)),
                      .data = std::string(read_.bytes(3)),
                      .packed = true});
    NETREC_TRY(next, read_.next());
    more = next;
  }
  return frames;
}

// Also hands on to the next chunk, whether or not this one can be made: its frames are past.
Result<EncodedChunk> Sealer::encode(Run& run, ChunkCarry& carry) {
  std::vector<Frame> frames;
  for (Stored& stored : run.stored) {
    if (stored.packed) {
      NETREC_TRY(canonical, unpack_frame(stored.data));
      stored.data = std::move(canonical);
    }
    NETREC_TRY(delta, decode_delta(stored.data));
    Frame frame;
    frame.sequence = stored.sequence;
    frame.wall = stored.wall;
    frame.boot = stored.boot;
    frame.delta = std::move(delta);
    frames.push_back(std::move(frame));
    stored.data = {};
  }
  NETREC_TRY(departed, run.departed.take());
  auto chunk = encode_chunk({.session = run.session,
                             .first_sequence = run.first,
                             .last_sequence = run.last.sequence,
                             .previous_wall = run.before.wall,
                             .frames = frames,
                             .departed = departed,
                             .carry = &carry});
  carry.advance(frames, run.before.wall, chunk ? &chunk->transitions : nullptr);
  if (chunk) chunk->transitions = {};
  return chunk;
}

Status Sealer::begin(Sealing where) {
  NETREC_CHECK(!is_sealing(), "one chunk at a time");
  if (hot_frames_ == 0) return {};
  NETREC_TRY(stored, take_frames());
  auto run = std::make_unique<Run>();
  run->session = session_;
  run->first = first_hot_;
  run->before = before_;
  run->last = last_delta_;
  run->stored = std::move(stored);
  run->departed = std::exchange(departed_, {});
  before_ = last_;
  hot_frames_ = hot_bytes_ = 0;
  opened_.clear();
  run_ = std::move(run);
  // Where no thread is to be had, it is encoded when it is asked for.
  const auto policy =
      where == Sealing::aside ? std::launch::async | std::launch::deferred : std::launch::deferred;
  run_->encoding = std::async(policy, encode, std::ref(*run_), std::ref(*carry_));
  return {};
}

bool Sealer::is_ready() const {
  return run_->chunk ||
         run_->encoding.wait_for(std::chrono::seconds(0)) != std::future_status::timeout;
}

Status Sealer::install() {
  Run& run = *run_;
  if (!run.chunk) run.chunk = run.encoding.get();
  const Result<EncodedChunk>& chunk = *run.chunk;
  if (!chunk && chunk.error().kind == ErrorKind::invalid_argument) return {};
  if (!chunk) return tl::unexpected<Error>(chunk.error());
  if (run.stored.empty()) return {};
  const auto [least, most] =
      std::minmax_element(run.stored.begin(), run.stored.end(),
                          [](const Stored& a, const Stored& b) { return a.wall < b.wall; });
  // First, so that the chunk takes their room.
  NETREC_CHECKED(erase_.run(run.first, run.last.sequence));
  NETREC_CHECKED(
      insert_.run(run.first, run.last.sequence, run.stored.size(),
                  least->wall.time_since_epoch().count(), most->wall.time_since_epoch().count(),
                  SqlValue::blob(run.before.hash.view()), SqlValue::blob(run.last.hash.view()),
                  SqlValue::blob(chunk->header), SqlValue::blob(chunk->body)));
  NETREC_CHECKED(search_.add(run.first, chunk->keys));
  run.has_keys = true;
  return {};
}

void Sealer::installed() {
  if (run_ && run_->has_keys) search_.added();
  run_.reset();
}

}  // namespace netrec
