#include "store/connection_table.h"

#include <algorithm>

#include "store/derived.h"

namespace netrec {

namespace {

/// What either end closed is over; TIME_WAIT is the kernel's memory of it, and of a busy host
/// nearly everything that a row would be written for and taken out again.
bool is_live_connection(const Socket& socket) {
  return has_remote_end(socket) && socket.state != TcpState::time_wait;
}

}  // namespace

Result<ConnectionTable> ConnectionTable::open(const Database& database) {
  NETREC_TRY(cookies, database.prepare("SELECT cookie FROM connection"));
  NETREC_TRY(clear, database.prepare("DELETE FROM connection"));
  NETREC_TRY(upsert, database.prepare(
                         "INSERT OR REPLACE INTO connection (cookie, transport, state,"
                         " local_address, local_port, remote_address, remote_port, process, uid,"
                         " opened_us, bytes_sent, bytes_received)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  NETREC_TRY(erase, database.prepare("DELETE FROM connection WHERE cookie = ?"));
  return ConnectionTable(
      Queries{std::move(cookies), std::move(clear), std::move(upsert), std::move(erase)});
}

Status ConnectionTable::write(const Socket& socket) {
  return queries_.upsert.run(
      socket.cookie, SqlValue::text(name(socket.transport)), SqlValue::text(name(socket.state)),
      SqlValue::text(to_string(socket.local, socket.family)), socket.local_port,
      SqlValue::text(to_string(socket.remote, socket.family)), socket.remote_port, socket.process,
      socket.uid, socket.opened_us,
      socket.bytes_acked != 0 ? socket.bytes_acked : socket.bytes_sent, socket.bytes_received);
}

Status ConnectionTable::take_up() {
  touched_.clear();
  written_.clear();
  NETREC_TRY(more, queries_.cookies.first());
  while (more) {
    written_.insert(static_cast<std::uint64_t>(queries_.cookies.integer(0)));
    NETREC_TRY(next, queries_.cookies.next());
    more = next;
  }
  return {};
}

Status ConnectionTable::begin(const Snapshot& snapshot) {
  touched_.clear();
  written_.clear();
  NETREC_CHECKED(queries_.clear.run());
  for (const Socket& socket : snapshot.of<Socket>()) {
    if (!is_live_connection(socket)) continue;
    NETREC_CHECKED(write(socket));
    written_.insert(socket.cookie);
  }
  return {};
}

void ConnectionTable::follow(const Delta& delta) {
  const Changes<Socket>& changes = delta.of<Socket>();
  for (const Socket& socket : changes.opened)
    if (is_live_connection(socket)) touched_.insert(socket.cookie);
  std::uint64_t last = 0;
  for (const Change& change : changes.changed) {
    if (change.key != last) touched_.insert(change.key);
    last = change.key;
  }
  // Most of what a busy host opens is gone before it would be written.
  for (const Closed& closed : changes.closed) {
    if (written_.contains(closed.key))
      touched_.insert(closed.key);
    else
      touched_.erase(closed.key);
  }
}

// In the order of the table's key: each of its pages is met once.
Status ConnectionTable::flush(const Snapshot& now) {
  added_.clear();
  erased_.clear();
  std::vector<std::uint64_t> cookies(touched_.begin(), touched_.end());
  std::sort(cookies.begin(), cookies.end());
  for (const std::uint64_t cookie : cookies) {
    const Socket* socket = now.of<Socket>().find(cookie);
    if (socket != nullptr && is_live_connection(*socket)) {
      NETREC_CHECKED(write(*socket));
      added_.push_back(cookie);
    } else if (written_.contains(cookie)) {
      NETREC_CHECKED(queries_.erase.run(cookie));
      erased_.push_back(cookie);
    }
  }
  return {};
}

void ConnectionTable::flushed() {
  touched_.clear();
  for (const std::uint64_t cookie : added_) written_.insert(cookie);
  for (const std::uint64_t cookie : erased_) written_.erase(cookie);
  added_.clear();
  erased_.clear();
}

Status ConnectionTable::add_time_wait(const Snapshot& now) {
  for (const Socket& socket : now.of<Socket>())
    if (has_remote_end(socket) && !is_live_connection(socket)) NETREC_CHECKED(write(socket));
  return {};
}

}  // namespace netrec
