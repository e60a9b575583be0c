#include "store/chunk_columns.h"

#include "store/checksum.h"
#include "store/chunk_blob.h"
#include "store/chunk_layout.h"

namespace netrec {

Result<ChunkColumns> ChunkColumns::open(std::string_view header, std::string_view body) {
  ChunkColumns columns;
  NETREC_TRY(decoded, ChunkHeader::decode(header));
  columns.header_ = std::move(decoded);
  columns.body_ = body;
  if (columns.header_.body_bytes() != body.size())
    return failure(ErrorKind::corrupt, "a chunk has {} bytes, its header says {}", body.size(),
                   columns.header_.body_bytes());
  return columns;
}

Result<std::string_view> ChunkColumns::bytes_of(const ColumnEntry& entry) const {
  const std::string_view bytes = body_.substr(entry.offset, entry.size);
  if (checksum(bytes) == entry.checksum) return bytes;
  return failure(ErrorKind::corrupt, "column {}/{}/{} of a chunk does not match its checksum",
                 entry.id.kind, entry.id.role, entry.id.field);
}

Result<Column> ChunkColumns::numbers(ColumnId id, std::size_t rows) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return Column(rows);
  NETREC_TRY(bytes, bytes_of(*entry));
  return decode_column(bytes, rows);
}

Result<std::string> ChunkColumns::blob(ColumnId id) const {
  const ColumnEntry* entry = header_.find(id);
  if (entry == nullptr) return std::string();
  NETREC_TRY(bytes, bytes_of(*entry));
  return decode_blob(bytes);
}

Status ChunkColumns::check() const {
  for (const ColumnEntry& entry : header_.directory) NETREC_CHECKED(bytes_of(entry));
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
