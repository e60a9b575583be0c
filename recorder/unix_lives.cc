#include "recorder/unix_lives.h"

#include <algorithm>

#include "recorder/event_ends.h"
#include "recorder/sock_diag_unix.h"

namespace netrec {

namespace {

using std::chrono::microseconds;

// Keys of sockets without a cookie: a bit the kernel's (which count up from 1 on each CPU) never
// have, and for the inode's next socket, after 2^32 others, the time.
std::uint64_t key_without_cookie(std::uint32_t inode, microseconds boot) {
  const auto seconds = static_cast<std::uint64_t>(boot.count() / 1'000'000);
  return Sockets::kUnixKey | (seconds & ((std::uint64_t{1} << 29) - 1)) << 32 | inode;
}

// The same for what never had an inode of its own in the timeline.
std::uint64_t key_of_failure(const event_header& header) {
  return std::uint64_t{1} << 63 | header.at_ns;
}

// More processes than this do not end in the midst of a reading.
constexpr std::size_t kMostLeaving = 4096;

std::string name_in(const char (&name)[EVENT_UNIX_NAME_MAX], std::uint16_t bytes) {
  return printable_unix_name({name, std::min<std::size_t>(bytes, sizeof(name))});
}

}  // namespace

const Socket* UnixLives::find(std::uint32_t inode, std::uint64_t cookie) const {
  const Socket* row = inode == 0 ? nullptr : observer_.sockets().with_inode(inode);
  if (row != nullptr && row->transport == Transport::unix) return row;
  return cookie == 0 ? nullptr : observer_.sockets().find(cookie);
}

// The socket as it is known, with what the event tells of it beside its state.
Socket UnixLives::row_of(const event_unix& event, std::uint32_t network_namespace,
                         std::uint32_t process) {
  Socket row;
  if (const Socket* known = find(event.inode, event.cookie)) row = *known;
  if (row.cookie == 0)
    row.cookie =
        event.cookie != 0 ? event.cookie : key_without_cookie(event.inode, boot_of(event.header));
  row.family = Family::unix;
  row.transport = Transport::unix;
  row.type = static_cast<std::uint8_t>(event.type);
  row.network_namespace = network_namespace;
  row.inode = event.inode;
  row.uid = event.uid;
  row.process = process;
  if (event.descriptor >= 0) row.descriptor = static_cast<std::uint32_t>(event.descriptor);
  if (event.peer_inode != 0) row.peer_inode = event.peer_inode;
  row.path = observer_.text(name_in(event.name, event.name_bytes));
  if (event.remote_name_bytes != 0)
    row.remote_name = observer_.text(name_in(event.remote_name, event.remote_name_bytes));
  return row;
}

void UnixLives::told(const event_unix& event, std::uint32_t network_namespace,
                     std::uint32_t process) {
  const microseconds boot = boot_of(event.header);
  Socket row = row_of(event, network_namespace, process);
  if (event.header.kind == EVENT_UNIX_FAILED) return failed(row, event);
  leaving_.erase(event.inode);
  const TcpState state =
      event.header.kind == EVENT_UNIX_LISTENING ? TcpState::listen : TcpState::established;
  const Socket* known = find(event.inode, event.cookie);
  // A look showed it while this was under way.
  const bool is_late = known != nullptr && known->opened_us > observer_.wall_us(boot);
  if (known != nullptr && !is_late) {
    enter(*known, row, state, boot);
  } else {
    if (is_late) observer_.sockets().tell(row);
    row.state = state;
    observer_.sockets().opened(row, boot);
  }
  tell_peer(row);
}

// `now` in `state` since `boot`; the rest of it has no time of its own.
void UnixLives::enter(const Socket& known, Socket now, TcpState state, microseconds boot) {
  now.state = known.state;
  if (!(now == known)) observer_.sockets().tell(now);
  if (now.state == state) return;
  now.state = state;
  observer_.sockets().event(now, boot);
}

// The end that connected was told before the other had an inode.
void UnixLives::tell_peer(const Socket& row) {
  const Socket* peer = find(row.peer_inode, 0);
  if (peer == nullptr || peer->peer_inode == row.inode) return;
  // A datagram socket has as many peers as like to send to it.
  if (peer->peer_inode != 0 || peer->state != TcpState::established) return;
  Socket now = *peer;
  now.peer_inode = row.inode;
  observer_.sockets().tell(now);
}

// A connect that was refused has a life of no length, whatever becomes of its socket.
void UnixLives::failed(Socket row, const event_unix& event) {
  row.cookie = key_of_failure(event.header);
  if (observer_.sockets().find(row.cookie) != nullptr) return;
  row.inode = row.peer_inode = row.sharers = 0;
  row.state = TcpState::close;
  row.error = event.error;
  observer_.sockets().opened(row, boot_of(event.header));
  observer_.sockets().ended(row.cookie, boot_of(event.header));
}

bool UnixLives::is_last(const event_unix_left& event) {
  if (event.references == 1) return true;
  if (event.exits == 0) return false;
  if (leaving_.size() > kMostLeaving) leaving_.clear();
  Leaving& leaving = leaving_[event.inode];
  if (leaving.pid != event.pid) leaving = {.pid = event.pid, .seen = 0};
  return ++leaving.seen >= event.references;
}

void UnixLives::left(const event_unix_left& event) {
  const Socket* row = find(event.inode, 0);
  if (!is_last(event)) {
    if (row != nullptr) doubt_ = true;
    return;
  }
  leaving_.erase(event.inode);
  const microseconds boot = boot_of(event.header);
  observer_.sockets().left(event.inode, boot);
  if (row != nullptr) observer_.sockets().ended(row->cookie, boot);
}

}  // namespace netrec
