// A group of consecutive chunks as the search index has it: what each spans, and for each key of
// any of them the set of chunks that have it. Pure functions over bytes; the rows they are kept in
// are store/search_index.h's.
//
// One list a key instead of one filter a chunk: a needle in a month is a page of each group, and a
// key that many chunks have is written once. Each page is a row that fits on one page of SQLite's,
// and says up to which key it speaks, so that one that is lost is missed and not taken for "none".
//
//   chunks  = version:varint count:varint chunk{count} checksum:fixed32
//   chunk   = skipped:varint sequences:varint least_wall_us most_wall_us first_opened_us : varint
//             ended:byte anything:byte
//   page    = next:varint entry* checksum:fixed32
//   entry   = step:varint count:varint place_step:varint{count}     fewer than a bitmap's bytes
//           | step:varint 0x00 bitmap:byte{(chunks + 7) / 8}
//
// `skipped`: sequences between the chunk before (or the group's first) and this one. least_wall_us
// is told as zigzag from the one before, most_wall_us from least_wall_us, first_opened_us as zigzag
// back from least_wall_us plus one (0: unknown). Checksums are made with the row's numbers in
// front.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/field.h"
#include "schema/result.h"
#include "store/chunk_header.h"
#include "store/search_keys.h"

namespace netrec {

/// Chunks in a group that is full. Larger groups are read quicker in a month, and wait longer to be
/// made; the keys of ungrouped chunks are read one chunk after the other.
inline constexpr std::size_t kGroupChunks = 256;

/// What a search asks of a chunk before its header is read.
struct GroupedChunk {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t least_wall_us = 0;
  std::uint64_t most_wall_us = 0;
  std::uint64_t first_opened_us = 0;  ///< the earliest opening of what ended in it; 0: unknown
  std::uint8_t ended = 0;             ///< bits: ended_bit()
  std::uint8_t anything = 0;          ///< bit k: its list of KeyKind k holds anything

  bool operator==(const GroupedChunk&) const = default;
};

/// Its bit in GroupedChunk::ended; 0 for kinds no search looks for.
std::uint8_t ended_bit(EntityKind kind);
/// What its header says of it; `keys`: its search keys.
GroupedChunk grouped(const ChunkHeader& header, const ShortKeys& keys);

/// Which chunks of a group.
using ChunkSet = std::vector<bool>;

struct SearchGroup {
  std::uint32_t number = 0;  ///< names its pages; never used again in a file
  std::vector<GroupedChunk> chunks;

  std::uint64_t first_sequence() const { return chunks.front().first_sequence; }
  std::uint64_t last_sequence() const { return chunks.back().last_sequence; }

  std::string encode() const;
  /// Errors: corrupt.
  static Result<SearchGroup> decode(std::uint32_t number, std::uint64_t first_sequence,
                                    std::uint64_t last_sequence, std::string_view bytes);
};

/// The id of the row with the page of `kind` that begins at `key`.
constexpr std::uint64_t page_id(std::uint32_t group, KeyKind kind, std::uint32_t key) {
  return (std::uint64_t{group} << 4 | static_cast<std::uint64_t>(kind)) << kSearchKeyBits | key;
}

struct SearchPage {
  std::uint64_t id = 0;
  std::string bytes;
};

/// The pages of group `number`; `keys`: of its chunks, in order, at most kGroupChunks.
std::vector<SearchPage> make_pages(std::uint32_t number, std::span<const ShortKeys> keys);

/// The chunks that have `key`, as the page beginning at or before it says; `chunks`: how many there
/// are in the group. Errors: corrupt (also: it does not speak of that key).
Result<ChunkSet> find_in_page(std::uint64_t id, std::string_view bytes, std::uint32_t key,
                              std::size_t chunks);

/// Everything a page says, for a proof: pairs of key and chunk.
struct PageEntry {
  std::uint32_t key = 0;
  std::uint32_t chunk = 0;

  auto operator<=>(const PageEntry&) const = default;
};
struct PageContent {
  std::uint32_t next = 0;  ///< the first key it does not speak of
  std::vector<PageEntry> entries;
};
Result<PageContent> read_page(std::uint64_t id, std::string_view bytes, std::size_t chunks);

}  // namespace netrec
