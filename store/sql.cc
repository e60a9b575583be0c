#include "store/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/database.h"
#include "store/set_rows.h"
#include "store/sqlite_api.h"
#include "store/tables.h"

namespace netrec {

namespace {

/// Of SQLite's machine: some tenths of a millisecond.
constexpr int kOperationsBetweenLooks = 10000;

struct CloseConnection {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

ErrorKind kind_of(int status) {
  switch (status & 0xff) {
    case SQLITE_INTERRUPT:
    case SQLITE_BUSY:
      return ErrorKind::busy;
    case SQLITE_NOMEM:
    case SQLITE_FULL:
      return ErrorKind::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::corrupt;
    case SQLITE_AUTH:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorKind::permission;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return ErrorKind::invalid_argument;
    default:
      return ErrorKind::io;
  }
}

Error error_of(sqlite3* db, int status) {
  switch (status & 0xff) {
    case SQLITE_INTERRUPT:
      return {ErrorKind::busy, "interrupted"};
    case SQLITE_NOMEM:
      return {ErrorKind::full, "the query needs more memory than it is allowed"};
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return {ErrorKind::permission,
              fmt::format("{}: a timeline is only read", sqlite3_errmsg(db))};
    default:
      return {kind_of(status), sqlite3_errmsg(db)};
  }
}

// What a statement may do: read. Everything else is refused when it is compiled, but what one of
// our tables declares itself by, which SQLite asks for when it is first named.
int authorize(void* context, int action, const char* first, const char*, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_FUNCTION:
      return SQLITE_OK;
    case SQLITE_PRAGMA: {
      constexpr std::string_view kHarmless[] = {"table_info", "table_xinfo", "table_list",
                                                "function_list", "compile_options"};
      const std::string_view name = first == nullptr ? "" : first;
      const bool harmless =
          std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
      return harmless ? SQLITE_OK : SQLITE_DENY;
    }
    default:
      return static_cast<TableContext*>(context)->is_declaring() ? SQLITE_OK : SQLITE_DENY;
  }
}

void harden(sqlite3* db, TableContext& context, const SqlLimits& limits) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 64 << 20);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 100);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10000);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_hard_heap_limit64(limits.memory_bytes);
  sqlite3_busy_timeout(db, 5000);
  sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", nullptr, nullptr,
               nullptr);
  sqlite3_set_authorizer(db, authorize, &context);
}

Result<Connection> open_connection(const std::string& path, std::string_view query) {
  sqlite3* opened = nullptr;
  const std::string uri = file_uri(path, query);
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
  int status = sqlite3_open_v2(uri.c_str(), &opened, flags, nullptr);
  Connection db(opened);
  if (status == SQLITE_OK && cut_bytes(path) > 0) read_cut_file(opened);
  if (status == SQLITE_OK)
    status = sqlite3_exec(opened, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return tl::unexpected<Error>(error_of(opened, status));
  return db;
}

// The line of `sql` the error is in, and a caret under the place.
std::string pointed_at(const std::string& sql, std::size_t at) {
  const std::size_t before = at == 0 ? std::string::npos : sql.rfind('\n', at - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string line = sql.substr(begin, sql.find('\n', at) - begin);
  return fmt::format("\n  {}\n  {:>{}}", line, "^", at - begin + 1);
}

SqlCell cell_of(sqlite3_stmt* statement, int column) {
  const auto bytes = [&] {
    const auto* start = static_cast<const char*>(sqlite3_column_blob(statement, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    return start == nullptr ? std::string() : std::string(start, size);
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return bytes();
    case SQLITE_BLOB:
      return SqlBlob{bytes()};
    default:
      return std::monostate{};
  }
}

}  // namespace

// --- SqlStatement -------------------------------------------------------------------------------

struct SqlSession::State {
  std::shared_ptr<TableContext> context;
  Connection db;  ///< goes first: it holds the modules, and those the context
};

struct SqlStatement::State {
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SqlSession::State* session;
  std::unique_ptr<sqlite3_stmt, Finalize> handle;
  std::vector<std::string> columns;
};

SqlStatement::SqlStatement(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlStatement::SqlStatement(SqlStatement&&) noexcept = default;
SqlStatement& SqlStatement::operator=(SqlStatement&&) noexcept = default;
SqlStatement::~SqlStatement() = default;

const std::vector<std::string>& SqlStatement::columns() const { return state_->columns; }

Result<bool> SqlStatement::step() {
  const int status = sqlite3_step(state_->handle.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return tl::unexpected<Error>(error_of(state_->session->db.get(), status));
}

SqlCell SqlStatement::cell(int column) const { return cell_of(state_->handle.get(), column); }

// --- SqlSession ---------------------------------------------------------------------------------

SqlSession::SqlSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlSession::SqlSession(SqlSession&&) noexcept = default;
SqlSession& SqlSession::operator=(SqlSession&&) noexcept = default;
SqlSession::~SqlSession() = default;

Result<SqlSession> SqlSession::open(const std::string& path, TableContext::TimeReader read_time,
                                    const SqlLimits& limits) {
  const auto context = std::make_shared<TableContext>(path, std::move(read_time));
  // Says what is wrong with the file better than SQLite would.
  NETREC_TRY(timeline, context->lease());
  timeline.reset();
  auto db = open_connection(path, "");
  if (!db) db = open_connection(path, "?immutable=1");
  if (!db) return tl::unexpected<Error>(std::move(db).error());
  auto session = begin(std::make_unique<State>(State{context, *std::move(db)}), limits);
  if (session && cut_bytes(path) > 0) read_cut_file(session->state_->db.get());  // Still only read.
  return session;
}

Result<SqlSession> SqlSession::open(const TimelineSet& set, TableContext::TimeReader read_time,
                                    const SqlLimits& limits) {
  if (!set.is_several()) return open(set.files().front().path, std::move(read_time), limits);
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE, nullptr);
  Connection db(opened);
  if (status != SQLITE_OK) return tl::unexpected<Error>(error_of(opened, status));
  auto context = std::make_shared<TableContext>(set, std::move(read_time));
  return begin(std::make_unique<State>(State{std::move(context), std::move(db)}), limits);
}

Result<SqlSession> SqlSession::begin(std::unique_ptr<State> state, const SqlLimits& limits) {
  state->context->set_interrupted(limits.stop);
  NETREC_CHECKED(add_netrec_to(state->db.get(), state->context));
  harden(state->db.get(), *state->context, limits);
  sqlite3_progress_handler(
      state->db.get(), kOperationsBetweenLooks,
      [](void* context) { return static_cast<TableContext*>(context)->interrupted() ? 1 : 0; },
      state->context.get());
  return SqlSession(std::move(state));
}

Result<std::optional<SqlStatement>> SqlSession::prepare(std::string_view& sql) {
  sqlite3* db = state_->db.get();
  sqlite3_stmt* compiled = nullptr;
  const char* rest = nullptr;
  const std::string text(sql);
  const int status =
      sqlite3_prepare_v3(db, text.c_str(), static_cast<int>(text.size()) + 1, 0, &compiled, &rest);
  if (status != SQLITE_OK) {
    Error error = error_of(db, status);
    const int at = sqlite3_error_offset(db);
    if (at >= 0) error.message += pointed_at(text, static_cast<std::size_t>(at));
    return tl::unexpected<Error>(std::move(error));
  }
  auto state = std::make_unique<SqlStatement::State>();
  state->session = state_.get();
  state->handle.reset(compiled);
  sql.remove_prefix(static_cast<std::size_t>(rest - text.c_str()));
  if (compiled == nullptr) {
    if (!sql.empty()) return prepare(sql);
    return std::optional<SqlStatement>();
  }
  for (int i = 0; i < sqlite3_column_count(compiled); ++i)
    state->columns.emplace_back(sqlite3_column_name(compiled, i));
  return std::optional<SqlStatement>(SqlStatement(std::move(state)));
}

bool SqlSession::is_complete(std::string_view sql) {
  return sqlite3_complete(std::string(sql).c_str()) != 0;
}

std::vector<SqlTable> SqlSession::tables() const {
  std::vector<SqlTable> tables;
  const bool several = state_->context->set() != nullptr;
  const auto add = [&](const VirtualTable& table) {
    const auto columns = table.columns();
    tables.push_back({.name = std::string(table.name()),
                      .about = std::string(table.about()),
                      .columns = {columns.begin(), columns.end()},
                      .declaration = ""});
    for (SqlColumn column : origin_columns()) {
      column.hidden = !several;
      tables.back().columns.push_back(std::move(column));
    }
  };
  for (const VirtualTable* table : virtual_tables()) add(*table);
  if (several)
    for (const VirtualTable* table : plain_tables_of_set()) add(*table);
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(state_->db.get(),
                     "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') "
                     "AND sql IS NOT NULL ORDER BY rowid",
                     -1, &query, nullptr);
  while (query != nullptr && sqlite3_step(query) == SQLITE_ROW) {
    SqlTable table;
    for (const auto& [column, member] :
         {std::pair{0, &SqlTable::name}, std::pair{1, &SqlTable::declaration}})
      if (auto cell = cell_of(query, column); std::holds_alternative<std::string>(cell))
        table.*member = std::get<std::string>(std::move(cell));
    tables.push_back(std::move(table));
  }
  sqlite3_finalize(query);
  return tables;
}

std::vector<Damage> SqlSession::take_damage() {
  std::vector<Damage> damage = state_->context->damage();
  state_->context->clear_damage();
  return damage;
}

}  // namespace netrec
