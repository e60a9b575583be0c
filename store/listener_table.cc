#include "store/listener_table.h"

#include <algorithm>
#include <limits>

#include "store/derived.h"
#include "store/transition_book.h"

namespace netrec {

namespace {

/// The kernel's own ephemeral range, where a namespace's is not recorded.
constexpr std::uint16_t kFirstEphemeral = 32768;
constexpr std::uint16_t kLastEphemeral = 60999;

/// Services one frame can start; more get the ids of the next.
constexpr std::uint64_t kIdsAFrame = std::uint64_t{1} << 20;

std::uint64_t port_key(const Socket& socket) {
  return std::uint64_t{socket.network_namespace} << 24 |
         std::uint64_t{static_cast<std::uint8_t>(socket.transport)} << 16 | socket.local_port;
}

bool is_ephemeral(const Socket& socket, const Snapshot& state) {
  const auto* space = state.of<NetworkNamespace>().find(socket.network_namespace);
  const bool known = space != nullptr && space->first_port != 0;
  const std::uint16_t first = known ? space->first_port : kFirstEphemeral;
  const std::uint16_t last = known ? space->last_port : kLastEphemeral;
  return socket.local_port >= first && socket.local_port <= last;
}

std::uint32_t newest_session(const Snapshot& snapshot) {
  std::uint32_t newest = 0;
  for (const Session& row : snapshot.of<Session>()) newest = std::max(newest, row.id);
  return newest;
}

}  // namespace

bool is_service(const Socket& socket, const Snapshot& state) {
  if (socket.state == TcpState::listen) return true;
  const bool udp = socket.transport == Transport::udp || socket.transport == Transport::udplite;
  return udp && socket.local_port != 0 && socket.remote_port == 0 && !is_ephemeral(socket, state);
}

Result<ListenerTable> ListenerTable::open(const Database& database) {
  NETREC_TRY(newest, database.prepare("SELECT id FROM listener WHERE cookie = ? AND id < ?"
                                      " ORDER BY id DESC LIMIT 1"));
  NETREC_TRY(
      insert,
      database.prepare("INSERT OR REPLACE INTO listener (id, cookie, session, transport,"
                       " local_address, local_port, network_namespace, program, process, uid,"
                       " started_us, started_exact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  NETREC_TRY(stop, database.prepare("UPDATE listener SET stopped_us = ? WHERE id = ?"));
  NETREC_TRY(boot, database.prepare("SELECT boot_id FROM session WHERE id <= ?"
                                    " ORDER BY id DESC LIMIT 1"));
  return ListenerTable(
      Queries{std::move(newest), std::move(insert), std::move(stop), std::move(boot)});
}

void ListenerTable::know(const Socket& socket, std::uint64_t id) {
  const Listening row{.id = id, .port_key = port_key(socket)};
  alive_.insert_or_assign(socket.cookie, row);
  ++ports_[row.port_key];
}

Status ListenerTable::take_up(const Snapshot& snapshot, std::uint64_t sequence) {
  alive_.clear();
  ports_.clear();
  session_ = newest_session(snapshot);
  NETREC_CHECKED(take_up_boot());
  for (const Socket& socket : snapshot.of<Socket>()) {
    if (!is_service(socket, snapshot)) continue;
    NETREC_TRY(found, queries_.newest.first(socket.cookie, (sequence + 1) * kIdsAFrame));
    if (found) know(socket, static_cast<std::uint64_t>(queries_.newest.integer(0)));
    queries_.newest.reset();
  }
  return {};
}

// Where a session has ended properly its row is not in the state any more.
Status ListenerTable::take_up_boot() {
  constexpr std::int64_t kAny = std::numeric_limits<std::uint32_t>::max();
  NETREC_TRY(found, queries_.boot.first(session_ == 0 ? kAny : std::int64_t{session_}));
  boot_ = found ? std::string(queries_.boot.bytes(0)) : "";
  queries_.boot.reset();
  return {};
}

Status ListenerTable::begin(const Snapshot& snapshot, const Names& names,
                            const FrameHeader& header) {
  session_ = newest_session(snapshot);
  const Session* session = snapshot.of<Session>().find(session_);
  const std::string_view boot = session == nullptr ? "" : snapshot.text(session->boot_id);
  std::vector<std::uint64_t> gone;
  for (const auto& [cookie, row] : alive_) {
    // Cookies begin anew with a boot.
    const Socket* socket = boot == boot_ ? snapshot.of<Socket>().find(cookie) : nullptr;
    if (socket == nullptr || !is_service(*socket, snapshot)) gone.push_back(cookie);
  }
  for (const std::uint64_t cookie : gone)
    NETREC_CHECKED(stop(cookie, static_cast<std::uint64_t>(us_of(header.wall))));
  boot_ = boot;

  std::vector<const Socket*> services;
  for (const Socket& socket : snapshot.of<Socket>())
    if (is_service(socket, snapshot)) services.push_back(&socket);
  std::sort(services.begin(), services.end(),
            [](const Socket* a, const Socket* b) { return a->cookie < b->cookie; });
  next_id_ = header.sequence * kIdsAFrame;
  for (const Socket* socket : services) NETREC_CHECKED(start(*socket, names));
  return {};
}

Status ListenerTable::start(const Socket& socket, const Names& names) {
  if (alive_.contains(socket.cookie)) return {};
  const std::uint64_t id = next_id_++;
  know(socket, id);
  const std::string address = socket.path != 0 ? std::string(names.text(socket.path))
                                               : to_string(socket.local, socket.family);
  return queries_.insert.run(
      id, socket.cookie, session_, SqlValue::text(name(socket.transport)), SqlValue::text(address),
      socket.local_port, socket.network_namespace, SqlValue::text(names.program(socket.process)),
      socket.process, socket.uid, socket.state_since_us, socket.opened_after_us != 0 ? 1 : 0);
}

Status ListenerTable::stop(std::uint64_t cookie, std::uint64_t at_us) {
  const auto found = alive_.find(cookie);
  if (found == alive_.end()) return {};
  const Listening row = found->second;
  alive_.erase(found);
  if (const auto port = ports_.find(row.port_key); port != ports_.end() && --port.value() <= 0)
    ports_.erase(port);
  return queries_.stop.run(at_us, row.id);
}

Status ListenerTable::follow(const Frame& frame, const Snapshot& now, const Names& names) {
  static const std::uint16_t kState = [] {
    const auto fields = fields_of<Socket>();
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [](const auto& field) { return field.name == "state"; });
    return static_cast<std::uint16_t>(found - fields.begin());
  }();
  const Changes<Socket>& changes = frame.delta.of<Socket>();
  const auto wall_us = static_cast<std::uint64_t>(us_of(frame.wall));
  next_id_ = frame.sequence * kIdsAFrame;
  for (const Socket& socket : changes.opened)
    if (is_service(socket, now)) NETREC_CHECKED(start(socket, names));
  for (const Change& change : changes.changed) {
    if (change.field != kState) continue;
    const Socket* socket = now.of<Socket>().find(change.key);
    if (socket == nullptr) continue;  // It closes in this frame.
    if (is_service(*socket, now))
      NETREC_CHECKED(start(*socket, names));
    else
      NETREC_CHECKED(stop(change.key, socket->state_since_us));
  }
  for (const Closed& closed : changes.closed)
    NETREC_CHECKED(stop(closed.key, ending_of(closed.at, closed.reason, wall_us, 0).at_us));
  return {};
}

bool ListenerTable::is_incoming(const Socket& socket) const {
  return ports_.contains(port_key(socket));
}

}  // namespace netrec
