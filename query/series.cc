#include "query/series.h"

#include <algorithm>

namespace netrec {

namespace {

constexpr std::uint64_t kMillisecond = 1000;
constexpr std::uint64_t kSecond = 1'000'000;
/// 4 MiB a series: an hour to 4 ms, a day to 0.1 s, a month to 3 s.
constexpr std::size_t kMostSlots = 1 << 20;
/// A day to the second.
constexpr std::size_t kMostSeconds = 86'400;

std::size_t column_of(std::size_t slot, std::size_t slots, std::size_t columns) {
  return std::min(columns - 1, slot * columns / slots);
}

}  // namespace

Slots::Slots(std::uint64_t from_us, std::uint64_t to_us, std::uint64_t least_slot_us,
             std::size_t most_slots)
    : from_us_(from_us) {
  const std::uint64_t length = to_us > from_us ? to_us - from_us : 0;
  slot_us_ = std::max(least_slot_us, length / most_slots + 1);
  count_ = static_cast<std::size_t>(length / slot_us_) + 1;
}

std::size_t Slots::slot_of(std::uint64_t at_us) const {
  if (at_us <= from_us_) return 0;
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(count_ - 1, (at_us - from_us_) / slot_us_));
}

LevelSeries::LevelSeries(std::uint64_t from_us, std::uint64_t to_us)
    : from_us_(from_us),
      to_us_(to_us),
      slots_(from_us, to_us, kMillisecond, kMostSlots),
      steps_(slots_.count() + 1) {}

void LevelSeries::add(std::uint64_t from_us, std::uint64_t to_us) {
  if (to_us < from_us_ || from_us > to_us_) return;
  const std::size_t first = slots_.slot_of(from_us);
  // What ended by a slot's beginning was not there in it, unless it began there too.
  const std::size_t last = slots_.slot_of(std::max(from_us, to_us > 0 ? to_us - 1 : 0));
  ++steps_[first];
  --steps_[last + 1];
}

Peak LevelSeries::peak() const {
  Peak peak;
  std::int64_t level = 0;
  for (std::size_t slot = 0; slot < slots_.count(); ++slot) {
    level += steps_[slot];
    if (level > static_cast<std::int64_t>(peak.value))
      peak = {static_cast<std::uint64_t>(level), slots_.begin_of(slot)};
  }
  return peak;
}

std::vector<std::uint64_t> LevelSeries::columns(std::size_t columns) const {
  std::vector<std::uint64_t> largest(columns);
  std::int64_t level = 0;
  for (std::size_t slot = 0; slot < slots_.count(); ++slot) {
    level += steps_[slot];
    // A short range has fewer slots than columns: each then fills several.
    const std::size_t first = column_of(slot, slots_.count(), columns);
    const std::size_t end = std::max(first + 1, (slot + 1) * columns / slots_.count());
    for (std::size_t column = first; column < std::min(end, columns); ++column)
      largest[column] = std::max(largest[column], static_cast<std::uint64_t>(level));
  }
  return largest;
}

CountSeries::CountSeries(std::uint64_t from_us, std::uint64_t to_us)
    : from_us_(from_us),
      to_us_(to_us),
      slots_(from_us, to_us, kSecond, kMostSeconds),
      counts_(slots_.count()) {}

void CountSeries::add(std::uint64_t at_us) {
  if (at_us < from_us_ || at_us > to_us_) return;
  ++counts_[slots_.slot_of(at_us)];
  ++total_;
}

Peak CountSeries::peak_per_second() const {
  const auto most = std::max_element(counts_.begin(), counts_.end());
  const auto slot = static_cast<std::size_t>(most - counts_.begin());
  const std::uint64_t a_second =
      (std::uint64_t{*most} * kSecond + slots_.slot_us() - 1) / slots_.slot_us();
  return {a_second, *most == 0 ? 0 : slots_.begin_of(slot)};
}

std::vector<std::uint64_t> CountSeries::columns(std::size_t columns) const {
  std::vector<std::uint64_t> sums(columns);
  for (std::size_t slot = 0; slot < slots_.count(); ++slot)
    sums[column_of(slot, slots_.count(), columns)] += counts_[slot];
  return sums;
}

}  // namespace netrec
