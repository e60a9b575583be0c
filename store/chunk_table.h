// The chunks of a timeline, as the rows they are kept in: headers without bodies, bodies on demand.
#pragma once

#include <functional>
#include <string>

#include "store/chunk.h"
#include "store/database.h"
#include "store/key_finder.h"
#include "store/timeline.h"

namespace netrec {

/// What a row says of a chunk without its header.
struct ChunkRow {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  WallTime least_wall{};
  WallTime most_wall{};

  /// What is lost if it cannot be read.
  Damage damage(std::string what) const;
};

class ChunkTable {
 public:
  /// `database` must outlive it.
  static Result<ChunkTable> open(const Database& database);

  /// Calls `visit` for the chunks that begin in [first, last], in order. It returns false to stop.
  /// What cannot be read, a header or rows of the table, goes to `damage`.
  Status for_each(std::uint64_t first, std::uint64_t last, std::vector<Damage>& damage,
                  const std::function<Result<bool>(const ChunkRow&, const ChunkHeader&)>& visit);

  /// A chunk with its bytes.
  struct Whole {
    std::string header;
    std::string body;
  };
  /// Errors: not_found, corrupt, io.
  Result<Whole> read(const ChunkRow& row);

  /// The last sequence of the chunks that begin in [first, last]; 0: there are none.
  Result<std::uint64_t> last_sequence(std::uint64_t first, std::uint64_t last);

 private:
  ChunkTable(Query headers, Query whole, Query row, KeyFinder keys)
      : headers_(std::move(headers)),
        whole_(std::move(whole)),
        row_(std::move(row)),
        keys_(std::move(keys)) {}
  Result<ChunkRow> row(std::uint64_t first_sequence);
  Damage lost(std::uint64_t first, std::uint64_t last);

  Query headers_;
  Query whole_;
  Query row_;
  KeyFinder keys_;
};

}  // namespace netrec
