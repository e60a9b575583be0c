// Of a ChunkKind: the events of its frames.
#include <algorithm>
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
  const std::vector<FieldChanges> changes = changes_by_field(*all, *layout_);
  for (std::uint16_t field = 0; field < changes.size(); ++field) {
    const auto set = fields_of<T>()[field].set;
    NETREC_CHECKED(
        for_each_opening(field, changes[field], [&](std::size_t life, std::uint64_t value) {
          if (life < row_of.size() && row_of[life] != nullptr) set(*row_of[life], value);
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
// and is so from the start.
template <class T>
template <class Set>
Status ChunkKind<T>::for_each_opening(std::uint16_t field, const FieldChanges& changes, Set&& set) {
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
    if (rows(group) == 0 || is_zero_anyway(group, field)) continue;
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
  NETREC_TRY(clock, columns_->clock());
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
    for (std::size_t u = all->first[life]; u < all->first[life + 1]; ++u) {
      auto& changed = frames[all->frame_of(u, *clock)].delta.template of<T>().changed;
      const std::uint32_t moment = all->at_of(u, *clock);
      for (const std::uint16_t field : all->patterns[all->pattern[u]].fields)
        changed.push_back({.key = key[life], .value = value[next++], .at = moment, .field = field});
    }
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

#define NETREC_CHUNK_LOG(T) template Status ChunkKind<T>::add_to(std::vector<Frame>&);
NETREC_FOR_EACH_KIND(NETREC_CHUNK_LOG)
#undef NETREC_CHUNK_LOG

}  // namespace netrec
