// The functions an investigator misses in plain SQL: prefixes, port and state names, times as they
// are said.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "schema/result.h"
#include "store/table_context.h"

struct sqlite3;
struct sqlite3_context;
struct sqlite3_value;

namespace netrec {

struct SqlFunction {
  std::string_view signature;  ///< "ip_in(address, prefix)"
  std::string_view about;
};

/// All of them, in the order they are listed to the user.
std::span<const SqlFunction> sql_functions();

/// Makes them known to `db`.
Status add_sql_functions(sqlite3* db, const std::shared_ptr<TableContext>& context);

/// The one that the virtual tables also understand in WHERE clauses.
using SqlFunctionBody = void (*)(sqlite3_context*, int, sqlite3_value**);
SqlFunctionBody ip_in_function();

}  // namespace netrec
