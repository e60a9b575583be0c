// The fourth part of a proof: the search index says of each chunk what its frames hold. A page that
// lies would hide a connection from searches, as a header could.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/search_group.h"

namespace netrec {

class SearchProof {
 public:
  /// `database` must outlive it. Errors: io.
  static Result<SearchProof> open(const Database& database);

  /// Takes in what a chunk's frames add up to, chunk after chunk. Errors: io.
  Status add(const ChunkHeader& header, const SearchKeys& keys);
  /// To be called after the last one.
  Status finish();

  /// What differs.
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  struct Queries {
    Query keys;
    Query pages;
  };
  explicit SearchProof(std::optional<Queries> queries) : queries_(std::move(queries)) {}
  Status check_ungrouped(std::uint64_t first_sequence, const SearchKeys& keys);
  Status check_group();
  Result<std::vector<PageEntry>> entries_of(const SearchGroup& group, KeyKind kind);

  std::optional<Queries> queries_;  ///< nothing: there is no index
  std::vector<SearchGroup> groups_;
  std::size_t group_ = 0;                  ///< whose chunks are being taken in
  std::map<std::size_t, ShortKeys> keys_;  ///< of its chunks, by their place
  std::vector<std::string> findings_;
};

}  // namespace netrec
