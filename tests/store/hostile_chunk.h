// A chunk altered by somebody who knows the format: its checksums are made good, so that what is
// behind them is tested too.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/bytes.h"
#include "store/checksum.h"
#include "store/chunk.h"
#include "store/chunk_layout.h"

namespace netrec {

/// `header` without its checksum. Nothing if it is not a header at all.
inline std::optional<EncodedChunk> with_good_checksums(std::string_view header,
                                                       std::string_view body) {
  std::string sealed(header);
  put_fixed32(sealed, checksum(header));
  auto decoded = ChunkHeader::decode(sealed);
  if (!decoded) return std::nullopt;
  for (ColumnEntry& entry : decoded->directory)
    if (entry.offset <= body.size())
      entry.checksum = decoded->column_checksum(body.substr(entry.offset, entry.size));
  return EncodedChunk{decoded->encode(), std::string(body)};
}

/// Some rows of a column are what all of them are.
template <class T>
void look_rows_up(const ChunkReader& reader, LifeGroup group, std::uint16_t field) {
  const std::size_t all = reader.rows<T>(group);
  const auto column = reader.column<T>(group, field);
  std::vector<std::uint32_t> some;
  for (std::size_t row = 0; row < all; row += 1 + row / 2)
    some.push_back(static_cast<std::uint32_t>(row));
  const auto cells = reader.cells<T>(group, field, some);
  const Column wanted = column && all > 0 ? Column{column->front(), column->back()} : Column{0, 1};
  const auto found = reader.rows_with<T>(group, field, wanted);
  // Where not all can be told, some may.
  if (!column) return;
  NETREC_CHECK(cells && found, "one way to a column cannot go where another can");
  for (std::size_t i = 0; i < some.size(); ++i)
    NETREC_CHECK((*cells)[i] == (*column)[some[i]], "a row alone is another than among all");
  std::vector<std::uint32_t> holding;
  for (std::size_t row = 0; row < all; ++row)
    if (std::find(wanted.begin(), wanted.end(), (*column)[row]) != wanted.end())
      holding.push_back(static_cast<std::uint32_t>(row));
  NETREC_CHECK(*found == holding, "rows with a value are not found");
}

/// Asks a reader for all there is. What it answers does not matter, only that it answers.
inline void read_everything(const EncodedChunk& chunk) {
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  if (!reader) return;
  (void)reader->frames();
  (void)reader->names();
  if (const auto times = reader->frame_times(); times && reader->can_carry_out()) {
    Snapshot state;
    const std::size_t frames = times->sequence.size();
    (void)reader->carry_out(0, frames / 2, state);
    (void)reader->carry_out(frames / 2, frames, state);
  }
  for (const LifeGroup group : {LifeGroup::ended, LifeGroup::begun, LifeGroup::ongoing})
    (void)reader->transitions(group);
  for_each_kind([&]<class T>() {
    (void)reader->template ends<T>();
    for (std::uint16_t field = 0; field < fields_of<T>().size(); ++field) {
      look_rows_up<T>(*reader, LifeGroup::ended, field);
      look_rows_up<T>(*reader, LifeGroup::begun, field);
      (void)reader->template samples<T>(field);
    }
  });
}

}  // namespace netrec
