// Of a ChunkKind: what several frames did together, without making them.
#include <algorithm>
#include <array>
#include <type_traits>

#include "store/chunk_kind.h"

namespace netrec {

template <class T>
bool ChunkKind<T>::can_carry_out() const {
  return !columns_->has(id(Role::irregular));
}

// Which rows the frames of a stretch leave behind changed, or new.
template <class T>
struct ChunkKind<T>::Stretch {
  struct Opened {
    std::vector<std::uint32_t> rows;  ///< of the group
    std::vector<T*> made;
  };

  std::size_t begin;
  std::size_t end;
  std::vector<std::uint32_t> lives;  ///< ascending
  std::vector<T*> row;               ///< by life; nullptr: it is not one of them
  std::vector<T> made;               ///< rows of those opened in it
  std::array<Opened, 2> opened;      ///< the same by LifeGroup

  bool holds(std::uint32_t frame) const { return frame >= begin && frame < end; }
};

template <class T>
Result<std::size_t> ChunkKind<T>::carry_out(std::size_t begin, std::size_t end, Table<T>& table) {
  if (counts_.empty()) return 0;
  Stretch stretch{.begin = begin, .end = end, .lives = {}, .row = {}, .made = {}, .opened = {}};
  NETREC_TRY(misfits, find_lives(stretch, table));
  NETREC_CHECKED(set_values(stretch));
  for (T& row : stretch.made)
    if (!table.insert(std::move(row))) ++misfits;
  return misfits;
}

// Drops from `table` what the stretch closed; returns how many lives did not fit it.
template <class T>
Result<std::size_t> ChunkKind<T>::find_lives(Stretch& stretch, Table<T>& table) {
  NETREC_TRY(at, spans());
  NETREC_TRY(all, updates());
  NETREC_TRY(clock, columns_->clock());
  std::vector<std::uint32_t> closed;
  std::vector<std::uint32_t> changing;
  for (std::uint32_t life = 0; life < lives(); ++life) {
    const std::uint32_t opens = at->open_frame[life];
    const std::uint32_t closes = at->close_frame[life];
    const bool was_there = opens == Spans::kOutside || opens < stretch.begin;
    if (closes != Spans::kOutside && closes < stretch.end) {
      if (closes >= stretch.begin && was_there) closed.push_back(life);
    } else if (was_there) {
      const std::uint32_t first = all->first[life];
      if (first != all->first[life + 1] && all->frame_of(first, *clock) < stretch.end)
        changing.push_back(life);
    } else if (stretch.holds(opens)) {
      const LifeGroup group = life < counts_.ended ? LifeGroup::ended : LifeGroup::begun;
      stretch.lives.push_back(life);
      stretch.opened[number(group)].rows.push_back(
          static_cast<std::uint32_t>(life - first_of(group)));
    }
  }
  std::size_t misfits = 0;
  NETREC_TRY(closed_keys, keys_of(closed));
  for (const std::uint64_t key : closed_keys)
    if (!table.erase(key)) ++misfits;
  // Only now, because what goes moves others.
  stretch.row.assign(lives(), nullptr);
  stretch.made.resize(stretch.lives.size());
  std::size_t next = 0;
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun})
    for (const std::uint32_t row : stretch.opened[number(group)].rows) {
      stretch.opened[number(group)].made.push_back(&stretch.made[next]);
      stretch.row[first_of(group) + row] = &stretch.made[next++];
    }
  NETREC_TRY(changing_keys, keys_of(changing));
  for (std::size_t i = 0; i < changing.size(); ++i) {
    stretch.row[changing[i]] = table.find(changing_keys[i]);
    if (stretch.row[changing[i]] == nullptr) ++misfits;
  }
  const auto opened = static_cast<std::ptrdiff_t>(stretch.lives.size());
  stretch.lives.insert(stretch.lives.end(), changing.begin(), changing.end());
  std::inplace_merge(stretch.lives.begin(), stretch.lives.begin() + opened, stretch.lives.end());
  return misfits;
}

template <class T>
Result<Column> ChunkKind<T>::keys_of(std::span<const std::uint32_t> lives) {
  Column keys;
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun, LifeGroup::ongoing}) {
    std::vector<std::uint32_t> some;
    for (const std::uint32_t life : lives)
      if (life >= first_of(group) && life - first_of(group) < rows(group))
        some.push_back(static_cast<std::uint32_t>(life - first_of(group)));
    if (some.empty()) continue;
    Column of_group;
    if (group == LifeGroup::ongoing) {
      NETREC_TRY(read, numbers_at(id(Role::key), counts_.ongoing, some));
      of_group = std::move(read);
    } else {
      std::vector<std::pair<std::uint16_t, Column>> parts;
      for (std::uint16_t field = 0; field < layout_->part_of_key.size(); ++field) {
        if (!layout_->part_of_key[field]) continue;
        NETREC_TRY(values, stored_cells(group, field, some));
        parts.emplace_back(field, std::move(values));
      }
      of_group = keys_from<T>(parts, some.size());
    }
    keys.insert(keys.end(), of_group.begin(), of_group.end());
  }
  return keys;
}

template <class T>
Status ChunkKind<T>::set_values(Stretch& stretch) {
  NETREC_TRY(at, spans());
  NETREC_TRY(all, updates());
  std::vector<bool> opened_here(lives());
  for (std::size_t life = 0; life < lives(); ++life)
    opened_here[life] = at->open_frame[life] != Spans::kOutside;
  const std::vector<SomeChanges> changes =
      changes_of_some(*all, *layout_, stretch.lives, opened_here, first_of(LifeGroup::ongoing));
  for (std::uint16_t field = 0; field < changes.size(); ++field) {
    NETREC_CHECKED(set_openings(field, changes[field], stretch));
    NETREC_CHECKED(set_changes(field, changes[field], stretch));
  }
  if constexpr (std::is_same_v<T, Text>) return set_texts(stretch);
  return {};
}

// What the field was when each row of the stretch opened.
template <class T>
Status ChunkKind<T>::set_openings(std::uint16_t field, const SomeChanges& changes,
                                  Stretch& stretch) {
  const auto set = fields_of<T>()[field].set;
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
    const auto& opened = stretch.opened[number(group)];
    if (opened.rows.empty() || is_zero_anyway(group, field)) continue;
    NETREC_TRY(values, unchanged_cells(group, field, opened.rows));
    for (std::size_t i = 0; i < values.size(); ++i) set(*opened.made[i], values[i]);
  }
  NETREC_TRY(at, spans());
  std::vector<std::uint32_t> places;
  std::vector<std::uint32_t> opened;
  std::size_t run = 0;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence*) {
    const std::uint32_t opens = at->open_frame[begin->life];
    if (opens != Spans::kOutside && stretch.holds(opens)) {
      places.push_back(changes.place[run]);
      opened.push_back(begin->life);
    }
    ++run;
  });
  if (places.empty()) return {};
  NETREC_TRY(initial, numbers_at(id(Role::initial, 0, field), changes.initials, places));
  const Coding coding = layout_->codings[field];
  for (std::size_t i = 0; i < opened.size(); ++i)
    set(*stretch.row[opened[i]],
        layout_->is_instant(field) ? instant_value(initial[i], at->beginning_us[opened[i]], coding)
                                   : initial[i]);
  return {};
}

// By run of `changes`: the value after all of the chunk's updates, of a field that is a number.
template <class T>
Result<Column> ChunkKind<T>::last_values(std::uint16_t field, const SomeChanges& changes) {
  std::array<std::vector<std::uint32_t>, 3> places;
  std::size_t run = 0;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence*) {
    const std::uint32_t life = begin->life;
    if (life < counts_.ended)
      places[0].push_back(life);
    else if (life < first_of(LifeGroup::ongoing))
      places[1].push_back(static_cast<std::uint32_t>(life - counts_.ended));
    else
      places[2].push_back(changes.place[run]);
    ++run;
  });
  Column all;
  all.reserve(run);
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
    NETREC_TRY(values, unchanged_cells(group, field, places[number(group)]));
    all.insert(all.end(), values.begin(), values.end());
  }
  NETREC_TRY(values, numbers_at(id(Role::last, 0, field), changes.lasts, places[2]));
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

// What the last update of the stretch made of the field.
template <class T>
Status ChunkKind<T>::set_changes(std::uint16_t field, const SomeChanges& changes,
                                 Stretch& stretch) {
  if (changes.occurrences.empty()) return {};
  NETREC_TRY(all, updates());
  NETREC_TRY(clock, columns_->clock());
  std::vector<std::uint32_t> places;
  for (const Occurrence& now : changes.occurrences)
    if (now.step != Occurrence::kNoStep) places.push_back(now.step);
  NETREC_TRY(steps, numbers_at(id(Role::step, 0, field), changes.steps, places));
  const auto& of_field = fields_of<T>()[field];
  const Coding coding = layout_->codings[field];
  const bool is_number = coding == Coding::number || coding == Coding::opening;
  Column last;
  if (is_number) {
    NETREC_TRY(values, last_values(field, changes));
    last = std::move(values);
  }
  std::size_t run = 0;
  std::size_t next_step = 0;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence* end) {
    const auto with_step = static_cast<std::size_t>(std::count_if(
        begin, end, [](const Occurrence& now) { return now.step != Occurrence::kNoStep; }));
    const std::size_t step_after = next_step += with_step;
    std::uint64_t value = is_number ? last[run] : 0;
    ++run;
    T* const row = stretch.row[begin->life];
    if (row == nullptr) return;
    std::size_t step = step_after;
    while (end != begin && all->frame_of((end - 1)->update, *clock) >= stretch.end) {
      if ((--end)->step == Occurrence::kNoStep) continue;
      --step;
      if (is_number)
        value -= of_field.kind == FieldKind::counter ? steps[step] : unzigzag(steps[step]);
    }
    if (end == begin) return;
    const std::uint32_t update = (end - 1)->update;
    if (coding == Coding::steering) value = all->patterns[all->pattern[update]].steering;
    if (layout_->is_instant(field))
      value = instant_value(steps[step - 1], all->at_us[update], coding);
    of_field.set(*row, value);
  });
  return {};
}

template <class T>
Status ChunkKind<T>::set_texts(Stretch& stretch) const {
  if constexpr (std::is_same_v<T, Text>) {
    for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun}) {
      const auto& opened = stretch.opened[number(group)];
      if (opened.rows.empty()) continue;
      NETREC_TRY(bytes, texts(group));
      for (std::size_t i = 0; i < opened.rows.size(); ++i)
        opened.made[i]->bytes = std::move(bytes[opened.rows[i]]);
    }
  }
  return {};
}

#define NETREC_INSTANTIATE(T)                        \
  template bool ChunkKind<T>::can_carry_out() const; \
  template Result<std::size_t> ChunkKind<T>::carry_out(std::size_t, std::size_t, Table<T>&);
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
