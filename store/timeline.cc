#include "store/timeline.h"

#include <algorithm>

#include "store/log_reader.h"

namespace netrec {

// On the heap together: the log keeps to the database.
struct Timeline::State {
  explicit State(Database opened) : database(std::move(opened)) {}
  Database database;
  std::optional<LogReader> log;
  TimelineSummary summary;
};

namespace {

// Everything in one statement, and so of one moment.
constexpr std::string_view kTotals = R"sql(
  SELECT (SELECT count(*) FROM frame), (SELECT total(length(data)) FROM frame),
         (SELECT count(*) FROM keyframe), (SELECT total(length(data)) FROM keyframe),
         (SELECT count(*) FROM chunk), (SELECT total(frames) FROM chunk),
         (SELECT total(length(header) + length(body)) FROM chunk)
)sql";

Result<TimelineSummary> summarize(const std::string& path, const Database& database,
                                  LogReader& log) {
  TimelineSummary summary;
  summary.path = path;
  summary.file_bytes = database.file_bytes();
  summary.format_version = kFormatVersion;
  NETREC_TRY(totals, database.prepare(kTotals));
  NETREC_TRY(found, totals.first());
  const auto total = [&](int column) {
    return found ? static_cast<std::uint64_t>(std::max<std::int64_t>(0, totals.integer(column)))
                 : 0;
  };
  summary.hot_frames = total(0);
  summary.hot_bytes = total(1);
  summary.keyframes = total(2);
  summary.keyframe_bytes = total(3);
  summary.chunks = total(4);
  summary.frames = total(0) + total(2) + total(5);
  summary.chunk_bytes = total(6);
  totals.reset();
  NETREC_TRY(first, log.first_sequence());
  NETREC_TRY(last, log.last_sequence());
  summary.first_sequence = first;
  summary.last_sequence = last;
  // What is damaged there is met again, and told, by whoever reads on.
  if (const auto entry = log.entry(first)) summary.first_wall = entry->header.wall;
  if (const auto entry = log.entry(last)) summary.last_wall = entry->header.wall;
  return summary;
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
    NETREC_TRY(summary, summarize(path, state->database, *state->log));
    state->summary = std::move(summary);
    return Timeline(std::move(state));
  };
  auto timeline = opened();
  if (!timeline) return tl::unexpected<Error>(std::move(timeline).error().while_doing(path));
  return timeline;
}

const TimelineSummary& Timeline::summary() const { return state_->summary; }

Result<bool> Timeline::refresh() {
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
                                      "       network_namespace, detail FROM gap ORDER BY id"));
  std::vector<RecordedGap> gaps;
  NETREC_TRY(more, query.first());
  while (more) {
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
    NETREC_TRY(next, query.next());
    more = next;
  }
  return gaps;
}

Result<std::vector<RecordedSession>> Timeline::sessions() const {
  NETREC_TRY(query,
             state_->database.prepare(
                 "SELECT id, first_sequence, started_us, started_boot_us, ifnull(ended_us, 0),"
                 "       interval_us, mode, capabilities, pid, uid, host, boot_id, machine_id,"
                 "       kernel, version, arguments, time_zone, limits FROM session ORDER BY id"));
  std::vector<RecordedSession> sessions;
  NETREC_TRY(more, query.first());
  while (more) {
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
    NETREC_TRY(next, query.next());
    more = next;
  }
  return sessions;
}

const Database& Timeline::database() const { return state_->database; }

}  // namespace netrec
