// Prints what a statement returns, in the form asked for; shared by one-shot use and the shell.
#pragma once

#include <string>
#include <string_view>

#include "query/context.h"
#include "store/sql.h"

namespace netrec {

enum class SqlMode { table, line, json, ndjson, csv };

/// "table", "line", …; nothing for another word.
std::optional<SqlMode> sql_mode(std::string_view name);
std::string_view name(SqlMode mode);

class SqlPrinter {
 public:
  /// `width`: columns of the terminal; 0: not one.
  SqlPrinter(SqlMode mode, bool color, std::size_t width)
      : mode_(mode), color_(color), width_(width) {}

  void set_mode(SqlMode mode) { mode_ = mode; }
  SqlMode mode() const { return mode_; }
  /// From now on rows go there, whatever the mode (but `line`): the parts of one answer. It must
  /// outlive the printer.
  void print_into(Output& output) { output_ = &output; }

  /// Runs the statement to its end. Returns how many rows it had.
  Result<std::uint64_t> print(SqlStatement& statement);

 private:
  Result<std::uint64_t> print_rows(SqlStatement& statement, Output& output);
  Result<std::uint64_t> print_lines(SqlStatement& statement) const;

  SqlMode mode_;
  bool color_;
  std::size_t width_;
  Output* output_ = nullptr;
  int sections_ = 0;  ///< printed into `output_`
};

}  // namespace netrec
