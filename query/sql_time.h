// Times in SQL, written as everywhere else in netrec: '-2h', 'yesterday 14:00', '#frame'.
#pragma once

#include <string_view>

#include "schema/result.h"
#include "store/timeline.h"

namespace netrec {

/// What `text` means in `timeline`. Errors: invalid_argument, not_found (no such frame).
Result<WallTime> read_sql_time(std::string_view text, const Timeline& timeline);

}  // namespace netrec
