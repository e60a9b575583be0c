#include "query/activity.h"

#include <algorithm>
#include <utility>

#include "query/gap_notices.h"
#include "store/history.h"

namespace netrec {

std::size_t column_of(WallTime at, const TimeRange& range, std::size_t columns) {
  if (at <= range.from || range.to <= range.from) return 0;
  const double share = us_between(range.from, at) / us_between(range.from, range.to);
  return std::min(columns - 1, static_cast<std::size_t>(share * static_cast<double>(columns)));
}

Activity::Activity(std::string path, const TimeRange& range)
    : path_(std::move(path)), range_(range), counts_(kSlots), thread_([this] { count(); }) {}

Activity::~Activity() {
  stop_ = true;
  thread_.join();
}

void Activity::count() {
  // A file that cannot be read is told by whoever plays it; there is only no line then.
  const auto timeline = Timeline::open(path_);
  if (timeline) {
    Wanted wanted;
    wanted.from = range_.from;
    wanted.to = range_.to;
    wanted.transitions = false;
    wanted.fields.emplace();
    const auto fields = fields_of<Socket>();
    for (std::size_t id = 0; id < fields.size(); ++id)
      if (fields[id].name == "opened_us" || fields[id].name == "opened_after_us")
        wanted.fields->set(id);
    static_cast<void>(scan_connections(*timeline, wanted, [&](const Connection& life, auto&) {
      const std::lock_guard lock(mutex_);
      const auto add = [&](std::uint64_t at_us) {
        if (at_us >= to_us(range_.from) && at_us <= to_us(range_.to))
          ++counts_[column_of(from_us(at_us), range_, kSlots)];
      };
      if (life.socket.opened_after_us != 0) add(life.socket.opened_us);
      if (life.is_closed()) add(life.closed_us);
      return !stop_;
    }));
  }
  finished_ = true;
}

std::vector<std::uint64_t> Activity::columns(std::size_t columns) const {
  std::vector<std::uint64_t> sums(columns);
  if (columns == 0) return sums;
  const std::lock_guard lock(mutex_);
  for (std::size_t slot = 0; slot < kSlots; ++slot) sums[slot * columns / kSlots] += counts_[slot];
  return sums;
}

Result<std::vector<HiddenTime>> hidden_times(const Timeline& timeline) {
  NETREC_TRY(gaps, timeline.gaps());
  std::vector<HiddenTime> hidden;
  for (const RecordedGap& gap : gaps)
    if (hides_time(gap.cause))
      hidden.push_back({from_us(gap.from_us), from_us(gap_end(gap, timeline)), gap.cause});
  return hidden;
}

std::vector<bool> hidden_columns(const std::vector<HiddenTime>& hidden, const TimeRange& range,
                                 std::size_t columns) {
  std::vector<bool> touched(columns);
  if (columns == 0) return touched;
  for (const HiddenTime& time : hidden) {
    if (time.to < range.from || time.from > range.to) continue;
    const std::size_t last = column_of(time.to, range, columns);
    for (std::size_t i = column_of(time.from, range, columns); i <= last; ++i) touched[i] = true;
  }
  return touched;
}

}  // namespace netrec
