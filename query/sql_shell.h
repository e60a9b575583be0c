// `netrec sql` on a terminal: a prompt with history and completion (libedit), and the dot commands
// a user of sqlite3 expects.
#pragma once

#include <string>
#include <string_view>

#include "query/sql_printer.h"
#include "store/sql.h"

namespace netrec {

/// What ran so far, whatever way it was asked.
struct SqlAnswer {
  std::uint64_t rows = 0;
  std::uint64_t statements = 0;
};

class SqlShell {
 public:
  SqlShell(SqlSession& session, SqlPrinter& printer, bool color)
      : session_(session), printer_(printer), color_(color) {}

  /// Runs every statement of `sql`. Stops at the first error.
  Status run(std::string_view sql, SqlAnswer& answer);
  /// Carries out ".tables", ".schema sockets", …. Errors: invalid_argument.
  Status run_dot_command(std::string_view line);
  /// Reads from the terminal until ".quit" or the end; errors are told and do not end it.
  void interact();

  bool wants_to_quit() const { return quit_; }
  /// What a word begun like this may become: tables, columns, functions, keywords.
  std::vector<std::string> completions(std::string_view begun) const;

 private:
  void print_tables() const;
  Status print_schema(std::string_view only) const;
  void print_functions() const;
  void print_help() const;
  bool take_line(std::string& pending, std::string_view line);

  SqlSession& session_;
  SqlPrinter& printer_;
  bool color_;
  bool quit_ = false;
};

/// True while Ctrl-C was pressed during a statement of the shell.
bool sql_interrupted();

}  // namespace netrec
