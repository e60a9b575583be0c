#include "store/sealer.h"

#include <algorithm>

#include "store/chunk.h"
#include "store/frame_codec.h"
#include "store/log_reader.h"

namespace netrec {

Result<Sealer> Sealer::open(const Database& database) {
  NETREC_TRY(read, database.prepare("SELECT sequence, wall_us, boot_us, data FROM frame"
                                    " WHERE sequence BETWEEN ? AND ? ORDER BY sequence"));
  NETREC_TRY(insert, database.prepare("INSERT INTO chunk (first_sequence, last_sequence, frames,"
                                      " least_wall_us, most_wall_us, previous_hash, hash, header,"
                                      " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  NETREC_TRY(erase, database.prepare("DELETE FROM frame WHERE sequence BETWEEN ? AND ?"));
  return Sealer(std::move(read), std::move(insert), std::move(erase));
}

void Sealer::take_up(const Snapshot& snapshot, const FrameHeader& header, const ChainHash& hash) {
  carry_.begin(snapshot);
  session_ = 0;
  for (const Session& row : snapshot.of<Session>()) session_ = std::max(session_, row.id);
  before_ = last_ = {.sequence = header.sequence, .wall = header.wall, .hash = hash};
  hot_frames_ = hot_bytes_ = 0;
  opened_.clear();
  departed_.clear();
}

void Sealer::follow(const Frame& frame, std::span<const Socket> departed, const ChainHash& hash,
                    std::size_t stored_bytes) {
  if (hot_frames_ == 0) first_hot_ = frame.sequence;
  ++hot_frames_;
  hot_bytes_ += stored_bytes;
  for (const Socket& row : frame.delta.of<Socket>().opened) opened_.insert(row.cookie);
  for (const Socket& row : departed)
    if (!opened_.contains(row.cookie)) departed_.push_back(row);
  last_ = last_delta_ = {.sequence = frame.sequence, .wall = frame.wall, .hash = hash};
}

void Sealer::pass_keyframe(const FrameHeader& header, const ChainHash& hash) {
  last_ = {.sequence = header.sequence, .wall = header.wall, .hash = hash};
  if (hot_frames_ == 0) before_ = last_;
}

Result<std::vector<Frame>> Sealer::read_frames() {
  std::vector<Frame> frames;
  NETREC_TRY(more, read_.first(first_hot_, last_delta_.sequence));
  while (more) {
    Frame frame;
    frame.sequence = static_cast<std::uint64_t>(read_.integer(0));
    frame.wall = WallTime(std::chrono::microseconds(read_.integer(1)));
    frame.boot = std::chrono::microseconds(read_.integer(2));
    NETREC_TRY(canonical, unpack_frame(read_.bytes(3)));
    NETREC_TRY(delta, decode_delta(canonical));
    frame.delta = std::move(delta);
    frames.push_back(std::move(frame));
    NETREC_TRY(next, read_.next());
    more = next;
  }
  return frames;
}

Status Sealer::seal() {
  NETREC_TRY(frames, read_frames());
  being_sealed_ = std::move(frames);
  if (being_sealed_.empty()) return {};
  const auto chunk = encode_chunk({.session = session_,
                                   .first_sequence = first_hot_,
                                   .last_sequence = last_delta_.sequence,
                                   .previous_wall = before_.wall,
                                   .frames = being_sealed_,
                                   .departed = departed_,
                                   .carry = &carry_});
  if (!chunk && chunk.error().kind == ErrorKind::invalid_argument) return {};
  if (!chunk) return tl::unexpected<Error>(chunk.error());
  const auto [least, most] =
      std::minmax_element(being_sealed_.begin(), being_sealed_.end(),
                          [](const Frame& a, const Frame& b) { return a.wall < b.wall; });
  // First, so that the chunk takes their room.
  NETREC_CHECKED(erase_.run(first_hot_, last_delta_.sequence));
  return insert_.run(first_hot_, last_delta_.sequence, being_sealed_.size(),
                     least->wall.time_since_epoch().count(), most->wall.time_since_epoch().count(),
                     SqlValue::blob(before_.hash.view()), SqlValue::blob(last_delta_.hash.view()),
                     SqlValue::blob(chunk->header), SqlValue::blob(chunk->body));
}

void Sealer::sealed() {
  carry_.advance(being_sealed_, before_.wall);
  being_sealed_ = {};
  before_ = last_;
  hot_frames_ = hot_bytes_ = 0;
  opened_.clear();
  departed_.clear();
}

}  // namespace netrec
