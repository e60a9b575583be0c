#include "recorder/sockets.h"

#include <algorithm>

#include "recorder/four_tuple.h"
#include "recorder/settle.h"

namespace netrec {

namespace {

// Servers hand a connection to the process that serves it at once (fork, SCM_RIGHTS); shorter-lived
// connections cost nothing.
constexpr std::uint64_t kHandedOnWithinUs = 1'000'000;

constexpr auto kOrphan = static_cast<std::uint8_t>(SocketFlag::orphan);

// The row will be looked at when its predecessor is done.
void prefetch(const Socket& row) {
  const auto* bytes = reinterpret_cast<const char*>(&row);
  for (std::size_t offset = 0; offset < sizeof(Socket); offset += 64)
    __builtin_prefetch(bytes + offset);
}

// Whether all that a dump would show of it is what it showed the last time. Every segment is
// counted, what a program takes out of the queue shortens it, and while something waits to be sent
// clocks run. What setsockopt(2) changes, and shutdown(2) for reading, is not seen by this.
bool is_as_glanced(const Socket& row, const Glance& seen) {
  if (row.state != seen.state) return false;
  if (seen.is_stand_in) return row.timer == SocketTimer::time_wait;
  if (seen.send_queue != 0 || row.send_queue != 0) return false;
  const bool is_open = seen.state == TcpState::established || seen.state == TcpState::close_wait;
  // Nobody has accepted it yet, as far as is known; a connection being asked for has no counters.
  if ((is_open && row.inode == 0) || seen.state == TcpState::syn_recv) return false;
  return row.segments_in == seen.segments_in && row.segments_out == seen.segments_out &&
         row.receive_queue == seen.receive_queue;
}

SocketQuestion question_of(const Socket& row) {
  return {.family = row.family,
          .local = row.local,
          .remote = row.remote,
          .local_port = row.local_port,
          .remote_port = row.remote_port,
          .interface = row.interface};
}

}  // namespace

Sockets::Sockets(Ledger& ledger, Clock& clock)
    : ledger_(ledger), clock_(clock), wall_times_(clock) {}

void Sockets::carry_over(WallTime last_wall) {
  const auto& rows = ledger_.sockets().rows();
  for (const Socket& row : rows) {
    const std::uint16_t part = part_of(row.network_namespace, {row.transport, row.family});
    // What was in the file was recorded, so a new socket of its kind came after.
    parts_[part].whole_since_us = microseconds_of(last_wall);
    const auto place = static_cast<std::uint32_t>(places_.size());
    places_.push_back({.part = part});
    note_inode(0, row.inode, place);
  }
}

// --- dumps ---------------------------------------------------------------------------------------

void Sockets::begin_dumps() {
  ++generation_;
  for (Part& part : parts_) part.whole = false;
}

std::uint16_t Sockets::part_of(std::uint32_t network_namespace, SocketKind kind) {
  const std::uint64_t name = std::uint64_t{network_namespace} << 16 |
                             std::uint64_t{static_cast<std::uint8_t>(kind.transport)} << 8 |
                             static_cast<std::uint8_t>(kind.family);
  const auto [found, is_new] =
      part_numbers_.try_emplace(name, static_cast<std::uint16_t>(parts_.size()));
  if (is_new) parts_.push_back({.network_namespace = network_namespace});
  NETREC_CHECK(parts_.size() <= UINT16_MAX, "fewer than 65536 kinds of socket times namespaces");
  return found->second;
}

void Sockets::begin_part(std::uint32_t network_namespace, SocketKind kind) {
  resume_part(network_namespace, kind);
  parts_[part_].began_us = microseconds_of(clock_.now().wall);
}

void Sockets::resume_part(std::uint32_t network_namespace, SocketKind kind) {
  part_ = part_of(network_namespace, kind);
  last_ = kNowhere;
}

// Where the row that follows the one shown last was shown the last time; else by hash.
std::uint32_t Sockets::predict(std::uint64_t cookie) const {
  const auto& rows = ledger_.sockets().rows();
  const std::uint32_t predicted =
      last_ == kNowhere ? parts_[part_].first : places_[last_].successor;
  if (predicted >= rows.size() || rows[predicted].cookie != cookie) return locate(cookie);
  const std::uint32_t next = places_[predicted].successor;
  if (next < rows.size()) prefetch(rows[next]);
  return predicted;
}

// An event asks for its socket several times.
std::size_t Sockets::position(std::uint64_t cookie) const {
  const auto& rows = ledger_.sockets().rows();
  if (found_ >= rows.size() || rows[found_].cookie != cookie)
    found_ = ledger_.sockets().position(cookie);
  return found_;
}

const Socket* Sockets::find(std::uint64_t cookie) const {
  const std::uint32_t place = locate(cookie);
  return place == kNowhere ? nullptr : &ledger_.sockets().rows()[place];
}

std::uint32_t Sockets::locate(std::uint64_t cookie) const {
  const std::size_t none = ledger_.sockets().size();
  std::size_t place = position(cookie);
  if (place == none && !aliases_.empty())
    if (const auto alias = aliases_.find(cookie); alias != aliases_.end())
      place = ledger_.sockets().position(alias->second);
  return place == none ? kNowhere : static_cast<std::uint32_t>(place);
}

void Sockets::link(std::uint32_t place) {
  if (last_ == kNowhere)
    parts_[part_].first = place;
  else
    places_[last_].successor = place;
  last_ = place;
}

void Sockets::see(const Socket& observed) {
  std::uint32_t place = predict(observed.cookie);
  if (place == kNowhere && observed.transport == Transport::unix) {
    if (left_.contains(observed.inode)) return;
    place = join_unix(observed);
  }
  if (place != kNowhere) {
    places_[place].generation = generation_;
    places_[place].part = part_;
    link(place);
    return revise(place, observed);
  }
  Socket row = observed;
  row.opened_us = microseconds_of(clock_.now().wall);
  row.opened_after_us = parts_[part_].whole_since_us;
  row.state_since_us = row.opened_us;
  if (row.state == TcpState::time_wait && !ledger_.restating()) {
    strangers_.push_back(row);
    return;
  }
  if (is_told_by_events(row)) untold_.insert(row.cookie);
  add(row, part_);
  link(static_cast<std::uint32_t>(places_.size() - 1));
}

bool Sockets::glance(const Glance& seen) {
  const std::uint32_t place = predict(seen.cookie);
  if (place == kNowhere) return false;
  places_[place].generation = generation_;
  link(place);
  return is_as_glanced(ledger_.sockets().rows()[place], seen);
}

void Sockets::not_shown(std::vector<SocketQuestion>& questions) const {
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (places_[place].generation == generation_ || places_[place].part != part_) continue;
    const Socket& row = ledger_.sockets().rows()[place];
    if (row.state == TcpState::listen) continue;
    questions.push_back(question_of(row));
  }
}

// An event told of it by its inode, before it had a cookie.
std::uint32_t Sockets::join_unix(const Socket& observed) {
  const auto found = by_inode_.find(observed.inode);
  if (found == by_inode_.end()) return kNowhere;
  const Socket& row = ledger_.sockets().rows()[found->second];
  if (row.transport != Transport::unix || (row.cookie & kUnixKey) == 0) return kNowhere;
  aliases_[observed.cookie] = row.cookie;
  return found->second;
}

// Events tell of TCP from connect or listen on: not of what is only bound, nor of what was asked
// for and is not made yet; and a TIME_WAIT may be left from before.
bool Sockets::is_told_by_events(const Socket& row) const {
  if (events_ == EventCapture::off || ledger_.restating()) return false;
  switch (row.state) {
    case TcpState::close:
    case TcpState::bound_inactive:
    case TcpState::syn_recv:
    case TcpState::new_syn_recv:
    case TcpState::time_wait:
      return false;
    // Where the socket was let go before the peer's FIN came, its stand-in waits for that; when it
    // comes, the timer that is told of is set anew only if it changes (timer.c, __mod_timer).
    case TcpState::fin_wait2:
      return row.timer != SocketTimer::time_wait;
    default:
      return row.transport == Transport::tcp;
  }
}

// A socket may begin another life (connect(2) to AF_UNSPEC and connect again, listen(2) after
// shutdown(2)) before the frame is written that ends the one before. The kernel counts cookies up
// from 1; these have a bit they will never have, and the time, so that they too are used once.
std::uint64_t Sockets::key_of_reused(std::uint64_t cookie) {
  constexpr int kNumberBits = 12, kTimeBits = 50;  // microseconds of 35 years
  const auto boot = static_cast<std::uint64_t>(clock_.now().boot.count());
  const std::uint64_t key = std::uint64_t{1} << 62 |
                            (boot & ((std::uint64_t{1} << kTimeBits) - 1)) << kNumberBits |
                            (reused_++ & ((1 << kNumberBits) - 1));
  aliases_[cookie] = key;
  return key;
}

void Sockets::add(Socket row, std::uint16_t part) {
  if (ledger_.was_closed_now(row.cookie)) row.cookie = key_of_reused(row.cookie);
  ledger_.open(row);
  const auto place = static_cast<std::uint32_t>(places_.size());
  // A newcomer is shown where it was met, so what followed there follows it.
  const std::uint32_t successor = last_ == kNowhere ? kNowhere : places_[last_].successor;
  places_.push_back({.generation = generation_, .successor = successor, .part = part});
  note_inode(0, row.inode, place);
  ++totals_.seen;
  if (row.opened_after_us != 0) ++totals_.opened;
}

void Sockets::revise(std::uint32_t place, const Socket& observed) {
  const Socket& row = ledger_.sockets().rows()[place];
  Socket now = observed;
  now.cookie = row.cookie;
  settle(row, now);
  if (now == row) return;
  if (is_told_by_events(row) && now.state != row.state) {
    doubts_.push_back({row.cookie, now.state});
    now.state = row.state;
    now.state_since_us = row.state_since_us;
  }
  replace(place, now, 0, kSometime);
}

// `now_us`: when it became so, 0: just now.
void Sockets::replace(std::uint32_t place, Socket now, std::uint64_t now_us, Mark at) {
  const Socket& row = ledger_.sockets().rows()[place];
  const std::uint32_t inode_before = row.inode;
  if (now.state != row.state)
    now.state_since_us = now_us != 0 ? now_us : microseconds_of(clock_.now().wall);
  if (inode_before != 0 && now.inode == 0 && now.process != 0) now.flags |= kOrphan;
  ledger_.change_at(place, now, at);
  note_inode(inode_before, now.inode, place);
}

void Sockets::note_inode(std::uint32_t before, std::uint32_t now, std::uint32_t place) {
  if (before == now) return;
  if (before != 0) {
    if (quiet_.erase(before) == 0) inode_changes_.departed.push_back(before);
    if (const auto found = by_inode_.find(before);
        found != by_inode_.end() && found->second == place)
      by_inode_.erase(found);
  }
  if (now != 0) {
    by_inode_[now] = place;
    // An event told who holds it; who else does is asked only if it lives on.
    if (events_ == EventCapture::on && ledger_.sockets().rows()[place].process != 0)
      quiet_[now] = microseconds_of(wall_times_.last());
    else
      inode_changes_.appeared.push_back(now);
  }
}

void Sockets::end_part(bool whole) {
  Part& part = parts_[part_];
  part.whole = whole;
  if (!whole) return;
  part.whole_before_us = part.whole_since_us;
  part.whole_since_us = part.began_us;
}

void Sockets::namespace_gone(std::uint32_t network_namespace) {
  for (std::size_t place = places_.size(); place-- > 0;)
    if (parts_[places_[place].part].network_namespace == network_namespace)
      remove(static_cast<std::uint32_t>(place), CloseReason::gone, kSometime);
}

void Sockets::spare(std::uint64_t cookie) {
  if (const std::uint32_t place = locate(cookie); place != kNowhere)
    places_[place].generation = generation_;
}

void Sockets::end_dumps(CloseReason reason) {
  judge_states();
  std::vector<std::uint32_t> gone = gone_places();
  join_time_waits(gone);
  // Backwards, because a removal moves the last row into the gap.
  for (const std::uint32_t place : gone) {
    if (is_told_by_events(ledger_.sockets().rows()[place])) ++disagreements_.missed_closes;
    // Where events tell the rest, the look before may be many frames ago.
    if (events_ == EventCapture::on)
      ledger_.last_seen(ledger_.sockets().rows()[place].cookie, seen_last(place));
    remove(place, reason, kSometime);
  }
  disagreements_.missed_opens += untold_.size();
  untold_ = {};  // All of them at the first look: room that is not needed again.
  drop_stale_aliases();
  forget_left();
}

// When, on the boot clock, the socket that these dumps did not show was certainly there.
std::chrono::microseconds Sockets::seen_last(std::uint32_t place) {
  const Socket& row = ledger_.sockets().rows()[place];
  const std::uint64_t seen_us =
      std::max({parts_[places_[place].part].whole_before_us, row.opened_us, row.state_since_us});
  const Instant now = clock_.now();
  return now.boot - (now.wall - WallTime(std::chrono::microseconds(seen_us)));
}

// Last place first.
std::vector<std::uint32_t> Sockets::gone_places() const {
  std::vector<std::uint32_t> gone;
  for (std::size_t place = places_.size(); place-- > 0;)
    if (places_[place].generation != generation_ && parts_[places_[place].part].whole)
      gone.push_back(static_cast<std::uint32_t>(place));
  return gone;
}

// The kernel gives a TIME_WAIT a cookie of its own if nobody ever asked for the connection's
// (inet_twsk_alloc() copies sk_cookie, which is 0 until then). With the addresses of a connection
// that went in the same tick it is that connection.
void Sockets::join_time_waits(std::vector<std::uint32_t>& gone) {
  if (strangers_.empty()) return;
  const auto& rows = ledger_.sockets().rows();
  tsl::robin_map<FourTuple, std::uint32_t, FourTupleHash> ended;
  for (const std::uint32_t place : gone)
    if (rows[place].transport == Transport::tcp) ended.emplace(FourTuple(rows[place]), place);
  for (const Socket& stranger : strangers_) {
    // Told of by an event that was under way when the dump showed it.
    if (const std::uint32_t place = locate(stranger.cookie); place != kNowhere) {
      places_[place].generation = generation_;
      revise(place, stranger);
      continue;
    }
    const auto found = ended.find(FourTuple(stranger));
    if (found == ended.end()) {
      last_ = kNowhere;
      add(stranger, part_of(stranger.network_namespace, {stranger.transport, stranger.family}));
      continue;
    }
    const std::uint32_t place = found->second;
    aliases_[stranger.cookie] = rows[place].cookie;
    places_[place].generation = generation_;
    revise(place, stranger);
    ended.erase(found);
  }
  strangers_.clear();
  std::erase_if(gone,
                [this](std::uint32_t place) { return places_[place].generation == generation_; });
}

// A state found by the dump that the row has not reached though all events were told.
void Sockets::judge_states() {
  for (const Doubt& doubt : doubts_) {
    const std::uint32_t place = locate(doubt.cookie);
    if (place == kNowhere) continue;
    Socket now = ledger_.sockets().rows()[place];
    const bool moved_on = now.state_since_us >= parts_[places_[place].part].began_us;
    if (now.state == doubt.dumped || moved_on) continue;
    now.state = doubt.dumped;
    replace(place, now, 0, kSometime);
    ++disagreements_.wrong_states;
  }
  doubts_.clear();
}

void Sockets::remove(std::uint32_t place, CloseReason reason, Mark at) {
  const auto& rows = ledger_.sockets().rows();
  const std::uint64_t cookie = rows[place].cookie;
  note_inode(rows[place].inode, 0, place);
  ledger_.close<Socket>(cookie, reason, at);
  places_[place] = places_.back();
  places_.pop_back();
  if (last_ >= places_.size()) last_ = kNowhere;
  if (place < places_.size() && rows[place].inode != 0) by_inode_[rows[place].inode] = place;
  if (!ledger_.restating()) ++totals_.closed;
}

void Sockets::drop_stale_aliases() {
  for (auto alias = aliases_.begin(); alias != aliases_.end();)
    alias = find(alias->second) == nullptr ? aliases_.erase(alias) : std::next(alias);
}

// --- what the kernel tells by itself, while polling ----------------------------------------------

void Sockets::take_in(Socket row) {
  const std::uint16_t part = part_of(row.network_namespace, {row.transport, row.family});
  row.opened_us = row.state_since_us = microseconds_of(clock_.now().wall);
  row.opened_after_us = parts_[part].whole_since_us;
  last_ = kNowhere;
  add(row, part);
}

// --- events --------------------------------------------------------------------------------------

std::uint64_t Sockets::wall_us(std::chrono::microseconds boot) {
  return microseconds_of(wall_times_.at(boot));
}

void Sockets::opened(Socket row, std::chrono::microseconds boot) {
  const std::uint64_t at_us = wall_us(boot);
  untold_.erase(row.cookie);
  if (const std::uint32_t place = locate(row.cookie); place != kNowhere)
    return correct_opening(place, row, at_us);
  row.opened_us = row.opened_after_us = row.state_since_us = at_us;
  last_ = kNowhere;
  add(row, part_of(row.network_namespace, {row.transport, row.family}));
}

// A dump showed the socket before its opening was told.
void Sockets::correct_opening(std::uint32_t place, const Socket& row, std::uint64_t at_us) {
  Socket now = ledger_.sockets().rows()[place];
  if (now.opened_us == at_us && now.opened_after_us == at_us) return;
  now.opened_us = now.opened_after_us = at_us;
  if (!ledger_.was_opened_now(now.cookie)) return ledger_.change_at(place, now);
  // The events of what it went through since are still to come.
  if (now.state != row.state) doubts_.push_back({now.cookie, now.state});
  now.state = row.state;
  now.state_since_us = at_us;
  ledger_.restate_opening(now, now);
}

void Sockets::tell(const Socket& now) {
  const std::uint32_t place = locate(now.cookie);
  NETREC_CHECK(place != kNowhere, "only a known socket has more to be told");
  replace(place, now, 0, kSometime);
}

void Sockets::event(Socket now, std::chrono::microseconds boot) {
  const std::uint64_t at_us = wall_us(boot);
  if (const std::uint32_t place = locate(now.cookie); place != kNowhere)
    return replace(place, now, at_us, ledger_.mark(boot));
  const std::uint16_t part = part_of(now.network_namespace, {now.transport, now.family});
  now.opened_us = now.state_since_us = at_us;
  now.opened_after_us = parts_[part].whole_since_us;
  last_ = kNowhere;
  add(now, part);
}

bool Sockets::ended(std::uint64_t cookie, std::chrono::microseconds boot, CloseReason reason) {
  untold_.erase(cookie);
  const std::uint32_t place = locate(cookie);
  if (place == kNowhere) return false;
  remove(place, reason, ledger_.mark(boot));
  aliases_.erase(cookie);
  return true;
}

bool Sockets::vanished(std::uint64_t cookie) {
  const std::uint32_t place = locate(cookie);
  if (place == kNowhere) return false;
  remove(place, CloseReason::unseen, kSometime);
  aliases_.erase(cookie);
  return true;
}

void Sockets::left(std::uint32_t inode, std::chrono::microseconds boot) {
  constexpr std::size_t kLeast = 4096;
  left_[inode] = boot;
  if (left_.size() < most_left_) return;
  forget_left();
  most_left_ = std::max(kLeast, 2 * left_.size());
}

// A process may take its time between letting go and the end of it.
void Sockets::forget_left() {
  constexpr std::chrono::seconds kLinger{1};
  const std::chrono::microseconds now = left_.empty() ? kLinger : clock_.now().boot;
  for (auto left = left_.begin(); left != left_.end();)
    left = now - left->second > kLinger ? left_.erase(left) : std::next(left);
}

// --- owners --------------------------------------------------------------------------------------

const Socket* Sockets::with_inode(std::uint32_t inode) const {
  const auto found = by_inode_.find(inode);
  return found == by_inode_.end() ? nullptr : &ledger_.sockets().rows()[found->second];
}

InodeChanges Sockets::take_inode_changes() {
  const std::uint64_t now_us = quiet_.empty() ? 0 : microseconds_of(clock_.now().wall);
  for (auto quiet = quiet_.begin(); quiet != quiet_.end();) {
    const bool clock_stepped = now_us < quiet->second;
    if (!clock_stepped && now_us - quiet->second < kHandedOnWithinUs) {
      ++quiet;
      continue;
    }
    inode_changes_.appeared.push_back(quiet->first);
    quiet = quiet_.erase(quiet);
  }
  return std::exchange(inode_changes_, {});
}

}  // namespace netrec
