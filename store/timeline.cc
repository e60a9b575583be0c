#include "store/timeline.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <tuple>
#include <utility>

#include "store/history_order.h"
#include "store/key_finder.h"
#include "store/log_reader.h"
#include "store/read_transaction.h"

namespace netrec {

// On the heap together: the log keeps to the database.
struct Timeline::State {
  explicit State(Database opened) : database(std::move(opened)) {}
  Database database;
  std::optional<LogReader> log;
  TimelineSummary summary;
  std::optional<Query> data_version;  // SQLite's, of this connection
  std::int64_t seen_version = 0;
  std::uint64_t version = next_version();
  std::map<std::uint64_t, std::shared_ptr<const KeptState>> kept;
  std::size_t kept_rows = 0;
  std::uint64_t steady_version = 0;  // of the file when is_steady was found out
  bool is_steady = false;

  Status add_lost_sessions(std::vector<RecordedSession>& sessions);
  /// True if another connection changed the file since it was asked last, or that is not known.
  bool has_changed();

  static std::uint64_t next_version() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
};

namespace {

/// Rows of a table of the log that can be read.
struct TableTotal {
  std::uint64_t rows = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
};

Result<TableTotal> total_of(const Database& database, std::string_view table, std::string_view key,
                            std::string_view frames, std::string_view bytes) {
  TableTotal total;
  const auto number = [](const Query& query, int column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, query.integer(column)));
  };
  NETREC_TRY(sums, database.prepare(fmt::format("SELECT count(*), total({}), total({}) FROM {}",
                                                frames, bytes, table)));
  const auto found = sums.first();
  if (found) {
    if (*found)
      total = {.rows = number(sums, 0), .frames = number(sums, 1), .bytes = number(sums, 2)};
    return total;
  }
  if (found.error().kind != ErrorKind::corrupt) return tl::unexpected<Error>(found.error());
  // Pages that cannot be read do not keep anybody from the rest.
  NETREC_TRY(rows, database.prepare(fmt::format("SELECT {0}, {1}, {2} FROM {3}"
                                                " WHERE {0} BETWEEN ? AND ? ORDER BY {0}",
                                                key, frames, bytes, table)));
  NETREC_TRY(keys, KeyFinder::open(database, table, key));
  const auto add = [&]() -> Result<bool> {
    ++total.rows;
    total.frames += number(rows, 1);
    total.bytes += number(rows, 2);
    return true;
  };
  NETREC_CHECKED(read_rows(rows, keys, 1, kLastKey, add, [](std::uint64_t, std::uint64_t) {}));
  return total;
}

Result<TimelineSummary> summarize(const std::string& path, const Database& database,
                                  LogReader& log) {
  TimelineSummary summary;
  NETREC_TRY(transaction, ReadTransaction::begin(database));
  summary.path = path;
  summary.file_bytes = database.file_bytes();
  summary.format_version = kFormatVersion;
  NETREC_TRY(first, log.first_sequence());
  NETREC_TRY(last, log.last_sequence());
  summary.first_sequence = first;
  summary.last_sequence = last;
  // What is damaged there is met again, and told, by whoever reads on.
  if (const auto wall = log.wall_of(first, LogReader::Side::before)) summary.first_wall = *wall;
  if (const auto wall = log.wall_of(last, LogReader::Side::after)) summary.last_wall = *wall;
  return summary;
}

std::uint64_t since_1970_us(WallTime wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
}

std::uint64_t positive(const Query& query, int column) {
  return static_cast<std::uint64_t>(query.integer(column));
}

}  // namespace

Timeline::Timeline(std::unique_ptr<State> state) : state_(std::move(state)) {}
Timeline::Timeline(Timeline&&) noexcept = default;
Timeline& Timeline::operator=(Timeline&&) noexcept = default;
Timeline::~Timeline() = default;

Result<Timeline> Timeline::open(const std::string& path) {
  const auto opened = [&]() -> Result<Timeline> {
    NETREC_TRY(database, Database::open_read_only(path));
    auto state = std::make_unique<State>(std::move(database));
    NETREC_TRY(log, LogReader::open(state->database));
    state->log.emplace(std::move(log));
    state->has_changed();
    NETREC_TRY(summary, summarize(path, state->database, *state->log));
    state->summary = std::move(summary);
    return Timeline(std::move(state));
  };
  auto timeline = opened();
  if (!timeline) return tl::unexpected<Error>(std::move(timeline).error().while_doing(path));
  return timeline;
}

const TimelineSummary& Timeline::summary() const { return state_->summary; }

Result<LogTotals> Timeline::totals() const {
  const Database& database = state_->database;
  NETREC_TRY(transaction, ReadTransaction::begin(database));
  NETREC_TRY(hot, total_of(database, "frame", "sequence", "1", "length(data)"));
  NETREC_TRY(keyframes, total_of(database, "keyframe", "sequence", "1", "length(data)"));
  NETREC_TRY(chunks, total_of(database, "chunk", "first_sequence", "frames",
                              "length(header) + length(body)"));
  return LogTotals{.frames = hot.frames + keyframes.frames + chunks.frames,
                   .chunks = chunks.rows,
                   .chunk_bytes = chunks.bytes,
                   .hot_frames = hot.rows,
                   .hot_bytes = hot.bytes,
                   .keyframes = keyframes.rows,
                   .keyframe_bytes = keyframes.bytes};
}

bool Timeline::State::has_changed() {
  if (!data_version) {
    auto query = database.prepare("PRAGMA data_version");
    if (!query) return true;
    data_version.emplace(std::move(*query));
  }
  const auto found = data_version->first();
  const std::int64_t now = found && *found ? data_version->integer(0) : seen_version + 1;
  data_version->reset();
  return std::exchange(seen_version, now) != now;
}

std::uint64_t Timeline::version() const { return state_->version; }

// Whatever changes between the two is seen the next time.
Result<bool> Timeline::refresh() {
  if (!state_->has_changed()) return false;
  state_->version = State::next_version();
  NETREC_TRY(summary, summarize(state_->summary.path, state_->database, *state_->log));
  const bool more = summary.last_sequence != state_->summary.last_sequence;
  state_->summary = std::move(summary);
  return more;
}

FrameCursor Timeline::cursor() const {
  return FrameCursor(state_->database, state_->summary.last_sequence);
}

Result<std::uint64_t> Timeline::sequence_at(WallTime wall) const {
  NETREC_TRY(sequence, state_->log->sequence_at(wall, state_->summary.last_sequence));
  if (sequence == 0) return failure(ErrorKind::not_found, "the timeline begins later");
  return sequence;
}

Result<std::vector<RecordedGap>> Timeline::gaps() const {
  NETREC_TRY(query,
             state_->database.prepare("SELECT id, session, cause, from_us, ifnull(to_us, 0), count,"
                                      "       network_namespace, detail FROM gap"
                                      " WHERE id BETWEEN ? AND ? ORDER BY id"));
  NETREC_TRY(keys, KeyFinder::open(state_->database, "gap", "id"));
  std::vector<RecordedGap> gaps;
  const auto add = [&]() -> Result<bool> {
    RecordedGap gap;
    gap.id = positive(query, 0);
    gap.session = static_cast<std::uint32_t>(query.integer(1));
    gap.cause = static_cast<GapCause>(query.integer(2));
    gap.from_us = positive(query, 3);
    gap.to_us = positive(query, 4);
    gap.count = positive(query, 5);
    gap.network_namespace = static_cast<std::uint32_t>(query.integer(6));
    gap.text = query.bytes(7);
    gaps.push_back(std::move(gap));
    return true;
  };
  // Which gaps were there is not known any more: any time may have one.
  const auto lost = [&](std::uint64_t, std::uint64_t) {
    RecordedGap gap;
    gap.cause = GapCause::damaged;
    gap.from_us = since_1970_us(state_->summary.first_wall);
    gap.to_us = since_1970_us(state_->summary.last_wall);
    gap.text = "rows of the table of gaps cannot be read";
    gaps.push_back(std::move(gap));
  };
  NETREC_CHECKED(read_rows(query, keys, 0, kLastKey, add, lost));
  return gaps;
}

namespace {

/// What the keyframe a session begins with says of it.
Result<std::vector<RecordedSession>> sessions_begun_by(LogReader& log, std::uint64_t sequence) {
  NETREC_TRY(entry, log.entry(sequence));
  NETREC_TRY(state, log.content(std::nullopt));
  std::vector<RecordedSession> sessions;
  if (!entry.header.begins_session) return sessions;
  Snapshot texts;
  for (Text& row : state.of<Text>().opened) texts.of<Text>().insert(std::move(row));
  for (const Session& row : state.of<Session>().opened) {
    RecordedSession session;
    static_cast<Session&>(session) = row;
    session.first_sequence = sequence;
    session.host_name = texts.text(row.host);
    session.boot = texts.text(row.boot_id);
    session.machine = texts.text(row.machine_id);
    session.kernel_release = texts.text(row.kernel);
    session.netrec_version = texts.text(row.version);
    session.command_line = texts.text(row.arguments);
    session.zone = texts.text(row.time_zone);
    session.not_seen = texts.text(row.limits);
    for (std::uint32_t* text :
         {&session.host, &session.boot_id, &session.machine_id, &session.kernel, &session.version,
          &session.arguments, &session.time_zone, &session.limits})
      *text = 0;
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace

// The sessions whose rows cannot be read, out of the keyframes they begin with.
Status Timeline::State::add_lost_sessions(std::vector<RecordedSession>& sessions) {
  NETREC_TRY(query, database.prepare("SELECT sequence, begins_session FROM keyframe"
                                     " WHERE sequence BETWEEN ? AND ? ORDER BY sequence"));
  NETREC_TRY(keys, KeyFinder::open(database, "keyframe", "sequence"));
  const auto is_known = [&](const auto& same) {
    return std::any_of(sessions.begin(), sessions.end(), same);
  };
  const auto look = [&]() -> Result<bool> {
    const std::uint64_t sequence = positive(query, 0);
    if (query.integer(1) != 1) return true;
    if (is_known([&](const RecordedSession& one) { return one.first_sequence == sequence; }))
      return true;
    auto begun = sessions_begun_by(*log, sequence);
    for (std::size_t i = 0; begun && i < begun->size(); ++i)
      if (!is_known([&](const RecordedSession& one) { return one.id == (*begun)[i].id; }))
        sessions.push_back(std::move((*begun)[i]));
    return true;
  };
  // A keyframe that cannot be read is told by whoever walks there.
  NETREC_CHECKED(read_rows(query, keys, 1, kLastKey, look, [](std::uint64_t, std::uint64_t) {}));
  std::sort(sessions.begin(), sessions.end(),
            [](const RecordedSession& a, const RecordedSession& b) { return a.id < b.id; });
  return {};
}

Result<std::vector<RecordedSession>> Timeline::sessions() const {
  NETREC_TRY(query,
             state_->database.prepare(
                 "SELECT id, first_sequence, started_us, started_boot_us, ifnull(ended_us, 0),"
                 "       interval_us, mode, capabilities, pid, uid, host, boot_id, machine_id,"
                 "       kernel, version, arguments, time_zone, limits FROM session"
                 " WHERE id BETWEEN ? AND ? ORDER BY id"));
  NETREC_TRY(keys, KeyFinder::open(state_->database, "session", "id"));
  std::vector<RecordedSession> sessions;
  const auto add = [&]() -> Result<bool> {
    RecordedSession session;
    session.id = static_cast<std::uint32_t>(query.integer(0));
    session.first_sequence = positive(query, 1);
    session.started_us = positive(query, 2);
    session.started_boot_us = positive(query, 3);
    session.ended_us = positive(query, 4);
    session.interval_us = positive(query, 5);
    session.mode = static_cast<CaptureMode>(query.integer(6));
    session.capabilities = positive(query, 7);
    session.pid = static_cast<std::uint32_t>(query.integer(8));
    session.uid = static_cast<std::uint32_t>(query.integer(9));
    std::string* const texts[] = {
        &session.host_name,      &session.boot,         &session.machine, &session.kernel_release,
        &session.netrec_version, &session.command_line, &session.zone,    &session.not_seen};
    int column = 10;
    for (std::string* text : texts) *text = query.bytes(column++);
    sessions.push_back(std::move(session));
    return true;
  };
  bool lost = false;
  NETREC_CHECKED(
      read_rows(query, keys, 0, kLastKey, add, [&](std::uint64_t, std::uint64_t) { lost = true; }));
  if (lost) NETREC_CHECKED(state_->add_lost_sessions(sessions));
  return sessions;
}

bool Timeline::is_clock_steady() const {
  if (state_->steady_version == state_->version) return state_->is_steady;
  const auto steady = netrec::is_clock_steady(state_->database);
  state_->is_steady = steady && *steady;
  state_->steady_version = state_->version;
  return state_->is_steady;
}

std::shared_ptr<const Timeline::KeptState> Timeline::kept_state(std::uint64_t sequence) const {
  const auto found = state_->kept.find(sequence);
  return found == state_->kept.end() ? nullptr : found->second;
}

void Timeline::keep_state(std::uint64_t sequence, const Snapshot& snapshot, WallTime wall) const {
  // Some tens of megabytes in all.
  constexpr std::size_t kMostRows = 50'000;
  const std::size_t rows =
      std::apply([](const auto&... tables) { return (tables.size() + ...); }, snapshot.kinds);
  if (rows > kMostRows) return;
  if (state_->kept_rows + rows > kMostRows) {
    state_->kept.clear();
    state_->kept_rows = 0;
  }
  state_->kept[sequence] = std::make_shared<const KeptState>(KeptState{snapshot, wall});
  state_->kept_rows += rows;
}

const Database& Timeline::database() const { return state_->database; }

}  // namespace netrec
