// One value as SQL knows it, without SQLite: what a query returns to whoever prints it, and what a
// WHERE clause compares a column with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace netrec {

/// A byte string that is not text.
struct SqlBlob {
  std::string bytes;

  bool operator==(const SqlBlob&) const = default;
};

/// NULL, INTEGER, REAL, TEXT or BLOB.
using SqlCell = std::variant<std::monostate, std::int64_t, double, std::string, SqlBlob>;

/// What SQLite cannot hold (2^63 and more) becomes its largest.
inline std::int64_t sql_number(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

/// A column of a table, as `.schema` describes it.
struct SqlColumn {
  std::string name;
  std::string type;     ///< "INTEGER", "REAL", "TEXT"
  std::string about;    ///< one line for people
  bool hidden = false;  ///< not in SELECT *: an argument, as `at` of sockets
};

/// Where a row's cells are written to: SQLite itself, or a batch on its way there.
class CellSink {
 public:
  virtual ~CellSink() = default;
  virtual void null() = 0;
  /// As sql_number().
  virtual void number(std::uint64_t value) = 0;
  /// The 64 bits of what names something (a socket's cookie), as SQLite's signed number: those that
  /// number() would make its largest stay apart, below 0.
  virtual void identifier(std::uint64_t bits) = 0;
  virtual void real(double value) = 0;
  /// Bytes that are not UTF-8 arrive as \xNN, NUL as a space: clients decode what they get.
  virtual void text(std::string_view bytes) = 0;
  /// The same for text that is known to be as clients want it and stays where it is until the
  /// database connection is closed.
  virtual void kept_text(std::string_view bytes) { text(bytes); }

  /// NULL for 0: no instant, no port, no reference.
  void number_or_null(std::uint64_t value) { value == 0 ? null() : number(value); }
  void text_or_null(std::string_view bytes) { bytes.empty() ? null() : text(bytes); }
};

}  // namespace netrec
