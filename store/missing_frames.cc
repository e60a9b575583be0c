#include "store/missing_frames.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/key_finder.h"
#include "store/read_transaction.h"

namespace netrec {

namespace {

WallTime wall_of(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(std::max<std::int64_t>(microseconds, 0)));
}

/// Sequences that are there, one after the other.
struct Run {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  WallTime from{};
  WallTime to{};
};

/// Frames there are, as far as the indices over what the log spans say (the tables, where a file
/// has none); 0: it cannot be told.
Result<std::uint64_t> count_frames(const Database& database) {
  NETREC_TRY(count, database.prepare("SELECT (SELECT count(*) FROM frame) +"
                                     "       (SELECT count(*) FROM keyframe) +"
                                     "       (SELECT total(frames) FROM chunk)"));
  const auto found = count.first();
  if (!found && found.error().kind == ErrorKind::corrupt) return 0;
  if (!found) return tl::unexpected<Error>(found.error());
  return *found ? static_cast<std::uint64_t>(std::max<std::int64_t>(0, count.integer(0))) : 0;
}

/// The rows of a table of the log; those that cannot be read are not there.
Status add_runs(const Database& database, std::string_view table, std::string_view key,
                std::string_view columns, std::vector<Run>& runs) {
  NETREC_TRY(rows, database.prepare(fmt::format("SELECT {0}, {1} FROM {2} NOT INDEXED"
                                                " WHERE {0} BETWEEN ? AND ? ORDER BY {0}",
                                                key, columns, table)));
  NETREC_TRY(keys, KeyFinder::open(database, table, key));
  const auto add = [&]() -> Result<bool> {
    runs.push_back({.first = static_cast<std::uint64_t>(rows.integer(0)),
                    .last = static_cast<std::uint64_t>(rows.integer(1)),
                    .from = wall_of(rows.integer(2)),
                    .to = wall_of(rows.integer(3))});
    return true;
  };
  return read_rows(rows, keys, 1, kLastKey, add, [](std::uint64_t, std::uint64_t) {});
}

/// False: there may be frames after the last one that can be read.
Result<bool> reads_the_end(const Database& database) {
  constexpr std::pair<std::string_view, std::string_view> kLog[] = {
      {"frame", "sequence"}, {"keyframe", "sequence"}, {"chunk", "first_sequence"}};
  for (const auto& [table, key] : kLog) {
    NETREC_TRY(keys, KeyFinder::open(database, table, key));
    NETREC_TRY(last, keys.at_or_before(kLastKey));
    if (last.past_damage) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<Damage>> missing_frames(const Timeline& timeline) {
  const TimelineSummary& summary = timeline.summary();
  const Database& database = timeline.database();
  std::vector<Damage> holes;
  NETREC_TRY(transaction, ReadTransaction::begin(database));
  const auto note_end = [&](std::string what) {
    holes.push_back({summary.last_sequence + 1, summary.last_sequence + 1, summary.last_wall,
                     summary.last_wall + std::chrono::microseconds(1), std::move(what)});
  };
  NETREC_TRY(end_is_known, reads_the_end(database));
  if (database.cut_bytes() > 0)
    note_end(fmt::format("the file is cut off: its last {} bytes of {} are not there",
                         database.cut_bytes(), database.cut_bytes() + summary.file_bytes));
  else if (!end_is_known)
    note_end("a page of the file cannot be read: frames may be lost at its end");
  if (!database.reads_write_ahead_log())
    note_end(
        "the recorder's last frames lie in the write-ahead log beside the file, which cannot be "
        "read here: copy both to where files can be made");
  if (summary.last_sequence == 0) return holes;
  NETREC_TRY(frames, count_frames(database));
  const bool is_cut = database.cut_bytes() > 0;
  // The indices of a file that is cut off may know what is beyond the cut.
  if (frames == summary.last_sequence - summary.first_sequence + 1 && !is_cut) return holes;
  std::vector<Run> runs;
  // To reach a blob's last byte is to see that all its pages are there.
  const auto whole = [is_cut](std::string columns, std::string_view blob) {
    return is_cut ? fmt::format("{}, substr({}, -1)", columns, blob) : columns;
  };
  // A chunk's run of sequences includes the keyframes in between.
  NETREC_CHECKED(add_runs(database, "chunk", "first_sequence",
                          whole("last_sequence, least_wall_us, most_wall_us", "body"), runs));
  for (const std::string_view table : {"keyframe", "frame"})
    NETREC_CHECKED(
        add_runs(database, table, "sequence", whole("sequence, wall_us, wall_us", "data"), runs));
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
  std::uint64_t covered = summary.first_sequence - 1;
  WallTime reached = summary.first_wall;
  for (const Run& run : runs) {
    if (run.first > covered + 1)
      holes.push_back(
          {covered + 1, run.first - 1, reached, run.from, "these frames are not in the file"});
    if (run.last <= covered) continue;
    covered = run.last;
    reached = run.to;
  }
  if (covered < summary.last_sequence)
    holes.push_back({covered + 1, summary.last_sequence, reached, summary.last_wall,
                     "these frames are not in the file"});
  return holes;
}

}  // namespace netrec
