// The clock of a chunk: when each frame was, and which frame a moment belongs to. An exact moment
// almost always belongs to the first frame after it, so only exceptions cost bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "store/bytes.h"
#include "store/column.h"

namespace netrec {

class ChunkClock {
 public:
  /// REQUIRES: `walls_us` is not empty.
  ChunkClock(Column walls_us, std::uint64_t previous_us)
      : walls_us_(std::move(walls_us)), latest_(walls_us_.size()), previous_us_(previous_us) {
    std::uint64_t latest = 0;
    for (std::size_t i = 0; i < walls_us_.size(); ++i)
      latest_[i] = latest = std::max(latest, walls_us_[i]);
    divide();
  }

  std::size_t frames() const { return walls_us_.size(); }
  std::uint64_t wall_us(std::size_t frame) const { return walls_us_[frame]; }
  std::uint64_t before_us(std::size_t frame) const {
    return frame == 0 ? previous_us_ : walls_us_[frame - 1];
  }
  /// When something marked `at` (Change::at) in `frame` happened: known only to the tick, the
  /// frame's time.
  std::uint64_t time_of(std::size_t frame, std::uint32_t at) const {
    return walls_us_[frame] - (at == 0 ? 0 : at - 1);
  }
  /// Change::at of something exact at `time_us`.
  std::uint32_t at_of(std::size_t frame, std::uint64_t time_us) const {
    return static_cast<std::uint32_t>(walls_us_[frame] - time_us + 1);
  }
  /// The frame something at `time_us` should be in.
  std::uint64_t expected_frame(std::uint64_t time_us) const {
    if (time_us <= latest_.front()) return 0;
    if (time_us > latest_.back()) return latest_.size() - 1;
    const auto part = static_cast<std::size_t>((time_us - latest_.front()) >> shift_);
    const auto end = latest_.begin() + first_of_part_[part + 1];
    const auto place = std::lower_bound(latest_.begin() + first_of_part_[part], end, time_us);
    return static_cast<std::uint64_t>(place - latest_.begin());
  }
  /// The frame, as its distance from the expected one; and back (to be checked by the caller).
  std::uint64_t lag_of(std::uint64_t frame, std::uint64_t time_us) const {
    return zigzag(frame - expected_frame(time_us));
  }
  std::uint64_t frame_of(std::uint64_t lag, std::uint64_t time_us) const {
    return expected_frame(time_us) + unzigzag(lag);
  }

 private:
  std::uint64_t first_in(std::uint64_t time_us) const {
    return static_cast<std::uint64_t>(std::lower_bound(latest_.begin(), latest_.end(), time_us) -
                                      latest_.begin());
  }
  /// Into about as many parts of time as there are frames, so that a moment's frame is found in a
  /// step or two where frames come regularly.
  void divide() {
    const std::uint64_t span = latest_.back() - latest_.front();
    while ((span >> shift_) >= latest_.size()) ++shift_;
    for (std::uint64_t part = 0; part <= (span >> shift_); ++part)
      first_of_part_.push_back(
          static_cast<std::ptrdiff_t>(first_in(latest_.front() + (part << shift_))));
    first_of_part_.push_back(static_cast<std::ptrdiff_t>(latest_.size()) - 1);
  }

  Column walls_us_;
  Column latest_;  ///< largest so far: the wall clock may have been set back
  std::uint64_t previous_us_;
  unsigned shift_ = 0;                         ///< a part of time is 2 to the power of it, in us
  std::vector<std::ptrdiff_t> first_of_part_;  ///< the first frame at or after its beginning
};

}  // namespace netrec
