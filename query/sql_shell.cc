#include "query/sql_shell.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "query/escape.h"
#include "query/human.h"
#include "query/line_editor.h"

namespace netrec {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int) { stop_asked = 1; }

/// Ctrl-C stops the statement and not the shell while this lives.
class StopOnInterrupt {
 public:
  StopOnInterrupt() {
    stop_asked = 0;
    struct sigaction action {};
    action.sa_handler = ask_to_stop;
    sigaction(SIGINT, &action, &before_);
  }
  ~StopOnInterrupt() {
    sigaction(SIGINT, &before_, nullptr);
    stop_asked = 0;
  }
  StopOnInterrupt(const StopOnInterrupt&) = delete;
  StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;

 private:
  struct sigaction before_ {};
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

constexpr std::string_view kKeywords[] = {
    "SELECT", "FROM",  "WHERE", "GROUP BY", "ORDER BY", "LIMIT",   "HAVING", "DISTINCT",
    "JOIN",   "USING", "AND",   "NOT",      "NULL",     "BETWEEN", "LIKE",   "DESC",
    "WITH",   "COUNT", "SUM",   "MIN",      "MAX",      "OFFSET",  "EXISTS", "UNION ALL"};

constexpr std::string_view kDotCommands[] = {".tables", ".schema", ".functions",
                                             ".mode",   ".help",   ".quit"};

constexpr std::string_view kHelp =
    R"(.tables             the tables there are
.schema [TABLE]     its columns, each with what it means
.functions          the functions netrec adds to SQLite's
.mode [MODE]        how rows are printed: table, line, json, ndjson, csv
.help               this
.quit               ends the shell, as Ctrl-D does

A statement ends with a semicolon and may go over several lines. Ctrl-C stops it.
Times are microseconds since 1970: time_text(us) prints one, when_us('-2h') makes one.

  SELECT time_text(opened_us), remote_address, remote_port, program, bytes_sent
    FROM connections WHERE ip_in(remote_address, '203.0.113.0/24') ORDER BY opened_us;
  SELECT state, count(*) FROM sockets WHERE at = '-2h' GROUP BY 1;
  SELECT at_us, rtt_us, bytes_sent FROM samples WHERE cookie = 4711;
)";

}  // namespace

bool sql_interrupted() { return stop_asked != 0; }

Status SqlShell::run(std::string_view sql, SqlAnswer& answer) {
  while (!trimmed(sql).empty()) {
    NETREC_TRY(statement, session_.prepare(sql));
    if (!statement) return {};
    NETREC_TRY(rows, printer_.print(*statement));
    answer.rows += rows;
    ++answer.statements;
  }
  return {};
}

void SqlShell::print_tables() const {
  for (const SqlTable& table : session_.tables()) {
    const std::string title = fmt::format("{:<17}", escape(table.name));
    const bool is_plain = table.about.empty();
    fmt::print("{}  {}\n", styled(title, Style::strong, color_),
               is_plain ? styled("in the file (see .schema)", Style::dim, color_) : table.about);
  }
}

Status SqlShell::print_schema(std::string_view only) const {
  bool found = false;
  for (const SqlTable& table : session_.tables()) {
    if (!only.empty() && table.name != only) continue;
    if (found) fmt::print("\n");
    found = true;
    if (table.about.empty()) {
      // Lines stay lines.
      std::string_view text = table.declaration;
      while (!text.empty()) {
        const std::size_t end = text.find('\n');
        fmt::print("{}\n", escape(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      }
      continue;
    }
    fmt::print("{}  {}\n", styled(table.name, Style::strong, color_),
               styled("-- " + table.about, Style::dim, color_));
    for (const SqlColumn& column : table.columns)
      fmt::print("  {:<26} {:<8} {}\n", column.name, column.type,
                 styled(fmt::format("-- {}{}", column.hidden ? "(hidden) " : "", column.about),
                        Style::dim, color_));
  }
  if (!found) return failure(ErrorKind::invalid_argument, "there is no table '{}'", escape(only));
  return {};
}

void SqlShell::print_functions() const {
  for (const SqlFunction& function : sql_functions())
    fmt::print("{}  {}\n", styled(fmt::format("{:<30}", function.signature), Style::strong, color_),
               function.about);
}

void SqlShell::print_help() const { fmt::print("{}", kHelp); }

Status SqlShell::run_dot_command(std::string_view line) {
  const std::string_view command = first_word(trimmed(line));
  const std::string_view argument = trimmed(trimmed(line).substr(command.size()));
  if (command == ".tables") {
    print_tables();
  } else if (command == ".schema") {
    return print_schema(argument);
  } else if (command == ".functions") {
    print_functions();
  } else if (command == ".help") {
    print_help();
  } else if (command == ".quit" || command == ".exit") {
    quit_ = true;
  } else if (command == ".mode" && argument.empty()) {
    fmt::print("{}\n", name(printer_.mode()));
  } else if (command == ".mode") {
    const auto mode = sql_mode(argument);
    if (!mode)
      return failure(ErrorKind::invalid_argument,
                     "there is no mode '{}', but table, line, json, ndjson, csv", escape(argument));
    printer_.set_mode(*mode);
  } else {
    return failure(ErrorKind::invalid_argument, "there is no command '{}' (.help lists them)",
                   escape(command));
  }
  return {};
}

// Adds a line to the statement being written; runs it when it is whole. False: go on reading it.
bool SqlShell::take_line(std::string& pending, std::string_view line) {
  Status status;
  if (pending.empty() && trimmed(line).starts_with('.')) {
    status = run_dot_command(line);
  } else {
    pending += pending.empty() ? "" : "\n";
    pending += line;
    if (!trimmed(pending).empty() && !SqlSession::is_complete(pending)) return false;
    SqlAnswer answer;
    const StopOnInterrupt stop;
    status = run(std::exchange(pending, ""), answer);
  }
  std::fflush(stdout);
  if (!status) fmt::print(stderr, "{}\n", status.error().message);
  for (const Damage& damage : session_.take_damage())
    fmt::print(stderr, "damaged: frames {} to {}: {}\n", damage.first_sequence,
               damage.last_sequence, escape(damage.what));
  return true;
}

void SqlShell::interact() {
  fmt::print("The timeline in SQL, read-only. .help explains, .tables lists, Ctrl-D ends.\n");
  LineEditor editor("sql_history", [this](std::string_view begun) { return completions(begun); });
  std::string pending;
  while (!quit_) {
    const auto line = editor.read(pending.empty() ? "netrec> " : "   ...> ");
    if (line.ended) break;
    if (line.cancelled)
      pending.clear();
    else
      take_line(pending, line.text);
  }
}

std::vector<std::string> SqlShell::completions(std::string_view begun) const {
  std::vector<std::string> words;
  const auto offer = [&](std::string_view word) {
    const bool fits = word.size() >= begun.size() &&
                      std::equal(begun.begin(), begun.end(), word.begin(), [](char a, char b) {
                        return std::tolower(static_cast<unsigned char>(a)) ==
                               std::tolower(static_cast<unsigned char>(b));
                      });
    if (fits) words.emplace_back(word);
  };
  if (begun.starts_with('.')) {
    for (const std::string_view command : kDotCommands) offer(command);
    return words;
  }
  for (const SqlTable& table : session_.tables()) {
    offer(escape(table.name));
    for (const SqlColumn& column : table.columns) offer(column.name);
  }
  for (const SqlFunction& function : sql_functions())
    offer(function.signature.substr(0, function.signature.find('(') + 1));
  for (const std::string_view keyword : kKeywords) offer(keyword);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace netrec
