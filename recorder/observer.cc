#include "recorder/observer.h"

#include <vector>

namespace netrec {

Observer::Observer(const Resume& resume, Clock& clock)
    : wall_times_(clock),
      ledger_(resume),
      sockets_(ledger_, clock),
      processes_(ledger_, clock),
      surroundings_(ledger_),
      attribution_(ledger_, sockets_, processes_) {}

void Observer::carry_over(const Snapshot& last, WallTime last_wall) {
  ledger_.carry_over(last);
  sockets_.carry_over(last_wall);
  processes_.carry_over();
  surroundings_.carry_over();
}

void Observer::begin_session(Session session) {
  ledger_.restate();
  close_old_session();
  session.id = ledger_.new_session_id();
  session_ = session.id;
  ledger_.open(session);
}

// In another file: the old one has them.
void Observer::close_old_session() {
  if (session_ != 0) ledger_.close<Session>(session_, CloseReason::exact);
  std::vector<std::uint64_t> gaps;
  for (const Gap& row : state().of<Gap>()) gaps.push_back(row.id);
  for (const std::uint64_t id : gaps) ledger_.close<Gap>(id, CloseReason::exact);
}

const Session& Observer::session() const {
  const Session* row = state().of<Session>().find(session_);
  NETREC_CHECK(row != nullptr, "a session was begun");
  return *row;
}

void Observer::begin(const Instant& now) {
  begun_ = now;
  processes_.begin_tick();
}

std::uint32_t Observer::open(Peer peer) {
  peer.id = ledger_.new_peer_id();
  ledger_.open(peer);
  return peer.id;
}

bool Observer::change(const Peer& peer) {
  const Peer* old = state().of<Peer>().find(peer.id);
  if (old == nullptr) return false;
  if (!(*old == peer)) ledger_.change(peer);
  return true;
}

bool Observer::close_peer(std::uint32_t id, std::chrono::microseconds boot) {
  return ledger_.close<Peer>(id, CloseReason::exact, ledger_.mark(boot));
}

void Observer::resolved(Resolution resolution) {
  resolution.id = ledger_.new_resolution_id();
  ledger_.open(resolution);
}

void Observer::gap(const GapNotice& notice) {
  Gap row{.from_us = microseconds_of(notice.from),
          .to_us = notice.to == WallTime{} ? 0 : microseconds_of(notice.to),
          .count = notice.count,
          .network_namespace = notice.network_namespace,
          .detail = ledger_.text(notice.detail),
          .cause = notice.cause};
  for (const Gap& old : state().of<Gap>()) {
    const bool is_same = old.cause == row.cause && old.detail == row.detail &&
                         old.network_namespace == row.network_namespace;
    if (!is_same || old.to_us == 0 || row.to_us == 0) continue;
    if (old.to_us < microseconds_of(last_frame_) || old.from_us > row.from_us) continue;
    row.id = old.id;
    row.from_us = old.from_us;
    row.count += old.count;
    return ledger_.change(row);
  }
  row.id = ledger_.new_gap_id();
  ledger_.open(row);
  ++gap_counts_[row.cause];
}

void Observer::tidy() {
  std::vector<std::uint64_t> gaps;
  for (const Gap& row : state().of<Gap>())
    if (row.to_us != 0 && row.to_us < microseconds_of(last_frame_)) gaps.push_back(row.id);
  for (const std::uint64_t id : gaps) ledger_.close<Gap>(id, CloseReason::exact);
  std::vector<std::uint32_t> answers;
  const std::uint64_t now_us = microseconds_of(begun_.wall);
  for (const Resolution& row : state().of<Resolution>())
    if (row.answered_us + row.ttl_s * std::uint64_t{1'000'000} < now_us) answers.push_back(row.id);
  for (const std::uint32_t id : answers) ledger_.close<Resolution>(id, CloseReason::gone);
  processes_.drop_unused();
  ledger_.drop_unused_texts();
}

void Observer::end_session(const Instant& now) {
  std::vector<Gap> open;
  for (const Gap& row : state().of<Gap>())
    if (row.to_us == 0) open.push_back(row);
  for (Gap& row : open) {
    row.to_us = microseconds_of(now.wall);
    ledger_.change(row);
  }
  ledger_.close<Session>(session_, CloseReason::exact);
}

Tick Observer::end(const Instant& now) { return ledger_.take(now); }

void Observer::commit(const Instant& now, Tick written) {
  ledger_.commit(now, std::move(written));
  last_frame_ = now.wall;
}

}  // namespace netrec
