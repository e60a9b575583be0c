#include "store/rotation.h"

#include <utility>

namespace netrec {

FileWalk::FileWalk(const TimelineSet& set, WallTime from, WallTime to)
    : set_(set), from_(from), to_(to) {}

bool FileWalk::may_hold(std::size_t file) const {
  const auto left = left_.find(file);
  if (left != left_.end() && left->second.left_something) return true;
  const TimelineFile& about = set_.files()[file];
  // What lived on from a file that is not here began before this one.
  const bool begins_early = !set_.before(file);
  return about.last >= from_ && (begins_early || about.first <= to_);
}

void FileWalk::enter(std::size_t file) {
  neighbours_ = std::make_unique<Neighbours>();
  for (auto before = set_.before(file); before; before = set_.before(*before)) {
    neighbours_->before.push_back(set_.files()[*before].path);
    neighbours_->before_until.push_back(set_.files()[*before].last);
    // A boot that began within it is as far as anything reaches.
    if (set_.files()[*before].first_boot != set_.files()[*before].last_boot) break;
  }
  if (const auto after = set_.after(file)) neighbours_->after = set_.files()[*after].path;
  if (const auto left = left_.find(file); left != left_.end()) {
    neighbours_->earlier = std::move(left->second.earlier);
    left_.erase(left);
  }
}

std::optional<std::size_t> FileWalk::next() {
  if (current_)
    if (const auto after = set_.after(*current_)) left_[*after] = std::move(*neighbours_);
  current_.reset();
  while (next_ < set_.files().size()) {
    const std::size_t file = next_++;
    if (!may_hold(file)) continue;
    enter(file);
    current_ = file;
    return file;
  }
  return std::nullopt;
}

}  // namespace netrec
