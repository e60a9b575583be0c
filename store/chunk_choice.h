// Which chunks somebody wants to see, as far as the search index can tell.
#pragma once

#include <cstdint>

#include "store/search_group.h"

namespace netrec {

struct ChunkChoice {
  std::uint64_t from_us = 0;         ///< frames of theirs lie at or after this
  std::uint64_t to_us = UINT64_MAX;  ///< and what ended in them opened at or before this
  std::uint8_t ended = 0;            ///< bits: any of these kinds ended in them; 0: whatever did
  WantedKeys keys;

  bool takes(const GroupedChunk& chunk) const {
    return chunk.most_wall_us >= from_us && (ended == 0 || (chunk.ended & ended) != 0) &&
           chunk.first_opened_us <= to_us;
  }
};

}  // namespace netrec
