#include "store/frame_walk.h"

#include <algorithm>
#include <utility>

#include "store/frame_order.h"

namespace netrec {

Status FrameRange::narrow_time(TableContext& context, const Constraint& constraint) {
  if (constraint.values.size() != 1) return {};
  NETREC_TRY(time, context.time(constraint.values.front()));
  const Comparison comparison = constraint.comparison;
  const auto tick = std::chrono::microseconds(1);
  if (comparison == Comparison::equal || comparison == Comparison::less_equal)
    to = std::min(to, time);
  if (comparison == Comparison::less) to = std::min(to, time - tick);
  if (comparison == Comparison::equal || comparison == Comparison::greater_equal)
    from = std::max(from, time);
  if (comparison == Comparison::greater) from = std::max(from, time + tick);
  return {};
}

void FrameRange::narrow_sequence(const Constraint& constraint) {
  const auto* number = constraint.values.size() == 1
                           ? std::get_if<std::int64_t>(&constraint.values.front())
                           : nullptr;
  if (number == nullptr || *number < 0) return;
  const auto sequence = static_cast<std::uint64_t>(*number);
  const Comparison comparison = constraint.comparison;
  if (comparison != Comparison::greater && comparison != Comparison::greater_equal)
    last_sequence = std::min(last_sequence, sequence);
  if (comparison != Comparison::less && comparison != Comparison::less_equal)
    first_sequence = std::max(first_sequence, sequence);
}

void FrameRange::narrow_to(const std::optional<FrameRun>& frames) {
  if (!frames) return;
  first_sequence = std::max(first_sequence, frames->first);
  last_sequence = std::min(last_sequence, frames->last);
}

FrameWalk::FrameWalk(TableContext& context, TableContext::Lease timeline, const FrameRange& range)
    : context_(&context),
      timeline_(std::move(timeline)),
      cursor_(timeline_->cursor()),
      range_(range) {}

Result<FrameWalk> FrameWalk::open(TableContext& context, const FrameRange& range) {
  NETREC_TRY(timeline, context.lease());
  return FrameWalk(context, std::move(timeline), range);
}

FrameWalk::~FrameWalk() {
  if (timeline_) context_->add_damage(cursor_.damage());
}

/// Where the walk begins; 0: nowhere.
Result<std::uint64_t> FrameWalk::begin() const {
  const TimelineSummary& summary = timeline_->summary();
  std::uint64_t first = std::max(range_.first_sequence, summary.first_sequence);
  if (range_.from > summary.first_wall) {
    const auto from = first_sequence_from(*timeline_, range_.from);
    if (from && *from == 0) return 0;
    if (from) first = std::max(first, *from);
    // Where that is not known, all are looked at.
    if (!from && from.error().kind != ErrorKind::corrupt)
      return tl::unexpected<Error>(from.error());
  }
  return first > summary.last_sequence ? 0 : first;
}

// The first move goes to the beginning of the range, the others to the next frame.
Result<bool> FrameWalk::step() {
  if (std::exchange(started_, true)) return cursor_.next();
  if (timeline_->summary().first_sequence == 0) return false;
  NETREC_TRY(first, begin());
  if (first == 0) return false;
  if (first <= timeline_->summary().first_sequence) return cursor_.next();
  // Of what lies before it only the state is needed. What cannot be read there is told by going on.
  const Status moved = cursor_.seek_sequence(first - 1, Landing::state);
  if (!moved && moved.error().kind != ErrorKind::not_found)
    return tl::unexpected<Error>(moved.error());
  return cursor_.next();
}

Result<bool> FrameWalk::next() {
  for (;;) {
    if (context_->interrupted()) return failure(ErrorKind::busy, "interrupted");
    NETREC_TRY(more, step());
    if (!more) return false;
    const Frame& frame = cursor_.frame();
    if (frame.sequence > range_.last_sequence) return false;
    const bool inside = frame.wall >= range_.from && frame.wall <= range_.to &&
                        frame.sequence >= range_.first_sequence;
    if (inside) return true;
  }
}

}  // namespace netrec
