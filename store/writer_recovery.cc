// Taking up a file somebody else wrote: where the log ends, what the derived tables do not know
// yet, and the hot frames a killed recorder left.
#include "store/log_reader.h"
#include "store/writer_state.h"

namespace netrec {

namespace {

/// How many ids of each kind frames that cannot be read are thought to have used.
constexpr std::uint64_t kUnreadableIds = 1 << 20;

FrameHeader header_of(const FrameCursor& cursor) {
  const Frame& frame = cursor.frame();
  return {.kind = frame.kind,
          .begins_session = cursor.begins_session(),
          .sequence = frame.sequence,
          .wall = frame.wall,
          .boot = frame.boot};
}

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

// Follows the log from where the derived tables end, and seals what is found hot: afterwards
// everything in memory is as if this process had written the file. One transaction.
Status TimelineWriter::State::catch_up() {
  NETREC_TRY(mark, read_mark(database));
  NETREC_TRY(fresh_index, Index::open(database, mark.next_ids));
  NETREC_TRY(fresh_sealer, Sealer::open(database));
  index.emplace(std::move(fresh_index));
  sealer.emplace(std::move(fresh_sealer));
  if (end.header.sequence == 0) return {};

  FrameCursor cursor(database, end.header.sequence);
  if (mark.sequence != 0) {
    const auto there = cursor.seek_sequence(mark.sequence);
    if (!there || cursor.frame().sequence != mark.sequence) {
      // What lies behind it is unreadable without it: it is left as it is, for `verify` to tell.
      index->skip_ids(kUnreadableIds);
      return {};
    }
    NETREC_CHECKED(index->take_up(cursor.snapshot(), cursor.frame().sequence));
    sealer->take_up(cursor.snapshot(), header_of(cursor), mark.hash);
  }
  if (mark.sequence == end.header.sequence) return {};
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(follow_log(cursor));
  NETREC_CHECKED(sealer->seal());
  NETREC_CHECKED(index->flush(cursor.snapshot(), end.header, end.hash));
  NETREC_CHECKED(database.commit());
  sealer->sealed();
  index->flushed();
  return {};
}

Status TimelineWriter::State::follow_log(FrameCursor& cursor) {
  std::uint64_t expected = cursor.frame().sequence + 1;
  while (true) {
    NETREC_TRY(more, cursor.next());
    if (!more) break;
    const bool after_damage = cursor.frame().sequence != expected;
    if (after_damage || cursor.begins_session()) {
      NETREC_CHECKED(sealer->seal());
      sealer->sealed();
    }
    NETREC_CHECKED(follow_frame(cursor, after_damage));
    expected = cursor.frame().sequence + 1;
  }
  if (!cursor.damage().empty()) index->skip_ids(kUnreadableIds);
  return {};
}

Status TimelineWriter::State::follow_frame(const FrameCursor& cursor, bool after_damage) {
  const Frame& frame = cursor.frame();
  const ChainHash hash = cursor.hash().value_or(ChainHash{});
  if (cursor.begins_session()) {
    NETREC_CHECKED(index->begin_session(cursor.snapshot(), header_of(cursor)));
    sealer->take_up(cursor.snapshot(), header_of(cursor), hash);
  } else if (after_damage) {
    NETREC_CHECKED(index->take_up(cursor.snapshot(), cursor.frame().sequence));
    sealer->take_up(cursor.snapshot(), header_of(cursor), hash);
  } else if (frame.kind == FrameKind::keyframe) {
    sealer->pass_keyframe(header_of(cursor), hash);
  } else {
    NETREC_CHECKED(index->follow(frame, cursor.departed(), cursor.snapshot()));
    sealer->follow(frame, cursor.departed(), hash, 0);
  }
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
