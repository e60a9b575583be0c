// Keeps the search index of a timeline: the keys of each chunk as it is sealed, and once there are
// enough of them, pages of keys of a whole group (store/search_group.h) in their place.
//
// Like chunks, groups are made on a thread aside where the writer ticks: the keys are read before
// and the pages written after, both in little time.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include "store/database.h"
#include "store/search_group.h"
#include "store/timeline_writer.h"

namespace netrec {

class SearchWriter {
 public:
  /// `database` must outlive it. Errors: io, corrupt.
  static Result<SearchWriter> open(const Database& database);

  /// Notes the keys of a chunk, in the transaction that writes it; added() once that is committed.
  Status add(std::uint64_t first_sequence, const SearchKeys& keys);
  void added() { ++ungrouped_; }

  /// There are chunks for a group, of at least `least`, and none is being made.
  bool is_due(std::size_t least) const { return run_ == nullptr && ungrouped_ >= least; }
  /// Begins to make a group of the oldest ungrouped chunks. REQUIRES: is_due().
  Status begin(Sealing where);
  bool is_grouping() const { return run_ != nullptr; }
  /// install() would not have to wait. REQUIRES: is_grouping().
  bool is_ready() const;
  /// Writes the group in a transaction of the caller's; installed() once that is committed.
  Status install();
  void installed();

 private:
  struct Queries {
    Query add;
    Query ungrouped;  ///< with what their chunks say, in order
    Query between;    ///< frames that are rows of their own, between two chunks
    Query number;
    Query insert_group;
    Query insert_page;
    Query forget;
    Query count;
  };
  struct Run {
    SearchGroup group;
    std::vector<ShortKeys> keys;
    std::uint64_t first_sequence = 0;  ///< of the chunks whose keys are not needed any more
    std::uint64_t last_sequence = 0;
    std::size_t chunks = 0;
    std::future<std::vector<SearchPage>> making;
    std::vector<SearchPage> pages;
  };
  explicit SearchWriter(Queries queries) : queries_(std::move(queries)) {}
  Status count_ungrouped();
  Result<bool> follows(const Run& run, std::uint64_t first_sequence);
  Status read_chunks(Run& run);
  Status write(const Run& run);

  Queries queries_;
  std::size_t ungrouped_ = 0;
  std::unique_ptr<Run> run_;
};

}  // namespace netrec
