// `netrec sql`: the timeline in SQL: one statement from the command line, several from stdin, or a
// shell.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>

#include "query/commands.h"
#include "query/sql_printer.h"
#include "query/sql_shell.h"
#include "query/sql_time.h"
#include "store/sql.h"

namespace netrec {

namespace {

SqlMode mode_of(Format format) {
  switch (format) {
    case Format::json:
      return SqlMode::json;
    case Format::ndjson:
      return SqlMode::ndjson;
    case Format::csv:
      return SqlMode::csv;
    case Format::table:
      break;
  }
  return SqlMode::table;
}

class SqlCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"sql", Group::analyse, "Ask the recording in SQL",
            "netrec sql | a shell: .help, .tables, .schema explain what there is\n"
            "netrec sql 'SELECT program, sum(bytes_sent) FROM connections GROUP BY 1' | one "
            "question\n"
            "netrec sql .schema connections | what the columns mean\n"
            "netrec sql --csv < questions.sql | several, from a file\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("SQL", words_, "Statements, or a dot command; none: stdin, or a shell");
    app.add_flag("--line", line_, "A line a value, for rows with many columns");
  }

  Result<Exit> run(Context& context) override {
    NETREC_TRY(several, context.files());
    if (several == nullptr) NETREC_CHECKED(context.timeline());
    SqlLimits limits;
    limits.stop = [] { return sql_interrupted() || interrupted(); };
    NETREC_TRY(session, several == nullptr ? SqlSession::open(context.path(), read_sql_time, limits)
                                           : SqlSession::open(*several, read_sql_time, limits));
    const SqlMode mode = line_ ? SqlMode::line : mode_of(context.options().format);
    SqlPrinter printer(mode, context.color(), context.on_terminal() ? context.terminal_width() : 0);
    SqlShell shell(session, printer, context.color());
    if (words_.empty() && isatty(STDIN_FILENO) == 1) {
      shell.interact();
      return Exit::answered;
    }
    printer.print_into(context.out());
    auto exit = run_once(context, session, shell);
    if (interrupted()) return tl::unexpected(interruption());
    return exit;
  }

 private:
  std::vector<std::string> words_;
  bool line_ = false;

  Result<Exit> run_once(Context& context, SqlSession& session, SqlShell& shell) const {
    SqlAnswer answer;
    if (words_.empty()) {
      NETREC_CHECKED(run_lines(shell, answer));
    } else {
      std::string sql;
      for (const std::string& word : words_) sql += (sql.empty() ? "" : " ") + word;
      if (sql.starts_with('.')) {
        NETREC_CHECKED(shell.run_dot_command(sql));
        return Exit::answered;
      }
      NETREC_CHECKED(shell.run(sql, answer));
    }
    context.note_damage(session.take_damage());
    return answer.statements > 0 && answer.rows == 0 ? Exit::no_match : Exit::answered;
  }

  /// From stdin: dot commands stand on lines of their own, statements end with a semicolon.
  static Status run_lines(SqlShell& shell, SqlAnswer& answer) {
    std::string pending;
    std::string line;
    while (!shell.wants_to_quit() && std::getline(std::cin, line)) {
      if (pending.empty() && line.starts_with('.')) {
        NETREC_CHECKED(shell.run_dot_command(line));
        continue;
      }
      pending += line + '\n';
      if (!SqlSession::is_complete(pending)) continue;
      NETREC_CHECKED(shell.run(pending, answer));
      pending.clear();
    }
    return shell.run(pending, answer);
  }
};

}  // namespace

std::unique_ptr<Command> sql_command() { return std::make_unique<SqlCommand>(); }

}  // namespace netrec
