// Finds and reads rows of a table by its INTEGER PRIMARY KEY, past pages that SQLite cannot read.
//
// A page that cannot be read hides the keys it holds, or (a page of the tree above) those of all
// pages below it; SQLite finds what lies beyond if it is asked for a key there. So it is asked,
// further and further away.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "schema/result.h"
#include "store/database.h"

namespace netrec {

class KeyFinder {
 public:
  /// `database` must outlive it. `table` and `key` are names of timeline.sql.
  static Result<KeyFinder> open(const Database& database, std::string_view table,
                                std::string_view key);

  struct Found {
    std::uint64_t key = 0;     ///< keys are positive; 0: there is none, or none that can be read
    bool past_damage = false;  ///< rows nearer than this one may be lost
  };
  /// Errors: io, busy.
  Result<Found> at_or_after(std::uint64_t key);
  Result<Found> at_or_before(std::uint64_t key);

 private:
  KeyFinder(Query after, Query before) : after_(std::move(after)), before_(std::move(before)) {}

  Query after_;
  Query before_;
};

/// Reads the rows of a table with a key in [first, last], in order. `rows` takes the two as its
/// values, gives the key in its first column and is on the row when `visit` is called; that returns
/// false to stop. `lost` is told of keys between which rows cannot be read.
Status read_rows(Query& rows, KeyFinder& keys, std::uint64_t first, std::uint64_t last,
                 const std::function<Result<bool>()>& visit,
                 const std::function<void(std::uint64_t from, std::uint64_t to)>& lost);

/// The largest key there can be.
inline constexpr std::uint64_t kLastKey = INT64_MAX;

}  // namespace netrec
