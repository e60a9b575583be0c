// The tables and functions of `netrec sql` for programs that have SQLite of their own: the sqlite3
// shell, Python, anything that can load an extension.
//
//   sqlite3 -readonly timeline.netrec -cmd '.load netrec'
//
// The timeline is the database that was opened; if that is something else (to join with tables of
// one's own), the file named by NETREC_FILE, or all timelines in the directory it names.
#pragma once

#include "store/table_context.h"

struct sqlite3;
struct sqlite3_api_routines;

namespace netrec {

/// What the entry point does: keeps `api`, hardens `db`, and adds everything to it. Returns an
/// SQLite code; `*message` is then owned by SQLite's allocator. From here on nothing of `db` can be
/// written if it is the timeline.
int load_extension_into(sqlite3* db, char** message, const sqlite3_api_routines* api,
                        TableContext::TimeReader read_time);

}  // namespace netrec
