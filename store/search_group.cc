#include "store/search_group.h"

#include <algorithm>

#include "store/bytes.h"
#include "store/checksum.h"

namespace netrec {

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint32_t kEndOfKeys = std::uint32_t{1} << kSearchKeyBits;
/// A row of this many bytes has no overflow page: of 4096, SQLite keeps 4061 of a row in place.
constexpr std::size_t kMostPageBytes = 3900;

/// Bytes of another row are not taken for this one's.
std::uint32_t checksum_of(std::span<const std::uint64_t> row, std::string_view bytes) {
  std::string all;
  for (const std::uint64_t number : row) put_fixed64(all, number);
  all += bytes;
  return checksum(all);
}

/// Takes the checksum off the end of `bytes`. Errors: corrupt.
Result<std::string_view> checked(std::span<const std::uint64_t> row, std::string_view bytes) {
  if (bytes.size() < 4) return failure(ErrorKind::corrupt, "a row of the search index is cut off");
  const std::string_view content = bytes.substr(0, bytes.size() - 4);
  if (ByteReader(bytes.substr(content.size())).fixed32() != checksum_of(row, content))
    return failure(ErrorKind::corrupt, "a row of the search index does not match its checksum");
  return content;
}

std::uint32_t first_key(std::uint64_t id) {
  return static_cast<std::uint32_t>(id & (kEndOfKeys - 1));
}

/// Reads the entries of a page one by one.
class PageReader {
 public:
  PageReader(std::uint64_t id, std::string_view content, std::size_t chunks)
      : in_(content), chunks_(chunks), key_(first_key(id)) {
    next_page_ = static_cast<std::uint32_t>(in_.varint_up_to(kEndOfKeys));
    if (next_page_ <= key_) in_.fail();
  }

  std::uint32_t next_page() const { return next_page_; }
  bool ok() const { return in_.ok(); }
  std::uint32_t key() const { return entry_; }

  /// Goes to the next entry; false after the last, or if the page is not one.
  bool next() {
    if (!in_.ok() || in_.remaining() == 0) return false;
    const std::uint64_t key = key_ + in_.varint_up_to(kEndOfKeys);
    if (key >= next_page_) in_.fail();
    entry_ = static_cast<std::uint32_t>(key);
    key_ = key + 1;
    read_places();
    return in_.ok();
  }
  /// Calls `visit` with the place of each chunk that has key().
  template <class Visit>
  void places(const Visit& visit) const {
    for (const std::uint32_t place : places_) visit(place);
  }

 private:
  void read_places() {
    places_.clear();
    const std::uint64_t count = in_.varint_up_to(chunks_);
    if (count == 0) {
      const std::string_view bits = in_.raw((chunks_ + 7) / 8);
      for (std::size_t i = 0; i < 8 * bits.size(); ++i)
        if ((static_cast<std::uint8_t>(bits[i / 8]) >> (i % 8) & 1) != 0) add(i);
      return;
    }
    std::uint64_t place = 0;
    for (std::uint64_t i = 0; i < count && in_.ok(); ++i) {
      place += in_.varint_up_to(chunks_);
      add(place++);
    }
  }
  void add(std::uint64_t place) {
    if (place >= chunks_) return in_.fail();
    places_.push_back(static_cast<std::uint32_t>(place));
  }

  ByteReader in_;
  std::size_t chunks_;
  std::uint64_t key_;
  std::uint32_t entry_ = 0;
  std::uint32_t next_page_ = 0;
  std::vector<std::uint32_t> places_;
};

/// Writes the pages of one kind of key.
class PageWriter {
 public:
  PageWriter(std::uint32_t group, KeyKind kind, std::size_t chunks, std::vector<SearchPage>& pages)
      : group_(group), kind_(kind), chunks_(chunks), pages_(pages) {}

  void add(std::uint32_t key, std::span<const std::uint32_t> places) {
    const std::string set = encode(places);
    // The longest varints there can be, and the checksum.
    if (content_.size() + set.size() + 5 + 5 + 4 > kMostPageBytes) end_page(key);
    put_varint(content_, key - next_);
    content_ += set;
    next_ = key + 1;
  }
  void finish() { end_page(kEndOfKeys); }

 private:
  std::string encode(std::span<const std::uint32_t> places) const {
    std::string list;
    put_varint(list, places.size());
    std::uint32_t next = 0;
    for (const std::uint32_t place : places) {
      put_varint(list, place - next);
      next = place + 1;
    }
    const std::size_t bitmap = (chunks_ + 7) / 8;
    if (list.size() <= 1 + bitmap) return list;
    std::string bits(1 + bitmap, '\0');
    for (const std::uint32_t place : places)
      bits[1 + place / 8] = static_cast<char>(bits[1 + place / 8] | 1 << place % 8);
    return bits;
  }

  void end_page(std::uint32_t next) {
    SearchPage page{.id = page_id(group_, kind_, first_), .bytes = {}};
    put_varint(page.bytes, next);
    page.bytes += content_;
    put_fixed32(page.bytes, checksum_of({{page.id}}, page.bytes));
    pages_.push_back(std::move(page));
    content_.clear();
    first_ = next_ = next;
  }

  std::uint32_t group_;
  KeyKind kind_;
  std::size_t chunks_;
  std::vector<SearchPage>& pages_;
  std::uint32_t first_ = 0;
  std::uint32_t next_ = 0;
  std::string content_;
};

}  // namespace

std::uint8_t ended_bit(EntityKind kind) {
  switch (kind) {
    case EntityKind::socket:
      return 1;
    case EntityKind::peer:
      return 2;
    case EntityKind::resolution:
      return 4;
    default:
      return 0;
  }
}

GroupedChunk grouped(const ChunkHeader& header, const ShortKeys& keys) {
  GroupedChunk chunk{.first_sequence = header.first_sequence,
                     .last_sequence = header.last_sequence,
                     .least_wall_us = header.first_wall_us,
                     .most_wall_us = header.last_wall_us,
                     .first_opened_us = header.first_opened_us};
  for (const EntityKind kind : {EntityKind::socket, EntityKind::peer, EntityKind::resolution})
    if (header.of(kind).ended > 0) chunk.ended |= ended_bit(kind);
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind)
    if (keys.of[kind].holds_anything)
      chunk.anything = static_cast<std::uint8_t>(chunk.anything | 1 << kind);
  return chunk;
}

std::string SearchGroup::encode() const {
  std::string out;
  put_varint(out, kVersion);
  put_varint(out, chunks.size());
  std::uint64_t sequence = first_sequence();
  std::uint64_t wall = 0;
  for (const GroupedChunk& chunk : chunks) {
    put_varint(out, chunk.first_sequence - sequence);
    put_varint(out, chunk.last_sequence - chunk.first_sequence);
    put_varint(out, zigzag(chunk.least_wall_us - wall));
    put_varint(out, chunk.most_wall_us - chunk.least_wall_us);
    put_varint(out, chunk.first_opened_us == 0
                        ? 0
                        : 1 + zigzag(chunk.least_wall_us - chunk.first_opened_us));
    out.push_back(static_cast<char>(chunk.ended));
    out.push_back(static_cast<char>(chunk.anything));
    sequence = chunk.last_sequence + 1;
    wall = chunk.least_wall_us;
  }
  put_fixed32(out, checksum_of({{number, first_sequence(), last_sequence()}}, out));
  return out;
}

Result<SearchGroup> SearchGroup::decode(std::uint32_t number, std::uint64_t first_sequence,
                                        std::uint64_t last_sequence, std::string_view bytes) {
  NETREC_TRY(content, checked({{number, first_sequence, last_sequence}}, bytes));
  if (first_sequence > last_sequence || last_sequence >= INT64_MAX)
    return failure(ErrorKind::corrupt, "a group of the search index spans nothing");
  ByteReader in(content);
  SearchGroup group{.number = number, .chunks = {}};
  if (in.varint() != kVersion) in.fail();
  const std::uint64_t count = in.varint_up_to(kGroupChunks);
  std::uint64_t sequence = first_sequence;
  std::uint64_t wall = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    GroupedChunk chunk;
    chunk.first_sequence = sequence + in.varint_up_to(INT64_MAX - sequence);
    chunk.last_sequence = chunk.first_sequence + in.varint_up_to(INT64_MAX - chunk.first_sequence);
    chunk.least_wall_us = wall + unzigzag(in.varint());
    chunk.most_wall_us = chunk.least_wall_us + in.varint();
    const std::uint64_t opened = in.varint();
    chunk.first_opened_us = opened == 0 ? 0 : chunk.least_wall_us - unzigzag(opened - 1);
    chunk.ended = in.byte();
    chunk.anything = in.byte();
    if (chunk.last_sequence >= INT64_MAX) in.fail();
    sequence = chunk.last_sequence + 1;
    wall = chunk.least_wall_us;
    group.chunks.push_back(chunk);
  }
  if (!in.at_end() || group.chunks.empty() || group.first_sequence() != first_sequence ||
      group.last_sequence() != last_sequence)
    return failure(ErrorKind::corrupt, "a group of the search index is not one");
  return group;
}

std::vector<SearchPage> make_pages(std::uint32_t number, std::span<const ShortKeys> keys) {
  std::vector<SearchPage> pages;
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind) {
    std::vector<PageEntry> entries;
    for (std::size_t chunk = 0; chunk < keys.size(); ++chunk)
      for (const std::uint32_t key : keys[chunk].of[kind].keys)
        entries.push_back({key, static_cast<std::uint32_t>(chunk)});
    std::sort(entries.begin(), entries.end());
    PageWriter writer(number, static_cast<KeyKind>(kind), keys.size(), pages);
    std::vector<std::uint32_t> places;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      places.push_back(entries[i].chunk);
      if (i + 1 < entries.size() && entries[i + 1].key == entries[i].key) continue;
      writer.add(entries[i].key, places);
      places.clear();
    }
    writer.finish();
  }
  return pages;
}

Result<ChunkSet> find_in_page(std::uint64_t id, std::string_view bytes, std::uint32_t key,
                              std::size_t chunks) {
  NETREC_TRY(content, checked({{id}}, bytes));
  PageReader page(id, content, chunks);
  if (key < first_key(id) || key >= page.next_page())
    return failure(ErrorKind::corrupt, "a page of the search index is missing");
  ChunkSet found(chunks);
  while (page.next() && page.key() <= key)
    if (page.key() == key) page.places([&](std::uint32_t place) { found[place] = true; });
  if (!page.ok()) return failure(ErrorKind::corrupt, "a page of the search index is not one");
  return found;
}

Result<PageContent> read_page(std::uint64_t id, std::string_view bytes, std::size_t chunks) {
  NETREC_TRY(content, checked({{id}}, bytes));
  PageReader page(id, content, chunks);
  PageContent read{.next = page.next_page(), .entries = {}};
  while (page.next())
    page.places([&](std::uint32_t place) { read.entries.push_back({page.key(), place}); });
  if (!page.ok()) return failure(ErrorKind::corrupt, "a page of the search index is not one");
  return read;
}

}  // namespace netrec
