#include "store/transition_source.h"

#include <algorithm>

namespace netrec {

void TransitionSource::want(const Socket& row, const SessionSpan& session) {
  const bool known = row.state_since_us <= std::max(row.opened_us, session.started_us);
  if (known) return;
  wanted_.insert(row.cookie);
  first_opened_us_ = std::min(first_opened_us_, row.opened_us);
}

Status TransitionSource::read(const Database& database, const SessionSpan& session,
                              ChunkTable& chunks, std::vector<Damage>& damage) {
  if (wanted_.empty()) return {};
  FrameCursor cursor(database, session.last);
  if (cursor.seek_sequence(session.first)) {
    for (const Socket& row : cursor.snapshot().of<Socket>())
      if (wanted_.count(row.cookie) > 0) book_.begin(row);
    book_.begun();
  }
  const auto look = [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
    const KindCounts& sockets = header.of(EntityKind::socket);
    const bool may_tell =
        header.last_wall_us >= first_opened_us_ && sockets.begun + sockets.ongoing > 0;
    if (!may_tell) return true;
    const auto chunk = chunks.open_chunk(row, header);
    if (chunk) (void)add(*chunk);
    return true;
  };
  return chunks.for_each(session.first, session.last, {.from_us = first_opened_us_, .keys = {}},
                         damage, look);
}

void TransitionSource::follow(const Frame& frame, std::uint64_t previous_us) {
  book_.follow(frame.delta.of<Socket>(), wall_us(frame.wall), previous_us);
}

void TransitionSource::forget(const Frame& frame) { book_.forget(frame.delta.of<Socket>().closed); }

std::vector<Transition> TransitionSource::of(const Socket& row) const {
  auto transitions = book_.of(row.cookie);
  if (!transitions.empty()) return transitions;
  if (row.state_since_us == row.opened_us)
    return {{.at_us = row.opened_us, .after_us = row.opened_after_us, .state = row.state}};
  return {{.at_us = row.state_since_us, .state = row.state}};
}

Status TransitionSource::add(const ChunkReader& chunk) {
  for (const LifeGroup group : {LifeGroup::begun, LifeGroup::ongoing}) {
    NETREC_TRY(keys, chunk.keys<Socket>(group));
    NETREC_TRY(transitions, chunk.transitions(group));
    for (std::size_t row = 0; row < keys.size(); ++row)
      if (wanted_.count(keys[row]) > 0) book_.add(keys[row], transitions.of(row));
  }
  return {};
}

}  // namespace netrec
