// What the writers of derived tables share: NULLs where a client would take a value for one, and
// rows followed through their changes.
#pragma once

#include <string_view>
#include <vector>

#include "schema/delta.h"
#include "store/database.h"

namespace netrec {

inline SqlValue text_or_null(std::string_view bytes) {
  return bytes.empty() ? SqlValue() : SqlValue::text(bytes);
}
inline SqlValue instant_or_null(std::uint64_t at_us) {
  return at_us == 0 ? SqlValue() : SqlValue(at_us);
}
inline std::int64_t us_of(WallTime wall) { return wall.time_since_epoch().count(); }

/// Carries the opened and changed entries of `changes` out on `table`. Returns the keys touched,
/// those opened first. (What is closed is the caller's: it wants the rows before they go.)
template <class T>
std::vector<std::uint64_t> take_in(const Changes<T>& changes, Table<T>& table) {
  std::vector<std::uint64_t> touched;
  for (const T& row : changes.opened) {
    table.insert(row);
    touched.push_back(key_of(row));
  }
  const auto fields = fields_of<T>();
  for (const Change& change : changes.changed) {
    T* row = table.find(change.key);
    if (row == nullptr || change.field >= fields.size()) continue;
    const T before = *row;
    fields[change.field].set(*row, change.value);
    if (key_of(*row) != change.key)
      *row = before;  // A key does not change.
    else if (touched.empty() || touched.back() != change.key)
      touched.push_back(change.key);
  }
  return touched;
}

}  // namespace netrec
