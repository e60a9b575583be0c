// A month of a busy host in three forms: a timeline through the real writer, the same facts in a
// plain SQLite table with the obvious indexes, and as Zeek-style text by the hour under zstd -19.
// They are made once and used again where they lie.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "store/sql.h"

namespace netrec {

struct Month {
  std::string folder;
  std::uint64_t connections = 0;  ///< at least

  std::string timeline() const { return folder + "/timeline.netrec"; }
  std::string plain() const { return folder + "/plain.db"; }
  std::string logs() const { return folder + "/logs"; }
};

/// Ends the program with a message.
[[noreturn]] void give_up(std::string_view message);

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return *std::move(result);
}

inline void must(const Status& status) {
  if (!status) give_up(status.error().message);
}

/// Makes what is not there yet; says how long each part took.
void make(const Month& month);

/// Bytes of the text logs.
std::uint64_t log_bytes(const Month& month);

/// The same facts, as somebody would keep them who has only SQLite.
class PlainCopy {
 public:
  explicit PlainCopy(const std::string& path);
  ~PlainCopy() { sqlite3_close(db_); }
  PlainCopy(const PlainCopy&) = delete;
  PlainCopy& operator=(const PlainCopy&) = delete;

  /// Carries the query out; returns how many rows it gave.
  std::uint64_t ask(const std::string& sql);
  /// The first cell of its first row; 0 if there is none.
  std::int64_t number(const std::string& sql);
  void run(const char* sql);
  sqlite3_stmt* prepare(const char* sql);

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace netrec
