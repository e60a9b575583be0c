#include "store/relational_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "schema/utf8.h"
#include "store/database.h"
#include "store/plain_tables.h"

namespace netrec {

namespace {

constexpr std::uint64_t kRowsBetweenLooks = 256;

/// What is copied, and how. `touches`: what of a time range, {0} to {1}, lies in it; "" for tables
/// that are copied whole. `sockets`: its rows are about one socket each.
struct Source {
  std::string_view name;
  std::string_view touches;
  bool sockets = false;
  std::vector<std::string_view> indexes;
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      {"session", "", false, {}},
      {"gap", "from_us <= {1} AND ifnull(to_us, {1}) >= {0}", false, {"from_us"}},
      {"process", "first_seen_us <= {1} AND ifnull(ended_us, {1}) >= {0}", false, {"id", "pid"}},
      {"connections",
       "opened_us <= {1} AND (last_seen_us >= {0} OR closed_us >= {0})",
       true,
       {"opened_us", "closed_us", "remote_address, remote_port", "local_port", "remote_name",
        "program", "exe", "pid", "process", "cookie"}},
      {"transitions",
       "at_us BETWEEN {0} AND {1}",
       true,
       {"at_us", "cookie, at_us", "remote_address, at_us", "to_state, at_us"}},
      {"samples", "at_us BETWEEN {0} AND {1}", true, {"at_us", "cookie, at_us"}},
      {"peers",
       "first_us <= {1} AND last_us >= {0}",
       false,
       {"first_us", "remote_address, remote_port", "socket"}},
      {"dns", "answered_us BETWEEN {0} AND {1}", false, {"answered_us", "name", "address"}},
      {"destination",
       "first_seen_us <= {1} AND last_seen_us >= {0}",
       false,
       {"remote_address, remote_port", "program"}},
      {"listener",
       "started_us <= {1} AND ifnull(stopped_us, {1}) >= {0}",
       false,
       {"local_port", "started_us"}},
      {"interface", "", false, {}},
      {"interface_samples", "at_us BETWEEN {0} AND {1}", false, {"at_us", "name, at_us"}},
      {"counter_samples", "at_us BETWEEN {0} AND {1}", false, {"at_us", "name, at_us"}},
      {"frames", "at_us BETWEEN {0} AND {1}", false, {"sequence", "at_us"}}};
  return all;
}

// --- the file that is written --------------------------------------------------------------------

Error error_of(sqlite3* db) {
  const int status = sqlite3_errcode(db) & 0xff;
  const ErrorKind kind = status == SQLITE_FULL ? ErrorKind::full
                         : status == SQLITE_PERM || status == SQLITE_READONLY
                             ? ErrorKind::permission
                             : ErrorKind::io;
  return {kind, sqlite3_errmsg(db)};
}

/// A statement that is carried out once a row.
class Insert {
 public:
  static Result<Insert> prepare(sqlite3* db, const std::string& sql) {
    sqlite3_stmt* compiled = nullptr;
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &compiled, nullptr) != SQLITE_OK)
      return tl::unexpected<Error>(error_of(db));
    return Insert(db, compiled);
  }

  /// Binds the next value.
  void bind(const SqlCell& cell) {
    ++bound_;
    if (const auto* number = std::get_if<std::int64_t>(&cell)) {
      sqlite3_bind_int64(statement_.get(), bound_, *number);
    } else if (const auto* real = std::get_if<double>(&cell)) {
      sqlite3_bind_double(statement_.get(), bound_, *real);
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      const std::string plain = is_plain_utf8(*text) ? *text : to_plain_utf8(*text);
      sqlite3_bind_text64(statement_.get(), bound_, plain.data(), plain.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<SqlBlob>(&cell)) {
      sqlite3_bind_blob64(statement_.get(), bound_, blob->bytes.data(), blob->bytes.size(),
                          SQLITE_TRANSIENT);
    } else {
      sqlite3_bind_null(statement_.get(), bound_);
    }
  }
  Status run() {
    bound_ = 0;
    const int status = sqlite3_step(statement_.get());
    sqlite3_reset(statement_.get());
    if (status != SQLITE_DONE) return tl::unexpected<Error>(error_of(db_));
    return {};
  }
  template <class... Cells>
  Status run_with(const Cells&... cells) {
    (bind(cells), ...);
    return run();
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Insert(sqlite3* db, sqlite3_stmt* compiled) : db_(db), statement_(compiled) {}
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

/// The copy under its temporary name; gone again if it is not finished.
class Target {
 public:
  static Result<Target> create(const std::string& path) {
    std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
    // Nobody else's file is written into, nor anything a link leads to.
    const int made =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (made < 0) return tl::unexpected<Error>(system_error(errno, path));
    ::close(made);
    Target target(std::move(temporary));
    sqlite3* opened = nullptr;
    const std::string uri = file_uri(target.temporary_, "");
    const int status =
        sqlite3_open_v2(uri.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, nullptr);
    target.db_.reset(opened);
    if (status != SQLITE_OK) return tl::unexpected<Error>(error_of(opened));
    // A copy that is not finished is thrown away: it needs no journal.
    NETREC_CHECKED(target.execute(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN"));
    return target;
  }
  Target(Target&& other) noexcept
      : temporary_(std::exchange(other.temporary_, {})), db_(std::move(other.db_)) {}
  Target& operator=(Target&&) = delete;
  ~Target() {
    db_.reset();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  sqlite3* db() const { return db_.get(); }
  Status execute(const std::string& sql) const {
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      return tl::unexpected<Error>(error_of(db_.get()));
    return {};
  }
  /// Gives the copy its name once it is whole on disk.
  Status finish(const std::string& path, bool replace) {
    NETREC_CHECKED(execute("COMMIT; ANALYZE"));
    db_.reset();
    NETREC_CHECKED(synchronize());
    // link() does not replace what somebody made meanwhile.
    const bool named = replace ? std::rename(temporary_.c_str(), path.c_str()) == 0
                               : ::link(temporary_.c_str(), path.c_str()) == 0;
    if (!named) return tl::unexpected<Error>(system_error(errno, path));
    if (replace) temporary_.clear();
    return {};
  }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit Target(std::string temporary) : temporary_(std::move(temporary)) {}

  Status synchronize() const {
    const int file = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return tl::unexpected<Error>(system_error(errno, temporary_));
    const bool done = ::fsync(file) == 0;
    const int reason = errno;
    ::close(file);
    if (!done) return tl::unexpected<Error>(system_error(reason, temporary_));
    return {};
  }

  std::string temporary_;
  std::unique_ptr<sqlite3, Close> db_;
};

// --- one table -----------------------------------------------------------------------------------

/// What `session` knows of a table: the columns SELECT * would give, in order.
std::vector<SqlColumn> columns_of(const SqlSession& session, std::string_view table) {
  std::vector<SqlColumn> columns;
  for (const SqlTable& known : session.tables())
    if (known.name == table && !known.columns.empty()) columns = known.columns;
  for (const PlainTable& plain : plain_tables())
    if (plain.name == table && columns.empty()) columns = plain.columns;
  std::erase_if(columns, [](const SqlColumn& column) { return column.hidden; });
  return columns;
}

std::string names_of(const std::vector<SqlColumn>& columns) {
  std::string names;
  for (const SqlColumn& column : columns)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", column.name);
  return names;
}

/// Every column is explained in the copy's schema, where there is no manual.
std::string declaration(std::string_view table, const std::vector<SqlColumn>& columns) {
  std::string sql = fmt::format("CREATE TABLE {} (\n", table);
  for (std::size_t i = 0; i < columns.size(); ++i)
    sql += fmt::format("  \"{}\" {}{} -- {}\n", columns[i].name, columns[i].type,
                       i + 1 < columns.size() ? "," : "", columns[i].about);
  return sql + ") STRICT";
}

std::string question(const Source& source, const std::vector<SqlColumn>& columns,
                     const CopyOptions& options) {
  std::string sql = fmt::format("SELECT {} FROM {}", names_of(columns), source.name);
  const bool ranged = options.from != WallTime::min() || options.to != WallTime::max();
  if (source.touches.empty() || !ranged) return sql;
  return sql + " WHERE " +
         fmt::format(fmt::runtime(source.touches),
                     std::max<std::int64_t>(0, options.from.time_since_epoch().count()),
                     options.to.time_since_epoch().count());
}

class TableCopy {
 public:
  TableCopy(SqlSession& session, const Target& target, const CopyOptions& options)
      : session_(session), target_(target), options_(options) {}

  Result<CopiedTable> copy(const Source& source) const {
    const std::vector<SqlColumn> columns = columns_of(session_, source.name);
    NETREC_CHECKED(target_.execute(declaration(source.name, columns)));
    std::string places = "?";
    for (std::size_t i = 1; i < columns.size(); ++i) places += ", ?";
    NETREC_TRY(insert, Insert::prepare(target_.db(), fmt::format("INSERT INTO {} VALUES ({})",
                                                                 source.name, places)));
    const std::string sql = question(source, columns, options_);
    std::string_view rest = sql;
    NETREC_TRY(statement, session_.prepare(rest));
    CopiedTable copied{.name = std::string(source.name)};
    NETREC_CHECKED(copy_rows(source, columns, *statement, insert, copied));
    for (const std::string_view index : source.indexes) {
      std::string name = fmt::format("{}_{}", source.name, index);
      for (std::size_t at; (at = name.find(", ")) != std::string::npos;) name.replace(at, 2, "_");
      NETREC_CHECKED(
          target_.execute(fmt::format("CREATE INDEX {} ON {} ({})", name, source.name, index)));
    }
    return copied;
  }

 private:
  Status copy_rows(const Source& source, const std::vector<SqlColumn>& columns,
                   SqlStatement& statement, Insert& insert, CopiedTable& copied) const {
    const auto place_of = [&](std::string_view name) {
      const auto found = std::find_if(columns.begin(), columns.end(),
                                      [&](const SqlColumn& column) { return column.name == name; });
      return static_cast<int>(found - columns.begin());
    };
    const bool chosen = source.sockets && options_.wants_socket;
    const int cookie = chosen ? place_of("cookie") : 0;
    const int opened = chosen ? place_of("opened_us") : 0;
    const auto number = [&](int column) {
      const SqlCell cell = statement.cell(column);
      const auto* value = std::get_if<std::int64_t>(&cell);
      return value == nullptr ? 0 : static_cast<std::uint64_t>(*value);
    };
    for (std::uint64_t seen = 0;; ++seen) {
      NETREC_TRY(more, statement.step());
      if (!more) return {};
      if (seen % kRowsBetweenLooks == 0 && options_.go_on &&
          !options_.go_on(source.name, copied.rows))
        return failure(ErrorKind::busy, "interrupted");
      if (chosen && !options_.wants_socket(number(cookie), number(opened))) continue;
      for (std::size_t i = 0; i < columns.size(); ++i)
        insert.bind(statement.cell(static_cast<int>(i)));
      NETREC_CHECKED(insert.run());
      ++copied.rows;
    }
  }

  SqlSession& session_;
  const Target& target_;
  const CopyOptions& options_;
};

// --- what the copy says of itself ----------------------------------------------------------------

Status write_damage(const Target& target, const std::vector<Damage>& damage) {
  NETREC_CHECKED(
      target.execute("CREATE TABLE damage (\n"
                     "  \"first_sequence\" INTEGER, -- frames that could not be read: the first\n"
                     "  \"last_sequence\" INTEGER, -- and the last\n"
                     "  \"from_us\" INTEGER, -- the time it costs\n"
                     "  \"to_us\" INTEGER,\n"
                     "  \"what\" TEXT -- for people\n"
                     ") STRICT"));
  NETREC_TRY(insert, Insert::prepare(target.db(), "INSERT INTO damage VALUES (?, ?, ?, ?, ?)"));
  for (const Damage& one : damage)
    NETREC_CHECKED(insert.run_with(SqlCell(static_cast<std::int64_t>(one.first_sequence)),
                                   SqlCell(static_cast<std::int64_t>(one.last_sequence)),
                                   SqlCell(one.from.time_since_epoch().count()),
                                   SqlCell(one.to.time_since_epoch().count()), SqlCell(one.what)));
  return {};
}

Status write_about(const Target& target,
                   const std::vector<std::pair<std::string, std::string>>& about) {
  NETREC_CHECKED(target.execute(
      "CREATE TABLE about ( -- where this copy comes from, and what of it was asked for\n"
      "  \"key\" TEXT,\n"
      "  \"value\" TEXT\n"
      ") STRICT"));
  NETREC_TRY(insert, Insert::prepare(target.db(), "INSERT INTO about VALUES (?, ?)"));
  for (const auto& [key, value] : about)
    NETREC_CHECKED(insert.run_with(SqlCell(key), SqlCell(value)));
  return {};
}

/// One of each: several tables meet the same damage.
std::vector<Damage> distinct(std::vector<Damage> damage) {
  std::vector<Damage> once;
  for (Damage& one : damage) {
    const bool known = std::any_of(once.begin(), once.end(), [&](const Damage& other) {
      return other.first_sequence == one.first_sequence &&
             other.last_sequence == one.last_sequence && other.what == one.what;
    });
    if (!known) once.push_back(std::move(one));
  }
  return once;
}

Status check(const std::string& path, const CopyOptions& options) {
  if (!options.replace && ::access(path.c_str(), F_OK) == 0)
    return failure(ErrorKind::invalid_argument, "{} is there already (--force writes over it)",
                   path);
  const std::vector<std::string> known = copied_tables();
  for (const std::string& table : options.tables)
    if (std::find(known.begin(), known.end(), table) == known.end())
      return failure(ErrorKind::invalid_argument, "there is no table '{}' in a copy, but {}", table,
                     fmt::join(known, ", "));
  return {};
}

}  // namespace

std::vector<std::string> copied_tables() {
  std::vector<std::string> names;
  for (const Source& source : sources()) names.emplace_back(source.name);
  return names;
}

Result<Copied> copy_relational(SqlSession& session, const std::string& path,
                               const CopyOptions& options) {
  NETREC_CHECKED(check(path, options));
  NETREC_TRY(target, Target::create(path));
  NETREC_CHECKED(write_about(target, options.about));
  const TableCopy copy(session, target, options);
  Copied copied;
  for (const Source& source : sources()) {
    const auto& only = options.tables;
    if (!only.empty() && std::find(only.begin(), only.end(), source.name) == only.end()) continue;
    NETREC_TRY(table, copy.copy(source));
    copied.tables.push_back(std::move(table));
  }
  copied.damage = distinct(session.take_damage());
  NETREC_CHECKED(write_damage(target, copied.damage));
  NETREC_CHECKED(target.finish(path, options.replace));
  return copied;
}

}  // namespace netrec
