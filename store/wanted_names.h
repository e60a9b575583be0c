// The names of one chunk after another, and which of them are wanted. Chunks of one hour restate
// much the same: what is restated byte by byte is read and looked through once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/chunk.h"
#include "store/history_filter.h"

namespace netrec {

class WantedNames {
 public:
  /// `filter` must outlive it.
  explicit WantedNames(const HistoryFilter& filter) : filter_(filter) {}

  /// Takes up those of `chunk`. Errors: corrupt.
  Status read(const ChunkReader& chunk);
  /// Those taken up last; shared with whoever keeps them.
  const std::shared_ptr<const Snapshot>& names() const { return names_; }
  /// The processes among them that are wanted.
  const Column& processes();

 private:
  const HistoryFilter& filter_;
  std::string restated_;  ///< as it lies in the chunk they were read from; "": they are its alone
  std::shared_ptr<const Snapshot> names_ = std::make_shared<const Snapshot>();
  std::optional<Column> processes_;
};

}  // namespace netrec
