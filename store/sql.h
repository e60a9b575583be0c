// Asks a timeline in SQL: the plain tables of the file and the virtual tables over the log, on a
// connection that can only read, whatever is written into it.
//
// Refused: handing out SQLite's own handle (query/ would know SQLite), and temporary tables for the
// user (WITH does what they do, and nothing can be written at all).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"
#include "store/sql_cell.h"
#include "store/sql_functions.h"
#include "store/table_context.h"

namespace netrec {

struct SqlLimits {
  std::int64_t memory_bytes = 512 << 20;  ///< of SQLite in the whole process
  /// Asked often, on any thread: true makes the running statement end with `busy`.
  std::function<bool()> stop;
};

/// A table as `.tables` and `.schema` show it.
struct SqlTable {
  std::string name;
  std::string about;               ///< "" for plain tables: their `declaration` says it
  std::vector<SqlColumn> columns;  ///< of virtual tables
  std::string declaration;         ///< CREATE TABLE of plain tables, with its comments
};

/// One prepared statement. Must not outlive its session.
class SqlStatement {
 public:
  SqlStatement(SqlStatement&&) noexcept;
  SqlStatement& operator=(SqlStatement&&) noexcept;
  ~SqlStatement();

  const std::vector<std::string>& columns() const;
  /// Goes to the next row; false after the last. Errors: busy (interrupted), full (the memory
  /// limit), invalid_argument, corrupt, io.
  Result<bool> step();
  /// REQUIRES: step() was true.
  SqlCell cell(int column) const;

 private:
  friend class SqlSession;
  struct State;
  explicit SqlStatement(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class SqlSession {
 public:
  /// Errors as Timeline::open(); also corrupt if the file holds a table of its own under the name
  /// of a virtual one.
  static Result<SqlSession> open(const std::string& path, TableContext::TimeReader read_time,
                                 const SqlLimits& limits = {});
  /// The same over several timelines: their plain tables are virtual ones too, and every table says
  /// in `host` and `file` whose a row is.
  static Result<SqlSession> open(const TimelineSet& set, TableContext::TimeReader read_time,
                                 const SqlLimits& limits = {});
  SqlSession(SqlSession&&) noexcept;
  SqlSession& operator=(SqlSession&&) noexcept;
  ~SqlSession();

  /// Compiles the first statement of `sql` and takes it off its front; nothing if only blanks and
  /// comments are left. Errors: invalid_argument, with SQLite's words and where it stumbled.
  Result<std::optional<SqlStatement>> prepare(std::string_view& sql);
  /// True if `sql` ends with a whole statement: the shell goes on reading otherwise.
  static bool is_complete(std::string_view sql);

  std::vector<SqlTable> tables() const;
  /// What the statements so far could not read; forgets it.
  std::vector<Damage> take_damage();

  struct State;

 private:
  explicit SqlSession(std::unique_ptr<State> state);
  static Result<SqlSession> begin(std::unique_ptr<State> state, const SqlLimits& limits);
  std::unique_ptr<State> state_;
};

}  // namespace netrec
