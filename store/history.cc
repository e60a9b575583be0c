#include "store/history.h"

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <type_traits>

#include "schema/key_hash.h"
#include "store/chunk_layout.h"
#include "store/chunk_table.h"
#include "store/earlier_states.h"
#include "store/history_chunk.h"
#include "store/history_order.h"
#include "store/log_reader.h"
#include "store/read_transaction.h"
#include "store/rotation.h"
#include "store/transition_source.h"
#include "store/walked_state.h"

namespace netrec {

namespace {

template <class T>
std::uint64_t opened_us(const T& row) {
  return fields_of<T>()[static_cast<std::size_t>(layout_of<T>().opening)].get(row);
}

/// When a row that is alive (of a socket: seen at `seen_us`) was last known to be.
std::uint64_t alive_until(const Socket&, std::uint64_t seen_us) { return seen_us; }
std::uint64_t alive_until(const Peer& row, std::uint64_t) { return row.last_us; }
std::uint64_t alive_until(const Resolution& row, std::uint64_t) { return row.answered_us; }

/// What names a row in whichever file it is written.
using Identity = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
Identity identity_of(const Socket& row) { return {row.cookie, 0, 0, 0}; }
Identity identity_of(const Peer& row) {
  return {row.socket, row.first_us, row.remote.high ^ row.remote.low,
          std::uint64_t{row.remote_port} << 16 | row.local_port};
}
Identity identity_of(const Resolution& row) {
  return {row.answered_us, row.address.high, row.address.low, row.query_type};
}

/// `wanted` as far as a row tells it without the names it refers to, at any time.
Wanted without_names(Wanted wanted) {
  wanted.pids.clear(), wanted.programs.clear(), wanted.namespaces.clear();
  wanted.names.clear(), wanted.tests.clear();
  return wanted;
}

template <class T>
class HistoryScan {
 public:
  HistoryScan(const Timeline& timeline, const Wanted& wanted, const StorySink<T>& sink,
              const ConnectionColumnsSink* columns = nullptr)
      : timeline_(timeline),
        database_(timeline.database()),
        wanted_(with_cookie(wanted)),
        filter_(wanted_),
        nameless_(without_names(wanted_)),
        nameless_filter_(nameless_),
        names_(filter_),
        sink_(sink),
        columns_(columns),
        neighbours_(wanted.neighbours) {}

  Result<std::vector<Damage>> run() {
    NETREC_TRY(transaction, ReadTransaction::begin(database_));
    NETREC_TRY(chunks, ChunkTable::open(database_));
    chunks_.emplace(std::move(chunks));
    NETREC_CHECKED(find_sessions());
    if (neighbours_ != nullptr) NETREC_CHECKED(look_around());
    if (wanted_.order != nullptr) NETREC_CHECKED(tell_in_order(*wanted_.order));
    for (std::size_t i = 0; i < sessions_.size() && !stopped_ && wanted_.order == nullptr; ++i) {
      if (!collects()) NETREC_CHECKED(tell_chunks(sessions_[i]));
      if (!stopped_) NETREC_CHECKED(tell_rest(i));
    }
    if (neighbours_ != nullptr) {
      neighbours_->earlier.emplace();
      if (next_file_) neighbours_->earlier->swap(earlier_);
    }
    // What it costs is not known where nothing near it can be read.
    for (Damage& damage : damage_) {
      if (damage.from == WallTime{}) damage.from = timeline_.summary().first_wall;
      if (damage.to == WallTime{}) damage.to = timeline_.summary().last_wall;
    }
    return std::move(damage_);
  }

 private:
  /// Transitions are put together by the cookie.
  static Wanted with_cookie(Wanted wanted) {
    if (wanted.fields && (wanted.transitions || wanted.neighbours != nullptr))
      wanted.fields->set(field_id<Socket>("cookie"));
    return wanted;
  }

  bool collects() const {
    return only_collects_ || (neighbours_ != nullptr && neighbours_->only_collects);
  }

  /// Opens the file after this one, and finds out what those before it know of its sockets.
  Status look_around() {
    // What cannot be opened is told by whoever opens it to read it; here it ends the row of files.
    if (!neighbours_->after.empty())
      if (auto after = Timeline::open(neighbours_->after)) {
        const auto recorded = after->sessions();
        if (recorded && !recorded->empty())
          next_file_ = NextFile{.first = recorded->front().first_sequence,
                                .last = after->summary().last_sequence,
                                .boot = recorded->front().boot,
                                .timeline = std::move(*after)};
      }
    if constexpr (std::is_same_v<T, Socket>) {
      if (!neighbours_->earlier) NETREC_CHECKED(collect_earlier());
      if (neighbours_->earlier) earlier_.swap(*neighbours_->earlier);
    }
    return {};
  }

  /// How far back the files before this one are needed: to when the oldest wanted socket that was
  /// there at the beginning opened. Nothing: they are not needed.
  std::optional<std::uint64_t> needed_since() {
    std::optional<std::uint64_t> since;
    if (sessions_.empty()) return since;
    FrameCursor cursor(database_, sessions_.front().last);
    if (!cursor.seek_sequence(sessions_.front().first)) return since;
    for (const Socket& row : cursor.snapshot().of<Socket>()) {
      if (!may_become_wanted(row, cursor.snapshot())) continue;
      // Of one that was there before this file, another recorder may have seen the beginning.
      const bool seen_again = row.opened_us >= sessions_.front().started_us;
      since = std::min(since.value_or(UINT64_MAX), seen_again ? 0 : row.opened_us);
    }
    return since;
  }

  Status collect_earlier() {
    if (neighbours_->before.empty()) return {};
    const auto since = needed_since();
    if (!since) return {};
    std::size_t files = 0;
    while (files < neighbours_->before.size() &&
           wall_us(neighbours_->before_until[files]) >= *since)
      ++files;
    Neighbours of_earlier;
    of_earlier.earlier.emplace();
    of_earlier.only_collects = true;
    Wanted wanted = wanted_;
    wanted.neighbours = &of_earlier;
    const std::string own = timeline_.summary().path;
    while (files-- > 0) {
      of_earlier.after = files == 0 ? own : neighbours_->before[files - 1];
      const auto file = Timeline::open(neighbours_->before[files]);
      const auto scanned = file ? HistoryScan(*file, wanted, sink_).run()
                                : Result<std::vector<Damage>>(tl::unexpected<Error>(Error{}));
      // What it could have said is missing from `states` only, and told where it is read itself.
      if (!scanned) of_earlier.earlier.emplace();
    }
    neighbours_->earlier = std::move(of_earlier.earlier);
    return {};
  }

  /// Sessions as the derived table has them; if it has none, the whole log is taken for one.
  Status find_sessions() {
    NETREC_TRY(log, LogReader::open(database_));
    log_.emplace(std::move(log));
    NETREC_TRY(first, log_->first_sequence());
    NETREC_TRY(last, log_->last_sequence());
    if (first == 0) return {};
    NETREC_TRY(recorded, timeline_.sessions());
    for (const RecordedSession& session : recorded) {
      if (session.first_sequence > last) continue;
      if (!sessions_.empty()) sessions_.back().last = session.first_sequence - 1;
      sessions_.push_back({.id = session.id,
                           .first = session.first_sequence,
                           .last = last,
                           .started_us = session.started_us,
                           .boot = session.boot});
    }
    // Retention may have dropped whole sessions, and the beginning of one.
    std::erase_if(sessions_, [&](const SessionSpan& span) { return span.last < first; });
    if (sessions_.empty()) sessions_.push_back({.first = first, .last = last, .boot = {}});
    sessions_.front().first = first;
    return {};
  }

  Status tell_chunks(const SessionSpan& session) {
    return chunks_->for_each(session.first, session.last, filter_.template choice<T>(), damage_,
                             [this](const ChunkRow& row, const ChunkHeader& header) {
                               return tell_if_wanted(row, header);
                             });
  }

  Result<bool> tell_if_wanted(const ChunkRow& row, const ChunkHeader& header) {
    if (header.of(EntityTraits<T>::kind).ended == 0 || !filter_.may_hold(header)) return true;
    auto told = tell(row, header);
    if (!told && told.error().kind == ErrorKind::corrupt) {
      damage_.push_back(row.damage(std::move(told).error().message));
      return true;
    }
    if (told) stopped_ = !*told;
    return told;
  }

  // ---- in the order of a time

  /// Tells the parts of the log by their bounds; those still alive, of which no end is known,
  /// apart.
  Status tell_in_order(const HistoryOrder& order) {
    const bool apart = order.time == HistoryOrder::Time::end;
    if (apart && !order.descending) NETREC_CHECKED(tell_those_alive(order));
    NETREC_CHECKED(find_earlier());
    NETREC_TRY(found, parts(order));
    LogParts left = std::move(found);
    tells_alive_ = !apart;
    order.damage_met(damage_.size());
    while (!stopped_ && !left.empty()) {
      NETREC_CHECKED(make_top_exact(left));
      const LogPart part = left.pop();
      NETREC_CHECKED(make_top_exact(left));
      const auto next = left.empty() ? std::nullopt : std::optional(left.top().bound_us);
      stopped_ = !order.begin_part(part.bound_us, next);
      if (!stopped_) NETREC_CHECKED(tell_part(part));
      order.damage_met(damage_.size());
    }
    if (apart && order.descending && !stopped_) NETREC_CHECKED(tell_those_alive(order));
    return {};
  }

  Status make_top_exact(LogParts& left) {
    while (!left.empty() && !left.top().is_exact) {
      NETREC_TRY(exact, look_again(left.pop()));
      left.push(exact);
    }
    return {};
  }

  Status tell_those_alive(const HistoryOrder& order) {
    stopped_ = !order.begin_alive();
    tells_ended_ = false;
    tells_alive_ = true;
    earlier_ = {};
    for (std::size_t i = 0; i < sessions_.size() && !stopped_; ++i) NETREC_CHECKED(tell_rest(i));
    tells_ended_ = true;
    return {};
  }

  /// What is known from before each session.
  Status find_earlier() {
    earlier_of_.resize(sessions_.size());
    earlier_ = {};
    if (!std::is_same_v<T, Socket> || !filter_.wanted().transitions) return {};
    only_collects_ = true;
    for (std::size_t i = 0; i + 1 < sessions_.size() && !stopped_; ++i) {
      NETREC_CHECKED(tell_rest(i));
      earlier_of_[i + 1] = earlier_;
    }
    only_collects_ = false;
    return {};
  }

  Result<LogParts> parts(const HistoryOrder& order) {
    LogParts parts(order.descending);
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      const SessionSpan& session = sessions_[i];
      NETREC_TRY(chunks, chunks_of(session, order));
      for (LogPart& chunk : chunks) {
        chunk.session = i;
        parts.push(chunk);
      }
      LogPart rest;
      rest.session = i;
      if (order.descending) {
        const auto latest = order.time == HistoryOrder::Time::end
                                ? latest_unsealed_us(database_, session.first, session.last)
                                : latest_us(database_, session.first, session.last);
        rest.bound_us = latest ? *latest + slack_us(order) : UINT64_MAX;
      }
      parts.push(rest);
    }
    return parts;
  }

  static std::uint64_t slack_us(const HistoryOrder& order) {
    return order.time == HistoryOrder::Time::end ? 0 : kClockSlack_us;
  }

  Result<std::vector<LogPart>> chunks_of(const SessionSpan& session, const HistoryOrder& order) {
    const ChunkChoice choice = filter_.template choice<T>();
    std::vector<LogPart> parts;
    if (order.descending)
      if (const auto listed = chunks_->list(session.first, session.last, choice, damage_)) {
        for (const ChunkTable::Listed& chunk : *listed)
          if (wall_us(chunk.row.most_wall) >= choice.from_us)
            parts.push_back(
                {.bound_us = wall_us(chunk.row.most_wall) + slack_us(order), .chunk = chunk});
        return parts;
      }
    // The list cannot be read, or does not say when the first life ended.
    NETREC_CHECKED(chunks_->for_each(
        session.first, session.last, choice, damage_,
        [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
          if (header.of(EntityTraits<T>::kind).ended == 0 || !filter_.may_hold(header)) return true;
          const std::uint64_t latest_us = wall_us(row.most_wall) + slack_us(order);
          parts.push_back({.bound_us = order.descending ? latest_us : header.first_opened_us,
                           .chunk = ChunkTable::Listed{.row = row},
                           .is_exact = order.descending});
          return true;
        }));
    return parts;
  }

  /// Finds the first end in a chunk. What cannot be read is told first.
  Result<LogPart> look_again(LogPart part) {
    part.is_exact = true;
    part.bound_us = 0;
    std::vector<Damage> told_later;
    const auto looked = chunks_->visit(
        *part.chunk, told_later,
        [&](const ChunkRow& row, const ChunkHeader& header) -> Result<bool> {
          if (header.of(EntityTraits<T>::kind).ended == 0) return true;
          NETREC_TRY(chunk, chunks_->open_chunk(row, header));
          NETREC_TRY(ends, chunk.template ends<T>());
          part.bound_us = *std::min_element(ends.closed_us.begin(), ends.closed_us.end());
          return true;
        });
    if (!looked && looked.error().kind != ErrorKind::corrupt)
      return tl::unexpected<Error>(looked.error());
    return part;
  }

  Status tell_part(const LogPart& part) {
    if (earlier_is_of_ != part.session) earlier_ = earlier_of_[part.session];
    earlier_is_of_ = part.session;
    if (!part.chunk) {
      earlier_is_of_.reset();  // it leaves those of the next
      return tell_rest(part.session);
    }
    std::vector<Damage> met;
    auto told =
        chunks_->visit(*part.chunk, met, [this](const ChunkRow& row, const ChunkHeader& header) {
          return tell_if_wanted(row, header);
        });
    for (Damage& one : met) add_damage(std::move(one));
    return told;
  }

  Result<bool> tell(const ChunkRow& row, const ChunkHeader& header) {
    NETREC_TRY(chunk, chunks_->open_chunk(row, header));
    if constexpr (std::is_same_v<T, Socket>)
      if (!earlier_.empty())
        return tell_chunk<T>(chunk, filter_, names_,
                             [&](const Connection& story, const Snapshot& names) {
                               Connection whole = story;
                               take_from_before(whole);
                               return sink_(whole, names);
                             });
    if constexpr (std::is_same_v<T, Socket>)
      if (columns_ != nullptr) {
        NETREC_TRY(read, read_connections(chunk, filter_, names_));
        const auto lives = std::make_shared<const ConnectionColumns>(std::move(read));
        return lives->rows.empty() || (*columns_)(lives);
      }
    return tell_chunk<T>(chunk, filter_, names_, sink_);
  }

  /// What is after the last chunk of a session: its frames not sealed yet, and what was alive at
  /// its end.
  Status tell_rest(std::size_t index) {
    const SessionSpan& session = sessions_[index];
    TransitionSource transitions;
    if (const auto end = timeline_.kept_state(session.last)) {
      if constexpr (std::is_same_v<T, Socket>)
        if (filter_.wanted().transitions) {
          want_alive(index, end->snapshot, wall_us(end->wall), {}, transitions);
          NETREC_CHECKED(transitions.read(database_, session, *chunks_, damage_));
        }
      NETREC_CHECKED(tell_alive(index, end->snapshot, wall_us(end->wall), transitions));
    } else {
      NETREC_TRY(from, rest_of(session));
      FrameCursor cursor(database_, session.last);
      if constexpr (std::is_same_v<T, Socket>)
        if (filter_.wanted().transitions) NETREC_CHECKED(prepare(index, from, transitions));
      if (!go_to(cursor, from)) return {};
      NETREC_TRY(walked, walk(cursor, session, transitions));
      if (!walked && cursor.damage().empty())
        timeline_.keep_state(session.last, cursor.snapshot(), cursor.frame().wall);
      if (!stopped_)
        NETREC_CHECKED(
            tell_alive(index, cursor.snapshot(), wall_us(cursor.frame().wall), transitions));
    }
    if constexpr (std::is_same_v<T, Socket>) earlier_.swap(going_on_);
    going_on_ = {};
    return {};
  }

  /// The last sealed frame of a session, or the keyframe behind it: that says the same, and needs
  /// no chunk unpacked.
  Result<std::uint64_t> rest_of(const SessionSpan& session) {
    NETREC_TRY(sealed, chunks_->last_sequence(session.first, session.last));
    if (sealed < session.first) return session.first;
    if (sealed >= session.last) return sealed;
    NETREC_TRY(keyframe, log_->keyframe_at_or_before(sealed + 1));
    return std::max(sealed, keyframe);
  }

  /// True if the recorder after this session found sockets of this one.
  bool goes_on(std::size_t index) const {
    if (index + 1 == sessions_.size())
      return next_file_ && next_file_->boot == sessions_[index].boot;
    return sessions_[index + 1].boot == sessions_[index].boot;
  }

  /// False, and damage told, if nothing can be read there.
  bool go_to(FrameCursor& cursor, std::uint64_t sequence) {
    const auto moved = cursor.seek_sequence(sequence, Landing::state);
    if (moved) return true;
    add_damage(cursor);
    if (damage_.empty())
      damage_.push_back(
          {.first_sequence = sequence, .last_sequence = sequence, .what = moved.error().message});
    return false;
  }

  void add_damage(const FrameCursor& cursor) {
    for (const Damage& found : cursor.damage()) add_damage(found);
  }

  void add_damage(Damage found) {
    const bool known = std::any_of(damage_.begin(), damage_.end(), [&](const Damage& other) {
      return other.first_sequence == found.first_sequence;
    });
    if (!known) damage_.push_back(std::move(found));
  }

  /// Finds the sockets whose transitions must be looked up, and looks them up.
  Status prepare(std::size_t index, std::uint64_t from, TransitionSource& transitions) {
    const SessionSpan& session = sessions_[index];
    FrameCursor cursor(database_, session.last);
    if (!go_to(cursor, from)) return {};
    tsl::robin_set<std::uint64_t, KeyHash> fresh;
    NETREC_TRY(more, cursor.next());
    while (more && cursor.frame().sequence <= session.last) {
      for (const Socket& row : cursor.frame().delta.template of<Socket>().opened)
        fresh.insert(row.cookie);
      // Its names may be gone with it: here the row is enough.
      for (const Socket& row : cursor.departed())
        if (fresh.count(row.cookie) == 0 && nameless_filter_.matches(row, cursor.snapshot()))
          transitions.want(row, session);
      NETREC_TRY(next, cursor.next());
      more = next;
    }
    want_alive(index, cursor.snapshot(), wall_us(cursor.frame().wall), fresh, transitions);
    return transitions.read(database_, session, *chunks_, damage_);
  }

  /// `fresh`: those opened in what is walked.
  void want_alive(std::size_t index, const Snapshot& now, std::uint64_t end_us,
                  const tsl::robin_set<std::uint64_t, KeyHash>& fresh,
                  TransitionSource& transitions) const {
    for (const Socket& row : now.of<Socket>())
      if (fresh.count(row.cookie) == 0 &&
          ((filter_.touches(row.opened_us, end_us) && filter_.matches(row, now)) ||
           (goes_on(index) && may_become_wanted(row, now))))
        transitions.want(row, sessions_[index]);
  }

  /// False: nothing lay there but what restates.
  Result<bool> walk(FrameCursor& cursor, const SessionSpan& session,
                    TransitionSource& transitions) {
    WalkedState<T> state;
    state.begin(cursor.snapshot());
    std::uint64_t previous_us = wall_us(cursor.frame().wall);
    bool walked = false;
    NETREC_TRY(more, cursor.next());
    while (more && cursor.frame().sequence <= session.last) {
      const Frame& frame = cursor.frame();
      walked = walked || frame.kind == FrameKind::delta;
      state.open_and_change(frame.delta);
      transitions.follow(frame, previous_us);
      tell_closed(cursor, session, previous_us, state, transitions);
      if (stopped_) break;
      transitions.forget(frame);
      state.close(frame.delta);
      previous_us = wall_us(frame.wall);
      NETREC_TRY(next, cursor.next());
      more = next;
    }
    add_damage(cursor);
    return walked;
  }

  void tell_closed(const FrameCursor& cursor, const SessionSpan& session, std::uint64_t previous_us,
                   const WalkedState<T>& state, const TransitionSource& transitions) {
    if (!tells_ended_) return;
    const Frame& frame = cursor.frame();
    const auto& closed = frame.delta.template of<T>().closed;
    if constexpr (std::is_same_v<T, Socket>) {
      tsl::robin_map<std::uint64_t, const Closed*, KeyHash> ends;
      for (const Closed& end : closed) ends[end.key] = &end;
      for (const Socket& row : cursor.departed()) {
        const auto end = ends.find(row.cookie);
        if (end == ends.end()) continue;
        const Moment moment =
            ending_of(end->second->at, end->second->reason, wall_us(frame.wall), previous_us);
        if (!filter_.touches(row.opened_us, moment.at_us) ||
            !filter_.matches(row, state.snapshot()))
          continue;
        Connection story = told(row, session, transitions);
        story.closed_us = moment.at_us;
        story.closed_after_us = story.last_seen_us = moment.after_us;
        story.reason = end->second->reason;
        emit(std::move(story), state.snapshot());
      }
    } else {
      for (const Closed& end : closed)
        if (const T* row = state.snapshot().template of<T>().find(end.key))
          if (filter_.touches(opened_us(*row), alive_until(*row, 0)) &&
              filter_.matches(*row, state.snapshot()))
            emit(*row, state.snapshot());
    }
  }

  /// What was alive at the end of a session, and did not go on in the next.
  Status tell_alive(std::size_t index, const Snapshot& now, std::uint64_t seen_us,
                    const TransitionSource& transitions) {
    const SessionSpan& session = sessions_[index];
    std::vector<const T*> alive;
    for (const T& row : now.template of<T>())
      if (filter_.touches(opened_us(row), alive_until(row, seen_us)) && filter_.matches(row, now))
        alive.push_back(&row);
    find_those_going_on(index, now, seen_us, alive, transitions);
    std::sort(alive.begin(), alive.end(), [](const T* a, const T* b) {
      return std::pair(opened_us(*a), key_of(*a)) < std::pair(opened_us(*b), key_of(*b));
    });
    for (const T* row : alive) {
      if (stopped_ || !tells_alive_) break;
      if constexpr (std::is_same_v<T, Socket>) {
        Connection story = told(*row, session, transitions);
        story.last_seen_us = seen_us;
        emit(std::move(story), now);
      } else {
        emit(*row, now);
      }
    }
    return {};
  }

  /// Drops them from `alive`: they are told where they end. Of sockets, notes what led there.
  void find_those_going_on(std::size_t index, const Snapshot& now, std::uint64_t seen_us,
                           std::vector<const T*>& alive, const TransitionSource& transitions) {
    constexpr bool kIsSocket = std::is_same_v<T, Socket>;
    const bool in_next_file = index + 1 == sessions_.size();
    if (in_next_file && !goes_on(index)) return;
    // Only sockets are named by the boot; the ids of the others are never used again in a file.
    if (kIsSocket && !goes_on(index)) return;
    const bool keeps = kIsSocket && (filter_.wanted().transitions || neighbours_ != nullptr);
    if (alive.empty() && !keeps) return;
    const std::uint64_t first = in_next_file ? next_file_->first : sessions_[index + 1].first;
    const std::uint64_t last = in_next_file ? next_file_->last : sessions_[index + 1].last;
    FrameCursor cursor(in_next_file ? next_file_->timeline.database() : database_, last);
    if (in_next_file ? !cursor.seek_sequence(first, Landing::state) : !go_to(cursor, first)) return;
    const Table<T>& found = cursor.snapshot().template of<T>();
    const std::size_t before = alive.size();
    if (in_next_file)
      drop_those_in(found, alive);
    else
      std::erase_if(alive, [&](const T* row) { return found.find(key_of(*row)) != nullptr; });
    if (in_next_file && alive.size() != before) neighbours_->left_something = true;
    if constexpr (kIsSocket) {
      if (!keeps) return;
      for (const Socket& row : now.of<Socket>())
        if (const Socket* later = found.find(row.cookie))
          if (may_become_wanted(row, now)) keep_past(row, *later, seen_us, transitions);
    }
  }

  /// The same in another file, where peers and answers have other ids.
  void drop_those_in(const Table<T>& found, std::vector<const T*>& alive) const {
    std::set<Identity> identities;
    for (const T& row : found)
      // One the next file says opened after the range is not told there.
      if (opened_us(row) <= filter_.to_us()) identities.insert(identity_of(row));
    std::erase_if(alive, [&](const T* row) { return identities.count(identity_of(*row)) > 0; });
  }

  /// A socket that is not connected yet may still become what is wanted.
  bool may_become_wanted(const Socket& row, const Snapshot& names) const {
    return row.opened_us <= filter_.to_us() &&
           (row.remote_port == 0 || nameless_filter_.matches(row, names));
  }

  void keep_past(const Socket& row, const Socket& later, std::uint64_t seen_us,
                 const TransitionSource& source) {
    Socket opened = row;
    earlier_.open_earlier(opened);
    std::vector<Transition> past;
    if (filter_.wanted().transitions) {
      past = source.of(row);
      earlier_.put_before(row.cookie, past);
      // Of one that was there before recording began and has done nothing, the next session says
      // all.
      if (past.size() == 1 && past.front().after_us == 0 && later.state == row.state) past.clear();
    }
    if (!past.empty() || opened.opened_us < later.opened_us)
      going_on_.keep(opened, std::move(past), seen_us);
  }

  /// Adds to a story what is known from before it.
  void take_from_before(Connection& story) const {
    if (filter_.wanted().transitions) earlier_.put_before(story.socket.cookie, story.transitions);
    if (story.socket.opened_us != 0) earlier_.open_earlier(story.socket);
  }

  Connection told(const Socket& row, const SessionSpan& session,
                  const TransitionSource& transitions) const {
    Connection story;
    story.session = session.id;
    story.socket = row;
    if (filter_.wanted().transitions) story.transitions = transitions.of(row);
    if (const auto& fields = filter_.wanted().fields) {
      Socket some;
      for (std::size_t id = 0; id < fields_of<Socket>().size(); ++id)
        if (id < fields->size() && fields->test(id))
          fields_of<Socket>()[id].set(some, fields_of<Socket>()[id].get(row));
      story.socket = some;
    }
    return story;
  }

  void emit(Story<T> story, const Snapshot& names) {
    if (collects()) return;
    if constexpr (std::is_same_v<T, Socket>) take_from_before(story);
    if (!stopped_ && !sink_(story, names)) stopped_ = true;
  }

  const Timeline& timeline_;
  const Database& database_;
  const Wanted wanted_;
  const HistoryFilter filter_;
  const Wanted nameless_;
  const HistoryFilter nameless_filter_;
  WantedNames names_;  // of the chunk being told
  const StorySink<T>& sink_;
  const ConnectionColumnsSink* columns_;  ///< nullptr: everything as rows
  Neighbours* const neighbours_;
  struct NextFile {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::string boot;
    Timeline timeline;
  };
  std::optional<NextFile> next_file_;  // that goes on where this one ends
  std::optional<ChunkTable> chunks_;
  std::optional<LogReader> log_;
  std::vector<SessionSpan> sessions_;
  EarlierStates earlier_;   // told by the sessions before the one being told
  EarlierStates going_on_;  // and by it, for the next
  std::vector<Damage> damage_;
  bool stopped_ = false;
  bool tells_ended_ = true;  // of what is after the last chunk of a session
  bool tells_alive_ = true;  // at its end
  bool only_collects_ = false;
  std::vector<EarlierStates> earlier_of_;  // told in order: those of each session
  std::optional<std::size_t> earlier_is_of_;
};

}  // namespace

Result<std::vector<Damage>> scan_connections(const Timeline& timeline, const Wanted& wanted,
                                             const ConnectionSink& sink) {
  return HistoryScan<Socket>(timeline, wanted, sink).run();
}

Result<std::vector<Damage>> scan_connections(const Timeline& timeline, const Wanted& wanted,
                                             const ConnectionSink& sink,
                                             const ConnectionColumnsSink& columns) {
  return HistoryScan<Socket>(timeline, wanted, sink, &columns).run();
}

Result<std::vector<Damage>> scan_peers(const Timeline& timeline, const Wanted& wanted,
                                       const PeerSink& sink) {
  return HistoryScan<Peer>(timeline, wanted, sink).run();
}

Result<std::vector<Damage>> scan_resolutions(const Timeline& timeline, const Wanted& wanted,
                                             const ResolutionSink& sink) {
  return HistoryScan<Resolution>(timeline, wanted, sink).run();
}

}  // namespace netrec
