#include "store/table_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netrec {

namespace {

/// An open timeline costs some page cache; a set larger than this opens its files anew for each
/// question.
constexpr std::size_t kMostKeptOpen = 32;

}  // namespace

TableContext::TableContext(std::string path, TimeReader read_time)
    : path_(std::move(path)), read_time_(std::move(read_time)) {}

TableContext::TableContext(TimelineSet set, TimeReader read_time)
    : read_time_(std::move(read_time)), set_(std::move(set)) {
  files_.resize(set_->files().size());
}

TableContext& TableContext::file(std::size_t index) {
  std::unique_ptr<TableContext>& file = files_[index];
  if (file) return *file;
  file = std::make_unique<TableContext>(set_->files()[index].path, nullptr);
  file->whole_ = this;
  file->about_ = set_->files()[index];
  file->interrupted_ = [this] { return interrupted(); };
  return *file;
}

const TimelineFile& TableContext::about() {
  if (!about_) {
    about_.emplace();
    about_->path = path_;
    if (const auto leased = lease())
      if (auto described = describe(**leased)) about_ = *std::move(described);
  }
  return *about_;
}

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
  return Lease(timeline.release(), [this](Timeline* used) {
    std::unique_ptr<Timeline> returned(used);
    if (whole_ == nullptr || whole_->files_.size() <= kMostKeptOpen)
      idle_.push_back(std::move(returned));
  });
}

// All arenas together hold no more than two of the first kind.
std::shared_ptr<TextArena> TableContext::lease_arena() {
  if (whole_ != nullptr) return whole_->lease_arena();
  constexpr std::size_t kMostBytes = 8 << 20;
  if (idle_arenas_.empty())
    return std::make_shared<TextArena>(arenas_ < 20 ? kMostBytes >> arenas_++ : 0);
  auto arena = std::move(idle_arenas_.back());
  idle_arenas_.pop_back();
  return arena;
}

void TableContext::give_back(std::shared_ptr<TextArena> arena) {
  if (whole_ != nullptr) return whole_->give_back(std::move(arena));
  idle_arenas_.push_back(std::move(arena));
}

Result<WallTime> TableContext::time(const SqlCell& value) {
  if (whole_ != nullptr) return whole_->time(value);
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return WallTime(std::chrono::microseconds(*number));
  if (const auto* real = std::get_if<double>(&value))
    if (*real > -9e18 && *real < 9e18)
      return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(*real)));
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr)
    return failure(ErrorKind::invalid_argument,
                   "a time is text, or an integer: microseconds since 1970");
  if (set_) return read_time_(*text, {set_->first(), set_->last(), nullptr});
  NETREC_TRY(leased, lease());
  const TimelineSummary& summary = leased->summary();
  return read_time_(*text, {summary.first_wall, summary.last_wall, leased.get()});
}

// What is read piece by piece meets the same more than once.
void TableContext::add_damage(std::span<const Damage> damage) {
  std::vector<Damage>& known = whole_ == nullptr ? damage_ : whole_->damage_;
  for (Damage one : damage) {
    if (whole_ != nullptr) one.what = fmt::format("{}: {}", path_, one.what);
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const Damage& other) {
      return other.first_sequence == one.first_sequence && other.what == one.what;
    });
    if (!is_known) known.push_back(std::move(one));
  }
}

}  // namespace netrec
