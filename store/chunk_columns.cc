#include "store/chunk_columns.h"

#include "store/chunk_blob.h"
#include "store/chunk_layout.h"

namespace netrec {

Result<ChunkColumns> ChunkColumns::open(ChunkHeader header, const ChunkBody& body) {
  ChunkColumns columns;
  columns.header_ = std::move(header);
  columns.body_ = body;
  if (columns.header_.body_bytes() != body.size())
    return failure(ErrorKind::corrupt, "a chunk has {} bytes, its header says {}", body.size(),
                   columns.header_.body_bytes());
  return columns;
}

Result<std::string_view> ChunkColumns::bytes_of(const ColumnEntry& entry,
                                                std::unique_ptr<char[]>& room) const {
  NETREC_TRY(bytes, body_.part(entry.offset, entry.size, room));
  if (is_checked_ || header_.column_checksum(bytes) == entry.checksum) return bytes;
  return failure(ErrorKind::corrupt, "column {}/{}/{} of a chunk does not match its checksum",
                 entry.id.kind, entry.id.role, entry.id.field);
}

Result<Column> ChunkColumns::numbers(ColumnId id, std::size_t rows) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return Column(rows);
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  return decode_column(bytes, rows);
}

Result<Numbers> ChunkColumns::one_by_one(ColumnId id, std::size_t rows) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return Numbers();
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  return decode_numbers(bytes, rows);
}

Result<const PackedColumn*> ChunkColumns::packed(ColumnId id, std::size_t rows) const {
  const auto known = packed_.find(id);
  if (known != packed_.end()) return &known->second.column;
  const ColumnEntry* entry = header_.find(id);
  NETREC_CHECK(entry != nullptr, "there is such a column");
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  NETREC_TRY(column, PackedColumn::open(bytes, rows));
  return &packed_.emplace(id, Packed{std::move(room), std::move(column)}).first->second.column;
}

Result<std::optional<std::uint64_t>> ChunkColumns::only_number(ColumnId id) const {
  const ColumnEntry* entry = header_.find(id);
  // One byte says so, and then there is the number.
  if (entry == nullptr || entry->size > 1 + kLongestVarint) return std::nullopt;
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  return number_of_constant(bytes);
}

Result<std::string> ChunkColumns::blob(ColumnId id) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return std::string();
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  return decode_blob(bytes);
}

Result<std::string> ChunkColumns::bytes(ColumnId id) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return std::string();
  std::unique_ptr<char[]> room;
  NETREC_TRY(bytes, bytes_of(*entry, room));
  return std::string(bytes);
}

Status ChunkColumns::check() const {
  std::unique_ptr<char[]> room;
  for (const ColumnEntry& entry : header_.directory) NETREC_CHECKED(bytes_of(entry, room));
  is_checked_ = body_.is_in_memory();
  return {};
}

Result<const ChunkClock*> ChunkColumns::clock() const {
  if (clock_ == nullptr) {
    const ColumnId id{.role = static_cast<std::uint8_t>(Role::frame), .field = 1};
    NETREC_TRY(walls, numbers(id, header_.frames));
    clock_ = std::make_unique<ChunkClock>(std::move(walls), header_.previous_wall_us);
  }
  return clock_.get();
}

}  // namespace netrec
