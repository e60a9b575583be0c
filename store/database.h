// SQLite behind Results. database.cc is the only file that sees SQLiteCpp, and the only one where
// an exception is caught.
//
// A timeline may come from a compromised host, so every connection is opened hardened: no trusted
// schema, defensive mode, cells checked, lengths limited, and the tables are compared with what
// this version would have created before anything is read from them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "schema/result.h"

struct sqlite3;
struct sqlite3_blob;

namespace netrec {

/// One value bound to a statement: an integer, text, or bytes.
class SqlValue {
 public:
  enum class Kind { null, integer, text, blob };
  SqlValue() = default;
  template <class Integer>
  requires std::is_integral_v<Integer> SqlValue(
      Integer value)  // NOLINT(google-explicit-constructor): a bound value is its value
      : kind_(Kind::integer), integer_(static_cast<std::int64_t>(value)) {}
  static SqlValue text(std::string_view bytes) { return {Kind::text, bytes}; }
  static SqlValue blob(std::string_view bytes) { return {Kind::blob, bytes}; }

  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  std::string_view bytes() const { return bytes_; }

 private:
  SqlValue(Kind kind, std::string_view bytes) : kind_(kind), bytes_(bytes) {}
  Kind kind_ = Kind::null;
  std::int64_t integer_ = 0;
  std::string_view bytes_;
};

/// A prepared statement. Not to be used by two threads at once.
class Query {
 public:
  Query(Query&&) noexcept;
  Query& operator=(Query&&) noexcept;
  ~Query();

  /// Binds the values and carries the statement out to its end.
  template <class... Values>
  Status run(const Values&... values) {
    const SqlValue bound[] = {SqlValue(values)..., SqlValue()};
    return run_bound({bound, sizeof...(values)});
  }
  /// The same with values in a list.
  Status run_bound(std::span<const SqlValue> values);
  /// Binds the values and goes to the first row; false if there is none.
  template <class... Values>
  Result<bool> first(const Values&... values) {
    const SqlValue bound[] = {SqlValue(values)..., SqlValue()};
    return first_bound({bound, sizeof...(values)});
  }
  /// Goes to the next row; false (and reset) at the end.
  Result<bool> next();
  /// Ends the statement's hold on the file; to be called where a walk stops before its end.
  void reset();

  /// Columns of the row. REQUIRES: first() or next() returned true.
  std::int64_t integer(int column) const;
  /// Text or bytes; valid until the next move.
  std::string_view bytes(int column) const;
  bool is_null(int column) const;

  struct State;

 private:
  friend class Database;
  explicit Query(std::unique_ptr<State> state);
  Result<bool> first_bound(std::span<const SqlValue> values);
  std::unique_ptr<State> state_;
};

/// The blobs of one column of a table, read where they lie: a part of one takes the pages of that
/// part. Not to be used by two threads at once; must not outlive the connection.
class Blob {
 public:
  Blob() = default;
  Blob(Blob&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Blob& operator=(Blob&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Blob();

  std::size_t size() const;
  /// Fills `out` with what lies from `offset` on. Errors: corrupt (it is shorter), io.
  Status read(std::size_t offset, std::span<char> out) const;

 private:
  friend class Database;
  sqlite3_blob* handle_ = nullptr;
};

class Database {
 public:
  /// Creates a timeline with its tables, or opens the one there for writing; one thread at a time
  /// may use it. Errors: permission, unsupported (a newer format), corrupt (not a timeline), io.
  static Result<Database> open_for_writing(const std::string& path, bool sync_every_transaction);
  /// Opens beside a running recorder, or alone; also where nothing may be written (then what a
  /// killed recorder left in the write-ahead log cannot be read: see reads_write_ahead_log()).
  static Result<Database> open_read_only(const std::string& path);

  /// The tables of a timeline, empty, somewhere temporary: to derive anew what a file says.
  static Result<Database> scratch();

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Result<Query> prepare(std::string_view sql) const;
  /// Goes to the blob in `column` of the row `rowid`; `blob` may be at another row of the same
  /// column. Errors: corrupt (there is no such row, too), io; `blob` is closed then.
  Status go_to(Blob& blob, const char* table, const char* column, std::uint64_t rowid) const;
  /// False: the file was made before there was such a table.
  Result<bool> has_table(std::string_view name) const;
  /// One or more statements without values or rows.
  Status execute(std::string_view sql);

  /// Has every read from here on see the file as it is now, until the connection ends.
  Status hold() const;
  Status begin();
  Status commit();
  /// Undoes the open transaction, if there is one.
  void roll_back() noexcept;
  /// True if a transaction is open.
  bool in_transaction() const;

  /// Moves the write-ahead log into the file; `truncate` empties it on disk too.
  Status checkpoint(bool truncate);
  /// Gives the pages nothing lies in back to the file system.
  Status drop_free_pages();
  /// Moves everything into the file and leaves the write-ahead mode, so that a reader needs to
  /// write nothing beside it; if somebody reads just now, the mode stays.
  Status make_plain_file();
  /// Bytes on disk, write-ahead log included; 0 if the file is gone.
  std::uint64_t file_bytes() const;
  /// Bytes of the file that hold something; what was freed in it is not counted.
  Result<std::uint64_t> used_bytes() const;
  /// False if the file was opened as immutable though a write-ahead log lies beside it.
  bool reads_write_ahead_log() const;
  /// As cut_bytes() said when the file was opened.
  std::uint64_t cut_bytes() const;

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The magic in the file's header, "NtRc", and the version of the format (file_format.md).
inline constexpr std::int32_t kApplicationId = 0x4e745263;
inline constexpr std::int32_t kFormatVersion = 1;

/// How many bytes the file lacks at its end, by what its header says (a copy that was broken off, a
/// full disk); 0: it is whole, has a write-ahead log beside it, or says nothing of the kind.
std::uint64_t cut_bytes(const std::string& path);
/// Has SQLite read what is left of such a file; else it reads none of it. Before its first read.
/// REQUIRES: the connection is read-only.
void read_cut_file(sqlite3* connection);

/// `path` as an SQLite URI with `query` ("?mode=ro") behind it: what a URI gives a meaning is
/// escaped.
std::string file_uri(const std::string& path, std::string_view query);

}  // namespace netrec
