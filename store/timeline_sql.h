// The text of store/timeline.sql, which makes a timeline's tables.
#pragma once

namespace netrec {

extern const char* const kTimelineSql;

}  // namespace netrec
