// The header of a chunk: what it covers, what it can hold, and where its columns lie. A search
// reads all headers of a time range and unpacks the bodies of those that say "perhaps".
//
//   header    = version:varint session:varint first_sequence:varint sequences:varint
//               frames:varint wall first_opened_us:varint names kinds directory checksum:fixed32
//   wall      = previous_us:varint first_us:varint last_us:varint
//   names     = transports:varint range * 4 filter * 8    see Outline
//   kinds     = count:varint count * (kind:byte ended begun ongoing updates patterns: varints)
//   directory = count:varint count * (kind:byte role:byte field:varint size:varint
//               checksum:fixed32), in the order in which the columns lie in the body
//
// Everything a header says of sizes is checked against the body and the limits below before
// anything is allocated for it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/field.h"
#include "schema/ip_address.h"
#include "schema/result.h"
#include "store/key_filter.h"

namespace netrec {

/// What a writer writes. 1: the first; 2: checksums of columns are XXH3, of SipHash before.
inline constexpr std::uint64_t kChunkVersion = 2;

// What one chunk may hold, so that a lying one cannot ask for much memory. A writer seals before.
inline constexpr std::size_t kMostChunkFrames = std::size_t{1} << 16;
inline constexpr std::size_t kMostChunkLives = std::size_t{1} << 19;    ///< of one kind
inline constexpr std::size_t kMostChunkUpdates = std::size_t{1} << 22;  ///< of one kind
inline constexpr std::size_t kMostChunkChanges = std::size_t{1} << 23;  ///< of one kind

/// The smallest and the largest of something; none if `least` > `most`.
struct Range {
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most = 0;

  void include(std::uint64_t value);
  bool overlaps(std::uint64_t first, std::uint64_t last) const {
    return least <= last && first <= most;
  }
};

/// What the sockets, peers and resolutions that ended in a chunk are like: enough to leave most
/// chunks out of a search. Addresses are one number here (see address_key), prefixes too.
struct Outline {
  std::uint64_t transports = 0;  ///< bit t: Transport t
  Range remote;                  ///< of address_order()
  Range local;
  Range remote_port;
  Range local_port;
  KeyFilter remote_addresses;
  KeyFilter remote_prefixes;  ///< IPv4 /24 and IPv6 /48
  KeyFilter local_addresses;
  KeyFilter remote_ports;
  KeyFilter local_ports;
  KeyFilter pids;
  KeyFilter programs;  ///< text_key() of executables, whole and without their folders, and of comm
  KeyFilter names;     ///< text_key() of remote_name, and of names asked for

  bool may_have_remote(const Prefix& prefix) const;
  bool may_have_local(const Prefix& prefix) const;
  bool may_have_remote_port(std::uint16_t first, std::uint16_t last) const;
  bool may_have_local_port(std::uint16_t first, std::uint16_t last) const;

  /// Its filters, in the order of the file, which is that of KeyKind (store/search_keys.h).
  std::array<KeyFilter*, 8> filters();
  std::array<const KeyFilter*, 8> filters() const;

  void encode(std::string& out) const;
  static Outline decode(ByteReader& in);
};

/// What filters hold for an address: IPv4 and IPv4-mapped ones are the same.
std::uint64_t address_key(const IpAddress& address);
/// For its /24 or /48.
std::uint64_t prefix_key(const IpAddress& address);
/// For a string; upper and lower case (ASCII) are the same.
std::uint64_t text_key(std::string_view text);
/// Its place among all addresses, coarsely: monotone in (high, low).
std::uint64_t address_order(const IpAddress& address);

/// How many of one kind a chunk has.
struct KindCounts {
  std::uint64_t ended = 0;
  std::uint64_t begun = 0;
  std::uint64_t ongoing = 0;
  std::uint64_t updates = 0;
  std::uint64_t patterns = 0;

  bool empty() const { return ended + begun + ongoing == 0; }
};

inline constexpr std::size_t kEntityKinds = 11;

/// Names a column: of an entity kind (0: of the frames), in a role (store/chunk_layout.h).
struct ColumnId {
  std::uint8_t kind = 0;
  std::uint8_t role = 0;
  std::uint16_t field = 0;

  auto operator<=>(const ColumnId&) const = default;
};

struct ColumnEntry {
  ColumnId id;
  std::uint64_t offset = 0;  ///< in the body
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;
};

struct ChunkHeader {
  std::uint64_t version = kChunkVersion;
  std::uint32_t session = 0;
  std::uint64_t first_sequence = 0;  ///< of the run, keyframes included
  std::uint64_t last_sequence = 0;
  std::uint64_t frames = 0;
  std::uint64_t previous_wall_us = 0;
  std::uint64_t first_wall_us = 0;    ///< the earliest of its frames
  std::uint64_t last_wall_us = 0;     ///< the latest
  std::uint64_t first_opened_us = 0;  ///< the earliest opening of what ended in it; 0: unknown
  Outline outline;
  std::array<KindCounts, kEntityKinds + 1> kinds{};  ///< by the number of the EntityKind
  std::vector<ColumnEntry> directory;                ///< by id

  const KindCounts& of(EntityKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
  /// nullptr: there is none (all its numbers are 0).
  const ColumnEntry* find(ColumnId id) const;
  std::uint64_t body_bytes() const;
  /// What a directory says of a column of these bytes.
  std::uint32_t column_checksum(std::string_view bytes) const;

  std::string encode() const;
  /// Errors: corrupt, unsupported (a newer version).
  static Result<ChunkHeader> decode(std::string_view bytes);
};

}  // namespace netrec
