// Reads the search index of a timeline: which sealed chunks can hold what a search looks for
// (store/search_group.h). Derived from the log like other tables: `netrec verify` compares it.
//
// Whatever of it cannot be read, or is not there (an older file), is taken for "perhaps": a search
// then reads more chunks and answers the same.
#pragma once

#include <optional>
#include <vector>

#include "store/database.h"
#include "store/search_group.h"

namespace netrec {

class SearchIndex {
 public:
  /// `database` must outlive it. Errors: io.
  static Result<SearchIndex> open(const Database& database);

  /// The groups with chunks that begin in [first, last], in order, none over another.
  std::vector<SearchGroup> groups(std::uint64_t first, std::uint64_t last);
  /// The chunks of `group` that may hold what is wanted.
  ChunkSet may_hold(const SearchGroup& group, const WantedKeys& wanted);
  /// The same of a chunk that is in no group yet.
  bool may_hold(std::uint64_t first_sequence, const WantedKeys& wanted);

 private:
  struct Rows {
    Query groups;
    Query page;
    Query keys;
  };
  explicit SearchIndex(std::optional<Rows> rows) : rows_(std::move(rows)) {}
  ChunkSet having(const SearchGroup& group, const WantedKey& wanted);

  std::optional<Rows> rows_;  ///< nothing: the file has no index
};

}  // namespace netrec
