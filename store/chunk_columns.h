// The columns of one chunk as they lie: found in the directory, checked, unpacked on demand.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "store/chunk_body.h"
#include "store/chunk_clock.h"
#include "store/chunk_header.h"
#include "store/column.h"
#include "store/packed_column.h"

namespace netrec {

class ChunkColumns {
 public:
  /// Errors: corrupt.
  static Result<ChunkColumns> open(ChunkHeader header, const ChunkBody& body);

  const ChunkHeader& header() const { return header_; }
  bool has(ColumnId id) const { return header_.find(id) != nullptr; }

  /// A column of `rows` numbers; zeros if there is none.
  Result<Column> numbers(ColumnId id, std::size_t rows) const;
  /// The same for who looks at them one by one.
  Result<Numbers> one_by_one(ColumnId id, std::size_t rows) const;
  /// The same column packed, to be asked for some of its numbers; kept for the next who asks. There
  /// must be one. The pointer holds as long as this.
  Result<const PackedColumn*> packed(ColumnId id, std::size_t rows) const;
  /// The number that a column consists of; nullopt if there are others, or there is no such column.
  Result<std::optional<std::uint64_t>> only_number(ColumnId id) const;
  /// "" if there is none.
  Result<std::string> blob(ColumnId id) const;
  /// A column as it lies; "" if there is none.
  Result<std::string> bytes(ColumnId id) const;
  /// Compares every column with its checksum. Errors: corrupt.
  Status check() const;
  /// When its frames were: unpacked once. The pointer holds as long as this.
  Result<const ChunkClock*> clock() const;

 private:
  Result<std::string_view> bytes_of(const ColumnEntry& entry, std::unique_ptr<char[]>& room) const;

  ChunkHeader header_;
  ChunkBody body_{std::string_view()};
  struct Packed {
    std::unique_ptr<char[]> room;  ///< its bytes, if they are not in memory anyway
    PackedColumn column;
  };
  mutable std::map<ColumnId, Packed> packed_;
  mutable bool is_checked_ = false;
  mutable std::unique_ptr<ChunkClock> clock_;
};

}  // namespace netrec
