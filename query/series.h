// How many there were at a time (LevelSeries) and how many happened in a time (CountSeries), over a
// range of any length in memory that does not depend on it: time is cut into slots, a slot is the
// resolution of the answer.
#pragma once

#include <cstdint>
#include <vector>

namespace netrec {

/// A largest value and when it was reached.
struct Peak {
  std::uint64_t value = 0;
  std::uint64_t at_us = 0;
};

/// The range in slots of equal length. `slot_us` is at least `least_slot_us`.
class Slots {
 public:
  Slots(std::uint64_t from_us, std::uint64_t to_us, std::uint64_t least_slot_us,
        std::size_t most_slots);

  std::size_t count() const { return count_; }
  std::uint64_t slot_us() const { return slot_us_; }
  /// Times outside the range belong to its first or last slot.
  std::size_t slot_of(std::uint64_t at_us) const;
  std::uint64_t begin_of(std::size_t slot) const { return from_us_ + slot * slot_us_; }

 private:
  std::uint64_t from_us_ = 0;
  std::uint64_t slot_us_ = 1;
  std::size_t count_ = 1;
};

/// How many of something are there at once. One that is there for a part of a slot counts for all
/// of it.
class LevelSeries {
 public:
  LevelSeries(std::uint64_t from_us, std::uint64_t to_us);

  /// One more from `from_us` to before `to_us`; only the part inside the range counts.
  void add(std::uint64_t from_us, std::uint64_t to_us);

  Peak peak() const;
  /// The largest level in each of `columns` equal parts of the range.
  std::vector<std::uint64_t> columns(std::size_t columns) const;

 private:
  std::uint64_t from_us_;
  std::uint64_t to_us_;
  Slots slots_;
  std::vector<std::int32_t> steps_;  ///< up and down at each slot's beginning
};

/// How often something happens.
class CountSeries {
 public:
  CountSeries(std::uint64_t from_us, std::uint64_t to_us);

  void add(std::uint64_t at_us);
  std::uint64_t total() const { return total_; }
  /// The most in a second (in a longer range: on average over the busiest slot), and when.
  Peak peak_per_second() const;
  std::vector<std::uint64_t> columns(std::size_t columns) const;

 private:
  std::uint64_t from_us_;
  std::uint64_t to_us_;
  Slots slots_;
  std::vector<std::uint32_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace netrec
