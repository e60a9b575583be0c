#include "store/session_table.h"

#include <algorithm>

#include "store/derived.h"

namespace netrec {

Result<SessionTable> SessionTable::open(const Database& database) {
  NETREC_TRY(session,
             database.prepare(
                 "INSERT INTO session (id, first_sequence, started_us, started_boot_us,"
                 " interval_us, mode, capabilities, pid, uid, host, boot_id, machine_id, kernel,"
                 " version, arguments, time_zone, limits)"
                 " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"
                 " ON CONFLICT (id) DO UPDATE SET interval_us = ?5, mode = ?6, capabilities = ?7,"
                 " host = ?10, limits = ?17"));
  NETREC_TRY(session_end, database.prepare("UPDATE session SET ended_us = ? WHERE id = ?"));
  NETREC_TRY(gap, database.prepare("INSERT OR REPLACE INTO gap (id, session, cause, cause_name,"
                                   " from_us, to_us, count, network_namespace, detail)"
                                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return SessionTable(std::move(session), std::move(session_end), std::move(gap));
}

Status SessionTable::write(const Session& row, const Names& names, std::uint64_t sequence) {
  present_ = std::max(present_, row.id);
  return session_.run(
      row.id, sequence, row.started_us, row.started_boot_us, row.interval_us,
      static_cast<int>(row.mode), row.capabilities, row.pid, row.uid,
      text_or_null(names.text(row.host)), text_or_null(names.text(row.boot_id)),
      text_or_null(names.text(row.machine_id)), text_or_null(names.text(row.kernel)),
      text_or_null(names.text(row.version)), text_or_null(names.text(row.arguments)),
      text_or_null(names.text(row.time_zone)), text_or_null(names.text(row.limits)));
}

Status SessionTable::write(const Gap& row, const Names& names) {
  return gap_.run(row.id, present_, static_cast<int>(row.cause), SqlValue::text(name(row.cause)),
                  row.from_us, instant_or_null(row.to_us), row.count, row.network_namespace,
                  text_or_null(names.text(row.detail)));
}

void SessionTable::take_up(const Snapshot& snapshot) {
  sessions_ = snapshot.of<Session>();
  gaps_ = snapshot.of<Gap>();
  for (const Session& row : sessions_) present_ = std::max(present_, row.id);
}

Status SessionTable::begin(const Snapshot& snapshot, const Names& names, std::uint64_t sequence) {
  take_up(snapshot);
  for (const Session& row : sessions_) NETREC_CHECKED(write(row, names, sequence));
  for (const Gap& row : gaps_) NETREC_CHECKED(write(row, names));
  return {};
}

Status SessionTable::follow(const Frame& frame, const Names& names) {
  for (const std::uint64_t key : take_in(frame.delta.of<Session>(), sessions_))
    NETREC_CHECKED(write(*sessions_.find(key), names, frame.sequence));
  for (const std::uint64_t key : take_in(frame.delta.of<Gap>(), gaps_))
    NETREC_CHECKED(write(*gaps_.find(key), names));
  for (const Closed& closed : frame.delta.of<Session>().closed) {
    sessions_.erase(closed.key);
    NETREC_CHECKED(session_end_.run(frame.wall.time_since_epoch().count(), closed.key));
  }
  for (const Closed& closed : frame.delta.of<Gap>().closed) gaps_.erase(closed.key);
  return {};
}

}  // namespace netrec
