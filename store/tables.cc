#include "store/tables.h"

#include <string>

#include "store/set_rows.h"
#include "store/sql_functions.h"
#include "store/sqlite_api.h"

namespace netrec {

std::span<const VirtualTable* const> virtual_tables() {
  static const VirtualTable* const kTables[] = {&connections_table(), &sockets_table(),
                                                &transitions_table(), &samples_table(),
                                                &peers_table(),       &dns_table(),
                                                &interfaces_table(),  &interface_samples_table(),
                                                &counters_table(),    &counter_samples_table(),
                                                &frames_table()};
  return kTables;
}

namespace {

// SQLite looks for a name in the file first: a table made by whoever held the host would stand in
// front of ours.
Status check_names(sqlite3* db, std::span<const VirtualTable* const> tables) {
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", -1, &query,
                     nullptr);
  Status status;
  for (const VirtualTable* table : tables) {
    const std::string name(table->name());
    sqlite3_bind_text(query, 1, name.c_str(), -1, SQLITE_TRANSIENT);
    if (sqlite3_step(query) == SQLITE_ROW)
      status = failure(ErrorKind::corrupt, "the file holds a table {} of its own", name);
    sqlite3_reset(query);
  }
  sqlite3_finalize(query);
  return status;
}

Status add_tables(sqlite3* db, std::span<const VirtualTable* const> tables,
                  const std::shared_ptr<TableContext>& context) {
  NETREC_CHECKED(check_names(db, tables));
  for (const VirtualTable* table : tables) NETREC_CHECKED(add_virtual_table(db, *table, context));
  return {};
}

Status connect(sqlite3* db, std::span<const VirtualTable* const> tables) {
  for (const VirtualTable* table : tables) {
    const std::string sql = "SELECT 1 FROM " + std::string(table->name());
    sqlite3_stmt* query = nullptr;
    const int status = sqlite3_prepare_v2(db, sql.c_str(), -1, &query, nullptr);
    sqlite3_finalize(query);
    if (status != SQLITE_OK)
      return failure(ErrorKind::io, "table {}: {}", table->name(), sqlite3_errmsg(db));
  }
  return {};
}

}  // namespace

Status add_netrec_to(sqlite3* db, const std::shared_ptr<TableContext>& context) {
  NETREC_CHECKED(add_sql_functions(db, context));
  NETREC_CHECKED(add_tables(db, virtual_tables(), context));
  if (context->set() != nullptr) NETREC_CHECKED(add_tables(db, plain_tables_of_set(), context));
  return {};
}

Status connect_netrec_tables(sqlite3* db, const TableContext& context) {
  NETREC_CHECKED(connect(db, virtual_tables()));
  return context.set() == nullptr ? Status() : connect(db, plain_tables_of_set());
}

}  // namespace netrec
