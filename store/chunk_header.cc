#include "store/chunk_header.h"

#include <algorithm>

#include "store/checksum.h"

namespace netrec {

namespace {

constexpr std::size_t kMostColumns = 8192;
// A prefix is looked for as this many /24 at most; a wider one by the range alone.
constexpr int kNarrowestTried = 16;
// Ports of a wider range are not looked for one by one.
constexpr unsigned kMostPortsTried = 64;

bool is_ipv4(const IpAddress& address) { return address.high == 0 && address.low >> 48 == 0; }

void put_range(std::string& out, const Range& range) {
  const bool none = range.least > range.most;
  put_varint(out, none ? 1 : range.least);
  put_varint(out, none ? 0 : range.most);
}

Range read_range(ByteReader& in) {
  const std::uint64_t least = in.varint();
  return {.least = least, .most = in.varint()};
}

/// The first and the last address of `prefix`.
std::pair<IpAddress, IpAddress> ends_of(const Prefix& prefix) {
  const int bits = prefix.family == Family::inet ? prefix.bits + 96 : prefix.bits;
  const auto mask = [](int ones) {
    return ones <= 0 ? ~std::uint64_t{0} : ones >= 64 ? 0 : ~std::uint64_t{0} >> ones;
  };
  IpAddress last = prefix.address;
  last.high |= mask(bits);
  last.low |= mask(bits - 64);
  if (prefix.family == Family::inet) last.high = 0, last.low &= UINT32_MAX;
  return {prefix.address, last};
}

bool may_have_address(const Prefix& prefix, const Range& range, const KeyFilter& addresses) {
  const auto [first, last] = ends_of(prefix);
  if (!range.overlaps(address_order(first), address_order(last))) return false;
  return first != last || addresses.may_contain(address_key(first));
}

bool may_have_port(std::uint16_t first, std::uint16_t last, const Range& range,
                   const KeyFilter& ports) {
  if (!range.overlaps(first, last)) return false;
  if (last - first >= static_cast<int>(kMostPortsTried)) return true;
  for (unsigned port = first; port <= last; ++port)
    if (ports.may_contain(port)) return true;
  return false;
}

void put_kinds(std::string& out, const ChunkHeader& header) {
  const auto used = std::count_if(header.kinds.begin(), header.kinds.end(),
                                  [](const KindCounts& counts) { return !counts.empty(); });
  put_varint(out, static_cast<std::uint64_t>(used));
  for (std::size_t kind = 0; kind < header.kinds.size(); ++kind) {
    const KindCounts& counts = header.kinds[kind];
    if (counts.empty()) continue;
    out.push_back(static_cast<char>(kind));
    for (const std::uint64_t count :
         {counts.ended, counts.begun, counts.ongoing, counts.updates, counts.patterns})
      put_varint(out, count);
  }
}

void read_kinds(ByteReader& in, ChunkHeader& header) {
  const std::uint64_t used = in.varint_up_to(kEntityKinds);
  for (std::uint64_t i = 0; i < used; ++i) {
    const std::uint8_t kind = in.byte();
    if (kind == 0 || kind > kEntityKinds) return in.fail();
    KindCounts& counts = header.kinds[kind];
    if (!counts.empty()) return in.fail();
    counts.ended = in.varint_up_to(kMostChunkLives);
    counts.begun = in.varint_up_to(kMostChunkLives);
    counts.ongoing = in.varint_up_to(kMostChunkLives);
    counts.updates = in.varint_up_to(kMostChunkUpdates);
    counts.patterns = in.varint_up_to(counts.updates);
    if (counts.ended + counts.begun + counts.ongoing > kMostChunkLives) return in.fail();
  }
}

void put_directory(std::string& out, const ChunkHeader& header) {
  put_varint(out, header.directory.size());
  for (const ColumnEntry& entry : header.directory) {
    out.push_back(static_cast<char>(entry.id.kind));
    out.push_back(static_cast<char>(entry.id.role));
    put_varint(out, entry.id.field);
    put_varint(out, entry.size);
    put_fixed32(out, entry.checksum);
  }
}

void read_directory(ByteReader& in, ChunkHeader& header) {
  const std::uint64_t count = in.varint_up_to(kMostColumns);
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    ColumnEntry entry;
    entry.id.kind = in.byte();
    entry.id.role = in.byte();
    entry.id.field = static_cast<std::uint16_t>(in.varint_up_to(UINT16_MAX));
    entry.offset = offset;
    entry.size = in.varint_up_to(UINT32_MAX);
    entry.checksum = in.fixed32();
    if (i > 0 && !(header.directory.back().id < entry.id)) return in.fail();
    offset += entry.size;
    header.directory.push_back(entry);
  }
}

}  // namespace

void Range::include(std::uint64_t value) {
  least = std::min(least, value);
  most = std::max(most, value);
}

std::uint64_t address_key(const IpAddress& address) {
  if (is_ipv4(address)) return address.low & UINT32_MAX;
  return address.high * 0x9e3779b97f4a7c15ULL ^ address.low;
}

std::uint64_t prefix_key(const IpAddress& address) {
  if (is_ipv4(address)) return (address.low & UINT32_MAX) >> 8;
  return address.high >> 16 | std::uint64_t{1} << 63;
}

// FNV-1a, 64 bits.
std::uint64_t text_key(std::string_view text) {
  std::uint64_t key = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    const char folded = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    key = (key ^ static_cast<std::uint8_t>(folded)) * 0x100000001b3ULL;
  }
  return key;
}

// IPv4 (mapped or not) keeps its 32 bits; of IPv6 the first 63 come behind all of those.
std::uint64_t address_order(const IpAddress& address) {
  if (is_ipv4(address)) return address.low & UINT32_MAX;
  return std::max(address.high >> 1 | std::uint64_t{1} << 63, std::uint64_t{1} << 63);
}

bool Outline::may_have_remote(const Prefix& prefix) const {
  if (!may_have_address(prefix, remote, remote_addresses)) return false;
  const int filtered = prefix.family == Family::inet ? 24 : 48;
  // ::/64 and its like also hold what is_ipv4() takes for IPv4.
  if (prefix.family != Family::inet && prefix.address.high == 0 && prefix.bits < 128) return true;
  if (prefix.bits >= filtered) return remote_prefixes.may_contain(prefix_key(prefix.address));
  if (prefix.family != Family::inet || prefix.bits < kNarrowestTried) return true;
  const std::uint64_t first = prefix_key(prefix.address);
  for (std::uint64_t i = 0; i < std::uint64_t{1} << (filtered - prefix.bits); ++i)
    if (remote_prefixes.may_contain(first + i)) return true;
  return false;
}

bool Outline::may_have_local(const Prefix& prefix) const {
  return may_have_address(prefix, local, local_addresses);
}

bool Outline::may_have_remote_port(std::uint16_t first, std::uint16_t last) const {
  return may_have_port(first, last, remote_port, remote_ports);
}

bool Outline::may_have_local_port(std::uint16_t first, std::uint16_t last) const {
  return may_have_port(first, last, local_port, local_ports);
}

std::array<KeyFilter*, 8> Outline::filters() {
  return {&remote_addresses, &remote_prefixes,
          &local_addresses,  &remote_ports,
          &local_ports,      &pids,
          &programs,         &names};
}

std::array<const KeyFilter*, 8> Outline::filters() const {
  return {&remote_addresses, &remote_prefixes,
          &local_addresses,  &remote_ports,
          &local_ports,      &pids,
          &programs,         &names};
}

void Outline::encode(std::string& out) const {
  put_varint(out, transports);
  for (const Range* range : {&remote, &local, &remote_port, &local_port}) put_range(out, *range);
  for (const KeyFilter* filter : filters()) filter->encode(out);
}

Outline Outline::decode(ByteReader& in) {
  Outline outline;
  outline.transports = in.varint();
  for (Range* range : {&outline.remote, &outline.local, &outline.remote_port, &outline.local_port})
    *range = read_range(in);
  for (KeyFilter* filter : outline.filters()) *filter = KeyFilter::decode(in);
  return outline;
}

const ColumnEntry* ChunkHeader::find(ColumnId id) const {
  const auto place =
      std::lower_bound(directory.begin(), directory.end(), id,
                       [](const ColumnEntry& entry, ColumnId wanted) { return entry.id < wanted; });
  return place == directory.end() || place->id != id ? nullptr : &*place;
}

std::uint64_t ChunkHeader::body_bytes() const {
  return directory.empty() ? 0 : directory.back().offset + directory.back().size;
}

std::uint32_t ChunkHeader::column_checksum(std::string_view bytes) const {
  return version == 1 ? checksum(bytes) : fast_checksum(bytes);
}

std::string ChunkHeader::encode() const {
  std::string out;
  for (const std::uint64_t number :
       {version, std::uint64_t{session}, first_sequence, last_sequence - first_sequence, frames,
        previous_wall_us, first_wall_us, last_wall_us, first_opened_us})
    put_varint(out, number);
  outline.encode(out);
  put_kinds(out, *this);
  put_directory(out, *this);
  put_fixed32(out, checksum(out));
  return out;
}

Result<ChunkHeader> ChunkHeader::decode(std::string_view bytes) {
  ByteReader version(bytes);
  if (const std::uint64_t number = version.varint(); version.ok() && number > kChunkVersion)
    return failure(ErrorKind::unsupported, "a chunk of format {}; this netrec reads up to {}",
                   number, kChunkVersion);
  if (bytes.size() < 4) return failure(ErrorKind::corrupt, "the header of a chunk is cut off");
  ByteReader told(bytes.substr(bytes.size() - 4));
  bytes.remove_suffix(4);
  if (told.fixed32() != checksum(bytes))
    return failure(ErrorKind::corrupt, "the header of a chunk does not match its checksum");

  ByteReader in(bytes);
  ChunkHeader header;
  header.version = in.varint_up_to(kChunkVersion);
  if (header.version == 0) in.fail();
  header.session = static_cast<std::uint32_t>(in.varint_up_to(UINT32_MAX));
  header.first_sequence = in.varint();
  header.last_sequence = header.first_sequence + in.varint_up_to(UINT32_MAX);
  header.frames = in.varint_up_to(kMostChunkFrames);
  header.previous_wall_us = in.varint();
  header.first_wall_us = in.varint();
  header.last_wall_us = in.varint();
  header.first_opened_us = in.varint();
  header.outline = Outline::decode(in);
  read_kinds(in, header);
  read_directory(in, header);
  if (!in.at_end() || header.frames == 0)
    return failure(ErrorKind::corrupt, "the header of a chunk is not one");
  return header;
}

}  // namespace netrec
