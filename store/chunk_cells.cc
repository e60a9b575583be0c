// Some of a chunk's rows, without unpacking all.
#include <algorithm>

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

}  // namespace

// What takes other columns to be known is unpacked whole.
template <class T>
Result<Column> ChunkKind<T>::cells(LifeGroup group, std::uint16_t field,
                                   std::span<const std::uint32_t> some) {
  const std::size_t count = rows(group);
  const ColumnId plain = id(Role::value, static_cast<std::size_t>(group), field);
  const bool stands_alone =
      layout_->codings[field] != Coding::opening && !layout_->is_instant(field);
  if (stands_alone && !has(group, field)) return Column(some.size());
  if (stands_alone && columns_->has(plain)) {
    NETREC_TRY(column, columns_->packed(plain, count));
    return column->at(some);
  }
  const auto tuple = stands_alone ? in_tuple(group, field) : std::nullopt;
  if (tuple && columns_->has(tuple->place)) {
    NETREC_TRY(place, columns_->packed(tuple->place, count));
    const std::uint64_t last = place->greatest();
    if (last > count) return lies("a tuple that is not there");
    NETREC_TRY(value, columns_->packed(tuple->value, static_cast<std::size_t>(last) + 1));
    const Column places = place->at(some);
    return value->at(std::vector<std::uint32_t>(places.begin(), places.end()));
  }
  const ColumnId relative = id(Role::relative, static_cast<std::size_t>(group), field);
  const bool is_by_opening = layout_->grows[field] && group == LifeGroup::ended &&
                             columns_->has(id(Role::by_opening, 0, field));
  if (stands_alone && !is_by_opening && layout_->relative_to[field] >= 0 &&
      columns_->has(relative)) {
    NETREC_TRY(values, cells(group, static_cast<std::uint16_t>(layout_->relative_to[field]), some));
    NETREC_TRY(distance, columns_->packed(relative, count));
    const Column distances = distance->at(some);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += unzigzag(distances[i]);
    return values;
  }
  NETREC_TRY(whole, column(group, field));
  Column values;
  values.reserve(some.size());
  for (const std::uint32_t row : some) values.push_back(whole[row]);
  return values;
}

template <class T>
Result<std::vector<std::uint32_t>> ChunkKind<T>::rows_with(LifeGroup group, std::uint16_t field,
                                                           std::span<const std::uint64_t> values) {
  const std::size_t count = rows(group);
  const ColumnId plain = id(Role::value, static_cast<std::size_t>(group), field);
  const bool stands_alone =
      layout_->codings[field] != Coding::opening && !layout_->is_instant(field);
  if (stands_alone && columns_->has(plain)) {
    NETREC_TRY(column, columns_->packed(plain, count));
    return column->rows_of(values);
  }
  const auto tuple = stands_alone ? in_tuple(group, field) : std::nullopt;
  if (tuple && columns_->has(tuple->place)) {
    NETREC_TRY(place, columns_->packed(tuple->place, count));
    const std::uint64_t last = place->greatest();
    if (last > count) return lies("a tuple that is not there");
    NETREC_TRY(value, columns_->packed(tuple->value, static_cast<std::size_t>(last) + 1));
    const auto tuples = value->rows_of(values);
    return place->rows_of(Column(tuples.begin(), tuples.end()));
  }
  NETREC_TRY(whole, column(group, field));
  return rows_where(whole, values);
}

#define NETREC_INSTANTIATE(T)                                                  \
  template Result<Column> ChunkKind<T>::cells(LifeGroup, std::uint16_t,        \
                                              std::span<const std::uint32_t>); \
  template Result<std::vector<std::uint32_t>> ChunkKind<T>::rows_with(         \
      LifeGroup, std::uint16_t, std::span<const std::uint64_t>);
NETREC_INSTANTIATE(Text)
NETREC_INSTANTIATE(Session)
NETREC_INSTANTIATE(Gap)
NETREC_INSTANTIATE(User)
NETREC_INSTANTIATE(NetworkNamespace)
NETREC_INSTANTIATE(Process)
NETREC_INSTANTIATE(Interface)
NETREC_INSTANTIATE(Counter)
NETREC_INSTANTIATE(Socket)
NETREC_INSTANTIATE(Peer)
NETREC_INSTANTIATE(Resolution)
#undef NETREC_INSTANTIATE

}  // namespace netrec
