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

Status TimelineWriter::State::seal(const Snapshot& now) {
  NETREC_CHECKED(database.begin());
  NETREC_CHECKED(sealer->seal());
  NETREC_CHECKED(index->flush(now, end.header, end.hash));
  NETREC_CHECKED(database.commit());
  sealer->sealed();
  index->flushed();
  return {};
}

Result<Pruned> TimelineWriter::maintain(const Snapshot& now) {
  State& state = *state_;
  if (state.is_behind || !state.seal_due()) return Pruned{};
  const auto done = [&]() -> Result<Pruned> {
    NETREC_CHECKED(state.seal(now));
    if (!is_kept_short(state.options)) return Pruned{};
    NETREC_CHECKED(state.database.begin());
    NETREC_TRY(pruned, prune(state.database, state.options, state.end.header.wall));
    NETREC_CHECKED(state.database.commit());
    return pruned;
  };
  auto result = done();
  if (result) return result;
  state.database.roll_back();
  state.make_room(result.error());
  return tl::unexpected<Error>(std::move(result).error().while_doing(state.path));
}

}  // namespace netrec
