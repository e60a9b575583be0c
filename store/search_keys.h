// What a search looks for in a chunk, as numbers: addresses, networks, ports, process ids, programs
// and names of what ended in it. Lists of them make the search index (store/search_group.h).
//
// Kept to 28 bits: ports and process ids are themselves, what is hashed is mistaken for something
// else in a group of chunks once in thousands of times, and then costs a chunk read in vain. Full
// hashes would double the index; an xor filter (store/key_filter.h) is wrong once in 256, which in
// a month of ten thousand chunks is forty of them.
//
//   chunk keys = list * 8 checksum:fixed32     in the order of KeyKind
//   list       = 0x00 count:varint count * step:varint   ascending, the first step from -1
//              | 0x01                                    more than are worth listing: anything
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"

namespace netrec {

enum class KeyKind : std::uint8_t {
  remote_address,
  remote_prefix,
  local_address,
  remote_port,
  local_port,
  pid,
  program,
  name
};
inline constexpr std::size_t kKeyKinds = 8;
inline constexpr unsigned kSearchKeyBits = 28;

/// `key` (an address_key(), a port, …; see store/chunk_header.h) as the index has it.
std::uint32_t search_key(KeyKind kind, std::uint64_t key);

/// One thing to look for.
struct WantedKey {
  KeyKind kind = KeyKind::remote_address;
  std::uint32_t key = 0;
};
/// A chunk may hold what is wanted if of each clause it has any key.
using WantedKeys = std::vector<std::vector<WantedKey>>;

/// The keys of one chunk, ascending, as they were before they were shortened.
struct SearchKeys {
  std::array<std::vector<std::uint64_t>, kKeyKinds> of;

  std::string encode() const;
};

/// What encode() kept of them.
struct ShortKeys {
  struct List {
    bool holds_anything = false;
    std::vector<std::uint32_t> keys;  ///< ascending
  };
  std::array<List, kKeyKinds> of;

  bool may_hold(const WantedKeys& wanted) const;
  static ShortKeys from(const SearchKeys& keys);
  /// Errors: corrupt.
  static Result<ShortKeys> decode(std::string_view bytes);
};

}  // namespace netrec
