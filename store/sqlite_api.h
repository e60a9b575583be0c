// SQLite's C interface, as the files that are also built into the loadable extension must see it:
// linked, in netrec itself; through the host program's function table, in the extension. Nobody
// else includes it; the rest of store/ goes through database.h.
#pragma once

#ifdef NETREC_LOADABLE
#include <sqlite3ext.h>
extern "C" const sqlite3_api_routines* sqlite3_api;
#else
#include <sqlite3.h>
#endif
