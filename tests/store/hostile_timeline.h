// A sound timeline altered by somebody who knows the format: single fields of it, each at its place
// (a cell of a row, a number of a chunk's header, a value in one of its columns, a byte or a field
// of a frame), with checksums and hashes made good behind it, so that what is behind those is
// reached.
//
//   mutations = mutation*
//   mutation  = where:byte row:byte field:u16 how:byte value:u64     13 bytes, little-endian
//
// Whatever the numbers are they choose something: they are taken modulo what there is.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/chain.h"
#include "store/checksum.h"
#include "store/chunk.h"
#include "store/chunk_layout.h"
#include "store/column.h"
#include "store/database.h"
#include "store/frame_codec.h"
#include "store/log_reader.h"

namespace netrec {

struct Mutation {
  static constexpr std::size_t kBytes = 13;

  std::uint8_t where = 0;
  std::uint8_t row = 0;
  std::uint16_t field = 0;
  std::uint8_t how = 0;
  std::uint64_t value = 0;

  /// REQUIRES: kBytes bytes.
  static Mutation decode(const std::uint8_t* bytes) {
    Mutation mutation;
    mutation.where = bytes[0];
    mutation.row = bytes[1];
    mutation.field = static_cast<std::uint16_t>(bytes[2] | bytes[3] << 8);
    mutation.how = bytes[4];
    std::memcpy(&mutation.value, bytes + 5, sizeof mutation.value);
    return mutation;
  }
  void encode(std::uint8_t* bytes) const {
    bytes[0] = where, bytes[1] = row;
    bytes[2] = static_cast<std::uint8_t>(field), bytes[3] = static_cast<std::uint8_t>(field >> 8);
    bytes[4] = how;
    std::memcpy(bytes + 5, &value, sizeof value);
  }
};

/// Numbers that decoders stumble over.
inline constexpr std::uint64_t kLiars[] = {0,
                                           1,
                                           2,
                                           127,
                                           128,
                                           255,
                                           256,
                                           4095,
                                           4096,
                                           65535,
                                           65536,
                                           (1 << 19) - 1,
                                           1 << 19,
                                           1 << 20,
                                           1 << 22,
                                           1 << 23,
                                           INT32_MAX,
                                           std::uint64_t{1} << 31,
                                           UINT32_MAX,
                                           std::uint64_t{1} << 32,
                                           1'700'000'000'000'000,
                                           INT64_MAX,
                                           std::uint64_t{1} << 63,
                                           UINT64_MAX - 1,
                                           UINT64_MAX};

class HostileTimeline {
 public:
  /// Alters the file at `path`. What cannot be done to it is left undone.
  static void alter(const std::string& path, std::string_view mutations) {
    auto database = Database::open_for_writing(path, false);
    if (!database) return;
    HostileTimeline hostile(*database);
    bool rehash = true;
    for (std::size_t at = 0; at + Mutation::kBytes <= mutations.size(); at += Mutation::kBytes) {
      const Mutation one =
          Mutation::decode(reinterpret_cast<const std::uint8_t*>(mutations.data()) + at);
      rehash = hostile.apply(one) && rehash;
    }
    if (rehash) hostile.make_hashes_good();
    static_cast<void>(database->make_plain_file());
  }

 private:
  explicit HostileTimeline(Database& database) : database_(database) {}

  /// False: the hashes shall stay as they are then.
  bool apply(const Mutation& mutation) {
    switch (mutation.where % 8) {
      case 0:
      case 1:
        alter_cell(mutation);
        return mutation.where % 8 == 0;
      case 2:
      case 3:
        alter_header(mutation);
        return true;
      case 4:
      case 5:
        alter_column(mutation);
        return true;
      case 6:
        alter_bytes_of_frame(mutation);
        return true;
      default:
        alter_row_of_frame(mutation);
        return true;
    }
  }

  static std::uint64_t altered(std::uint64_t before, const Mutation& mutation) {
    switch (mutation.how % 5) {
      case 0:
        return mutation.value;
      case 1:
        return kLiars[mutation.value % std::size(kLiars)];
      case 2:
        return before + mutation.value % 16 - 8;
      case 3:
        return before ^ std::uint64_t{1} << mutation.value % 64;
      default:
        return before + kLiars[mutation.value % std::size(kLiars)];
    }
  }

  static std::string altered(std::string before, const Mutation& mutation) {
    const std::size_t at = before.empty() ? 0 : mutation.value % before.size();
    switch (mutation.how % 5) {
      case 0:
        return before.substr(0, at);
      case 1:
        if (!before.empty()) before[at] = static_cast<char>(mutation.value >> 32);
        return before;
      case 2:
        return before + std::string(mutation.value % 300, static_cast<char>(mutation.value >> 16));
      case 3:
        if (!before.empty())
          before[at] = static_cast<char>(before[at] ^ 1 << (mutation.value >> 32) % 8);
        return before;
      default:
        return before.substr(at) + before.substr(0, at);
    }
  }

  std::optional<std::int64_t> rowid(std::string_view table, unsigned which) {
    auto count = database_.prepare(fmt::format("SELECT count(*) FROM {}", table));
    if (!count || !count->first().value_or(false)) return std::nullopt;
    const std::int64_t rows = count->integer(0);
    if (rows == 0) return std::nullopt;
    auto row = database_.prepare(
        fmt::format("SELECT rowid FROM {} LIMIT 1 OFFSET {}", table, which % rows));
    if (!row || !row->first().value_or(false)) return std::nullopt;
    return row->integer(0);
  }

  void set(std::string_view table, std::string_view column, std::int64_t row,
           const SqlValue& value) {
    // A value the table forbids is a file SQLite itself would not have made.
    if (auto update =
            database_.prepare(fmt::format("UPDATE {} SET {} = ? WHERE rowid = ?", table, column))) {
      const SqlValue values[] = {value, SqlValue(row)};
      static_cast<void>(update->run_bound(values));
    }
  }

  std::optional<std::string> blob(std::string_view table, std::string_view column,
                                  std::int64_t row) {
    auto query = database_.prepare(fmt::format("SELECT {} FROM {} WHERE rowid = ?", column, table));
    if (!query || !query->first(row).value_or(false)) return std::nullopt;
    return std::string(query->bytes(0));
  }

  void alter_cell(const Mutation& mutation) {
    constexpr std::string_view kTables[] = {
        "frame", "keyframe",  "chunk",      "pruned",       "mark",        "session",
        "gap",   "process",   "chunk",      "keyframe",     "destination", "listener",
        "frame", "interface", "connection", "search_group", "search_page", "search_chunk"};
    const std::string_view table = kTables[mutation.row % std::size(kTables)];
    const auto row = rowid(table, mutation.row / 16u + mutation.field / 32u);
    if (!row) return;
    auto query = database_.prepare(fmt::format(
        "SELECT name, type FROM pragma_table_info('{}') LIMIT 1 OFFSET ({} % (SELECT count(*) FROM "
        "pragma_table_info('{}')))",
        table, mutation.field % 32, table));
    if (!query || !query->first().value_or(false)) return;
    const std::string column(query->bytes(0));
    const std::string type(query->bytes(1));
    query->reset();
    const auto before = blob(table, column, *row);
    if (!before) return;
    if (type == "INTEGER") {
      const std::uint64_t number = std::strtoull(before->c_str(), nullptr, 10);
      set(table, column, *row, SqlValue(static_cast<std::int64_t>(altered(number, mutation))));
      return;
    }
    const std::string bytes = altered(*before, mutation);
    set(table, column, *row, type == "BLOB" ? SqlValue::blob(bytes) : SqlValue::text(bytes));
  }

  struct Chunk {
    std::int64_t row = 0;
    ChunkHeader header;
    std::string body;
  };

  std::optional<Chunk> chunk(unsigned which) {
    const auto row = rowid("chunk", which);
    if (!row) return std::nullopt;
    const auto header = blob("chunk", "header", *row);
    auto body = blob("chunk", "body", *row);
    if (!header || !body) return std::nullopt;
    auto decoded = ChunkHeader::decode(*header);
    if (!decoded) return std::nullopt;
    return Chunk{*row, *std::move(decoded), *std::move(body)};
  }

  void store(const Chunk& chunk) {
    set("chunk", "header", chunk.row, SqlValue::blob(chunk.header.encode()));
    set("chunk", "body", chunk.row, SqlValue::blob(chunk.body));
  }

  void alter_header(const Mutation& mutation) {
    auto one = chunk(mutation.row);
    if (!one) return;
    ChunkHeader& header = one->header;
    std::vector<std::uint64_t*> numbers = {&header.first_sequence,  &header.last_sequence,
                                           &header.frames,          &header.previous_wall_us,
                                           &header.first_wall_us,   &header.last_wall_us,
                                           &header.first_opened_us, &header.outline.transports};
    for (Range* range : {&header.outline.remote, &header.outline.local, &header.outline.remote_port,
                         &header.outline.local_port})
      numbers.insert(numbers.end(), {&range->least, &range->most});
    for (KindCounts& counts : header.kinds)
      if (!counts.empty())
        numbers.insert(numbers.end(), {&counts.ended, &counts.begun, &counts.ongoing,
                                       &counts.updates, &counts.patterns});
    for (ColumnEntry& entry : header.directory) numbers.push_back(&entry.size);
    const std::size_t columns = header.directory.size();
    const std::size_t choice = mutation.field % (numbers.size() + 3 * columns + 1);
    if (choice < numbers.size()) {
      *numbers[choice] = altered(*numbers[choice], mutation);
    } else if (choice == numbers.size() + 3 * columns) {
      header.session = static_cast<std::uint32_t>(altered(header.session, mutation));
    } else {
      ColumnEntry& entry = header.directory[(choice - numbers.size()) / 3];
      const std::size_t part = (choice - numbers.size()) % 3;
      if (part == 0) entry.id.kind = static_cast<std::uint8_t>(altered(entry.id.kind, mutation));
      if (part == 1) entry.id.role = static_cast<std::uint8_t>(altered(entry.id.role, mutation));
      if (part == 2) entry.id.field = static_cast<std::uint16_t>(altered(entry.id.field, mutation));
      std::sort(header.directory.begin(), header.directory.end(),
                [](const ColumnEntry& a, const ColumnEntry& b) { return a.id < b.id; });
    }
    make_checksums_good(*one);
    store(*one);
  }

  /// Places the columns anew in the body, as the directory says.
  static void make_checksums_good(Chunk& chunk) {
    std::uint64_t offset = 0;
    for (ColumnEntry& entry : chunk.header.directory) {
      entry.offset = offset;
      if (offset <= chunk.body.size())
        entry.checksum =
            chunk.header.column_checksum(std::string_view(chunk.body).substr(offset, entry.size));
      offset += entry.size;
    }
  }

  /// One number of a column, if it is found out how many it has; else its bytes.
  void alter_column(const Mutation& mutation) {
    auto one = chunk(mutation.row);
    if (!one || one->header.directory.empty()) return;
    ColumnEntry& entry = one->header.directory[mutation.field % one->header.directory.size()];
    if (entry.offset + entry.size > one->body.size()) return;
    const std::string before = one->body.substr(entry.offset, entry.size);
    std::string after;
    if (mutation.where % 8 == 4)
      if (auto numbers = numbers_of(before, one->header, entry.id.kind)) {
        std::uint64_t& number = (*numbers)[mutation.how / 5u % numbers->size()];
        number = altered(number, mutation);
        after = encode_column(*numbers);
      }
    if (after.empty()) after = altered(before, mutation);
    one->body.replace(entry.offset, entry.size, after);
    entry.size = after.size();
    make_checksums_good(*one);
    store(*one);
  }

  static std::optional<Column> numbers_of(std::string_view bytes, const ChunkHeader& header,
                                          std::uint8_t kind) {
    const KindCounts& counts = header.kinds[kind % header.kinds.size()];
    for (const std::uint64_t rows :
         {header.frames, counts.ended, counts.begun, counts.ongoing, counts.updates,
          counts.ended + counts.begun + counts.ongoing, counts.patterns}) {
      if (rows == 0 || rows > 100'000) continue;
      if (auto numbers = decode_column(bytes, rows)) return *std::move(numbers);
    }
    return std::nullopt;
  }

  void alter_bytes_of_frame(const Mutation& mutation) {
    const std::string_view table = mutation.field % 2 == 0 ? "frame" : "keyframe";
    const auto row = rowid(table, mutation.row);
    const auto data = row ? blob(table, "data", *row) : std::nullopt;
    if (!data) return;
    const auto canonical = unpack_frame(*data);
    if (canonical)
      set(table, "data", *row, SqlValue::blob(pack_frame(altered(*canonical, mutation))));
  }

  /// One field of one entity that a frame opens or changes.
  void alter_row_of_frame(const Mutation& mutation) {
    const std::string_view table = mutation.how % 2 == 0 ? "keyframe" : "frame";
    const auto row = rowid(table, mutation.row);
    const auto data = row ? blob(table, "data", *row) : std::nullopt;
    const auto canonical = data ? unpack_frame(*data) : Result<std::string>(std::string());
    if (!canonical) return;
    auto delta = decode_delta(*canonical);
    if (!delta) return;
    alter_delta(*delta, mutation);
    sort(*delta);
    set(table, "data", *row, SqlValue::blob(pack_frame(encode_delta(*delta))));
  }

  static void alter_delta(Delta& delta, const Mutation& mutation) {
    const std::size_t kind = mutation.field / 64u % kEntityKinds + 1;
    for_each_kind([&]<class T>() {
      if (static_cast<std::size_t>(EntityTraits<T>::kind) != kind) return;
      Changes<T>& changes = delta.of<T>();
      const auto fields = fields_of<T>();
      if (!changes.opened.empty() && !fields.empty() && mutation.field % 2 == 0) {
        T& one = changes.opened[mutation.value % changes.opened.size()];
        const auto& field = fields[mutation.field / 2u % 32u % fields.size()];
        field.set(one, altered(field.get(one), mutation));
      } else if (!changes.changed.empty()) {
        Change& change = changes.changed[mutation.value % changes.changed.size()];
        if (mutation.field % 6 == 1) change.key = altered(change.key, mutation);
        if (mutation.field % 6 == 3) change.value = altered(change.value, mutation);
        if (mutation.field % 6 == 5)
          change.field = static_cast<std::uint16_t>(altered(change.field, mutation));
      } else if (!changes.closed.empty()) {
        Closed& closed = changes.closed[mutation.value % changes.closed.size()];
        closed.key = altered(closed.key, mutation);
      }
    });
  }

  /// Computes the chain anew over what can be read.
  void make_hashes_good() {
    struct Fixed {
      std::string_view table;
      std::int64_t row;
      std::optional<ChainHash> previous;
      ChainHash hash;
    };
    std::vector<Fixed> fixed;
    {
      auto log = LogReader::open(database_);
      if (!log) return;
      ChainHash chain;
      std::map<std::int64_t, Fixed> chunks;
      auto sequence = log->first_sequence();
      for (int seen = 0; sequence && *sequence != 0 && seen < 10'000; ++seen) {
        const auto entry = log->entry(*sequence);
        const auto canonical = entry ? log->canonical() : Result<std::string>(std::string());
        if (entry && canonical) {
          const ChainHash before = chain;
          chain = next_hash(before, entry->header, *canonical);
          const auto row = static_cast<std::int64_t>(*sequence);
          if (const auto first = static_cast<std::int64_t>(log->chunk_of_entry())) {
            const auto known = chunks.try_emplace(first, Fixed{"chunk", first, before, chain});
            known.first->second.hash = chain;
          } else if (entry->header.kind == FrameKind::keyframe) {
            fixed.push_back({"keyframe", row, before, chain});
          } else {
            fixed.push_back({"frame", row, std::nullopt, chain});
          }
        }
        sequence = log->sequence_after(*sequence);
      }
      for (const auto& [first, one] : chunks) fixed.push_back(one);
    }
    for (const Fixed& one : fixed) {
      set(one.table, "hash", one.row, SqlValue::blob(one.hash.view()));
      if (one.previous)
        set(one.table, "previous_hash", one.row, SqlValue::blob(one.previous->view()));
    }
  }

  Database& database_;
};

}  // namespace netrec
