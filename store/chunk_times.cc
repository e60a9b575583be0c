// Of a ChunkKind: when its lives began and ended, and when they changed.
#include <algorithm>

#include "store/chunk_kind.h"

namespace netrec {

template <class T>
Result<const Closes*> ChunkKind<T>::closes() {
  if (closes_) return &*closes_;
  const std::size_t count = counts_.ended;
  NETREC_TRY(clock, columns_->clock());
  NETREC_TRY(lag, columns_->one_by_one(id(Role::close_lag), count));
  NETREC_TRY(when, columns_->one_by_one(id(Role::close_when), count));
  NETREC_TRY(exact, columns_->one_by_one(id(Role::close_exact), count));
  Closes closes;
  closes.frame.resize(count);
  closes.at.resize(count);
  closes.at_us.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t time_us = when[i] + clock->before_us(0);
    const std::uint64_t frame = clock->frame_of(lag[i], time_us);
    if (frame >= clock->frames()) return lies("an end after its last frame");
    closes.frame[i] = static_cast<std::uint32_t>(frame);
    closes.at[i] = exact[i] == 0 ? 0 : clock->at_of(frame, time_us);
    closes.at_us[i] = clock->time_of(frame, closes.at[i]);
  }
  closes_ = std::move(closes);
  return &*closes_;
}

template <class T>
Status ChunkKind<T>::read_ended(const Closes& closes, const Updates& updates,
                                const ChunkClock& clock, Spans& spans) const {
  const std::size_t count = counts_.ended;
  NETREC_TRY(before, columns_->one_by_one(id(Role::opened_before), count));
  NETREC_TRY(open, columns_->one_by_one(id(Role::open_frame, number(LifeGroup::ended)), count));
  NETREC_TRY(reason, columns_->one_by_one(id(Role::close_reason), count));
  Column opening;
  if (layout_->opening >= 0) {
    NETREC_TRY(column, columns_->numbers(id(Role::value, number(LifeGroup::ended),
                                            static_cast<std::uint16_t>(layout_->opening)),
                                         count));
    opening = std::move(column);
  }
  for (std::size_t i = 0; i < count; ++i) {
    spans.close_frame[i] = closes.frame[i];
    spans.close_at[i] = closes.at[i];
    spans.reason[i] = static_cast<CloseReason>(reason[i]);
    const std::uint32_t first = updates.first[i];
    const std::uint64_t first_event_us =
        first < updates.first[i + 1] ? updates.at_us[first] : closes.at_us[i];
    spans.beginning_us[i] =
        layout_->opening < 0 ? clock.wall_us(0) : first_event_us - unzigzag(opening[i]);
    if (before[i] != 0) continue;
    const std::uint64_t frame = layout_->opening >= 0
                                    ? clock.frame_of(open[i], spans.beginning_us[i])
                                    : closes.frame[i] - open[i];
    if (frame >= clock.frames()) return lies("a beginning after its last frame");
    spans.open_frame[i] = static_cast<std::uint32_t>(frame);
    if (layout_->opening < 0) spans.beginning_us[i] = clock.wall_us(frame);
  }
  return {};
}

template <class T>
Status ChunkKind<T>::read_begun(const ChunkClock& clock, Spans& spans) const {
  const std::size_t count = counts_.begun;
  NETREC_TRY(open, columns_->one_by_one(id(Role::open_frame, number(LifeGroup::begun)), count));
  Column opening(count);
  if (layout_->opening >= 0) {
    NETREC_TRY(column, columns_->numbers(id(Role::value, number(LifeGroup::begun),
                                            static_cast<std::uint16_t>(layout_->opening)),
                                         count));
    opening = std::move(column);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t life = counts_.ended + i;
    const std::uint64_t frame =
        layout_->opening >= 0 ? clock.frame_of(open[i], opening[i]) : open[i];
    if (frame >= clock.frames()) return lies("a beginning after its last frame");
    spans.open_frame[life] = static_cast<std::uint32_t>(frame);
    spans.beginning_us[life] = layout_->opening >= 0 ? opening[i] : clock.wall_us(frame);
  }
  return {};
}

template <class T>
Status ChunkKind<T>::read_ongoing(const ChunkClock& clock, Spans& spans) const {
  const std::size_t first = first_of(LifeGroup::ongoing);
  NETREC_TRY(close, columns_->numbers(id(Role::ongoing_close), counts_.ongoing));
  const auto closed = static_cast<std::size_t>(
      std::count_if(close.begin(), close.end(), [](std::uint64_t frame) { return frame != 0; }));
  NETREC_TRY(at, columns_->numbers(id(Role::ongoing_at), closed));
  NETREC_TRY(reason, columns_->one_by_one(id(Role::ongoing_reason), closed));
  std::size_t next = 0;
  for (std::size_t i = 0; i < close.size(); ++i) {
    spans.beginning_us[first + i] = clock.wall_us(0);
    if (close[i] == 0) continue;
    if (close[i] > clock.frames()) return lies("an end after its last frame");
    spans.close_frame[first + i] = static_cast<std::uint32_t>(close[i] - 1);
    spans.close_at[first + i] = static_cast<std::uint32_t>(at[next]);
    spans.reason[first + i] = static_cast<CloseReason>(reason[next]);
    ++next;
  }
  return {};
}

template <class T>
Result<const Spans*> ChunkKind<T>::spans() {
  NETREC_CHECKED(load_times());
  return &*spans_;
}

template <class T>
Result<const Updates*> ChunkKind<T>::updates() {
  NETREC_CHECKED(load_times());
  return &*updates_;
}

// Backwards from their ends for what ended, forwards for the rest.
template <class T>
Status ChunkKind<T>::load_times() {
  if (spans_) return {};
  NETREC_TRY(clock, columns_->clock());
  NETREC_TRY(ends, closes());
  Updates updates;
  NETREC_CHECKED(read_update_columns(updates));
  NETREC_CHECKED(read_gaps(*ends, *clock, updates));
  Spans spans;
  spans.open_frame.assign(lives(), Spans::kOutside);
  spans.close_frame.assign(lives(), Spans::kOutside);
  spans.close_at.assign(lives(), 0);
  spans.reason.assign(lives(), CloseReason::gone);
  spans.beginning_us.assign(lives(), 0);
  NETREC_CHECKED(read_ended(*ends, updates, *clock, spans));
  NETREC_CHECKED(read_begun(*clock, spans));
  NETREC_CHECKED(read_ongoing(*clock, spans));
  NETREC_CHECKED(read_times(spans, *clock, updates));
  updates_ = std::move(updates);
  spans_ = std::move(spans);
  return {};
}

template <class T>
Result<Ends> ChunkKind<T>::ends() {
  NETREC_TRY(clock, columns_->clock());
  NETREC_TRY(at, closes());
  NETREC_TRY(reason, columns_->one_by_one(id(Role::close_reason), counts_.ended));
  Ends ends;
  ends.closed_us.resize(counts_.ended);
  ends.closed_after_us.resize(counts_.ended);
  ends.reason.resize(counts_.ended);
  for (std::size_t i = 0; i < counts_.ended; ++i) {
    const std::uint32_t frame = at->frame[i];
    ends.reason[i] = static_cast<CloseReason>(reason[i]);
    const Moment moment =
        ending_of(at->at[i], ends.reason[i], clock->wall_us(frame), clock->before_us(frame));
    ends.closed_us[i] = moment.at_us;
    ends.closed_after_us[i] = moment.after_us;
  }
  return ends;
}

// ---- updates

template <class T>
Status ChunkKind<T>::read_update_columns(Updates& updates) const {
  NETREC_TRY(pattern_bytes, columns_->blob(id(Role::patterns)));
  NETREC_TRY(patterns, decode_patterns(pattern_bytes, counts_.patterns, *layout_));
  updates.patterns = std::move(patterns);
  NETREC_TRY(count, columns_->one_by_one(id(Role::update_count), lives()));
  updates.first.reserve(lives() + 1);
  updates.first.push_back(0);
  for (std::size_t life = 0; life < lives(); ++life) {
    const std::uint64_t of_life = count[life];
    if (of_life > counts_.updates - updates.first.back()) return lies("more updates than it has");
    updates.first.push_back(updates.first.back() + static_cast<std::uint32_t>(of_life));
  }
  if (updates.first.back() != counts_.updates) return lies("fewer updates than it has");
  NETREC_TRY(pattern, columns_->one_by_one(id(Role::update_pattern), counts_.updates));
  updates.pattern.resize(counts_.updates);
  std::uint64_t changes = 0;
  for (std::size_t u = 0; u < updates.size(); ++u) {
    const std::uint64_t p = pattern[u];
    if (p >= updates.patterns.size()) return lies("an update of a pattern that is not there");
    updates.pattern[u] = static_cast<std::uint32_t>(p);
    changes += updates.patterns[p].fields.size();
  }
  if (changes > kMostChunkChanges) return lies("more changes than a chunk may hold");
  updates.frame.resize(updates.size());
  updates.at_us.resize(updates.size());
  return {};
}

namespace {

/// How often each pattern occurs among the updates [begin, end).
std::vector<std::uint32_t> uses_of(const Updates& updates, std::size_t begin, std::size_t end) {
  std::vector<std::uint32_t> uses(updates.patterns.size());
  for (std::size_t u = begin; u < end; ++u) ++uses[updates.pattern[u]];
  return uses;
}

/// Where the numbers of each pattern begin in a column of those for which `counts` says yes.
template <class Counts>
std::size_t place_patterns(const std::vector<std::uint32_t>& uses, std::vector<std::uint32_t>& next,
                           Counts&& counts) {
  std::uint32_t total = 0;
  for (std::size_t p = 0; p < uses.size(); ++p) {
    if (!counts(p)) continue;
    next[p] = total;
    total += uses[p];
  }
  return total;
}

}  // namespace

template <class T>
Status ChunkKind<T>::read_gaps(const Closes& closes, const ChunkClock& clock,
                               Updates& updates) const {
  const std::vector<std::uint32_t> uses = uses_of(updates, 0, updates.first[counts_.ended]);
  const auto is_exact = [&](std::size_t p) { return updates.patterns[p].exact; };
  const auto is_rare = [&](std::size_t p) {
    return uses[p] < kFewestOfAPattern || p >= kRarePatterns;
  };
  // Where the numbers of each pattern end: among all of its kind, and in its gap column.
  std::vector<std::uint32_t> end(uses.size());
  std::vector<std::uint32_t> end_gap(uses);
  const std::size_t exact = place_patterns(uses, end, is_exact);
  const std::size_t tick = place_patterns(uses, end, [&](std::size_t p) { return !is_exact(p); });
  const std::size_t rare =
      place_patterns(uses, end_gap, [&](std::size_t p) { return is_exact(p) && is_rare(p); });
  for (std::size_t p = 0; p < uses.size(); ++p) {
    end[p] += uses[p];
    if (is_exact(p) && is_rare(p)) end_gap[p] += uses[p];
  }
  NETREC_TRY(lags, columns_->one_by_one(id(Role::exact_lag, 0, kRarePatterns), exact));
  NETREC_TRY(ticks, columns_->one_by_one(id(Role::gap_tick), tick));
  NETREC_TRY(rare_gaps, columns_->one_by_one(id(Role::gap_exact, 0, kRarePatterns), rare));
  std::vector<Numbers> gaps(uses.size());
  for (std::size_t p = 0; p < uses.size(); ++p) {
    if (!is_exact(p) || is_rare(p)) continue;
    NETREC_TRY(column, columns_->one_by_one(id(Role::gap_exact, 0, static_cast<std::uint16_t>(p)),
                                            uses[p]));
    gaps[p] = std::move(column);
  }
  // A pattern's numbers lie in order of updates: the last one first, as times are told. The frame
  // of an exact time is looked up only where another is told by it.
  const bool as_expected = lags.are_all(0);
  for (std::size_t life = counts_.ended; life-- > 0;) {
    std::uint64_t frame = closes.frame[life];
    std::uint64_t time_us = closes.at_us[life];
    for (std::size_t u = updates.first[life + 1]; u-- > updates.first[life];) {
      const std::uint32_t p = updates.pattern[u];
      const std::uint32_t place = --end[p];
      if (is_exact(p)) {
        time_us -= unzigzag(is_rare(p) ? rare_gaps[--end_gap[p]] : gaps[p][--end_gap[p]]);
        frame = as_expected ? Updates::kAsExpected : clock.frame_of(lags[place], time_us);
      } else {
        if (frame == Updates::kAsExpected) frame = clock.expected_frame(time_us);
        frame -= ticks[place];
      }
      if (frame >= clock.frames() && frame != Updates::kAsExpected)
        return lies("an update after its last frame");
      if (!is_exact(p)) time_us = clock.wall_us(frame);
      updates.frame[u] = static_cast<std::uint32_t>(frame);
      updates.at_us[u] = time_us;
    }
  }
  return {};
}

template <class T>
Status ChunkKind<T>::read_times(const Spans& spans, const ChunkClock& clock,
                                Updates& updates) const {
  const std::vector<std::uint32_t> uses =
      uses_of(updates, updates.first[counts_.ended], updates.size());
  const auto is_exact = [&](std::size_t p) { return updates.patterns[p].exact; };
  std::vector<std::uint32_t> next(uses.size());
  const std::size_t exact_count = place_patterns(uses, next, is_exact);
  const std::size_t tick_count =
      place_patterns(uses, next, [&](std::size_t p) { return !is_exact(p); });
  NETREC_TRY(exact, columns_->one_by_one(id(Role::exact_when), exact_count));
  NETREC_TRY(lag, columns_->one_by_one(id(Role::exact_lag), exact_count));
  NETREC_TRY(tick, columns_->one_by_one(id(Role::tick_when), tick_count));
  const bool as_expected = lag.are_all(0);
  for (std::size_t life = counts_.ended; life < updates.lives(); ++life) {
    const bool opened_here = spans.open_frame[life] != Spans::kOutside;
    std::uint64_t frame = opened_here ? spans.open_frame[life] : 0;
    std::uint64_t time_us = opened_here ? spans.beginning_us[life] : clock.wall_us(0);
    for (std::size_t u = updates.first[life]; u < updates.first[life + 1]; ++u) {
      const std::uint32_t p = updates.pattern[u];
      const std::uint32_t place = next[p]++;
      if (is_exact(p)) {
        time_us += unzigzag(exact[place]);
        frame = as_expected ? Updates::kAsExpected : clock.frame_of(lag[place], time_us);
      } else {
        if (frame == Updates::kAsExpected) frame = clock.expected_frame(time_us);
        frame += tick[place];
      }
      if (frame >= clock.frames() && frame != Updates::kAsExpected)
        return lies("an update after its last frame");
      if (!is_exact(p)) time_us = clock.wall_us(frame);
      updates.frame[u] = static_cast<std::uint32_t>(frame);
      updates.at_us[u] = time_us;
    }
  }
  return {};
}

#define NETREC_INSTANTIATE(T)                              \
  template Result<const Closes*> ChunkKind<T>::closes();   \
  template Result<const Spans*> ChunkKind<T>::spans();     \
  template Result<const Updates*> ChunkKind<T>::updates(); \
  template Result<Ends> ChunkKind<T>::ends();
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
