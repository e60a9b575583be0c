// Times in SQL, written as everywhere else in netrec: '-2h', 'yesterday 14:00', '#frame'.
#pragma once

#include <string_view>

#include "schema/result.h"
#include "store/table_context.h"

namespace netrec {

/// What `text` means there. Errors: invalid_argument (also a frame of several timelines), not_found
/// (no such frame).
Result<WallTime> read_sql_time(std::string_view text, const TimeBounds& bounds);

}  // namespace netrec
