#include "store/destination_table.h"

#include <algorithm>
#include <tuple>

#include "store/bytes.h"
#include "store/derived.h"

namespace netrec {

namespace {

bool has_remote_end(const Socket& socket) {
  return socket.remote_port != 0 || (!socket.remote.is_zero() && (socket.family == Family::inet ||
                                                                  socket.family == Family::inet6));
}

/// What either end closed is over; TIME_WAIT is the kernel's memory of it, and of a busy host
/// nearly everything that a row would be written for and taken out again.
bool is_live_connection(const Socket& socket) {
  return has_remote_end(socket) && socket.state != TcpState::time_wait;
}

/// What makes a destination: packed into bytes it is the key in memory.
struct Destination {
  std::string program;
  std::uint64_t uid = 0;
  Transport transport = Transport::unknown;
  Family family = Family::none;
  IpAddress remote;
  std::uint64_t remote_port = 0;
  std::uint64_t local_port = 0;

  std::string pack() const {
    std::string key;
    for (const std::uint64_t part : {uid, std::uint64_t{static_cast<std::uint8_t>(transport)},
                                     std::uint64_t{static_cast<std::uint8_t>(family)}, remote.high,
                                     remote.low, remote_port, local_port})
      put_varint(key, part);
    return key.append(program);
  }

  static Destination unpack(std::string_view key) {
    ByteReader in(key);
    Destination there;
    there.uid = in.varint();
    there.transport = static_cast<Transport>(in.varint());
    there.family = static_cast<Family>(in.varint());
    there.remote.high = in.varint();
    there.remote.low = in.varint();
    there.remote_port = in.varint();
    there.local_port = in.varint();
    there.program = in.raw(in.remaining());
    return there;
  }
};

}  // namespace

Result<DestinationTable> DestinationTable::open(const Database& database) {
  NETREC_TRY(add,
             database.prepare(
                 "INSERT INTO destination (program, uid, transport, remote_address, remote_port,"
                 " local_port, first_seen_us, last_seen_us, connections, bytes_sent,"
                 " bytes_received) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                 " ON CONFLICT (remote_address, program, uid, transport, remote_port, local_port)"
                 " DO UPDATE SET first_seen_us = min(first_seen_us, ?7),"
                 " last_seen_us = max(last_seen_us, ?8), connections = connections + ?9,"
                 " bytes_sent = bytes_sent + ?10, bytes_received = bytes_received + ?11"));
  return DestinationTable(std::move(add));
}

DestinationTable::Totals& DestinationTable::totals_of(const Socket& socket,
                                                      const ListenerTable& listeners,
                                                      const Names& names) {
  const bool incoming = listeners.is_incoming(socket);
  const Destination there{.program = names.program(socket.process),
                          .uid = socket.uid,
                          .transport = socket.transport,
                          .family = socket.family,
                          .remote = socket.remote,
                          .remote_port = incoming ? std::uint64_t{0} : socket.remote_port,
                          .local_port = incoming ? socket.local_port : std::uint64_t{0}};
  return gathered_[there.pack()];
}

void DestinationTable::see(const Socket& socket, const ListenerTable& listeners,
                           const Names& names) {
  if (!has_remote_end(socket)) return;
  Totals& totals = totals_of(socket, listeners, names);
  totals.first_seen_us = std::min(totals.first_seen_us, socket.opened_us);
  totals.last_seen_us = std::max(totals.last_seen_us, socket.opened_us);
}

void DestinationTable::take_up(const Snapshot& snapshot) {
  gathered_.clear();
  peers_ = snapshot.of<Peer>();
}

void DestinationTable::begin(const Snapshot& snapshot, const ListenerTable& listeners,
                             const Names& names) {
  peers_ = snapshot.of<Peer>();
  for (const Socket& socket : snapshot.of<Socket>()) see(socket, listeners, names);
}

void DestinationTable::follow(const Frame& frame, std::span<const Socket> departed,
                              const ListenerTable& listeners, const Names& names) {
  for (const Socket& socket : frame.delta.of<Socket>().opened) see(socket, listeners, names);
  for (const Socket& socket : departed) {
    if (!has_remote_end(socket)) continue;
    Totals& totals = totals_of(socket, listeners, names);
    totals.first_seen_us = std::min(totals.first_seen_us, socket.opened_us);
    totals.last_seen_us =
        std::max(totals.last_seen_us, static_cast<std::uint64_t>(us_of(frame.wall)));
    ++totals.connections;
    totals.bytes_sent += socket.bytes_acked != 0 ? socket.bytes_acked : socket.bytes_sent;
    totals.bytes_received += socket.bytes_received;
  }
  follow_peers(frame, listeners, names);
}

void DestinationTable::follow_peers(const Frame& frame, const ListenerTable& listeners,
                                    const Names& names) {
  const Changes<Peer>& changes = frame.delta.of<Peer>();
  take_in(changes, peers_);
  for (const Closed& closed : changes.closed) {
    const Peer* peer = peers_.find(closed.key);
    if (peer == nullptr) continue;
    Socket like;
    like.network_namespace = peer->network_namespace;
    like.transport = peer->transport;
    like.family = peer->family;
    like.remote = peer->remote;
    like.remote_port = peer->remote_port;
    like.local_port = peer->local_port;
    like.process = peer->process;
    Totals& totals = totals_of(like, listeners, names);
    totals.first_seen_us = std::min(totals.first_seen_us, peer->first_us);
    totals.last_seen_us = std::max(totals.last_seen_us, peer->last_us);
    ++totals.connections;
    totals.bytes_sent += peer->bytes_sent;
    totals.bytes_received += peer->bytes_received;
    peers_.erase(closed.key);
  }
}

Status DestinationTable::flush() {
  struct Row {
    std::string remote_address;
    Destination there;
    const Totals* totals = nullptr;
  };
  std::vector<Row> rows;
  rows.reserve(gathered_.size());
  for (const auto& [key, totals] : gathered_) {
    Destination there = Destination::unpack(key);
    std::string remote_address = to_string(there.remote, there.family);
    rows.push_back({std::move(remote_address), std::move(there), &totals});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.remote_address, a.there.program) <
           std::tie(b.remote_address, b.there.program);
  });
  for (const auto& [remote_address, there, totals] : rows) {
    NETREC_CHECKED(add_.run(
        SqlValue::text(there.program), there.uid, SqlValue::text(name(there.transport)),
        SqlValue::text(remote_address), there.remote_port, there.local_port, totals->first_seen_us,
        totals->last_seen_us, totals->connections, totals->bytes_sent, totals->bytes_received));
  }
  return {};
}

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
