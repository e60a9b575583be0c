// A comparison in a WHERE clause as a range of a field's numbers, so that a column is narrowed down
// before anything of its rows is put together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "store/sql_cell.h"

namespace netrec {

/// A field of a socket, as SQL shows it, lies in [least, most].
struct FieldTest {
  std::uint16_t field = 0;
  bool zero_is_null = false;  ///< 0 is shown as NULL, which lies nowhere
  bool is_signed = false;     ///< an identifier: from 2^63 on it is shown below 0
  std::int64_t least = INT64_MIN;
  std::int64_t most = INT64_MAX;

  bool holds(std::uint64_t value) const { return range().holds(value); }

  /// The same, to be asked of many values.
  struct NumberRange {
    std::uint64_t least = 0;
    std::uint64_t width = 0;  ///< to the most; both modulo 2^64
    std::uint64_t never = 0;  ///< 1: 0 does not lie in it
    bool is_empty = false;

    // Without a branch: of many rows some hold, and which cannot be foreseen.
    bool holds(std::uint64_t value) const {
      return ((value - least <= width) & (value >= never) & !is_empty) != 0;
    }
  };
  NumberRange range() const {
    NumberRange range{.never = zero_is_null ? 1u : 0u, .is_empty = least > most};
    // Unsigned, what is larger than SQLite's largest number is shown as that.
    const std::int64_t from = is_signed ? least : std::max<std::int64_t>(least, 0);
    range.is_empty = range.is_empty || from > most;
    range.least = static_cast<std::uint64_t>(from);
    const bool has_no_end = !is_signed && most == INT64_MAX;
    range.width = (has_no_end ? UINT64_MAX : static_cast<std::uint64_t>(most)) - range.least;
    return range;
  }
};

}  // namespace netrec
