// Some of a chunk's rows, without unpacking all.
#include <algorithm>
#include <numeric>

#include "store/chunk_kind.h"

namespace netrec {

namespace {

std::vector<std::uint32_t> rows_where(const Column& column, std::span<const std::uint64_t> values) {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < column.size(); ++row)
    if (std::find(values.begin(), values.end(), column[row]) != values.end())
      rows.push_back(static_cast<std::uint32_t>(row));
  return rows;
}

Column picked(std::span<const std::uint64_t> column, std::span<const std::uint32_t> rows) {
  Column values;
  values.reserve(rows.size());
  for (const std::uint32_t row : rows) values.push_back(column[row]);
  return values;
}

}  // namespace

template <class T>
Result<typename ChunkKind<T>::Packed> ChunkKind<T>::packed(LifeGroup group, std::uint16_t field) {
  const auto known = packed_.find({group, field});
  if (known != packed_.end()) return known->second;
  NETREC_TRY(found, find_packed(group, field));
  packed_.emplace(std::pair(group, field), found);
  return found;
}

template <class T>
Result<typename ChunkKind<T>::Packed> ChunkKind<T>::find_packed(LifeGroup group,
                                                                std::uint16_t field) const {
  Packed found;
  const ColumnId plain = id(Role::value, static_cast<std::size_t>(group), field);
  if (columns_->has(plain)) {
    NETREC_TRY(value, columns_->packed(plain, rows(group)));
    found.value = value;
    return found;
  }
  const auto tuple = in_tuple(group, field);
  if (!tuple || !columns_->has(tuple->place)) return found;
  NETREC_TRY(only, columns_->only_number(tuple->value));
  found.only = only;
  if (only) return found;
  NETREC_TRY(place, columns_->packed(tuple->place, rows(group)));
  NETREC_TRY(count, tuples(*tuple, rows(group), [&] { return place->greatest() + 1; }));
  found.tuples = count;
  NETREC_TRY(value, columns_->packed(tuple->value, found.tuples));
  found.value = value;
  found.place = place;
  return found;
}

template <class T>
Result<Column> ChunkKind<T>::numbers_at(ColumnId id, std::size_t count,
                                        std::span<const std::uint32_t> places) const {
  if (!columns_->has(id)) return Column(places.size());
  if (are_few(places.size(), count)) {
    NETREC_TRY(column, columns_->packed(id, count));
    return column->at(places);
  }
  NETREC_TRY(whole, columns_->numbers(id, count));
  return picked(whole, places);
}

template <class T>
Result<Column> ChunkKind<T>::stored_cells(LifeGroup group, std::uint16_t field,
                                          std::span<const std::uint32_t> some) {
  NETREC_TRY(lies_in, packed(group, field));
  if (lies_in.only) return Column(some.size(), *lies_in.only);
  if (lies_in.place != nullptr) {
    const Column places = lies_in.place->at(some);
    for (const std::uint64_t place : places)
      if (place >= lies_in.tuples) return lies("a tuple that is not there");
    return lies_in.value->at(std::vector<std::uint32_t>(places.begin(), places.end()));
  }
  if (lies_in.value != nullptr) return lies_in.value->at(some);
  const ColumnId relative = id(Role::relative, static_cast<std::size_t>(group), field);
  const bool is_by_opening = group == LifeGroup::ended && layout_->grows[field];
  if (layout_->relative_to[field] >= 0 && columns_->has(relative) && !is_by_opening) {
    const auto other = static_cast<std::uint16_t>(layout_->relative_to[field]);
    NETREC_TRY(values, stored_cells(group, other, some));
    NETREC_TRY(distances, numbers_at(relative, rows(group), some));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += unzigzag(distances[i]);
    return values;
  }
  NETREC_TRY(whole, stored(group, field));
  return picked(whole, some);
}

template <class T>
Result<Column> ChunkKind<T>::unchanged_cells(LifeGroup group, std::uint16_t field,
                                             std::span<const std::uint32_t> some) {
  if (some.empty()) return Column();
  if (!are_few(some.size(), rows(group))) {
    NETREC_TRY(whole, unchanged(group, field));
    return picked(whole, some);
  }
  if (layout_->codings[field] == Coding::opening) {
    NETREC_TRY(at, spans());
    return picked(std::span(at->beginning_us).subspan(first_of(group)), some);
  }
  NETREC_TRY(values, stored_cells(group, field, some));
  if (!layout_->is_instant(field)) return values;
  NETREC_TRY(anchor, anchors(group, field));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = instant_value(values[i], anchor[some[i]], layout_->codings[field]);
  return values;
}

template <class T>
Result<Column> ChunkKind<T>::cells(LifeGroup group, std::uint16_t field,
                                   std::span<const std::uint32_t> some) {
  if (layout_->is_instant(field) || layout_->codings[field] == Coding::opening) {
    NETREC_TRY(whole, column(group, field));
    return picked(whole, some);
  }
  if (!has(group, field)) return Column(some.size());
  return unchanged_cells(group, field, some);
}

template <class T>
Result<std::vector<std::uint32_t>> ChunkKind<T>::rows_with(LifeGroup group, std::uint16_t field,
                                                           std::span<const std::uint64_t> values) {
  if (layout_->codings[field] != Coding::opening && !layout_->is_instant(field)) {
    NETREC_TRY(lies_in, packed(group, field));
    if (lies_in.only) {
      const bool is_one = std::find(values.begin(), values.end(), *lies_in.only) != values.end();
      std::vector<std::uint32_t> all(is_one ? rows(group) : 0);
      std::iota(all.begin(), all.end(), 0);
      return all;
    }
    if (lies_in.place != nullptr) {
      const auto tuples = lies_in.value->rows_of(values);
      return lies_in.place->rows_of(Column(tuples.begin(), tuples.end()));
    }
    if (lies_in.value != nullptr) return lies_in.value->rows_of(values);
  }
  NETREC_TRY(whole, column(group, field));
  return rows_where(whole, values);
}

#define NETREC_INSTANTIATE(T)                                                             \
  template Result<Column> ChunkKind<T>::numbers_at(ColumnId, std::size_t,                 \
                                                   std::span<const std::uint32_t>) const; \
  template Result<Column> ChunkKind<T>::stored_cells(LifeGroup, std::uint16_t,            \
                                                     std::span<const std::uint32_t>);     \
  template Result<Column> ChunkKind<T>::unchanged_cells(LifeGroup, std::uint16_t,         \
                                                        std::span<const std::uint32_t>);  \
  template Result<Column> ChunkKind<T>::cells(LifeGroup, std::uint16_t,                   \
                                              std::span<const std::uint32_t>);            \
  template Result<std::vector<std::uint32_t>> ChunkKind<T>::rows_with(                    \
      LifeGroup, std::uint16_t, std::span<const std::uint64_t>);
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
