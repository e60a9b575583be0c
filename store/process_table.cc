#include "store/process_table.h"

#include <algorithm>

#include "store/derived.h"

namespace netrec {

namespace {

/// Enough to tell runs apart; the whole line is in the log.
constexpr std::size_t kLongestCommandLine = 256;

std::string command_line(std::string_view arguments) {
  std::string line(arguments.substr(0, kLongestCommandLine));
  std::replace(line.begin(), line.end(), '\0', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

Result<ProcessTable> ProcessTable::open(const Database& database) {
  NETREC_TRY(upsert, database.prepare(
                         "INSERT OR REPLACE INTO process (id, pid, start_us, first_seen_us,"
                         " ended_us, parent_pid, parent, uid, comm, exe, exe_deleted,"
                         " command_line, cgroup) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return ProcessTable(std::move(upsert));
}

Status ProcessTable::write(const Process& row, const Names& names) {
  const std::string line = command_line(names.text(row.command_line));
  return upsert_.run(row.id, row.pid, row.start_us, row.first_seen_us,
                     instant_or_null(row.ended_us), row.parent_pid, instant_or_null(row.parent),
                     row.uid, text_or_null(names.text(row.comm)), text_or_null(names.text(row.exe)),
                     row.exe_deleted, text_or_null(line), text_or_null(names.text(row.cgroup)));
}

void ProcessTable::take_up(const Snapshot& snapshot) { alive_ = snapshot.of<Process>(); }

Status ProcessTable::begin(const Snapshot& snapshot, const Names& names) {
  take_up(snapshot);
  for (const Process& row : alive_) NETREC_CHECKED(write(row, names));
  return {};
}

Status ProcessTable::follow(const Delta& delta, const Names& names) {
  const Changes<Process>& changes = delta.of<Process>();
  for (const std::uint64_t key : take_in(changes, alive_))
    NETREC_CHECKED(write(*alive_.find(key), names));
  for (const Closed& closed : changes.closed) alive_.erase(closed.key);
  return {};
}

Result<InterfaceTable> InterfaceTable::open(const Database& database) {
  NETREC_TRY(upsert,
             database.prepare(
                 "INSERT INTO interface (id, network_namespace, interface_index, name,"
                 " first_seen_us, last_seen_us, flags, operational_state, mtu, receive_packets,"
                 " receive_bytes, receive_errors, receive_dropped, transmit_packets,"
                 " transmit_bytes, transmit_errors, transmit_dropped)"
                 " VALUES (?1,?2,?3,?4,?5,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)"
                 " ON CONFLICT (id) DO UPDATE SET name = ?4, last_seen_us = ?5, flags = ?6,"
                 " operational_state = ?7, mtu = ?8, receive_packets = ?9, receive_bytes = ?10,"
                 " receive_errors = ?11, receive_dropped = ?12, transmit_packets = ?13,"
                 " transmit_bytes = ?14, transmit_errors = ?15, transmit_dropped = ?16"));
  return InterfaceTable(std::move(upsert));
}

Status InterfaceTable::write(const Interface& row, const Names& names, WallTime wall) {
  return upsert_.run(
      key_of(row), row.network_namespace, row.index, text_or_null(names.text(row.name)),
      us_of(wall), SqlValue::text(interface_flags_text(row.flags)),
      SqlValue::text(operational_state_name(row.operational_state)), row.mtu, row.receive_packets,
      row.receive_bytes, row.receive_errors, row.receive_dropped, row.transmit_packets,
      row.transmit_bytes, row.transmit_errors, row.transmit_dropped);
}

void InterfaceTable::take_up(const Snapshot& snapshot) {
  alive_ = snapshot.of<Interface>();
  last_wall_ = {};
}

Status InterfaceTable::begin(const Snapshot& snapshot, const Names& names, WallTime wall) {
  take_up(snapshot);
  pass(wall);
  return flush(names, wall);
}

Status InterfaceTable::end_session(const Names& names) {
  return last_wall_ == WallTime{} ? Status{} : flush(names, last_wall_);
}

Status InterfaceTable::follow(const Frame& frame, const Names& names) {
  const Changes<Interface>& changes = frame.delta.of<Interface>();
  take_in(changes, alive_);
  for (const Interface& row : changes.opened)
    NETREC_CHECKED(write(*alive_.find(key_of(row)), names, frame.wall));
  for (const Closed& closed : changes.closed) {
    if (const Interface* row = alive_.find(closed.key))
      NETREC_CHECKED(write(*row, names, frame.wall));
    alive_.erase(closed.key);
  }
  return {};
}

Status InterfaceTable::flush(const Names& names, WallTime wall) {
  for (const Interface& row : alive_) NETREC_CHECKED(write(row, names, wall));
  return {};
}

}  // namespace netrec
