// Sealing and retention, in a tick's spare time.
#include "store/retention.h"
#include "store/writer_state.h"

namespace netrec {

// Best where a keyframe was just written: the next chunk begins with it, and can be dropped with
// it. A file that is kept short has its chunks and keyframes in step always. An instant is rebuilt
// from one chunk: of a busy host it must not be long (docs/decisions/0011).
bool TimelineWriter::State::seal_due() const {
  const std::uint64_t frames = sealer->hot_frames();
  const std::uint64_t bytes = sealer->hot_bytes();
  if (frames == 0) return false;
  if (frames >= options.seal_after_frames || bytes >= options.seal_after_bytes) return true;
  if (!keyframe_written) return false;
  return is_kept_short(options) || frames * 8 >= options.seal_after_frames ||
         bytes * 2 >= options.seal_after_bytes;
}

// A destination that is met in each chunk of a busy host is one row then, not one a chunk.
bool TimelineWriter::State::flush_due() const {
  constexpr std::size_t kMostGathered = std::size_t{1} << 17;
  // Nothing behind the mark can be dropped: of a file that holds minutes that would be much.
  if (is_kept_for_minutes(options)) return true;
  return end.header.boot - flushed_at >= options.tables_every || index->gathered() >= kMostGathered;
}

// What was gathered for the derived tables, with the mark: a recorder that is killed is followed
// from there on (writer_recovery.cc).
Status TimelineWriter::State::flush(const Snapshot& now) {
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(index->flush(now, end.header, end.hash));
  NETREC_CHECKED(database.commit());
  index->flushed();
  flushed_at = end.header.boot;
  return {};
}

Status TimelineWriter::State::install() {
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(sealer->install());
  NETREC_CHECKED(database.commit());
  sealer->installed();
  return {};
}

// Everything, at once.
Status TimelineWriter::State::seal(const Snapshot& now) {
  if (sealer->is_sealing()) NETREC_CHECKED(install());
  NETREC_CHECKED(flush(now));
  NETREC_CHECKED(sealer->begin(options.sealing));
  return sealer->is_sealing() ? install() : Status{};
}

// --- the search index ----------------------------------------------------------------------------

Status TimelineWriter::State::install_group() {
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(sealer->search().install());
  NETREC_CHECKED(database.commit());
  sealer->search().installed();
  return {};
}

Status TimelineWriter::State::keep_groups() {
  SearchWriter& search = sealer->search();
  if (search.is_grouping() && search.is_ready()) NETREC_CHECKED(install_group());
  if (!search.is_due(kGroupChunks)) return {};
  NETREC_CHECKED(search.begin(options.sealing));
  return options.sealing == Sealing::here ? install_group() : Status{};
}

// What is left of them where a file is closed: read at once by whoever searches it.
Status TimelineWriter::State::group_rest() {
  // Fewer are asked as quickly one by one.
  constexpr std::size_t kFewest = 8;
  SearchWriter& search = sealer->search();
  if (search.is_grouping()) NETREC_CHECKED(install_group());
  while (search.is_due(kFewest)) {
    NETREC_CHECKED(search.begin(Sealing::here));
    NETREC_CHECKED(install_group());
  }
  return {};
}

// --- retention -----------------------------------------------------------------------------------

Result<Pruned> TimelineWriter::State::drop_old() {
  if (!is_kept_short(options)) return Pruned{};
  NETREC_CHECKED(database.begin());
  NETREC_TRY(pruned, prune(database, options, end.header.wall));
  NETREC_CHECKED(database.commit());
  return pruned;
}

// One chunk at a time is being made; where the next is due before that is done, it is waited for.
Result<Pruned> TimelineWriter::maintain(const Snapshot& now) {
  State& state = *state_;
  if (state.is_behind) return Pruned{};
  const bool due = state.seal_due();
  const bool is_waited_for = state.sealer->is_sealing() && (due || state.sealer->is_ready());
  const auto done = [&]() -> Result<Pruned> {
    if (is_waited_for) NETREC_CHECKED(state.install());
    if (due && state.flush_due()) NETREC_CHECKED(state.flush(now));
    if (due) NETREC_CHECKED(state.sealer->begin(state.options.sealing));
    if (due && state.options.sealing == Sealing::here) NETREC_CHECKED(state.install());
    NETREC_CHECKED(state.keep_groups());
    // Nothing that is being sealed may be dropped.
    return state.sealer->is_sealing() ? Pruned{} : state.drop_old();
  };
  const SearchWriter& search = state.sealer->search();
  if (!due && !is_waited_for && !(search.is_grouping() && search.is_ready())) return Pruned{};
  auto result = done();
  if (result) return result;
  state.database.roll_back();
  state.make_room(result.error());
  return tl::unexpected<Error>(std::move(result).error().while_doing(state.path));
}

}  // namespace netrec
