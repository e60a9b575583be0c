#include "store/index.h"

namespace netrec {

Result<Mark> read_mark(const Database& database) {
  NETREC_TRY(query, database.prepare("SELECT sequence, hash, next_ids FROM mark"));
  NETREC_TRY(found, query.first());
  Mark mark;
  if (!found) return mark;
  mark.sequence = static_cast<std::uint64_t>(query.integer(0));
  NETREC_TRY(hash, chain_hash(query.bytes(1)));
  NETREC_TRY(next_ids, NextIds::decode(query.bytes(2)));
  mark.hash = hash;
  mark.next_ids = next_ids;
  return mark;
}

Result<Index> Index::open(const Database& database, const NextIds& next_ids) {
  NETREC_TRY(sessions, SessionTable::open(database));
  NETREC_TRY(processes, ProcessTable::open(database));
  NETREC_TRY(interfaces, InterfaceTable::open(database));
  NETREC_TRY(listeners, ListenerTable::open(database));
  NETREC_TRY(destinations, DestinationTable::open(database));
  NETREC_TRY(connections, ConnectionTable::open(database));
  NETREC_TRY(mark, database.prepare("INSERT OR REPLACE INTO mark (id, sequence, hash, next_ids)"
                                    " VALUES (1, ?, ?, ?)"));
  return Index(
      Tables{std::move(sessions), std::move(processes), std::move(interfaces), std::move(listeners),
             std::move(destinations), std::move(connections), std::move(mark)},
      next_ids);
}

Status Index::begin_session(const Snapshot& snapshot, const FrameHeader& header) {
  NETREC_CHECKED(tables_.interfaces.end_session(names_));
  names_.begin(snapshot);
  next_ids_.follow(snapshot);
  NETREC_CHECKED(tables_.sessions.begin(snapshot, names_, header.sequence));
  NETREC_CHECKED(tables_.processes.begin(snapshot, names_));
  NETREC_CHECKED(tables_.interfaces.begin(snapshot, names_, header.wall));
  NETREC_CHECKED(tables_.listeners.begin(snapshot, names_, header));
  tables_.destinations.begin(snapshot, tables_.listeners, names_);
  return tables_.connections.begin(snapshot);
}

Status Index::take_up(const Snapshot& snapshot, std::uint64_t sequence) {
  names_.begin(snapshot);
  next_ids_.follow(snapshot);
  tables_.sessions.take_up(snapshot);
  tables_.processes.take_up(snapshot);
  tables_.interfaces.take_up(snapshot);
  tables_.destinations.take_up(snapshot);
  NETREC_CHECKED(tables_.connections.take_up());
  return tables_.listeners.take_up(snapshot, sequence);
}

Status Index::follow(const Frame& frame, std::span<const Socket> departed, const Snapshot& now) {
  tables_.interfaces.pass(frame.wall);
  if (frame.delta.empty()) return {};
  names_.follow(frame.delta);
  next_ids_.follow(frame.delta);
  NETREC_CHECKED(tables_.sessions.follow(frame, names_));
  NETREC_CHECKED(tables_.processes.follow(frame.delta, names_));
  NETREC_CHECKED(tables_.interfaces.follow(frame, names_));
  NETREC_CHECKED(tables_.listeners.follow(frame, now, names_));
  tables_.destinations.follow(frame, departed, tables_.listeners, names_);
  tables_.connections.follow(frame.delta);
  return {};
}

Status Index::flush(const Snapshot& now, const FrameHeader& header, const ChainHash& hash) {
  NETREC_CHECKED(tables_.interfaces.flush(names_, header.wall));
  NETREC_CHECKED(tables_.destinations.flush());
  NETREC_CHECKED(tables_.connections.flush(now));
  return tables_.mark.run(header.sequence, SqlValue::blob(hash.view()),
                          SqlValue::blob(next_ids_.encode()));
}

std::size_t Index::gathered() const { return tables_.destinations.gathered(); }

void Index::flushed() {
  tables_.destinations.flushed();
  tables_.connections.flushed();
}

}  // namespace netrec
