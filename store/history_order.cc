#include "store/history_order.h"

#include <algorithm>
#include <tuple>

#include "schema/gap.h"

namespace netrec {

// The queue's top is what is later than all others: what comes first must compare as greatest.
bool LogParts::Later::operator()(const LogPart& a, const LogPart& b) const {
  const auto key = [](const LogPart& part) {
    return std::tuple(part.bound_us, part.session,
                      part.chunk ? part.chunk->row.first_sequence : UINT64_MAX);
  };
  return descending ? key(a) < key(b) : key(a) > key(b);
}

namespace {

std::uint64_t number_in(const Query& query, int column) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, query.integer(column)));
}

}  // namespace

Result<std::uint64_t> latest_unsealed_us(const Database& database, std::uint64_t first,
                                         std::uint64_t last) {
  NETREC_TRY(latest,
             database.prepare("SELECT max(coalesce((SELECT max(wall_us) FROM frame"
                              "                      WHERE sequence BETWEEN ?1 AND ?2), 0),"
                              "           coalesce((SELECT max(wall_us) FROM keyframe"
                              "                      WHERE sequence BETWEEN ?1 AND ?2), 0))"));
  NETREC_TRY(found, latest.first(first, last));
  return found ? number_in(latest, 0) : 0;
}

Result<std::uint64_t> latest_us(const Database& database, std::uint64_t first, std::uint64_t last) {
  NETREC_TRY(unsealed, latest_unsealed_us(database, first, last));
  NETREC_TRY(latest, database.prepare("SELECT max(most_wall_us) FROM chunk"
                                      " WHERE first_sequence BETWEEN ? AND ?"));
  NETREC_TRY(found, latest.first(first, last));
  return found ? std::max(unsealed, number_in(latest, 0)) : unsealed;
}

Result<bool> is_clock_steady(const Database& database) {
  NETREC_TRY(steps, database.prepare("SELECT EXISTS (SELECT 1 FROM gap WHERE cause = ?)"));
  NETREC_TRY(noted, steps.first(static_cast<std::uint64_t>(GapCause::clock_step)));
  if (!noted || steps.integer(0) != 0) return false;
  NETREC_TRY(spans, database.prepare("SELECT first_sequence, least_wall_us, most_wall_us FROM chunk"
                                     " UNION ALL SELECT sequence, wall_us, wall_us FROM keyframe"
                                     " UNION ALL SELECT sequence, wall_us, wall_us FROM frame"
                                     " ORDER BY 1"));
  std::uint64_t until = 0;
  NETREC_TRY(found, spans.first());
  for (bool more = found; more;) {
    if (number_in(spans, 1) < until) return false;
    until = std::max(until, number_in(spans, 2));
    NETREC_TRY(next, spans.next());
    more = next;
  }
  return true;
}

}  // namespace netrec
