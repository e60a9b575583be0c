// Fields whose values go together (an address, a port and the name that led there; a program, its
// uid and cgroup): a dictionary of the distinct tuples, and each row's place in it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "store/column.h"

namespace netrec {

struct Tuples {
  Column row;                  ///< place of each row's tuple
  std::vector<Column> values;  ///< by field: of each tuple; most used first
};

/// The tuples of `columns` (all of one length), if it pays to say them once: if each is that of
/// `fewest_rows_a_tuple` rows or more, on average.
std::optional<Tuples> find_tuples(std::span<const Column* const> columns,
                                  std::size_t fewest_rows_a_tuple);

}  // namespace netrec
