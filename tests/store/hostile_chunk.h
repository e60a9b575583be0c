// A chunk altered by somebody who knows the format: its checksums are made good, so that what is
// behind them is tested too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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
      entry.checksum = checksum(body.substr(entry.offset, entry.size));
  return EncodedChunk{decoded->encode(), std::string(body)};
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
      (void)reader->template column<T>(LifeGroup::ended, field);
      (void)reader->template column<T>(LifeGroup::begun, field);
      (void)reader->template samples<T>(field);
    }
  });
}

}  // namespace netrec
