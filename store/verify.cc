#include "store/verify.h"

#include "store/chain_proof.h"
#include "store/chunk_proof.h"
#include "store/frame_codec.h"
#include "store/index.h"
#include "store/missing_frames.h"

namespace netrec {

namespace {

constexpr std::string_view kDerived[] = {"session",     "gap",      "process",   "interface",
                                         "destination", "listener", "connection"};

/// The second half of a proof: what the log adds up to.
class StateProof {
 public:
  StateProof(const Database& database, Database scratch, const Mark& mark, bool is_pruned)
      : database_(database), scratch_(std::move(scratch)), mark_(mark), is_pruned_(is_pruned) {}

  Status run(std::uint64_t last, const ChainProof::Step& step);

  std::vector<Damage> damage;
  std::vector<std::string> findings;

 private:
  Status follow(const FrameCursor& cursor, Index& index);
  Result<bool> has_time_wait() const;
  Status check_keyframe(const FrameCursor& cursor, LogReader& log);
  Status compare_tables();
  Status compare_table(std::string_view table);

  const Database& database_;
  Database scratch_;
  Mark mark_;
  bool is_pruned_;
};

Status StateProof::follow(const FrameCursor& cursor, Index& index) {
  const Frame& frame = cursor.frame();
  if (cursor.begins_session())
    NETREC_CHECKED(
        index.begin_session(cursor.snapshot(), header_of(cursor.frame(), cursor.begins_session())));
  else if (frame.kind == FrameKind::delta)
    NETREC_CHECKED(index.follow(frame, cursor.departed(), cursor.snapshot()));
  if (frame.sequence == mark_.sequence) {
    NETREC_CHECKED(index.flush(cursor.snapshot(),
                               header_of(cursor.frame(), cursor.begins_session()), mark_.hash));
    index.flushed();
    NETREC_TRY(of_first_builds, has_time_wait());
    if (of_first_builds) NETREC_CHECKED(index.add_time_wait(cursor.snapshot()));
    if (!is_pruned_ && index.next_ids().encode() != mark_.next_ids.encode())
      findings.push_back("mark: the next free ids are others");
  }
  return {};
}

/// Its `connection` is that of the first builds (timeline.sql). Of one that cannot be read, the
/// comparison tells.
Result<bool> StateProof::has_time_wait() const {
  NETREC_TRY(query,
             database_.prepare("SELECT 1 FROM connection WHERE state = 'TIME_WAIT' LIMIT 1"));
  auto found = query.first();
  if (!found && found.error().kind == ErrorKind::corrupt) return false;
  return found;
}

Status StateProof::check_keyframe(const FrameCursor& cursor, LogReader& log) {
  const Frame& frame = cursor.frame();
  if (frame.kind != FrameKind::keyframe || cursor.begins_session()) return {};
  NETREC_CHECKED(log.entry(frame.sequence));
  NETREC_TRY(canonical, log.canonical());
  if (canonical != encode_keyframe(cursor.snapshot()))
    damage.push_back({.first_sequence = frame.sequence,
                      .last_sequence = frame.sequence,
                      .from = frame.wall,
                      .to = frame.wall,
                      .what = fmt::format("keyframe {} does not say what the frames before it add "
                                          "up to",
                                          frame.sequence)});
  return {};
}

// Like `netrec verify`'s reader: by frames, then by what was derived from them.
Status StateProof::run(std::uint64_t last, const ChainProof::Step& step) {
  NETREC_TRY(index, Index::open(scratch_, NextIds{}));
  NETREC_TRY(log, LogReader::open(database_));
  NETREC_TRY(chunks, ChunkProof::open(database_));
  FrameCursor cursor(database_, last);
  NETREC_CHECKED(scratch_.begin());
  while (true) {
    NETREC_TRY(more, cursor.next());
    if (!more) break;
    NETREC_CHECKED(follow(cursor, index));
    NETREC_CHECKED(check_keyframe(cursor, log));
    NETREC_CHECKED(chunks.follow(cursor));
    if (!step()) return failure(ErrorKind::busy, "interrupted");
  }
  NETREC_CHECKED(chunks.search().finish());
  const auto& of_search = chunks.search().findings();
  findings.insert(findings.end(), of_search.begin(), of_search.end());
  NETREC_CHECKED(scratch_.commit());
  damage.insert(damage.end(), cursor.damage().begin(), cursor.damage().end());
  damage.insert(damage.end(), chunks.damage().begin(), chunks.damage().end());
  return damage.empty() ? compare_tables() : Status{};
}

Status StateProof::compare_tables() {
  for (const std::string_view table : kDerived) {
    auto compared = compare_table(table);
    if (!compared && compared.error().kind != ErrorKind::corrupt) return compared;
    if (!compared)
      findings.push_back(fmt::format("{}: it cannot be read: {}", table, compared.error().message));
  }
  return {};
}

// "SELECT each row as one text", in an order both files have.
Result<std::string> rows_of(const Database& database, std::string_view table) {
  NETREC_TRY(columns, database.prepare("SELECT name FROM pragma_table_info(?)"));
  NETREC_TRY(more, columns.first(SqlValue::text(table)));
  std::string row;
  while (more) {
    row += fmt::format("{}quote({})", row.empty() ? "" : " || '|' || ", columns.bytes(0));
    NETREC_TRY(next, columns.next());
    more = next;
  }
  return fmt::format("SELECT {} AS row FROM {} ORDER BY row", row, table);
}

// Where retention dropped a part of the log, the file may know more than the log that is left.
Status StateProof::compare_table(std::string_view table) {
  NETREC_TRY(sql, rows_of(scratch_, table));
  NETREC_TRY(derived, scratch_.prepare(sql));
  NETREC_TRY(there, database_.prepare(sql));
  NETREC_TRY(more_derived, derived.first());
  NETREC_TRY(more_there, there.first());
  std::uint64_t missing = 0;
  std::uint64_t added = 0;
  while (more_derived || more_there) {
    const bool take_derived = more_derived && (!more_there || derived.bytes(0) <= there.bytes(0));
    const bool take_there = more_there && (!more_derived || there.bytes(0) <= derived.bytes(0));
    missing += take_derived && !take_there ? 1 : 0;
    added += take_there && !take_derived ? 1 : 0;
    if (take_derived) {
      NETREC_TRY(next, derived.next());
      more_derived = next;
    }
    if (take_there) {
      NETREC_TRY(next, there.next());
      more_there = next;
    }
  }
  if (is_pruned_) return {};
  if (missing + added != 0)
    findings.push_back(fmt::format("{}: {} rows of the log are not in it, {} are not in the log",
                                   table, missing, added));
  return {};
}

Status check_pages(const Database& database, std::vector<std::string>& findings) {
  NETREC_TRY(query, database.prepare("PRAGMA integrity_check(3)"));
  NETREC_TRY(more, query.first());
  while (more) {
    // One row may hold several lines, the first of them a title.
    std::string_view lines = query.bytes(0);
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      if (line != "ok" && !line.starts_with("***"))
        findings.push_back(fmt::format("SQLite: {}", line));
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
    NETREC_TRY(next, query.next());
    more = next;
  }
  return {};
}

}  // namespace

Result<Verification> verify(const std::string& path,
                            const std::function<bool(std::uint64_t, std::uint64_t)>& progress) {
  NETREC_TRY(timeline, Timeline::open(path));
  const Database& database = timeline.database();
  // One moment for all that follows, though a recorder goes on.
  NETREC_CHECKED(database.hold());
  NETREC_TRY(more, timeline.refresh());
  static_cast<void>(more);
  NETREC_TRY(totals, timeline.totals());
  std::uint64_t done = 0;
  const auto step = [&] { return !progress || progress(++done, 2 * totals.frames); };

  Verification result;
  result.chunks = totals.chunks;
  NETREC_TRY(chain, ChainProof::open(database));
  NETREC_CHECKED(chain.run(step));
  result.frames = chain.sound_frames();
  result.chain = to_hex(chain.chain());
  result.pruned_up_to = chain.pruned_up_to();
  result.damage = chain.damage();
  // What the chain cannot miss: it does not know of it.
  if (database.cut_bytes() > 0 || !database.reads_write_ahead_log()) {
    NETREC_TRY(holes, missing_frames(timeline));
    result.damage.insert(result.damage.end(), holes.begin(), holes.end());
  }
  if (auto pages = check_pages(database, result.index_findings); !pages)
    result.index_findings.push_back("SQLite: " + pages.error().message);
  if (!result.damage.empty()) return result;

  const auto mark = read_mark(database);
  if (!mark) {
    result.index_findings.push_back("mark: " + mark.error().message);
    return result;
  }
  NETREC_TRY(scratch, Database::scratch());
  StateProof state(database, std::move(scratch), *mark, result.pruned_up_to != 0);
  NETREC_CHECKED(state.run(timeline.summary().last_sequence, step));
  result.damage = std::move(state.damage);
  result.index_findings.insert(result.index_findings.end(), state.findings.begin(),
                               state.findings.end());
  return result;
}

}  // namespace netrec
