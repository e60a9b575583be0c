// Of a ChunkKind: the events of its frames, one frame after another or what several did together.
#include <algorithm>
#include <numeric>
#include <type_traits>

#include "store/chunk_kind.h"

namespace netrec {

template <class T>
Status ChunkKind<T>::add_to(std::vector<Frame>& frames) {
  if (counts_.empty() && !columns_->has(id(Role::irregular))) return {};
  NETREC_CHECKED(add_opened(frames));
  NETREC_CHECKED(add_closed(frames));
  return add_irregular(frames);
}

template <class T>
Status ChunkKind<T>::add_opened(std::vector<Frame>& frames) {
  NETREC_TRY(at, spans());
  NETREC_TRY(all, updates());
  std::vector<Place> places(counts_.ended + counts_.begun);
  for (std::size_t life = 0; life < places.size(); ++life) {
    if (at->open_frame[life] == Spans::kOutside) continue;
    auto& opened = frames[at->open_frame[life]].delta.template of<T>().opened;
    places[life] = {at->open_frame[life], static_cast<std::uint32_t>(opened.size())};
    opened.emplace_back();
  }
  std::vector<T*> row_of(places.size());
  for (std::size_t life = 0; life < places.size(); ++life)
    if (places[life].frame != Spans::kOutside)
      row_of[life] = &frames[places[life].frame].delta.template of<T>().opened[places[life].index];
  std::vector<std::uint32_t> all_ended(counts_.ended);
  std::iota(all_ended.begin(), all_ended.end(), 0);
  const std::vector<FieldChanges> changes = changes_by_field(*all, *layout_);
  for (std::uint16_t field = 0; field < changes.size(); ++field) {
    const auto set = fields_of<T>()[field].set;
    NETREC_CHECKED(for_each_opening(field, changes[field], all_ended,
                                    [&](std::size_t life, std::uint64_t value) {
                                      if (life < row_of.size() && row_of[life] != nullptr)
                                        set(*row_of[life], value);
                                    }));
  }
  if constexpr (std::is_same_v<T, Text>) {
    NETREC_TRY(bytes, texts(LifeGroup::ended));
    NETREC_TRY(bytes_of_begun, texts(LifeGroup::begun));
    std::move(bytes_of_begun.begin(), bytes_of_begun.end(), std::back_inserter(bytes));
    for (std::size_t life = 0; life < row_of.size(); ++life)
      if (row_of[life] != nullptr) row_of[life]->bytes = std::move(bytes[life]);
  }
  return add_changed(changes, frames);
}

// Calls set(life, value) for what the field was when each row opened; not where it was 0 in all
// and is so from the start. Of what ended, only `ended` are of interest, if they are few.
template <class T>
template <class Set>
Status ChunkKind<T>::for_each_opening(std::uint16_t field, const FieldChanges& changes,
                                      std::span<const std::uint32_t> ended, Set&& set) {
  const bool is_zero_anyway = !layout_->is_instant(field) && fields_of<T>()[field].get(T{}) == 0;
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
    if (rows(group) == 0 || (is_zero_anyway && !has(group, field))) continue;
    if (group == LifeGroup::ended && are_few(ended.size(), rows(group)) &&
        layout_->codings[field] != Coding::opening && !layout_->is_instant(field)) {
      if (ended.empty()) continue;
      NETREC_TRY(values, cells(group, field, ended));
      for (std::size_t i = 0; i < values.size(); ++i) set(ended[i], values[i]);
      continue;
    }
    NETREC_TRY(values, unchanged(group, field));
    for (std::size_t i = 0; i < values.size(); ++i) set(first_of(group) + i, values[i]);
  }
  NETREC_TRY(at, spans());
  std::vector<std::uint32_t> changed;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence*) {
    if (at->open_frame[begin->life] != Spans::kOutside) changed.push_back(begin->life);
  });
  NETREC_TRY(initial, columns_->numbers(id(Role::initial, 0, field), changed.size()));
  const Coding coding = layout_->codings[field];
  for (std::size_t i = 0; i < changed.size(); ++i)
    set(changed[i], layout_->is_instant(field)
                        ? instant_value(initial[i], at->beginning_us[changed[i]], coding)
                        : initial[i]);
  return {};
}

template <class T>
Status ChunkKind<T>::add_changed(const std::vector<FieldChanges>& changes,
                                 std::vector<Frame>& frames) {
  NETREC_TRY(all, updates());
  NETREC_TRY(key, all_keys());
  std::size_t total = 0;
  for (const FieldChanges& of_field : changes) total += of_field.occurrences.size();
  Column value(total);
  for (std::uint16_t field = 0; field < changes.size(); ++field) {
    if (changes[field].occurrences.empty()) continue;
    NETREC_TRY(taken, values(field, changes[field]));
    for (std::size_t i = 0; i < taken.size(); ++i)
      value[changes[field].occurrences[i].change] = taken[i];
  }
  std::size_t next = 0;
  for (std::size_t life = 0; life < all->lives(); ++life)
    for (std::size_t u = all->first[life]; u < all->first[life + 1]; ++u)
      for (const std::uint16_t field : all->patterns[all->pattern[u]].fields)
        frames[all->frame[u]].delta.template of<T>().changed.push_back(
            {.key = key[life], .value = value[next++], .at = all->at[u], .field = field});
  return {};
}

template <class T>
Status ChunkKind<T>::add_closed(std::vector<Frame>& frames) {
  NETREC_TRY(at, spans());
  NETREC_TRY(key, all_keys());
  for (std::size_t life = 0; life < lives(); ++life)
    if (at->close_frame[life] != Spans::kOutside)
      frames[at->close_frame[life]].delta.template of<T>().closed.push_back(
          {.key = key[life], .at = at->close_at[life], .reason = at->reason[life]});
  return {};
}

template <class T>
Status ChunkKind<T>::add_irregular(std::vector<Frame>& frames) const {
  NETREC_TRY(bytes, columns_->blob(id(Role::irregular)));
  ByteReader in(bytes);
  while (in.ok() && in.remaining() > 0) {
    const std::uint64_t frame = in.varint_up_to(frames.size() - 1);
    Change change;
    change.key = in.varint();
    change.value = in.varint();
    change.at = static_cast<std::uint32_t>(in.varint_up_to(UINT32_MAX));
    change.field = static_cast<std::uint16_t>(in.varint_up_to(UINT16_MAX));
    if (in.ok()) frames[frame].delta.template of<T>().changed.push_back(change);
  }
  if (!in.at_end()) return lies("changes of keys that are cut off");
  return {};
}

// ---- several frames at once

template <class T>
bool ChunkKind<T>::can_carry_out() const {
  return !columns_->has(id(Role::irregular));
}

// Which rows the frames of a stretch leave behind, and where the values of a life go.
template <class T>
struct ChunkKind<T>::Stretch {
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::size_t begin;
  std::size_t end;
  std::vector<T> opened;                    ///< those still there at its end
  std::vector<std::uint32_t> opened_place;  ///< by life: in `opened`
  std::vector<std::uint32_t> ended;         ///< of `opened`, those that end later in the chunk
  std::vector<T*> known;                    ///< by life: the row that was there before

  bool holds(std::uint32_t frame) const { return frame >= begin && frame < end; }
  T* opened_row(std::size_t life) {
    const bool is_opened = life < opened_place.size() && opened_place[life] != kNone;
    return is_opened ? &opened[opened_place[life]] : nullptr;
  }
  T* row_of(std::size_t life) {
    T* const row = opened_row(life);
    return row != nullptr ? row : known[life];
  }
};

template <class T>
Result<std::size_t> ChunkKind<T>::carry_out(std::size_t begin, std::size_t end, Table<T>& table) {
  if (counts_.empty()) return 0;
  NETREC_TRY(at, spans());
  NETREC_TRY(all, updates());
  NETREC_TRY(key, all_keys());
  Stretch stretch{
      .begin = begin, .end = end, .opened = {}, .opened_place = {}, .ended = {}, .known = {}};
  std::size_t misfits = 0;
  std::vector<std::size_t> changing;
  stretch.opened_place.assign(counts_.ended + counts_.begun, Stretch::kNone);
  stretch.known.assign(lives(), nullptr);
  stretch.opened.reserve(counts_.begun);
  for (std::size_t life = 0; life < lives(); ++life) {
    const std::uint32_t opens = at->open_frame[life];
    const std::uint32_t closes = at->close_frame[life];
    const bool opens_here = opens != Spans::kOutside && stretch.holds(opens);
    const bool was_there = opens == Spans::kOutside || opens < begin;
    if (closes != Spans::kOutside && closes < end) {
      if (closes >= begin && was_there && !table.erase(key[life])) ++misfits;
    } else if (opens_here) {
      stretch.opened_place[life] = static_cast<std::uint32_t>(stretch.opened.size());
      stretch.opened.emplace_back();
      if (life < counts_.ended) stretch.ended.push_back(static_cast<std::uint32_t>(life));
    } else if (was_there && all->first[life] != all->first[life + 1] &&
               all->frame[all->first[life]] < end) {
      changing.push_back(life);
    }
  }
  // Only now, because what goes moves others.
  for (const std::size_t life : changing)
    if ((stretch.known[life] = table.find(key[life])) == nullptr) ++misfits;
  NETREC_CHECKED(set_values(*all, stretch));
  for (T& row : stretch.opened)
    if (!table.insert(std::move(row))) ++misfits;
  return misfits;
}

template <class T>
Status ChunkKind<T>::set_values(const Updates& all, Stretch& stretch) {
  const std::vector<FieldChanges> changes = changes_by_field(all, *layout_);
  for (std::uint16_t field = 0; field < changes.size(); ++field) {
    const auto& of_field = fields_of<T>()[field];
    if (!stretch.opened.empty())
      NETREC_CHECKED(for_each_opening(field, changes[field], stretch.ended,
                                      [&](std::size_t life, std::uint64_t value) {
                                        if (T* const row = stretch.opened_row(life))
                                          of_field.set(*row, value);
                                      }));
    if (changes[field].occurrences.empty()) continue;
    NETREC_TRY(taken, values(field, changes[field]));
    const Occurrence* const first = changes[field].occurrences.data();
    for_each_life(changes[field].occurrences, [&](const Occurrence* from, const Occurrence* to) {
      T* const row = stretch.row_of(from->life);
      while (row != nullptr && to != from && all.frame[(to - 1)->update] >= stretch.end) --to;
      if (row != nullptr && to != from)
        of_field.set(*row, taken[static_cast<std::size_t>(to - 1 - first)]);
    });
  }
  if constexpr (std::is_same_v<T, Text>) return set_texts(stretch);
  return {};
}

template <class T>
Status ChunkKind<T>::set_texts(Stretch& stretch) const {
  if constexpr (std::is_same_v<T, Text>) {
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
      NETREC_TRY(bytes, texts(group));
      for (std::size_t i = 0; i < bytes.size(); ++i)
        if (const std::uint32_t place = stretch.opened_place[first_of(group) + i];
            place != Stretch::kNone)
          stretch.opened[place].bytes = std::move(bytes[i]);
    }
  }
  return {};
}

#define NETREC_CHUNK_LOG(T)                                  \
  template Status ChunkKind<T>::add_to(std::vector<Frame>&); \
  template bool ChunkKind<T>::can_carry_out() const;         \
  template Result<std::size_t> ChunkKind<T>::carry_out(std::size_t, std::size_t, Table<T>&);
NETREC_FOR_EACH_KIND(NETREC_CHUNK_LOG)
#undef NETREC_CHUNK_LOG

}  // namespace netrec
