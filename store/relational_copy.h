// A wholly relational copy of a timeline, for tools that can load nothing: every fact of the log as
// a row of a STRICT table, indexed, under the names it has in `netrec sql`. A question written for
// one is a question for the other, but for `sockets`, `interfaces` and `counters`, which answer for
// an instant: `connections`, `interface_samples` and `counter_samples` hold what they are made of.
//
// Refused: generic dumping of whatever tables the file holds (a hostile one would choose what is
// written), triggers or views in the copy (it shall be plain data wherever it is opened).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/result.h"
#include "store/sql.h"

namespace netrec {

struct CopyOptions {
  WallTime from = WallTime::min();  ///< what touches [from, to]
  WallTime to = WallTime::max();
  std::vector<std::string> tables;  ///< names; empty: all
  bool replace = false;             ///< of a file that is there
  /// Which sockets, by cookie and opened_us; empty: all.
  std::function<bool(std::uint64_t cookie, std::uint64_t opened_us)> wants_socket;
  /// Asked often with the table and its rows so far; false stops the copy.
  std::function<bool(std::string_view table, std::uint64_t rows)> go_on;
  /// What is written into the table `about` of the copy.
  std::vector<std::pair<std::string, std::string>> about;
};

struct CopiedTable {
  std::string name;
  std::uint64_t rows = 0;
};

struct Copied {
  std::vector<CopiedTable> tables;
  std::vector<Damage> damage;  ///< also a table of the copy
};

/// The names that CopyOptions::tables may hold.
std::vector<std::string> copied_tables();

/// Writes the copy to `path`, whole or not at all: it has another name until it is finished.
/// Errors: invalid_argument (it is there, no such table), permission, full, io, busy (stopped), and
/// as SqlStatement::step().
Result<Copied> copy_relational(SqlSession& session, const std::string& path,
                               const CopyOptions& options);

}  // namespace netrec
