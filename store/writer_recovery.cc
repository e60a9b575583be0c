// Taking up a file somebody else wrote: where the log ends, what the derived tables do not know
// yet, and the hot frames a killed recorder left.
#include <algorithm>

#include "store/log_reader.h"
#include "store/writer_state.h"

namespace netrec {

namespace {

/// How many ids of each kind frames that cannot be read are thought to have used.
constexpr std::uint64_t kUnreadableIds = 1 << 20;

}  // namespace

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
  if (!entry.hash) return failure(ErrorKind::corrupt, "the log's end cannot be read");
  end = {.header = entry.header, .hash = *entry.hash};
  return {};
}

// The frame before the first hot one; the last frame if there is none. Older ones, that no chunk
// could hold, lie before the last chunk.
Result<std::uint64_t> TimelineWriter::State::before_hot_frames() const {
  NETREC_TRY(query, database.prepare(
                        "SELECT min(sequence) FROM frame WHERE sequence > ifnull((SELECT"
                        " last_sequence FROM chunk ORDER BY first_sequence DESC LIMIT 1), 0)"));
  NETREC_TRY(found, query.first());
  const auto first = found ? static_cast<std::uint64_t>(query.integer(0)) : 0;
  return first == 0 ? end.header.sequence : first - 1;
}

// Follows the log from where the derived tables end, or the chunks, if that is earlier: a killed
// recorder leaves either. Seals what is found hot: afterwards everything in memory is as if this
// process had written the file. One transaction.
Status TimelineWriter::State::catch_up() {
  NETREC_TRY(mark, read_mark(database));
  NETREC_TRY(fresh_index, Index::open(database, mark.next_ids));
  NETREC_TRY(fresh_sealer, Sealer::open(database));
  index.emplace(std::move(fresh_index));
  sealer.emplace(std::move(fresh_sealer));
  if (end.header.sequence == 0) return {};

  FrameCursor cursor(database, end.header.sequence);
  NETREC_TRY(sealed, before_hot_frames());
  const Known known{.tables = mark.sequence, .sealer = sealed};
  const std::uint64_t start = std::min(mark.sequence, sealed);
  flushed_at = end.header.boot;
  if (start != 0) {
    const auto there = cursor.seek_sequence(start);
    const bool is_cut = mark.sequence > end.header.sequence;
    if (!there || is_cut || cursor.frame().sequence != start) {
      // What lies behind it is unreadable without it: it is left as it is, for `verify` to tell.
      index->skip_ids(kUnreadableIds);
      return {};
    }
    const ChainHash hash = start == mark.sequence ? mark.hash : cursor.hash().value_or(ChainHash{});
    if (start == known.tables) NETREC_CHECKED(index->take_up(cursor.snapshot(), start));
    if (start == known.sealer)
      sealer->take_up(cursor.snapshot(), header_of(cursor.frame(), cursor.begins_session()), hash);
  }
  if (start == end.header.sequence) return {};
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(follow_log(cursor, known));
  NETREC_CHECKED(seal_found());
  NETREC_CHECKED(index->flush(cursor.snapshot(), end.header, end.hash));
  NETREC_CHECKED(database.commit());
  index->flushed();
  return {};
}

// Within the transaction of a recovery, which is begun anew as a whole if it fails.
Status TimelineWriter::State::seal_found() {
  NETREC_CHECKED(sealer->begin(Sealing::here));
  if (sealer->is_sealing()) NETREC_CHECKED(sealer->install());
  sealer->installed();
  return {};
}

Status TimelineWriter::State::follow_log(FrameCursor& cursor, const Known& known) {
  std::uint64_t expected = cursor.frame().sequence + 1;
  while (true) {
    NETREC_TRY(more, cursor.next());
    if (!more) break;
    const bool after_damage = cursor.frame().sequence != expected;
    if (after_damage || cursor.begins_session()) NETREC_CHECKED(seal_found());
    NETREC_CHECKED(follow_frame(cursor, known, after_damage));
    expected = cursor.frame().sequence + 1;
  }
  if (!cursor.damage().empty()) index->skip_ids(kUnreadableIds);
  return {};
}

Status TimelineWriter::State::follow_frame(const FrameCursor& cursor, const Known& known,
                                           bool after_damage) {
  const Frame& frame = cursor.frame();
  const FrameHeader header = header_of(frame, cursor.begins_session());
  const ChainHash hash = cursor.hash().value_or(ChainHash{});
  const bool begins = cursor.begins_session() || after_damage;
  if (frame.sequence == known.sealer || (frame.sequence > known.sealer && begins))
    sealer->take_up(cursor.snapshot(), header, hash);
  else if (frame.sequence > known.sealer && frame.kind == FrameKind::keyframe)
    sealer->pass_keyframe(header, hash);
  else if (frame.sequence > known.sealer)
    sealer->follow(frame, cursor.departed(), hash, 0);

  const bool is_news = frame.sequence > known.tables;
  if (is_news && cursor.begins_session()) return index->begin_session(cursor.snapshot(), header);
  if (frame.sequence == known.tables || (is_news && after_damage))
    return index->take_up(cursor.snapshot(), frame.sequence);
  if (is_news && frame.kind == FrameKind::delta)
    return index->follow(frame, cursor.departed(), cursor.snapshot());
  return {};
}

Status TimelineWriter::State::read_resume() {
  const NextIds& ids = index->next_ids();
  resume = {};
  resume.last_sequence = end.header.sequence;
  resume.last_wall = end.header.wall;
  resume.last_boot = end.header.boot;
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

}  // namespace netrec
