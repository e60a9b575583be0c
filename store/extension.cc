// Only built into the extension: see the CMakeLists.txt beside it.
#include "store/extension.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "store/database.h"
#include "store/sqlite_api.h"
#include "store/tables.h"

SQLITE_EXTENSION_INIT1

namespace netrec {

namespace {

/// sqlite3_vtab_in() is the newest of what is used here.
constexpr int kOldestSqlite = 3'038'000;

bool is_timeline(sqlite3* db) {
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(db, "PRAGMA main.application_id", -1, &query, nullptr);
  const bool ours = query != nullptr && sqlite3_step(query) == SQLITE_ROW &&
                    sqlite3_column_int(query, 0) == kApplicationId;
  sqlite3_finalize(query);
  return ours;
}

// A timeline may come from a compromised host: nothing in its schema is trusted, and nothing of it
// is changed by whoever looks at it.
void harden(sqlite3* db) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", nullptr, nullptr,
               nullptr);
}

Result<std::string> path_for(sqlite3* db) {
  if (is_timeline(db)) {
    harden(db);
    return std::string(sqlite3_db_filename(db, "main"));
  }
  const char* named = std::getenv("NETREC_FILE");
  if (named != nullptr && *named != '\0') return std::string(named);
  return failure(ErrorKind::not_found,
                 "netrec: open a timeline, or name one in the environment as NETREC_FILE");
}

// allow_damage(yes): from here on damage ends no answer.
void allow_damage(sqlite3_context* out, int, sqlite3_value** arguments) {
  auto& context = **static_cast<std::shared_ptr<TableContext>*>(sqlite3_user_data(out));
  context.make_damage_an_error(sqlite3_value_int(arguments[0]) == 0);
  context.clear_damage();
  sqlite3_result_null(out);
}

Status add_to(sqlite3* db, const std::shared_ptr<TableContext>& context) {
  context->make_damage_an_error(true);
  const int status = sqlite3_create_function_v2(
      db, "allow_damage", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
      new std::shared_ptr<TableContext>(context), allow_damage, nullptr, nullptr,
      [](void* owned) { delete static_cast<std::shared_ptr<TableContext>*>(owned); });
  if (status != SQLITE_OK) return failure(ErrorKind::io, "netrec: {}", sqlite3_errmsg(db));
  NETREC_CHECKED(add_netrec_to(db, context));
  return connect_netrec_tables(db, *context);
}

Status load(sqlite3* db, TableContext::TimeReader read_time) {
  if (sqlite3_libversion_number() < kOldestSqlite)
    return failure(ErrorKind::unsupported, "netrec: needs SQLite 3.38 or newer");
  NETREC_TRY(path, path_for(db));
  if (TimelineSet::are_several({path})) {
    NETREC_TRY(set, TimelineSet::open({path}));
    // Nobody would be told that a file is missing from the answers.
    if (!set.unreadable().empty()) return tl::unexpected<Error>(set.unreadable().front().error);
    return add_to(db, std::make_shared<TableContext>(std::move(set), std::move(read_time)));
  }
  const auto context = std::make_shared<TableContext>(path, std::move(read_time));
  // Says what is wrong with the file, and checks its tables, before anything is asked of it.
  NETREC_TRY(timeline, context->lease());
  timeline.reset();
  return add_to(db, context);
}

}  // namespace

int load_extension_into(sqlite3* db, char** message, const sqlite3_api_routines* api,
                        TableContext::TimeReader read_time) {
  SQLITE_EXTENSION_INIT2(api);
  const Status loaded = load(db, std::move(read_time));
  if (loaded) return SQLITE_OK;
  *message = sqlite3_mprintf("%s", loaded.error().message.c_str());
  return SQLITE_ERROR;
}

}  // namespace netrec
