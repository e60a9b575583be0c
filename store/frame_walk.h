// The frames of a part of the log, one after another, for the tables that follow them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "store/table_context.h"
#include "store/timeline.h"
#include "store/virtual_table.h"

namespace netrec {

/// Which frames: both ends of both belong to it.
struct FrameRange {
  WallTime from = WallTime::min();
  WallTime to = WallTime::max();
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = std::numeric_limits<std::uint64_t>::max();

  /// Narrows by a comparison with a time. Errors: a time that cannot be read.
  Status narrow_time(TableContext& context, const Constraint& constraint);
  void narrow_sequence(const Constraint& constraint);
  void narrow_to(const std::optional<FrameRun>& frames);
};

class FrameWalk {
 public:
  static Result<FrameWalk> open(TableContext& context, const FrameRange& range);

  FrameWalk(FrameWalk&&) noexcept = default;
  FrameWalk& operator=(FrameWalk&&) = delete;
  /// Tells the context what could not be read.
  ~FrameWalk();

  /// Goes to the next frame of the range (at first: the first); false after the last. A frame of
  /// a clock that was set back is left out where it lies outside; the walk goes on behind it.
  Result<bool> next();
  const FrameCursor& cursor() const { return cursor_; }
  /// True: frames before this one could not be read.
  bool is_in_doubt() const { return !cursor_.damage().empty(); }

 private:
  FrameWalk(TableContext& context, TableContext::Lease timeline, const FrameRange& range);
  Result<std::uint64_t> begin() const;
  Result<bool> step();

  TableContext* context_;
  TableContext::Lease timeline_;
  FrameCursor cursor_;
  FrameRange range_;
  bool started_ = false;
};

}  // namespace netrec
