#include "store/chain_proof.h"

#include <algorithm>

#include "store/chunk.h"
#include "store/index.h"

namespace netrec {

Result<ChainProof> ChainProof::open(const Database& database) {
  NETREC_TRY(log, LogReader::open(database));
  NETREC_TRY(chunk, database.prepare("SELECT last_sequence, frames, least_wall_us, most_wall_us,"
                                     " header, body FROM chunk WHERE first_sequence = ?"));
  ChainProof proof(database, std::move(log), std::move(chunk));
  NETREC_CHECKED(proof.read_beginning());
  return proof;
}

Status ChainProof::read_beginning() {
  before_ = {ChainHash{}};
  NETREC_TRY(pruned, database_->prepare("SELECT last_sequence, hash, last_wall_us FROM pruned"));
  auto found = pruned.first();
  if (!found && found.error().kind == ErrorKind::corrupt) {
    // How much retention dropped is not known: the rest is proved from its beginning.
    damage_.push_back({.what = "what retention dropped cannot be read: " + found.error().message});
    NETREC_TRY(first, log_.first_sequence());
    pruned_up_to_ = first == 0 ? 0 : first - 1;
    before_.clear();
    return {};
  }
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  if (!*found) return {};
  pruned_up_to_ = static_cast<std::uint64_t>(pruned.integer(0));
  wall_ = WallTime(std::chrono::microseconds(pruned.integer(2)));
  const auto hash = chain_hash(pruned.bytes(1));
  before_.clear();
  if (hash) before_ = {*hash};
  return {};
}

// Notes frames `first` to `last` as lost. Where that leaves the state unknown, the loss goes on to
// the next keyframe, and bad frames before it say nothing new.
Status ChainProof::damaged(std::uint64_t first, std::uint64_t last, std::string what) {
  NETREC_TRY(keyframe, log_.keyframe_after(last));
  Damage found{.first_sequence = first,
               .last_sequence = keyframe == 0 ? std::max(last, first) : keyframe - 1,
               .from = wall_,
               .to = wall_,
               .what = std::move(what)};
  const std::uint64_t end = keyframe == 0 ? found.last_sequence : keyframe;
  if (const auto wall = log_.wall_of(end, LogReader::Side::after)) found.to = *wall;
  if (found.from == WallTime{})
    if (const auto wall = log_.wall_of(first, LogReader::Side::before)) found.from = *wall;
  if (!damage_.empty() && damage_.back().last_sequence >= first && keyframe != 0) return {};
  damage_.push_back(std::move(found));
  return {};
}

void ChainProof::accept(const LogEntry& entry, const ChainHash& hash) {
  before_ = {hash};
  chain_ = hash;
  wall_ = entry.header.wall;
  ++sound_;
}

Status ChainProof::check_row(const LogEntry& entry) {
  NETREC_TRY(canonical, log_.canonical());
  std::vector<ChainHash> after;
  for (const ChainHash& before : before_) {
    const ChainHash hash = next_hash(before, entry.header, canonical);
    const bool follows = !entry.previous || *entry.previous == before;
    if (follows && hash == *entry.hash) {
      accept(entry, hash);
      return {};
    }
    after.push_back(hash);
  }
  after.push_back(*entry.hash);
  before_ = std::move(after);
  return failure(ErrorKind::corrupt, "frame {} is not what the chain says", entry.header.sequence);
}

// What stands in a chunk's row and header beside the frames, and the columns frames are not made
// of.
Status ChainProof::check_chunk_row(std::uint64_t first_sequence) {
  if (checked_chunk_ == first_sequence) return {};
  checked_chunk_ = first_sequence;
  auto found = chunk_.first(first_sequence);
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  if (!*found) return failure(ErrorKind::corrupt, "chunk {} is gone", first_sequence);
  const auto check = [&]() -> Status {
    const std::string_view body = chunk_.bytes(5);
    NETREC_TRY(reader, ChunkReader::open(chunk_.bytes(4), body));
    const ChunkHeader& header = reader.header();
    if (static_cast<std::uint64_t>(chunk_.integer(1)) != header.frames ||
        static_cast<std::uint64_t>(chunk_.integer(2)) != header.first_wall_us ||
        static_cast<std::uint64_t>(chunk_.integer(3)) != header.last_wall_us)
      return failure(ErrorKind::corrupt, "chunk {}: its row and its header differ", first_sequence);
    NETREC_TRY(times, reader.frame_times());
    const auto [least, most] = std::minmax_element(times.wall_us.begin(), times.wall_us.end());
    if (*least != header.first_wall_us || *most != header.last_wall_us)
      return failure(ErrorKind::corrupt, "chunk {}: its times are others", first_sequence);
    for (const ColumnEntry& column : header.directory)
      if (header.column_checksum(body.substr(column.offset, column.size)) != column.checksum)
        return failure(ErrorKind::corrupt, "chunk {}: a column is damaged", first_sequence);
    return {};
  };
  auto checked = check();
  chunk_.reset();
  return checked;
}

Status ChainProof::check_in_chunk(const LogEntry& entry) {
  const std::uint64_t chunk = log_.chunk_of_entry();
  NETREC_TRY(canonical, log_.canonical());
  if (before_.empty()) return failure(ErrorKind::corrupt, "the chain before it is not known");
  ChainHash before = before_.front();
  if (entry.previous &&
      std::find(before_.begin(), before_.end(), *entry.previous) == before_.end()) {
    before_ = {*entry.previous};
    return failure(ErrorKind::corrupt, "chunk {} does not follow the frame before it", chunk);
  }
  if (entry.previous) before = *entry.previous;
  const ChainHash hash = next_hash(before, entry.header, canonical);
  if (entry.hash && *entry.hash != hash) {
    before_ = {*entry.hash, hash};
    return failure(ErrorKind::corrupt, "chunk {} is not what the chain says", chunk);
  }
  accept(entry, hash);
  return check_chunk_row(chunk);
}

Status ChainProof::check_frame(std::uint64_t sequence) {
  const auto entry = log_.entry(sequence);
  if (!entry) return tl::unexpected<Error>(entry.error());
  return log_.chunk_of_entry() == 0 ? check_row(*entry) : check_in_chunk(*entry);
}

Status ChainProof::run(const Step& step) {
  NETREC_TRY(last, log_.last_sequence());
  std::uint64_t sequence = pruned_up_to_ + 1;
  std::uint64_t seen = 0;
  while (sequence <= last) {
    const auto checked = check_frame(sequence);
    if (checked || checked.error().kind == ErrorKind::corrupt) ++seen;
    if (!step()) return failure(ErrorKind::busy, "interrupted");
    if (checked) {
      ++sequence;
      continue;
    }
    if (checked.error().kind != ErrorKind::corrupt && checked.error().kind != ErrorKind::not_found)
      return checked;
    NETREC_TRY(next, log_.sequence_after(sequence));
    const std::uint64_t resume = next != 0 ? next : last + 1;
    const bool is_gone = checked.error().kind == ErrorKind::not_found;
    if (is_gone) before_.clear();
    NETREC_CHECKED(damaged(sequence, resume - 1, checked.error().message));
    sequence = resume;
  }
  NETREC_CHECKED(check_mark(last));
  return damage_.empty() ? check_totals(last, seen) : Status{};
}

// The mark tells how long the log was when it was last sealed: a shorter one was cut.
Status ChainProof::check_mark(std::uint64_t last) {
  const auto mark = read_mark(*database_);
  if (!mark) return damaged(last + 1, last, mark.error().message);
  if (mark->sequence > last)
    return damaged(last + 1, mark->sequence,
                   fmt::format("the log ended with frame {} once", mark->sequence));
  return {};
}

// Rows nobody came by are not of this log.
Status ChainProof::check_totals(std::uint64_t last, std::uint64_t seen) {
  NETREC_TRY(totals, database_->prepare("SELECT (SELECT count(*) FROM frame) +"
                                        "       (SELECT count(*) FROM keyframe) +"
                                        "       (SELECT total(frames) FROM chunk)"));
  const auto found = totals.first();
  if (!found && found.error().kind == ErrorKind::corrupt)
    return damaged(last + 1, last + 1,
                   fmt::format("frames after {} may be lost: {}", last, found.error().message));
  if (!found) return tl::unexpected<Error>(found.error());
  const auto rows = *found ? static_cast<std::uint64_t>(totals.integer(0)) : 0;
  if (rows != seen)
    damage_.push_back(
        {.what = fmt::format("there are {} frames in the file, {} in the chain", rows, seen)});
  return {};
}

}  // namespace netrec
