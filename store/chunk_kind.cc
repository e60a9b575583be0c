#include "store/chunk_kind.h"

#include <algorithm>
#include <type_traits>

namespace netrec {

template <class T>
std::size_t ChunkKind<T>::rows(LifeGroup group) const {
  switch (group) {
    case LifeGroup::ended:
      return counts_.ended;
    case LifeGroup::begun:
      return counts_.begun;
    case LifeGroup::ongoing:
      return counts_.ongoing;
  }
  return 0;
}

template <class T>
std::size_t ChunkKind<T>::first_of(LifeGroup group) const {
  if (group == LifeGroup::ended) return 0;
  return group == LifeGroup::begun ? counts_.ended : counts_.ended + counts_.begun;
}

template <class T>
std::optional<typename ChunkKind<T>::InTuple> ChunkKind<T>::in_tuple(LifeGroup group,
                                                                     std::uint16_t field) const {
  for (std::size_t tuple = 0; tuple < layout_->tuples.size(); ++tuple) {
    const ColumnId value = id(Role::tuple_value, 2 * tuple + number(group), field);
    if (columns_->has(value))
      return InTuple{.place = id(Role::tuple, number(group), static_cast<std::uint16_t>(tuple)),
                     .value = value,
                     .count = id(Role::tuples, number(group), static_cast<std::uint16_t>(tuple))};
  }
  return std::nullopt;
}

// Chunks of version 1 have as many as their places say.
template <class T>
Result<std::size_t> ChunkKind<T>::tuples(const InTuple& tuple, std::size_t rows,
                                         const std::function<std::uint64_t()>& places) const {
  NETREC_TRY(told, columns_->only_number(tuple.count));
  const std::uint64_t count = told ? *told : places();
  if (count > rows) return lies("a tuple that is not there");
  return static_cast<std::size_t>(count);
}

template <class T>
Result<Column> ChunkKind<T>::stored_in_tuple(LifeGroup group, const InTuple& tuple) const {
  NETREC_TRY(only, columns_->only_number(tuple.value));
  if (only) return Column(rows(group), *only);
  NETREC_TRY(place, columns_->numbers(tuple.place, rows(group)));
  const std::uint64_t last = place.empty() ? 0 : *std::max_element(place.begin(), place.end());
  NETREC_TRY(count, tuples(tuple, rows(group), [&] { return last + 1; }));
  if (last >= count) return lies("a tuple that is not there");
  NETREC_TRY(values, columns_->numbers(tuple.value, count));
  for (std::uint64_t& row : place) row = values[row];
  return place;
}

template <class T>
Result<Column> ChunkKind<T>::stored_by_opening(std::uint16_t field) {
  NETREC_TRY(at, spans());
  NETREC_TRY(sorted, columns_->numbers(id(Role::by_opening, 0, field), counts_.ended));
  if (order_.empty()) order_ = order_of_opening(std::span(at->beginning_us).first(counts_.ended));
  Column values(sorted.size());
  for (std::size_t i = 0; i < order_.size(); ++i) values[order_[i]] = sorted[i];
  return values;
}

/// A field's column as it lies, in whichever way it was smallest.
template <class T>
Result<Column> ChunkKind<T>::stored(LifeGroup group, std::uint16_t field) {
  const std::size_t count = rows(group);
  const ColumnId plain = id(Role::value, number(group), field);
  if (columns_->has(plain)) return columns_->numbers(plain, count);
  if (const auto tuple = in_tuple(group, field)) return stored_in_tuple(group, *tuple);
  if (layout_->grows[field] && group == LifeGroup::ended &&
      columns_->has(id(Role::by_opening, 0, field)))
    return stored_by_opening(field);
  const ColumnId relative = id(Role::relative, number(group), field);
  if (layout_->relative_to[field] < 0 || !columns_->has(relative)) return Column(count);
  NETREC_TRY(other, stored(group, static_cast<std::uint16_t>(layout_->relative_to[field])));
  NETREC_TRY(distance, columns_->numbers(relative, count));
  for (std::size_t i = 0; i < count; ++i) other[i] += unzigzag(distance[i]);
  return other;
}

template <class T>
Result<Column> ChunkKind<T>::number_values(std::uint16_t field, const FieldChanges& changes,
                                           const Column& steps) {
  NETREC_TRY(ended, stored(LifeGroup::ended, field));
  NETREC_TRY(begun, stored(LifeGroup::begun, field));
  if (layout_->codings[field] == Coding::opening) {
    NETREC_TRY(at, spans());
    std::copy_n(at->beginning_us.begin(), ended.size(), ended.begin());
  }
  const std::size_t ongoing = first_of(LifeGroup::ongoing);
  std::size_t lasts = 0;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence*) {
    lasts += begin->life >= ongoing ? 1 : 0;
  });
  NETREC_TRY(last, columns_->numbers(id(Role::last, 0, field), lasts));

  const bool ascending = fields_of<T>()[field].kind == FieldKind::counter;
  Column values(changes.occurrences.size());
  std::size_t next_last = 0;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence* end) {
    const std::size_t life = begin->life;
    std::uint64_t value = life >= ongoing        ? last[next_last++]
                          : life < counts_.ended ? ended[life]
                                                 : begun[life - counts_.ended];
    for (const Occurrence* now = end; now-- != begin;) {
      values[static_cast<std::size_t>(now - changes.occurrences.data())] = value;
      if (now != begin) value -= ascending ? steps[now->step] : unzigzag(steps[now->step]);
    }
  });
  return values;
}

template <class T>
Result<Column> ChunkKind<T>::values(std::uint16_t field, const FieldChanges& changes) {
  NETREC_TRY(all, updates());
  NETREC_TRY(steps, columns_->numbers(id(Role::step, 0, field), changes.steps));
  const Coding coding = layout_->codings[field];
  if (coding == Coding::number || coding == Coding::opening)
    return number_values(field, changes, steps);
  Column values;
  values.reserve(changes.occurrences.size());
  for (const Occurrence& now : changes.occurrences)
    values.push_back(coding == Coding::steering
                         ? all->patterns[all->pattern[now.update]].steering
                         : instant_value(steps[now.step], all->at_us[now.update], coding));
  return values;
}

// ---- what history asks

template <class T>
Result<std::span<const std::uint64_t>> ChunkKind<T>::anchors(LifeGroup group, std::uint16_t field) {
  NETREC_TRY(at, spans());
  const auto beginnings = std::span(at->beginning_us).subspan(first_of(group), rows(group));
  if (group != LifeGroup::ended || static_cast<int>(field) == layout_->opened_after)
    return beginnings;
  if (!anchors_) {
    NETREC_TRY(earlier, earlier_transitions());
    anchors_.emplace(beginnings.begin(), beginnings.end());
    std::size_t next = 0;
    for (std::size_t row = 0; row < anchors_->size(); ++row)
      for (std::uint64_t i = earlier.count[row]; i > 0; --i)
        (*anchors_)[row] += unzigzag(earlier.at[next++]);
  }
  return std::span<const std::uint64_t>(*anchors_);
}

template <class T>
Result<Column> ChunkKind<T>::unchanged(LifeGroup group, std::uint16_t field) {
  const Coding coding = layout_->codings[field];
  if (coding == Coding::opening) {
    NETREC_TRY(at, spans());
    const auto first = at->beginning_us.begin() + static_cast<std::ptrdiff_t>(first_of(group));
    return Column(first, first + static_cast<std::ptrdiff_t>(rows(group)));
  }
  NETREC_TRY(column, stored(group, field));
  if (!layout_->is_instant(field)) return column;
  NETREC_TRY(anchor, anchors(group, field));
  for (std::size_t i = 0; i < column.size(); ++i)
    column[i] = instant_value(column[i], anchor[i], coding);
  return column;
}

template <class T>
Result<Column> ChunkKind<T>::column(LifeGroup group, std::uint16_t field) {
  NETREC_CHECK(group != LifeGroup::ongoing, "the ongoing have no rows");
  NETREC_TRY(column, unchanged(group, field));
  if (!layout_->is_instant(field) || counts_.updates == 0) return column;
  NETREC_TRY(all, updates());
  const FieldChanges changes = changes_of_field(*all, *layout_, field);
  if (changes.occurrences.empty()) return column;
  NETREC_TRY(latest, values(field, changes));
  const std::size_t first = first_of(group);
  for (std::size_t i = 0; i < latest.size(); ++i) {
    const std::size_t life = changes.occurrences[i].life;
    if (life >= first && life - first < column.size()) column[life - first] = latest[i];
  }
  return column;
}

template <class T>
bool ChunkKind<T>::has(LifeGroup group, std::uint16_t field) const {
  if (columns_->has(id(Role::value, number(group), field))) return true;
  if (columns_->has(id(Role::relative, number(group), field))) return true;
  if (columns_->has(id(Role::by_opening, 0, field))) return true;
  if (layout_->codings[field] == Coding::opening) return true;
  if (layout_->is_instant(field) && columns_->has(id(Role::step, 0, field))) return true;
  return in_tuple(group, field).has_value();
}

template <class T>
bool ChunkKind<T>::is_zero_anyway(LifeGroup group, std::uint16_t field) const {
  return !layout_->is_instant(field) && fields_of<T>()[field].get(T{}) == 0 && !has(group, field);
}

template <class T>
Result<std::vector<T>> ChunkKind<T>::whole_rows(LifeGroup group) {
  std::vector<T> all(rows(group));
  for (std::uint16_t field = 0; field < layout_->codings.size(); ++field) {
    if (all.empty() || !has(group, field)) continue;
    NETREC_TRY(values, column(group, field));
    for (std::size_t i = 0; i < all.size(); ++i) fields_of<T>()[field].set(all[i], values[i]);
  }
  if constexpr (std::is_same_v<T, Text>) {
    NETREC_TRY(bytes, texts(group));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].bytes = std::move(bytes[i]);
  }
  return all;
}

template <class T>
Result<Column> ChunkKind<T>::keys(LifeGroup group) {
  if (group == LifeGroup::ongoing) return columns_->numbers(id(Role::key), counts_.ongoing);
  std::vector<std::pair<std::uint16_t, Column>> parts;
  for (std::uint16_t field = 0; field < layout_->part_of_key.size(); ++field) {
    if (!layout_->part_of_key[field]) continue;
    NETREC_TRY(values, stored(group, field));
    parts.emplace_back(field, std::move(values));
  }
  return keys_from<T>(parts, rows(group));
}

template <class T>
Result<Column> ChunkKind<T>::all_keys() {
  Column all;
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun, LifeGroup::ongoing}) {
    NETREC_TRY(some, keys(group));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

template <class T>
Result<Samples> ChunkKind<T>::samples(std::uint16_t field) {
  NETREC_TRY(all, updates());
  const FieldChanges changes = changes_of_field(*all, *layout_, field);
  Samples samples;
  NETREC_TRY(taken, values(field, changes));
  samples.value = std::move(taken);
  NETREC_TRY(key, all_keys());
  for (const Occurrence& now : changes.occurrences) {
    samples.key.push_back(key[now.life]);
    samples.at_us.push_back(all->at_us[now.update]);
  }
  return samples;
}

template <class T>
Result<std::vector<std::string>> ChunkKind<T>::texts(LifeGroup group) const {
  NETREC_TRY(lengths, columns_->numbers(id(Role::text_length, number(group)), rows(group)));
  NETREC_TRY(bytes, columns_->blob(id(Role::text_bytes, number(group))));
  std::vector<std::string> texts;
  ByteReader in(bytes);
  for (const std::uint64_t length : lengths) texts.emplace_back(in.raw(length));
  if (!in.at_end()) return lies("texts longer or shorter than told");
  return texts;
}

/// Transitions of earlier chunks, as they lie.
template <class T>
struct ChunkKind<T>::Earlier {
  Column count, at, after, state;
};

template <class T>
Result<typename ChunkKind<T>::Earlier> ChunkKind<T>::earlier_transitions() const {
  NETREC_TRY(count, columns_->numbers(id(Role::earlier_count), counts_.ended));
  std::uint64_t total = 0;
  for (const std::uint64_t of_row : count) {
    if (of_row > kMostChunkUpdates - total) return lies("too many transitions");
    total += of_row;
  }
  NETREC_TRY(at, columns_->numbers(id(Role::earlier_at), total));
  NETREC_TRY(after, columns_->numbers(id(Role::earlier_after), total));
  NETREC_TRY(state, columns_->numbers(id(Role::earlier_state), total));
  return Earlier{std::move(count), std::move(at), std::move(after), std::move(state)};
}

/// By life: the state it opened in, if it opened here and has changed.
template <class T>
Result<Column> ChunkKind<T>::initial_states(const FieldChanges& changes, const Spans& spans) const {
  std::vector<std::uint32_t> changed;
  for_each_life(changes.occurrences, [&](const Occurrence* begin, const Occurrence*) {
    if (spans.open_frame[begin->life] != Spans::kOutside) changed.push_back(begin->life);
  });
  const auto state = static_cast<std::uint16_t>(layout_->steering);
  NETREC_TRY(initial, columns_->numbers(id(Role::initial, 0, state), changed.size()));
  Column by_life(lives());
  for (std::size_t i = 0; i < changed.size(); ++i) by_life[changed[i]] = initial[i];
  return by_life;
}

template <class T>
Result<TransitionColumns> ChunkKind<T>::transitions(LifeGroup group) {
  const auto state = static_cast<std::uint16_t>(layout_->steering);
  const std::size_t first = first_of(group);
  NETREC_TRY(clock, columns_->clock());
  NETREC_TRY(at, spans());
  NETREC_TRY(all, updates());
  const FieldChanges changes = changes_of_field(*all, *layout_, state);
  NETREC_TRY(initial, initial_states(changes, *at));
  Earlier earlier;
  if (group == LifeGroup::ended) {
    NETREC_TRY(read, earlier_transitions());
    earlier = std::move(read);
  }
  Column states, opened_after;
  if (group != LifeGroup::ongoing) {
    NETREC_TRY(last, stored(group, state));
    states = std::move(last);
    NETREC_TRY(after, column(group, field_id<Socket>("opened_after_us")));
    opened_after = std::move(after);
  }

  TransitionColumns out;
  out.first.reserve(rows(group) + 1);
  auto change = std::lower_bound(
      changes.occurrences.begin(), changes.occurrences.end(), first,
      [](const Occurrence& occurrence, std::size_t life) { return occurrence.life < life; });
  std::size_t next_earlier = 0;
  for (std::size_t row = 0; row < rows(group); ++row) {
    const std::size_t life = first + row;
    const bool changed = change != changes.occurrences.end() && change->life == life;
    out.first.push_back(static_cast<std::uint32_t>(out.transitions.size()));
    if (at->open_frame[life] != Spans::kOutside)
      out.transitions.push_back(
          {.at_us = at->beginning_us[life],
           .after_us = opened_after[row],
           .state = static_cast<TcpState>(changed ? initial[life] : states[row])});
    std::uint64_t before_us = at->beginning_us[life];
    for (std::uint64_t i = earlier.count.empty() ? 0 : earlier.count[row]; i > 0; --i) {
      before_us += unzigzag(earlier.at[next_earlier]);
      out.transitions.push_back(
          {.at_us = before_us,
           .after_us = instant_value(earlier.after[next_earlier], before_us, Coding::instant_us),
           .state = static_cast<TcpState>(earlier.state[next_earlier])});
      ++next_earlier;
    }
    for (; change != changes.occurrences.end() && change->life == life; ++change) {
      const std::uint32_t frame = all->frame_of(change->update, *clock);
      const Moment moment = moment_of(all->at_of(change->update, *clock), clock->wall_us(frame),
                                      clock->before_us(frame));
      out.transitions.push_back(
          {.at_us = moment.at_us,
           .after_us = moment.after_us,
           .state = static_cast<TcpState>(all->patterns[all->pattern[change->update]].steering)});
    }
  }
  out.first.push_back(static_cast<std::uint32_t>(out.transitions.size()));
  return out;
}

#define NETREC_INSTANTIATE(T) template class ChunkKind<T>;
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
