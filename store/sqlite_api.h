// SQLite's C interface, as the files that are also built into the loadable extension must see it:
// linked, in netrec itself; through the host program's function table, in the extension (whose host
// may carry an SQLite of its own). Nobody else includes it; the rest of store/ goes through
// database.h.
#pragma once

#ifdef NETREC_LOADABLE
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif
