#include "store/virtual_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "schema/utf8.h"
#include "store/row_identity.h"
#include "store/set_rows.h"
#include "store/sql_functions.h"
#include "store/sqlite_api.h"

namespace netrec {

namespace {

// What SQLite's structures are extended by: the module's argument, the table, the cursor.
struct Module {
  const VirtualTable* table;
  std::shared_ptr<TableContext> context;
};

class ResultSink final : public CellSink {
 public:
  explicit ResultSink(sqlite3_context* context) : context_(context) {}
  void null() override { sqlite3_result_null(context_); }
  void number(std::uint64_t value) override { sqlite3_result_int64(context_, sql_number(value)); }
  void identifier(std::uint64_t bits) override {
    sqlite3_result_int64(context_, static_cast<sqlite3_int64>(bits));
  }
  void real(double value) override { sqlite3_result_double(context_, value); }
  void text(std::string_view bytes) override {
    if (!is_plain_utf8(bytes)) return text(to_plain_utf8(bytes));
    sqlite3_result_text64(context_, bytes.data(), bytes.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void kept_text(std::string_view bytes) override {
    sqlite3_result_text64(context_, bytes.data(), bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
  }

 private:
  sqlite3_context* context_;
};

struct Connected : sqlite3_vtab {
  sqlite3* db = nullptr;
  const Module* module = nullptr;
  std::vector<int> identity;  ///< columns that tell a row from all others, whose file included
  int own_columns = 0;        ///< those behind them say which file a row is from
};

struct Cursor : sqlite3_vtab_cursor {
  std::unique_ptr<RowSource> source;
  bool tells_identity = false;
  bool at_end = true;
  unsigned rows = 0;
};

const Module& module_of(const sqlite3_vtab* table) {
  return *static_cast<const Connected*>(table)->module;
}

int failed(sqlite3_vtab* table, const Error& error) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", error.message.c_str());
  switch (error.kind) {
    case ErrorKind::busy:
      return SQLITE_INTERRUPT;
    case ErrorKind::corrupt:
      return SQLITE_CORRUPT_VTAB;
    default:
      return SQLITE_ERROR;
  }
}

// With several timelines, whose each row is shows in SELECT *.
std::string declaration(const Module& module) {
  std::string sql = "CREATE TABLE x(";
  const auto add = [&](const SqlColumn& column, bool hidden) {
    sql += fmt::format("{}\"{}\" {}{}", sql.ends_with('(') ? "" : ",", column.name, column.type,
                       hidden ? " HIDDEN" : "");
  };
  for (const SqlColumn& column : module.table->columns()) add(column, column.hidden);
  for (const SqlColumn& column : origin_columns()) add(column, module.context->set() == nullptr);
  return sql + ")";
}

std::vector<int> identity_of(const Module& module) {
  std::vector<int> identity;
  const auto columns = module.table->columns();
  const auto names = module.table->identity();
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (std::find(names.begin(), names.end(), columns[i].name) != names.end())
      identity.push_back(static_cast<int>(i));
  if (module.context->set() != nullptr)
    for (std::size_t i = 0; i < origin_columns().size(); ++i)
      identity.push_back(static_cast<int>(columns.size() + i));
  return identity;
}

int connect(sqlite3* db, void* argument, int, const char* const*, sqlite3_vtab** made, char**) {
  const auto* module = static_cast<const Module*>(argument);
  module->context->set_declaring(true);
  const int status = sqlite3_declare_vtab(db, declaration(*module).c_str());
  module->context->set_declaring(false);
  if (status != SQLITE_OK) return status;
  // Nothing in a timeline's own schema (a view made by whoever held the host) may ask these tables.
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  auto table = std::make_unique<Connected>();
  table->db = db;
  table->module = module;
  table->identity = identity_of(*module);
  table->own_columns = static_cast<int>(module->table->columns().size());
  *made = table.release();
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete static_cast<Connected*>(table);
  return SQLITE_OK;
}

std::optional<Comparison> comparison_of(int op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
    case SQLITE_INDEX_CONSTRAINT_IS:
      return Comparison::equal;
    case SQLITE_INDEX_CONSTRAINT_LT:
      return Comparison::less;
    case SQLITE_INDEX_CONSTRAINT_LE:
      return Comparison::less_equal;
    case SQLITE_INDEX_CONSTRAINT_GT:
      return Comparison::greater;
    case SQLITE_INDEX_CONSTRAINT_GE:
      return Comparison::greater_equal;
    case SQLITE_INDEX_CONSTRAINT_FUNCTION:
      return Comparison::inside;
    default:
      return std::nullopt;
  }
}

bool is_origin(const VirtualTable& table, int column) {
  return column >= 0 && static_cast<std::size_t>(column) >= table.columns().size();
}

bool is_hidden(const VirtualTable& table, int column) {
  return column >= 0 && !is_origin(table, column) &&
         table.columns()[static_cast<std::size_t>(column)].hidden;
}

double selectivity_of(const Module& module, int column, Comparison comparison) {
  if (!is_origin(*module.table, column)) return module.table->selectivity(column, comparison);
  return module.context->set() != nullptr && comparison == Comparison::equal ? 0.2 : 1;
}

SqlCell value_of(sqlite3_value* value) {
  const auto bytes = [&] {
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    const auto* start = static_cast<const char*>(sqlite3_value_blob(value));
    return start == nullptr ? std::string() : std::string(start, size);
  };
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return sqlite3_value_int64(value);
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    case SQLITE_TEXT:
      return bytes();
    case SQLITE_BLOB:
      return SqlBlob{bytes()};
    default:
      return std::monostate{};
  }
}

// True if the table itself leaves out what does not match constraint `i`. A parameter's value is
// known here too, and SQLite plans anew when it changes.
bool is_checked(const VirtualTable& table, sqlite3_index_info* info, int i, Comparison comparison) {
  // The columns behind the table's own say which file: those it does not know.
  if (static_cast<std::size_t>(info->aConstraint[i].iColumn) >= table.columns().size())
    return false;
  sqlite3_value* value = nullptr;
  return sqlite3_vtab_rhs_value(info, i, &value) == SQLITE_OK && value != nullptr &&
         table.checks(info->aConstraint[i].iColumn, comparison, value_of(value));
}

// Under another collation than SQLite's own, what is equal is not known here.
bool compares_bytes(sqlite3_index_info* info, int i) {
  const char* collation = sqlite3_vtab_collation(info, i);
  return collation == nullptr || sqlite3_stricmp(collation, "BINARY") == 0;
}

// One term only: rows that are equal in it come as they come.
std::optional<RowOrder> order_of(const Module& module, const sqlite3_index_info* info,
                                 std::span<const Constraint> constraints) {
  if (info->nOrderBy != 1 || module.context->set() != nullptr) return std::nullopt;
  const RowOrder order{.column = info->aOrderBy[0].iColumn,
                       .descending = info->aOrderBy[0].desc != 0};
  if (order.column < 0 || is_origin(*module.table, order.column)) return std::nullopt;
  if (!module.table->gives_order(*module.context, order, constraints)) return std::nullopt;
  return order;
}

// The plan travels to filter() as text: "columns_used;order;column:comparison:in:final,…".
int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const Module& module = module_of(base);
  const VirtualTable& table = *module.table;
  std::vector<Constraint> asked;
  std::string constraints;
  double left = 1;
  int arguments = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    const auto comparison = comparison_of(constraint.op);
    if (!comparison || constraint.iColumn < 0 || !compares_bytes(info, i)) continue;
    const double selectivity = selectivity_of(module, constraint.iColumn, *comparison);
    if (selectivity >= 1) continue;
    const bool hidden = is_hidden(table, constraint.iColumn);
    // An argument that depends on a table not read yet: this order of the join cannot be.
    if (constraint.usable == 0 && hidden) return SQLITE_CONSTRAINT;
    if (constraint.usable == 0) continue;
    const bool in = *comparison == Comparison::equal && !hidden && sqlite3_vtab_in(info, i, 1) != 0;
    left *= selectivity;
    info->aConstraintUsage[i].argvIndex = ++arguments;
    const bool is_final = !hidden && !in && is_checked(table, info, i, *comparison);
    info->aConstraintUsage[i].omit = hidden || is_final ? 1 : 0;
    constraints += fmt::format("{}:{}:{}:{},", constraint.iColumn, static_cast<int>(*comparison),
                               in ? 1 : 0, is_final ? 1 : 0);
    asked.push_back({.column = constraint.iColumn, .comparison = *comparison, .values = {}});
  }
  const auto order = order_of(module, info, asked);
  info->orderByConsumed = order ? 1 : 0;
  const std::string plan = fmt::format("{};{};{}", info->colUsed, number_of(order), constraints);
  const double rows = std::max(1.0, table.rows_estimate() * left);
  info->estimatedRows = static_cast<sqlite3_int64>(rows);
  // Opening chunks costs something even where nothing matches.
  info->estimatedCost = 1000 + rows;
  info->idxStr = sqlite3_mprintf("%s", plan.c_str());
  info->needToFreeIdxStr = 1;
  return info->idxStr == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** made) {
  *made = std::make_unique<Cursor>().release();
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* base) {
  delete static_cast<Cursor*>(base);
  return SQLITE_OK;
}

std::vector<SqlCell> values_of(sqlite3_value* argument, bool in) {
  std::vector<SqlCell> values;
  if (!in) return {value_of(argument)};
  sqlite3_value* each = nullptr;
  for (int status = sqlite3_vtab_in_first(argument, &each); status == SQLITE_OK;
       status = sqlite3_vtab_in_next(argument, &each))
    values.push_back(value_of(each));
  return values;
}

// Reads what best_index() wrote.
Request request_of(const char* plan, sqlite3_value** arguments) {
  Request request;
  const char* end = plan + std::char_traits<char>::length(plan);
  const auto number = [&](auto& value) {
    plan = std::from_chars(plan, end, value).ptr;
    if (plan != end) ++plan;
  };
  number(request.columns_used);
  int order = 0;
  number(order);
  if (order != 0) {
    request.order = {.column = std::abs(order) - 1, .descending = order < 0};
    request.columns_used |= std::uint64_t{1} << std::min(request.order->column, 63);
  }
  while (plan != end) {
    int column = 0;
    int comparison = 0;
    int in = 0;
    number(column);
    number(comparison);
    number(in);
    int is_final = 0;
    number(is_final);
    request.constraints.push_back({.column = column,
                                   .comparison = static_cast<Comparison>(comparison),
                                   .values = values_of(*arguments++, in != 0),
                                   .is_final = is_final != 0});
  }
  return request;
}

// What the rows that were given may lack.
int tell_damage(sqlite3_vtab* table, TableContext& context) {
  if (!context.is_damage_an_error() || context.damage().empty()) return SQLITE_OK;
  const Error error{ErrorKind::corrupt,
                    fmt::format("the timeline is damaged, and this answer may lack something: {} "
                                "(SELECT allow_damage(1): answer from the rest)",
                                context.damage().front().what)};
  context.clear_damage();
  return failed(table, error);
}

[[gnu::noinline]] int fetch_row(sqlite3_vtab_cursor* base) {
  auto* cursor = static_cast<Cursor*>(base);
  TableContext& context = *module_of(base->pVtab).context;
  if (context.interrupted()) return SQLITE_INTERRUPT;
  if (cursor->source->step()) return SQLITE_OK;
  auto more = cursor->source->next();
  if (!more) return failed(base->pVtab, more.error());
  cursor->at_end = !*more;
  // A LIMIT may end the answer at any row: what is wrong with it cannot wait for the last.
  if (*more && !(context.is_damage_an_error() && cursor->source->is_in_doubt())) return SQLITE_OK;
  cursor->source.reset();  // which tells what it met
  return tell_damage(base->pVtab, context);
}

int next_row(sqlite3_vtab_cursor* base) {
  constexpr unsigned kLookForInterrupt = 16;
  auto* cursor = static_cast<Cursor*>(base);
  if (cursor->rows++ % kLookForInterrupt != 0 && cursor->source->step()) return SQLITE_OK;
  return fetch_row(base);
}

// True if one of these words stands in `sql`, in any case.
bool has_word(std::string_view sql, std::span<const std::string_view> words) {
  const auto is_part = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (std::size_t begin = 0; begin < sql.size(); ++begin) {
    std::size_t end = begin;
    while (end < sql.size() && is_part(sql[end])) ++end;
    const std::string word(sql.substr(begin, end - begin));
    for (const std::string_view wanted : words)
      if (word.size() == wanted.size() &&
          sqlite3_strnicmp(word.c_str(), wanted.data(), static_cast<int>(wanted.size())) == 0)
        return true;
    begin = end;
  }
  return false;
}

// A row's number costs what tells it from others, three times what a scan of one column costs.
// SQLite does not say beforehand whether it will ask for it: it may where an OR is written, and
// does to remember which rows of a RIGHT or FULL JOIN were met, and where the number itself is
// asked for. What slips through (one of these in a view) fails in row_id(), aloud.
bool wants_identity(sqlite3* db) {
  static constexpr std::string_view kWords[] = {"or", "right", "full", "rowid", "_rowid_", "oid"};
  for (sqlite3_stmt* one = nullptr; (one = sqlite3_next_stmt(db, one)) != nullptr;)
    if (const char* sql = sqlite3_sql(one);
        sqlite3_stmt_busy(one) != 0 && (sql == nullptr || has_word(sql, kWords)))
      return true;
  return false;
}

int filter(sqlite3_vtab_cursor* base, int, const char* plan, int, sqlite3_value** arguments) {
  auto* cursor = static_cast<Cursor*>(base);
  const Module& module = module_of(base->pVtab);
  cursor->source.reset();
  Request request = request_of(plan, arguments);
  const auto& table = *static_cast<Connected*>(base->pVtab);
  cursor->tells_identity = wants_identity(table.db);
  if (cursor->tells_identity)
    for (const int column : table.identity)
      if (column < 63) request.columns_used |= std::uint64_t{1} << column;
  auto source = module.context->set() == nullptr
                    ? module.table->rows(*module.context, request)
                    : rows_of_set(*module.context, *module.table, std::move(request));
  if (!source) return failed(base->pVtab, source.error());
  cursor->source = *std::move(source);
  return next_row(base);
}

int at_end(sqlite3_vtab_cursor* base) { return static_cast<Cursor*>(base)->at_end ? 1 : 0; }

[[gnu::noinline]] int any_value(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
  ResultSink out(context);
  const auto& table = *static_cast<const Connected*>(base->pVtab);
  TableContext& about = *table.module->context;
  if (column >= table.own_columns && about.set() == nullptr)
    emit_origin(about.about(), static_cast<std::size_t>(column - table.own_columns), out);
  else
    static_cast<Cursor*>(base)->source->cell(column, out);
  return SQLITE_OK;
}

// A scan of numbers asks for millions: they are told without a frame.
int column_value(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
  const RowSource& source = *static_cast<Cursor*>(base)->source;
  const NumberCells* numbers = source.numbers(column);
  if (numbers == nullptr) return any_value(base, context, column);
  const std::int64_t value = (*numbers)[source.row()];
  if (value != 0 || !numbers->zero_is_null) sqlite3_result_int64(context, value);
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* base, sqlite3_int64* id) {
  const auto& cursor = *static_cast<Cursor*>(base);
  if (!cursor.tells_identity)
    return failed(base->pVtab,
                  {ErrorKind::unsupported,
                   "an OR, or a RIGHT or FULL JOIN, in a view: write it out in the question"});
  const RowSource& source = *cursor.source;
  RowIdentity identity;
  for (const int column : static_cast<Connected*>(base->pVtab)->identity)
    source.cell(column, identity);
  *id = identity.value();
  return SQLITE_OK;
}

// Lets `ip_in(column, …)` in a WHERE clause reach best_index(); the function itself is SQL's.
int find_function(sqlite3_vtab*, int arguments, const char* name,
                  void (**function)(sqlite3_context*, int, sqlite3_value**), void**) {
  if (arguments != 2 || sqlite3_stricmp(name, "ip_in") != 0) return 0;
  *function = ip_in_function();
  return SQLITE_INDEX_CONSTRAINT_FUNCTION;
}

const sqlite3_module kMethods = [] {
  sqlite3_module methods{};
  methods.iVersion = 1;
  methods.xConnect = connect;
  methods.xBestIndex = best_index;
  methods.xDisconnect = disconnect;
  methods.xOpen = open_cursor;
  methods.xClose = close_cursor;
  methods.xFilter = filter;
  methods.xNext = next_row;
  methods.xEof = at_end;
  methods.xColumn = column_value;
  methods.xRowid = row_id;
  methods.xFindFunction = find_function;
  return methods;
}();

}  // namespace

Status add_virtual_table(sqlite3* db, const VirtualTable& table,
                         std::shared_ptr<TableContext> context) {
  auto module = std::make_unique<Module>(Module{&table, std::move(context)});
  const std::string name(table.name());
  // SQLite destroys the module itself, also where this fails.
  const int status =
      sqlite3_create_module_v2(db, name.c_str(), &kMethods, module.release(),
                               [](void* owned) { delete static_cast<Module*>(owned); });
  if (status != SQLITE_OK) return failure(ErrorKind::io, "table {}: {}", name, sqlite3_errmsg(db));
  return {};
}

}  // namespace netrec
