#include "store/retention.h"

#include <algorithm>

namespace netrec {

namespace {

/// The file is cut in steps of about this part of its limits.
constexpr int kSteps = 16;
/// Steps in one go; the rest follows at the next sealing.
constexpr int kMostStepsAtOnce = 8;

std::int64_t us(WallTime wall) { return wall.time_since_epoch().count(); }
WallTime wall_from(std::int64_t at_us) { return WallTime(std::chrono::microseconds(at_us)); }

/// Where the log could begin, if everything before were dropped.
struct Cut {
  std::uint64_t sequence = 0;  // of a keyframe; 0: there is no such place
  std::int64_t wall_us = 0;
};

// The second keyframe that no chunk spans and no hot frame lies before, and that the derived tables
// know: what they do not is followed from the log once more.
Result<Cut> next_cut(const Database& database) {
  NETREC_TRY(query, database.prepare(R"sql(
    SELECT sequence, wall_us FROM keyframe AS k
     WHERE sequence > (SELECT min(sequence) FROM keyframe)
       AND NOT EXISTS (SELECT 1 FROM chunk
                        WHERE first_sequence < k.sequence AND last_sequence > k.sequence)
       AND sequence <= (SELECT sequence FROM mark)
     ORDER BY sequence LIMIT 1)sql"));
  NETREC_TRY(found, query.first());
  if (!found) return Cut{};
  return Cut{static_cast<std::uint64_t>(query.integer(0)), query.integer(1)};
}

Result<bool> is_beyond_limits(const Database& database, const WriterOptions& options,
                              const Cut& cut, WallTime now) {
  if (options.max_age.count() != 0 && us(now - options.max_age) > cut.wall_us) return true;
  if (options.max_size_bytes == 0) return false;
  // Room for the next step: hot frames, their keyframe, and for a moment the chunk they become.
  NETREC_TRY(used, database.used_bytes());
  return used > options.max_size_bytes - 3 * (options.max_size_bytes / kSteps);
}

/// Of groups that are gone altogether.
constexpr const char* kErasePages =
    "DELETE FROM search_page WHERE id <"
    " ifnull((SELECT min(number) FROM search_group WHERE last_sequence >= ?),"
    "        (SELECT max(number) + 1 FROM search_group)) << 32";

Result<Pruned> drop_before(const Database& database, const Cut& cut) {
  Pruned pruned;
  pruned.to = wall_from(cut.wall_us);
  NETREC_TRY(totals, database.prepare(R"sql(
    SELECT (SELECT count(*) FROM keyframe WHERE sequence < ?1) +
           (SELECT count(*) FROM frame WHERE sequence < ?1) +
           (SELECT total(frames) FROM chunk WHERE last_sequence < ?1),
           (SELECT wall_us FROM keyframe ORDER BY sequence LIMIT 1))sql"));
  NETREC_TRY(found, totals.first(cut.sequence));
  if (found) pruned.frames = static_cast<std::uint64_t>(totals.integer(0));
  if (found) pruned.from = wall_from(totals.integer(1));
  totals.reset();
  NETREC_TRY(link, database.prepare(R"sql(
    INSERT INTO pruned (id, first_wall_us, last_wall_us, last_sequence, hash)
      SELECT 1, ?2, wall_us, sequence - 1, previous_hash FROM keyframe WHERE sequence = ?1
    ON CONFLICT (id) DO UPDATE SET last_wall_us = excluded.last_wall_us,
      last_sequence = excluded.last_sequence, hash = excluded.hash)sql"));
  NETREC_CHECKED(link.run(cut.sequence, us(pruned.from)));
  for (const std::string_view sql :
       {"DELETE FROM chunk WHERE last_sequence < ?", "DELETE FROM keyframe WHERE sequence < ?",
        "DELETE FROM frame WHERE sequence < ?", "DELETE FROM search_chunk WHERE first_sequence < ?",
        kErasePages, "DELETE FROM search_group WHERE last_sequence < ?"}) {
    NETREC_TRY(erase, database.prepare(sql));
    NETREC_CHECKED(erase.run(cut.sequence));
  }
  return pruned;
}

// What ended before the log begins is known from nowhere any more.
Status drop_derived(const Database& database, std::int64_t wall_us) {
  for (const std::string_view sql :
       {"DELETE FROM process WHERE ended_us < ?", "DELETE FROM destination WHERE last_seen_us < ?",
        "DELETE FROM listener WHERE stopped_us < ?", "DELETE FROM session WHERE ended_us < ?",
        "DELETE FROM gap WHERE to_us < ?", "DELETE FROM interface WHERE last_seen_us < ?"}) {
    NETREC_TRY(erase, database.prepare(sql));
    NETREC_CHECKED(erase.run(wall_us));
  }
  return {};
}

}  // namespace

bool is_kept_short(const WriterOptions& options) {
  return options.max_size_bytes != 0 || options.max_age.count() != 0;
}

bool is_kept_for_minutes(const WriterOptions& options) {
  constexpr std::uint64_t kFewBytes = std::uint64_t{256} << 20;
  constexpr std::chrono::minutes kFew{15};
  return (options.max_size_bytes != 0 && options.max_size_bytes < kFewBytes) ||
         (options.max_age.count() != 0 && options.max_age < kFew);
}

bool keyframe_wanted_for_retention(const WriterOptions& options, std::uint64_t bytes_since_keyframe,
                                   std::chrono::microseconds since_keyframe) {
  if (options.max_size_bytes != 0 && bytes_since_keyframe > options.max_size_bytes / kSteps)
    return true;
  return options.max_age.count() != 0 && since_keyframe > options.max_age / kSteps;
}

Result<Pruned> prune(Database& database, const WriterOptions& options, WallTime now) {
  Pruned total;
  for (int step = 0; step < kMostStepsAtOnce; ++step) {
    NETREC_TRY(cut, next_cut(database));
    if (cut.sequence == 0) break;
    NETREC_TRY(beyond, is_beyond_limits(database, options, cut, now));
    if (!beyond) break;
    NETREC_TRY(pruned, drop_before(database, cut));
    if (total.frames == 0) total.from = pruned.from;
    total.frames += pruned.frames;
    total.to = pruned.to;
  }
  if (total.frames != 0) NETREC_CHECKED(drop_derived(database, us(total.to)));
  return total;
}

}  // namespace netrec
