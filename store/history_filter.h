// What is wanted, asked of headers, of columns and of rows: one meaning in three places.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "store/chunk.h"
#include "store/chunk_choice.h"
#include "store/history.h"

namespace netrec {

class WantedNames;

class HistoryFilter {
 public:
  explicit HistoryFilter(const Wanted& wanted);

  const Wanted& wanted() const { return wanted_; }
  std::uint64_t to_us() const { return to_us_; }
  /// True if every life touches the range, whatever its times are.
  bool takes_all_times() const {
    return wanted_.from == WallTime::min() && wanted_.to == WallTime::max();
  }
  /// True if a life from `opened_us` to `ended_us` touches the range.
  bool touches(std::uint64_t opened_us, std::uint64_t ended_us) const {
    return opened_us <= to_us_ && ended_us >= from_us_;
  }
  /// False: nothing that ended in this chunk can be wanted.
  bool may_hold(const ChunkHeader& header) const;
  /// What the search index is asked for: chunks with lives of kind T that can be wanted.
  template <class T>
  ChunkChoice choice() const;
  /// True if `row` can be wanted, whatever its time.
  template <class T>
  bool matches(const T& row, const Snapshot& names) const;
  /// Columns that had to be unpacked, by field.
  using Unpacked = std::map<std::uint16_t, Column>;
  /// The rows that ended in a chunk and are wanted, by their number; `names` has taken up its own,
  /// if needs_names().
  template <class T>
  Result<std::vector<std::uint32_t>> select(const ChunkReader& chunk, WantedNames& names,
                                            Unpacked& unpacked) const;
  /// Those of `names` that are wanted.
  Column wanted_processes(const Snapshot& names) const;

  /// True if it takes the names of a chunk to select from it.
  bool needs_names() const {
    return !wanted_.pids.empty() || !wanted_.programs.empty() || !wanted_.names.empty() ||
           !wanted_.namespaces.empty();
  }

 private:
  bool wants_address(const std::vector<Prefix>& prefixes, const IpAddress& address,
                     Family family) const;
  bool wants_process(std::uint32_t id, const Snapshot& names) const;
  /// Fields that must have one of few values, by name.
  template <class T>
  std::vector<std::pair<std::string_view, Column>> single_values(const ChunkReader& chunk,
                                                                 WantedNames& names) const;
  bool wants_holder(std::uint32_t process, std::uint32_t sharers, const Snapshot& names) const;
  bool wants_name(std::uint32_t text, const Snapshot& names) const;
  bool wants_namespace(std::uint32_t id, const Snapshot& names) const;

  const Wanted& wanted_;
  std::uint64_t from_us_ = 0;
  std::uint64_t to_us_ = 0;
};

}  // namespace netrec
