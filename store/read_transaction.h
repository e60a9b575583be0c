// Sees one state of the file for as long as it lives, whatever a recorder writes meanwhile.
#pragma once

#include <optional>
#include <utility>

#include "store/database.h"

namespace netrec {

class ReadTransaction {
 public:
  /// `database` must outlive it. Inside another transaction it is that one.
  static Result<ReadTransaction> begin(const Database& database) {
    if (database.in_transaction()) return ReadTransaction(std::nullopt);
    NETREC_TRY(begin, database.prepare("BEGIN"));
    // Nothing was written, and unlike COMMIT this also ends one that met a page it cannot read.
    NETREC_TRY(end, database.prepare("ROLLBACK"));
    NETREC_CHECKED(begin.run());
    return ReadTransaction(std::move(end));
  }
  ReadTransaction(ReadTransaction&& other) noexcept
      : end_(std::exchange(other.end_, std::nullopt)) {}
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction() {
    if (end_) (void)end_->run();
  }

 private:
  explicit ReadTransaction(std::optional<Query> end) : end_(std::move(end)) {}
  std::optional<Query> end_;
};

}  // namespace netrec
