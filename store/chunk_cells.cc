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

// Not what takes other columns to be known.
template <class T>
Result<typename ChunkKind<T>::Packed> ChunkKind<T>::packed(LifeGroup group, std::uint16_t field) {
  Packed found;
  if (layout_->codings[field] == Coding::opening || layout_->is_instant(field)) return found;
  const ColumnId plain = id(Role::value, static_cast<std::size_t>(group), field);
  if (columns_->has(plain)) {
    NETREC_TRY(value, columns_->packed(plain, rows(group)));
    found.value = value;
    return found;
  }
  const auto tuple = in_tuple(group, field);
  if (!tuple || !columns_->has(tuple->place)) return found;
  NETREC_TRY(place, columns_->packed(tuple->place, rows(group)));
  const std::uint64_t last = place->greatest();
  if (last > rows(group)) return lies("a tuple that is not there");
  NETREC_TRY(value, columns_->packed(tuple->value, static_cast<std::size_t>(last) + 1));
  found.value = value;
  found.place = place;
  return found;
}

template <class T>
Result<Column> ChunkKind<T>::cells(LifeGroup group, std::uint16_t field,
                                   std::span<const std::uint32_t> some) {
  if (!has(group, field) && !layout_->is_instant(field)) return Column(some.size());
  NETREC_TRY(lies_in, packed(group, field));
  if (lies_in.place != nullptr) {
    const Column places = lies_in.place->at(some);
    return lies_in.value->at(std::vector<std::uint32_t>(places.begin(), places.end()));
  }
  if (lies_in.value != nullptr) return lies_in.value->at(some);
  const ColumnId relative = id(Role::relative, static_cast<std::size_t>(group), field);
  const bool is_by_opening = group == LifeGroup::ended && layout_->grows[field];
  if (layout_->relative_to[field] >= 0 && columns_->has(relative) && !is_by_opening &&
      !layout_->is_instant(field)) {
    NETREC_TRY(values, cells(group, static_cast<std::uint16_t>(layout_->relative_to[field]), some));
    NETREC_TRY(distance, columns_->packed(relative, rows(group)));
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
  NETREC_TRY(lies_in, packed(group, field));
  if (lies_in.place != nullptr) {
    const auto tuples = lies_in.value->rows_of(values);
    return lies_in.place->rows_of(Column(tuples.begin(), tuples.end()));
  }
  if (lies_in.value != nullptr) return lies_in.value->rows_of(values);
  NETREC_TRY(whole, column(group, field));
  return rows_where(whole, values);
}

#define NETREC_INSTANTIATE(T)                                                  \
  template Result<Column> ChunkKind<T>::cells(LifeGroup, std::uint16_t,        \
                                              std::span<const std::uint32_t>); \
  template Result<std::vector<std::uint32_t>> ChunkKind<T>::rows_with(         \
      LifeGroup, std::uint16_t, std::span<const std::uint64_t>);
NETREC_FOR_EACH_KIND(NETREC_INSTANTIATE)
#undef NETREC_INSTANTIATE

}  // namespace netrec
