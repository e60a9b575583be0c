#include "store/frame_order.h"

#include <algorithm>

namespace netrec {

FrameOrder::Place FrameOrder::place_of(std::uint64_t sequence, WallTime wall) const {
  return {.time = turned(wall.time_since_epoch().count()),
          .sequence = turned(static_cast<std::int64_t>(sequence))};
}

Result<FrameOrder> FrameOrder::open(const Timeline& timeline, const FrameRange& range,
                                    bool descending) {
  const Database& database = timeline.database();
  NETREC_TRY(chunks, ChunkTable::open(database));
  FrameOrder order(std::move(chunks), range, descending);
  NETREC_CHECKED(order.list_chunks());
  NETREC_CHECKED(order.list_frames(
      database, "SELECT sequence, wall_us FROM keyframe WHERE sequence BETWEEN ? AND ?"));
  NETREC_CHECKED(order.list_frames(
      database, "SELECT sequence, wall_us FROM frame WHERE sequence BETWEEN ? AND ?"));
  return order;
}

// A chunk that begins before the range may reach into it.
Status FrameOrder::list_chunks() {
  NETREC_TRY(listed, table_.list(0, range_.last_sequence, {}, damage_));
  for (const ChunkTable::Listed& chunk : listed) {
    const ChunkRow& row = chunk.row;
    if (row.last_sequence < range_.first_sequence || row.most_wall < range_.from ||
        row.least_wall > range_.to)
      continue;
    const WallTime nearest = descending_ ? row.most_wall : row.least_wall;
    chunks_.push({.place = place_of(descending_ ? row.last_sequence : row.first_sequence, nearest),
                  .listed = chunk});
  }
  return {};
}

Status FrameOrder::list_frames(const Database& database, const char* sql) {
  NETREC_TRY(rows, database.prepare(sql));
  NETREC_TRY(found, rows.first(range_.first_sequence, std::min(range_.last_sequence, kLastKey)));
  for (bool more = found; more;) {
    add_frame(static_cast<std::uint64_t>(rows.integer(0)), rows.integer(1));
    NETREC_TRY(next, rows.next());
    more = next;
  }
  return {};
}

void FrameOrder::add_frame(std::uint64_t sequence, std::int64_t wall_us) {
  const WallTime wall{std::chrono::microseconds(wall_us)};
  if (sequence < range_.first_sequence || sequence > range_.last_sequence || wall < range_.from ||
      wall > range_.to)
    return;
  frames_.push(place_of(sequence, wall));
}

Status FrameOrder::read_chunk() {
  const ChunkTable::Listed listed = chunks_.top().listed;
  chunks_.pop();
  const auto read = [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
    NETREC_TRY(chunk, table_.open_chunk(row, header));
    auto times = chunk.frame_times();
    if (!times) {
      if (times.error().kind != ErrorKind::corrupt)
        return tl::unexpected<Error>(std::move(times).error());
      damage_.push_back(row.damage(std::move(times).error().message));
      return true;
    }
    for (std::size_t i = 0; i < times->sequence.size(); ++i)
      add_frame(times->sequence[i], static_cast<std::int64_t>(times->wall_us[i]));
    return true;
  };
  auto visited = table_.visit(listed, damage_, read);
  if (visited || visited.error().kind != ErrorKind::corrupt) return visited;
  damage_.push_back(listed.row.damage(visited.error().message));
  return {};
}

namespace {

Result<std::uint64_t> first_in_chunk(ChunkTable& table, const ChunkRow& listed, WallTime wall) {
  std::uint64_t found = listed.first_sequence;
  std::vector<Damage> told_later;
  const auto read = [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
    NETREC_TRY(chunk, table.open_chunk(row, header));
    NETREC_TRY(times, chunk.frame_times());
    const auto from = static_cast<std::uint64_t>(wall.time_since_epoch().count());
    for (std::size_t i = 0; i < times.sequence.size(); ++i)
      if (times.wall_us[i] >= from) {
        found = times.sequence[i];
        break;
      }
    return true;
  };
  const auto visited = table.visit({.row = listed}, told_later, read);
  if (!visited && visited.error().kind != ErrorKind::corrupt)
    return tl::unexpected<Error>(visited.error());
  return found;
}

}  // namespace

Result<std::uint64_t> first_sequence_from(const Timeline& timeline, WallTime wall) {
  // Before 1970 is before all.
  wall = std::max(wall, WallTime{});
  const Database& database = timeline.database();
  std::uint64_t first = 0;
  NETREC_TRY(rows, database.prepare("SELECT min(sequence) FROM"
                                    " (SELECT sequence FROM keyframe WHERE wall_us >= ?1"
                                    "  UNION ALL SELECT sequence FROM frame WHERE wall_us >= ?1)"));
  const auto from_us = static_cast<std::uint64_t>(wall.time_since_epoch().count());
  NETREC_TRY(found, rows.first(from_us));
  if (found && !rows.is_null(0)) first = static_cast<std::uint64_t>(rows.integer(0));
  NETREC_TRY(table, ChunkTable::open(database));
  std::vector<Damage> told_later;
  NETREC_TRY(chunks, table.list(0, first == 0 ? kLastKey : first, {}, told_later));
  const auto chunk = std::find_if(chunks.begin(), chunks.end(),
                                  [&](const auto& listed) { return listed.row.most_wall >= wall; });
  if (chunk == chunks.end()) return first;
  NETREC_TRY(in_chunk, first_in_chunk(table, chunk->row, wall));
  return first == 0 ? in_chunk : std::min(first, in_chunk);
}

Result<std::optional<FrameRun>> FrameOrder::next() {
  std::optional<FrameRun> run;
  for (;;) {
    const bool is_chunk_next =
        !chunks_.empty() && (frames_.empty() || !(chunks_.top().place > frames_.top()));
    // What there is of a run is read first: whoever reads it may want no more.
    if (is_chunk_next && run) return run;
    if (is_chunk_next) {
      NETREC_CHECKED(read_chunk());
      continue;
    }
    if (frames_.empty()) return run;
    const auto sequence = static_cast<std::uint64_t>(turned(frames_.top().sequence));
    if (!run)
      run = {.first = sequence, .last = sequence};
    else if (!descending_ && sequence == run->last + 1)
      run->last = sequence;
    else if (descending_ && sequence + 1 == run->first)
      run->first = sequence;
    else
      return run;
    frames_.pop();
  }
}

}  // namespace netrec
