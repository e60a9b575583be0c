#include "store/table_context.h"

#include <utility>

namespace netrec {

TableContext::TableContext(std::string path, TimeReader read_time)
    : path_(std::move(path)), read_time_(std::move(read_time)) {}

Result<TableContext::Lease> TableContext::lease() {
  std::unique_ptr<Timeline> timeline;
  if (idle_.empty()) {
    NETREC_TRY(opened, Timeline::open(path_));
    timeline = std::make_unique<Timeline>(std::move(opened));
  } else {
    timeline = std::move(idle_.back());
    idle_.pop_back();
    NETREC_TRY(more, timeline->refresh());
    static_cast<void>(more);
  }
  return Lease(timeline.release(), [this](Timeline* used) { idle_.emplace_back(used); });
}

Result<WallTime> TableContext::time(const SqlCell& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return WallTime(std::chrono::microseconds(*number));
  if (const auto* real = std::get_if<double>(&value))
    if (*real > -9e18 && *real < 9e18)
      return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(*real)));
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr)
    return failure(ErrorKind::invalid_argument,
                   "a time is text, or an integer: microseconds since 1970");
  NETREC_TRY(leased, lease());
  return read_time_(*text, *leased);
}

void TableContext::add_damage(std::span<const Damage> damage) {
  damage_.insert(damage_.end(), damage.begin(), damage.end());
}

}  // namespace netrec
