#include "store/destination_table.h"

#include <algorithm>
#include <tuple>

#include "store/bytes.h"
#include "store/derived.h"

namespace netrec {

namespace {

/// What makes a destination: packed into bytes it is the key in memory.
struct Destination {
  std::string_view program;  // unpacked: it lies in the key
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
  const std::string program = names.program(socket.process);
  const Destination there{.program = program,
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
    rows.push_back({std::move(remote_address), there, &totals});
  }
  std::vector<const Row*> in_order;
  in_order.reserve(rows.size());
  for (const Row& row : rows) in_order.push_back(&row);
  std::sort(in_order.begin(), in_order.end(), [](const Row* a, const Row* b) {
    return std::tie(a->remote_address, a->there.program) <
           std::tie(b->remote_address, b->there.program);
  });
  for (const Row* row : in_order) {
    const auto& [remote_address, there, totals] = *row;
    NETREC_CHECKED(add_.run(
        SqlValue::text(there.program), there.uid, SqlValue::text(name(there.transport)),
        SqlValue::text(remote_address), there.remote_port, there.local_port, totals->first_seen_us,
        totals->last_seen_us, totals->connections, totals->bytes_sent, totals->bytes_received));
  }
  return {};
}

}  // namespace netrec
