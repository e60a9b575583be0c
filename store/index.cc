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
  NETREC_TRY(mark, database.prepare("INSERT OR REPLACE INTO mark (id, sequence, hash, next_ids)"
                                    " VALUES (1, ?, ?, ?)"));
  return Index(std::move(sessions), std::move(mark), next_ids);
}

Status Index::begin_session(const Snapshot& snapshot, std::uint64_t sequence) {
  names_.begin(snapshot);
  next_ids_.follow(snapshot);
  return sessions_.begin(snapshot, names_, sequence);
}

void Index::take_up(const Snapshot& snapshot) {
  names_.begin(snapshot);
  next_ids_.follow(snapshot);
  sessions_.take_up(snapshot);
}

Status Index::follow(const Frame& frame, std::span<const Socket>) {
  names_.follow(frame.delta);
  next_ids_.follow(frame.delta);
  return sessions_.follow(frame, names_);
}

Status Index::flush(std::uint64_t sequence, const ChainHash& hash) {
  return mark_.run(sequence, SqlValue::blob(hash.view()), SqlValue::blob(next_ids_.encode()));
}

}  // namespace netrec
