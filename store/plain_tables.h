// The plain tables of a timeline that say something to people (session, gap, process, …), described
// as the virtual ones are: read from the text of timeline.sql, which is where each column is
// explained. The log's own tables (frame, keyframe, chunk, pruned, mark) are not among them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/sql_cell.h"

namespace netrec {

struct PlainTable {
  std::string name;
  std::string about;
  std::vector<SqlColumn> columns;
};

/// In the order of timeline.sql.
std::span<const PlainTable> plain_tables();

}  // namespace netrec
