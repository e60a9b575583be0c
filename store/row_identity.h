// A number for a row of a virtual table that is the same whenever the row is met: SQLite asks for
// it (xRowid) where it reads a table once for each side of an OR, to give a row that both sides
// find once, and no other row as that one. Made of the cells that tell the row from all others,
// mixed with the seed of this run: nobody can write two rows that pass for one.
#pragma once

#include <cstdint>
#include <string_view>

#include "schema/key_hash.h"
#include "store/sql_cell.h"

namespace netrec {

class RowIdentity final : public CellSink {
 public:
  void null() override { add(1, 0); }
  void number(std::uint64_t value) override { add(2, value); }
  void identifier(std::uint64_t bits) override { add(2, bits); }
  void real(double value) override;
  void text(std::string_view bytes) override;
  void kept_text(std::string_view bytes) override { text(bytes); }

  /// Of the cells taken in so far.
  std::int64_t value() const { return static_cast<std::int64_t>(state_); }

 private:
  void add(std::uint64_t kind, std::uint64_t value) {
    state_ = hash_(hash_(state_ + kind) ^ value);
  }

  KeyHash hash_;
  std::uint64_t state_ = 0;
};

}  // namespace netrec
