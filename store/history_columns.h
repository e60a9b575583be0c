// The lives that ended in one chunk as the columns they are kept in: for whoever makes much of many
// without a row for each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "schema/connection.h"
#include "store/chunk.h"

namespace netrec {

/// Lives that ended in one chunk, column by column.
struct ConnectionColumns {
  std::uint32_t session = 0;
  std::vector<std::uint32_t> rows;  ///< the wanted ones: their place in the columns below
  std::vector<Column> fields;       ///< by index in fields_of<Socket>(); empty: all 0
  Ends ends;
  TransitionColumns transitions;
  std::shared_ptr<const Snapshot> names = std::make_shared<const Snapshot>();

  std::uint64_t value(std::size_t field, std::uint32_t row) const {
    return fields[field].empty() ? 0 : fields[field][row];
  }
  /// Makes `life` row number `row`; it must be new or another of these rows.
  void read(std::uint32_t row, Connection& life) const;
};

}  // namespace netrec
