// The entry point of netrec.so, which SQLite derives from the file's name. It stands here because
// times are read as the commands read them; what it does is in store/extension.h.
#include "query/sql_time.h"
#include "store/extension.h"

extern "C" __attribute__((visibility("default"))) int sqlite3_netrec_init(
    sqlite3* db, char** message, const sqlite3_api_routines* api) {
  return netrec::load_extension_into(db, message, api, netrec::read_sql_time);
}
