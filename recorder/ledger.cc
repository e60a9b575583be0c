#include "recorder/ledger.h"

#include <algorithm>
#include <limits>

#include "schema/key_hash.h"
#include "schema/result.h"
#include "schema/sort_by_key.h"

namespace netrec {

namespace {

// Calls `one` with the element of `kinds` of each kind.
template <class Kinds, class One>
void for_each_kind(Kinds& kinds, One one) {
  std::apply([&](auto&... kind) { (one(kind), ...); }, kinds);
}

// The ids of all texts that rows of T refer to.
template <class T>
void mark_texts(const Table<T>& table, std::vector<bool>& used) {
  for (const Field<T>& field : fields_of<T>()) {
    if (field.kind != FieldKind::text) continue;
    for (const T& row : table) {
      const std::uint64_t id = field.get(row);
      if (id < used.size()) used[id] = true;
    }
  }
}

void mark_texts(const Table<Text>&, std::vector<bool>&) {}

// Empties the list and keeps its memory, unless that is far more than was needed.
template <class T>
void reuse(std::vector<T>& list) {
  constexpr std::size_t kFarMore = 4;
  if (list.capacity() / kFarMore > list.size())
    list = {};
  else
    list.clear();
}

}  // namespace

Ledger::Ledger(const Resume& resume) : next_(resume) {}

void Ledger::continue_in(const Resume& resume) {
  const auto raise = [&]<class T>(T Resume::*next) {
    next_.*next = std::max(next_.*next, resume.*next);
  };
  raise(&Resume::next_session);
  raise(&Resume::next_gap);
  raise(&Resume::next_text);
  raise(&Resume::next_process);
  raise(&Resume::next_network_namespace);
  raise(&Resume::next_counter);
  raise(&Resume::next_peer);
  raise(&Resume::next_resolution);
}

std::uint32_t Ledger::text(std::string_view bytes) {
  if (bytes.empty()) return 0;
  bytes = bytes.substr(0, kLongestText);
  if (const auto found = text_ids_.find(bytes); found != text_ids_.end()) return found->second;
  const std::uint32_t id = next_.next_text++;
  text_ids_.emplace(std::string(bytes), id);
  open(Text{.id = id, .bytes = std::string(bytes)});
  return id;
}

template <class T>
void Ledger::open(const T& row) {
  const bool is_new = snapshot_.of<T>().insert(row);
  NETREC_CHECK(is_new, "a row is opened once");
  if (restating_) return;
  auto& opened = delta_.of<T>().opened;
  std::get<Openings<T>>(openings_)[key_of(row)] = {static_cast<std::uint32_t>(opened.size())};
  opened.push_back(row);
}

template <class T>
void Ledger::record_change(const T& before, const T& now, Mark at) {
  if (restating_) return;
  Changes<T>& changes = delta_.of<T>();
  auto& openings = std::get<Openings<T>>(openings_);
  if (const auto found = openings.find(key_of(now)); found != openings.end()) {
    Opening& opening = found.value();
    if (at == kSometime && opening.dated.none()) {
      changes.opened[opening.index] = now;
      return;
    }
    return record_change_of_newcomer(opening, before, now, at);
  }
  const std::size_t first = changes.changed.size();
  compare(before, now, changes);
  for (std::size_t i = first; i < changes.changed.size(); ++i) changes.changed[i].at = at;
}

// Of a row opened in this frame: a field that never changed at a time of its own becomes part of
// the opening, so that a connection which ends in the frame it began in is told once.
template <class T>
void Ledger::record_change_of_newcomer(Opening& opening, const T& before, const T& now, Mark at) {
  Changes<T>& changes = delta_.of<T>();
  T& opened = changes.opened[opening.index];
  const std::size_t first = changes.changed.size();
  compare(before, now, changes);
  std::size_t kept = first;
  for (std::size_t i = first; i < changes.changed.size(); ++i) {
    Change change = changes.changed[i];
    if (at == kSometime && !opening.dated[change.field]) {
      fields_of<T>()[change.field].set(opened, change.value);
      continue;
    }
    if (at != kSometime) opening.dated.set(change.field);
    change.at = at;
    changes.changed[kept++] = change;
  }
  changes.changed.resize(kept);
}

template <class T>
void Ledger::change(const T& now, Mark at) {
  T* row = snapshot_.of<T>().find(key_of(now));
  NETREC_CHECK(row != nullptr, "only what is there changes");
  record_change(*row, now, at);
  *row = now;
}

void Ledger::change_at(std::size_t place, const Socket& now, Mark at) {
  Socket& row = snapshot_.of<Socket>().at_position(place);
  record_change(row, now, at);
  row = now;
}

void Ledger::restate_opening(const Socket& was, const Socket& now) {
  Socket* row = snapshot_.of<Socket>().find(was.cookie);
  const auto& openings = std::get<Openings<Socket>>(openings_);
  const auto found = openings.find(was.cookie);
  NETREC_CHECK(row != nullptr && found != openings.end(), "the row was opened in this frame");
  delta_.of<Socket>().opened[found->second.index] = was;
  *row = now;
}

template <class T>
bool Ledger::close(std::uint64_t key, CloseReason reason, Mark at) {
  auto& table = snapshot_.of<T>();
  const T* row = table.find(key);
  if (row == nullptr) return false;
  if (!restating_) {
    if constexpr (std::is_same_v<T, Socket>) {
      departed_.push_back(*row);
      closed_now_.insert(key);
    }
    delta_.of<T>().closed.push_back({.key = key, .at = at, .reason = reason});
  }
  if constexpr (std::is_same_v<T, Text>) text_ids_.erase(row->bytes);
  table.erase(key);
  return true;
}

void Ledger::last_seen(std::uint64_t cookie, std::chrono::microseconds seen) {
  if (!restating_ && seen < base_) last_seen_[cookie] = seen;
}

bool Ledger::was_opened_now(std::uint64_t cookie) const {
  return std::get<Openings<Socket>>(openings_).contains(cookie);
}

const Socket& Ledger::opening(std::uint64_t cookie) const {
  const auto& openings = std::get<Openings<Socket>>(openings_);
  const auto found = openings.find(cookie);
  NETREC_CHECK(found != openings.end(), "the row was opened in this frame");
  return delta_.of<Socket>().opened[found->second.index];
}

Mark Ledger::mark(std::chrono::microseconds boot) const {
  // An event older than the last frame was on its way when that was taken; a frame of more than an
  // hour (the disk was full) has no room for a time of its own.
  const auto since = std::max<std::int64_t>((boot - base_).count(), 0);
  if (since >= std::numeric_limits<Mark>::max()) return kSometime;
  return static_cast<Mark>(since) + 1;
}

void Ledger::restate() {
  restating_ = true;
  delta_ = {};
  departed_.clear();
  closed_now_.clear();
  last_seen_.clear();
  for_each_kind(openings_, [](auto& openings) { openings.clear(); });
}

// Turns "microseconds since the last frame" into "microseconds before this one" or back, plus one.
void Ledger::turn_marks(Delta& delta, const Instant& now) const {
  const auto span = std::max<std::int64_t>((now.boot - base_).count(), 0);
  const auto turn = [span](std::uint32_t& at) {
    if (at == kSometime) return;
    const std::int64_t turned = std::max<std::int64_t>(span - (std::int64_t{at} - 1), 0);
    at = turned >= std::numeric_limits<Mark>::max() ? kSometime : static_cast<Mark>(turned) + 1;
  };
  for_each_kind(delta.kinds, [&](auto& changes) {
    for (Change& change : changes.changed) turn(change.at);
    for (Closed& closed : changes.closed) turn(closed.at);
  });
}

// More than an hour ago: there is no room for it (mark()).
void Ledger::tell_last_seen(const Instant& now) {
  if (last_seen_.empty()) return;
  for (Closed& closed : delta_.of<Socket>().closed) {
    const auto found = last_seen_.find(closed.key);
    if (found == last_seen_.end()) continue;
    const std::int64_t before = (now.boot - found->second).count();
    closed.at =
        before >= std::numeric_limits<Mark>::max() ? 0 : static_cast<std::uint32_t>(before) + 1;
    closed.reason = CloseReason::unseen;
  }
}

// A change without a time of its own says what the field is at the frame: of several only the last
// is true, and none if an event with a time came later. REQUIRES: the list is sorted.
template <class T>
void Ledger::settle_kind(Changes<T>& changes) {
  tsl::robin_map<std::uint64_t, const Socket*, KeyHash> departed;
  if constexpr (std::is_same_v<T, Socket>) {
    departed.reserve(departed_.size());
    for (const Socket& row : departed_) departed[row.cookie] = &row;
  }
  const auto row_of = [&](std::uint64_t key) -> const T* {
    if constexpr (std::is_same_v<T, Socket>)
      if (const auto found = departed.find(key); found != departed.end()) return found->second;
    return snapshot_.of<T>().find(key);
  };
  const auto fields = fields_of<T>();
  std::size_t kept = 0;
  std::size_t undated = SIZE_MAX;  // place of the last one that was kept without a time
  for (const Change& change : changes.changed) {
    if (change.at == kSometime) {
      if (undated != SIZE_MAX && changes.changed[undated].key == change.key &&
          changes.changed[undated].field == change.field)
        continue;
      const T* row = row_of(change.key);
      if (row != nullptr && fields[change.field].get(*row) != change.value) continue;
      undated = kept;
    }
    changes.changed[kept++] = change;
  }
  changes.changed.resize(kept);
}

Tick Ledger::take(const Instant& now) {
  Tick tick;
  taken_at_ = now.boot;
  tick.frame.wall = now.wall;
  tick.frame.boot = now.boot;
  turn_marks(delta_, now);
  tell_last_seen(now);
  sort(delta_);
  for_each_kind(delta_.kinds, [this](auto& changes) { settle_kind(changes); });
  tick.frame.delta = std::move(delta_);
  tick.departed = std::move(departed_);
  sort_by_key(tick.departed);
  delta_ = {};
  departed_.clear();
  return tick;
}

void Ledger::commit(const Instant& now, Tick written) {
  departed_ = std::move(written.departed);
  reuse(departed_);
  delta_ = std::move(written.frame.delta);
  for_each_kind(delta_.kinds, [](auto& changes) {
    reuse(changes.opened);
    reuse(changes.changed);
    reuse(changes.closed);
  });
  base_ = now.boot;
  restating_ = false;
  closed_now_.clear();
  last_seen_.clear();
  for_each_kind(openings_, [](auto& openings) { openings.clear(); });
}

void Ledger::keep(Tick tick) {
  delta_ = std::move(tick.frame.delta);
  departed_ = std::move(tick.departed);
  turn_marks(delta_, {.boot = taken_at_});
  // Sorting moved the opened rows.
  for_each_kind(delta_.kinds, [this]<class T>(Changes<T>& changes) {
    auto& openings = std::get<Openings<T>>(openings_);
    for (std::size_t i = 0; i < changes.opened.size(); ++i)
      openings[key_of(changes.opened[i])].index = static_cast<std::uint32_t>(i);
  });
}

void Ledger::drop_unused_texts() {
  std::vector<bool> used(next_.next_text);
  for_each_kind(snapshot_.kinds, [&](auto& table) { mark_texts(table, used); });
  std::vector<std::uint32_t> unused;
  for (const Text& row : snapshot_.of<Text>())
    if (!used[row.id]) unused.push_back(row.id);
  for (const std::uint32_t id : unused) close<Text>(id, CloseReason::gone);
}

void Ledger::carry_over(const Snapshot& last) {
  snapshot_ = last;
  snapshot_.of<Session>().clear();
  snapshot_.of<Gap>().clear();
  for (const Text& row : snapshot_.of<Text>()) text_ids_.emplace(row.bytes, row.id);
}

#define NETREC_LEDGER(T)                        \
  template void Ledger::open(const T&);         \
  template void Ledger::change(const T&, Mark); \
  template bool Ledger::close<T>(std::uint64_t, CloseReason, Mark)
NETREC_LEDGER(Text);
NETREC_LEDGER(Session);
NETREC_LEDGER(Gap);
NETREC_LEDGER(User);
NETREC_LEDGER(NetworkNamespace);
NETREC_LEDGER(Process);
NETREC_LEDGER(Interface);
NETREC_LEDGER(Counter);
NETREC_LEDGER(Socket);
NETREC_LEDGER(Peer);
NETREC_LEDGER(Resolution);
#undef NETREC_LEDGER

}  // namespace netrec
