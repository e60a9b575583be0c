#include "query/replay.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "query/names.h"
#include "query/socket_columns.h"
#include "query/socket_selection.h"
#include "schema/key_hash.h"

namespace netrec {

namespace {

/// Playing over more frames than this goes by way of a keyframe.
constexpr std::uint64_t kFramesWalked = 64;

bool is_of_state(std::uint16_t field) {
  static const std::vector<bool> kFields = [] {
    std::vector<bool> fields;
    for (const Field<Socket>& one : fields_of<Socket>())
      fields.push_back(one.name == "state" || one.name == "process");
    return fields;
  }();
  return field < kFields.size() && kFields[field];
}

/// A keyframe that restates brings no news; one that begins a session does not either, as nobody
/// saw what it holds come about.
bool has_news(const FrameCursor& cursor) { return cursor.frame().kind == FrameKind::delta; }

}  // namespace

std::string_view name(ReplayOrder order) {
  switch (order) {
    case ReplayOrder::listing:
      return "address";
    case ReplayOrder::news:
      return "news";
    case ReplayOrder::receive_queue:
      return "recv-q";
    case ReplayOrder::send_queue:
      return "send-q";
    case ReplayOrder::traffic:
      return "bytes";
    case ReplayOrder::age:
      return "age";
    case ReplayOrder::program:
      return "program";
  }
  return "";
}

Replay::Replay(Timeline& timeline) : timeline_(&timeline), cursor_(timeline.cursor()) {}

void Replay::set_filter(Filter filter) {
  filter_ = std::move(filter);
  gather();
}

void Replay::set_kinds(ReplayKinds kinds) {
  kinds_ = kinds;
  gather();
}

void Replay::set_order(ReplayOrder order) {
  order_ = order;
  gather();
}

bool Replay::wants_kind(const Socket& socket) const {
  if (socket.transport == Transport::tcp || socket.transport == Transport::mptcp) return kinds_.tcp;
  return is_internet(socket) ? kinds_.udp : kinds_.local;
}

bool Replay::wants(const Socket& socket) const {
  return wants_kind(socket) && filter_.matches(socket, cursor_.snapshot());
}

bool Replay::at_end() const {
  return cursor_.frame().sequence >= timeline_->summary().last_sequence;
}

Status Replay::go_to(WallTime time) {
  const TimelineSummary& summary = timeline_->summary();
  NETREC_CHECKED(cursor_.seek(std::max(time, summary.first_wall)));
  gather();
  return {};
}

Status Replay::go_to_sequence(std::uint64_t sequence) {
  NETREC_CHECKED(cursor_.seek_sequence(sequence));
  gather();
  return {};
}

Result<bool> Replay::forward() {
  if (at_end()) return false;
  NETREC_TRY(moved, cursor_.next());
  if (moved) gather();
  return moved;
}

Result<bool> Replay::back() {
  if (cursor_.frame().sequence <= timeline_->summary().first_sequence) return false;
  NETREC_TRY(moved, cursor_.previous());
  if (moved) gather();
  return moved;
}

bool Replay::brings_news() const {
  if (cursor_.begins_session()) return true;
  if (!has_news(cursor_)) return false;
  const Changes<Socket>& changes = cursor_.frame().delta.of<Socket>();
  const auto& departed = cursor_.departed();
  const auto wanted = [this](const Socket& socket) { return wants(socket); };
  if (std::any_of(changes.opened.begin(), changes.opened.end(), wanted)) return true;
  if (std::any_of(departed.begin(), departed.end(), wanted)) return true;
  return std::any_of(changes.changed.begin(), changes.changed.end(), [&](const Change& change) {
    if (!is_of_state(change.field)) return false;
    const Socket* socket = cursor_.snapshot().of<Socket>().find(change.key);
    return socket != nullptr && wants(*socket);
  });
}

Result<bool> Replay::look(Result<bool> (FrameCursor::*step)(),
                          const std::function<bool()>& keep_on) {
  const std::uint64_t here = cursor_.frame().sequence;
  const bool onward = step == &FrameCursor::next;
  for (;;) {
    const std::uint64_t at = cursor_.frame().sequence;
    const bool last = onward ? at_end() : at <= timeline_->summary().first_sequence;
    if (last) break;
    NETREC_TRY(moved, (cursor_.*step)());
    if (!moved || brings_news() || !keep_on()) break;
  }
  gather();
  return cursor_.frame().sequence != here;
}

Result<bool> Replay::next_change(const std::function<bool()>& keep_on) {
  return look(&FrameCursor::next, keep_on);
}

Result<bool> Replay::previous_change(const std::function<bool()>& keep_on) {
  return look(&FrameCursor::previous, keep_on);
}

Result<bool> Replay::play_to(WallTime time) {
  if (at_end()) return false;
  NETREC_TRY(goal, timeline_->sequence_at(time));
  const std::uint64_t here = cursor_.frame().sequence;
  if (goal <= here) return false;
  if (goal - here > kFramesWalked) {
    NETREC_CHECKED(go_to_sequence(goal));
    return true;
  }
  while (cursor_.frame().sequence < goal) {
    NETREC_TRY(moved, cursor_.next());
    if (!moved) break;
  }
  gather();
  return cursor_.frame().sequence != here;
}

Result<bool> Replay::follow() {
  const bool stood_at_end = at_end();
  NETREC_TRY(more, timeline_->refresh());
  if (!more) return false;
  // A cursor walks over what was there when it was made.
  const std::uint64_t here = cursor_.frame().sequence;
  cursor_ = timeline_->cursor();
  NETREC_CHECKED(go_to_sequence(stood_at_end ? timeline_->summary().last_sequence : here));
  return stood_at_end;
}

Result<bool> Replay::follow_by_one() {
  NETREC_TRY(more, timeline_->refresh());
  if (!more) return false;
  const std::uint64_t here = cursor_.frame().sequence;
  cursor_ = timeline_->cursor();
  NETREC_CHECKED(cursor_.seek_sequence(here));
  return forward();
}

void Replay::gather() {
  rows_.clear();
  news_ = {};
  if (cursor_.frame().sequence == 0) return;
  for (const Socket& socket : cursor_.snapshot().of<Socket>())
    if (wants(socket)) rows_.push_back({socket, Mark::none});
  if (has_news(cursor_)) mark_changes();
  sort_rows();
}

void Replay::mark_changes() {
  std::unordered_map<std::uint64_t, Mark, KeyHash> marks;
  const Changes<Socket>& changes = cursor_.frame().delta.of<Socket>();
  for (const Change& change : changes.changed) {
    Mark& mark = marks.try_emplace(change.key, Mark::counters).first->second;
    if (is_of_state(change.field)) mark = Mark::state;
  }
  for (const Socket& socket : changes.opened) marks[socket.cookie] = Mark::opened;
  for (ReplayRow& row : rows_) {
    const auto found = marks.find(row.socket.cookie);
    if (found != marks.end()) row.mark = found->second;
    news_.opened += row.mark == Mark::opened ? 1 : 0;
    news_.changed_state += row.mark == Mark::state ? 1 : 0;
  }
  for (const Socket& socket : cursor_.departed()) {
    if (!wants(socket)) continue;
    rows_.push_back({socket, Mark::closed});
    ++news_.closed;
  }
}

void Replay::sort_rows() {
  const auto most_first = [&](auto value) {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [&](const ReplayRow& a, const ReplayRow& b) { return value(a) > value(b); });
  };
  std::sort(rows_.begin(), rows_.end(), [](const ReplayRow& a, const ReplayRow& b) {
    return listed_before(a.socket, b.socket);
  });
  switch (order_) {
    case ReplayOrder::listing:
      return;
    case ReplayOrder::news:
      return most_first([](const ReplayRow& row) {
        return row.mark == Mark::none ? 0 : 5 - static_cast<int>(row.mark);
      });
    case ReplayOrder::receive_queue:
      return most_first([](const ReplayRow& row) { return row.socket.receive_queue; });
    case ReplayOrder::send_queue:
      return most_first([](const ReplayRow& row) { return row.socket.send_queue; });
    case ReplayOrder::traffic:
      return most_first(
          [](const ReplayRow& row) { return row.socket.bytes_sent + row.socket.bytes_received; });
    case ReplayOrder::age:
      return most_first([](const ReplayRow& row) { return ~row.socket.opened_us; });
    case ReplayOrder::program:
      std::stable_sort(rows_.begin(), rows_.end(), [this](const ReplayRow& a, const ReplayRow& b) {
        const Process* first = owner_of(a.socket, snapshot());
        const Process* second = owner_of(b.socket, snapshot());
        const auto named = [this](const Process* process) {
          return process == nullptr ? std::string_view{} : program_name(*process, snapshot());
        };
        return named(first) < named(second);
      });
  }
}

}  // namespace netrec
