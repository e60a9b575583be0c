// The chunks of a timeline, as the rows they are kept in: headers without bodies, bodies on demand.
#pragma once

#include <functional>
#include <string>

#include "store/chunk.h"
#include "store/chunk_choice.h"
#include "store/database.h"
#include "store/key_finder.h"
#include "store/search_index.h"
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

  /// Gets a chunk's row and header. Returns false to stop.
  using Visit = std::function<Result<bool>(const ChunkRow&, const ChunkHeader&)>;

  /// Calls `visit` for the chunks that begin in [first, last], in order; those the search index
  /// says `choice` does not take may be left out. What cannot be read, a header or rows of the
  /// table, goes to `damage`.
  Status for_each(std::uint64_t first, std::uint64_t last, const ChunkChoice& choice,
                  std::vector<Damage>& damage, const Visit& visit);

  /// A chunk as list() finds it.
  struct Listed {
    ChunkRow row;
    std::uint64_t after = 0;  ///< last sequence of the chunk before; 0: there is none
  };
  /// The chunks for_each() would visit, without reading their headers. What is known to be missing
  /// goes to `damage`. Errors: corrupt (part of the list cannot be read), io.
  Result<std::vector<Listed>> list(std::uint64_t first, std::uint64_t last,
                                   const ChunkChoice& choice, std::vector<Damage>& damage);
  /// Visits one of them; what is missing between it and the one before goes to `damage`, too.
  Status visit(const Listed& chunk, std::vector<Damage>& damage, const Visit& visit);

  /// A chunk of this table, its body read as far as it is asked for. It holds until the next one is
  /// opened; this must stay where it is. Errors: corrupt, io.
  Result<ChunkReader> open_chunk(const ChunkRow& row, const ChunkHeader& header);

  /// The last sequence of the chunks that begin in [first, last]; 0: there are none.
  Result<std::uint64_t> last_sequence(std::uint64_t first, std::uint64_t last);

 private:
  ChunkTable(const Database& database, Query headers, Query spans, Query whole, Query row,
             Query between, KeyFinder keys, SearchIndex index)
      : database_(&database),
        headers_(std::move(headers)),
        spans_(std::move(spans)),
        whole_(std::move(whole)),
        row_(std::move(row)),
        between_(std::move(between)),
        keys_(std::move(keys)),
        index_(std::move(index)) {}
  Status visit_rows(std::uint64_t first, std::uint64_t last, std::vector<Damage>& damage,
                    const Visit& visit);
  /// The same of chunks in no group: those missing between them are told.
  Status visit_ungrouped(std::uint64_t first, std::uint64_t last, std::vector<Damage>& damage,
                         const Visit& visit);
  Result<bool> fills(std::uint64_t after, std::uint64_t before);
  void leave_out(const SearchGroup& group, std::uint64_t first, std::uint64_t last,
                 const ChunkChoice& choice, std::vector<Listed>& chunks,
                 std::vector<Damage>& damage);
  Status visit_group(const SearchGroup& group, std::uint64_t first, std::uint64_t last,
                     const ChunkChoice& choice, std::vector<Damage>& damage, const Visit& visit);
  Result<ChunkRow> row(std::uint64_t first_sequence);
  Status read_body(std::uint64_t first_sequence, std::size_t offset, std::span<char> out);
  Damage lost(std::uint64_t first, std::uint64_t last);

  const Database* database_;
  Query headers_;
  Query spans_;
  Query whole_;
  Query row_;
  Query between_;
  KeyFinder keys_;
  SearchIndex index_;
  Blob body_;  // of the chunk that is open
};

}  // namespace netrec
