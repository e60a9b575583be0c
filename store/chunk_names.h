// What the rows that ended in a chunk refer to: texts, programs, users, namespaces. What was not
// new in the chunk itself is told in it once more, so that an answer out of a chunk needs no other:
// a hundredth of its bytes, for a search that reads one chunk and nothing else.
#pragma once

#include <tsl/robin_set.h>

#include <vector>

#include "schema/key_hash.h"
#include "store/chunk.h"
#include "store/chunk_layout.h"

namespace netrec {

struct ChunkNames {
  Snapshot all;                             ///< Text, User, NetworkNamespace, Process
  Delta restated;                           ///< those of them that were not new
  std::vector<std::uint32_t> remote_names;  ///< ids of Text
};

class NameGatherer {
 public:
  /// `input` must outlive it.
  explicit NameGatherer(const ChunkInput& input) : input_(input) {}

  /// Takes in what the rows of kind T refer to; `fields` gives theirs.
  template <class T>
  void add(const EndedFields& fields);

  ChunkNames finish();

 private:
  using Ids = tsl::robin_set<std::uint32_t, KeyHash>;

  template <class T>
  void resolve(const Ids& ids, ChunkNames& names) const;

  const ChunkInput& input_;
  Ids texts_, sharers_, processes_, users_, namespaces_, remote_names_;
};

}  // namespace netrec
