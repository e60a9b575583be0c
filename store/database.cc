#include "store/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "store/frame_codec.h"
#include "store/timeline_sql.h"

namespace netrec {

namespace {

constexpr int kBusyTimeoutMs = 5000;
/// Longer than any blob we write (a keyframe that does not compress), shorter than SQLite's own.
constexpr int kLongestValue = static_cast<int>(kMostFrameBytes) + (1 << 20);

ErrorKind kind_of(int code) {
  switch (code) {
    case SQLITE_FULL:
      return ErrorKind::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
    case SQLITE_FORMAT:
    case SQLITE_ERROR:  // A statement of ours that does not fit the tables there.
      return ErrorKind::corrupt;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorKind::permission;
    default:
      return ErrorKind::io;
  }
}

// Carries `action` out; an exception of SQLite becomes an Error here and nowhere else.
template <class Action>
auto guarded(const Action& action) -> Result<decltype(action())> {
  try {
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      return {};
    } else {
      return action();
    }
  } catch (const SQLite::Exception& thrown) {
    return tl::unexpected<Error>(Error{kind_of(thrown.getErrorCode()), thrown.what()});
  }
}

void harden(SQLite::Database& connection) {
  sqlite3* handle = connection.getHandle();
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  connection.exec("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
}

std::map<std::string, std::string> tables_of(SQLite::Database& connection) {
  std::map<std::string, std::string> tables;
  SQLite::Statement query(connection, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (query.executeStep()) tables[query.getColumn(0)] = query.getColumn(1).getString();
  return tables;
}

const std::map<std::string, std::string>& our_tables() {
  static const auto kTables = [] {
    SQLite::Database memory(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    memory.exec(kTimelineSql);
    return tables_of(memory);
  }();
  return kTables;
}

/// Came after the first files of this version: a file may be without them.
constexpr std::string_view kLaterTables[] = {"search_chunk", "search_group", "search_page",
                                             "chunk_span", "keyframe_span"};

bool is_later(std::string_view name) {
  return std::find(std::begin(kLaterTables), std::end(kLaterTables), name) !=
         std::end(kLaterTables);
}

// Tables that only look like ours (views, other columns, generated values) are not read. Others
// beside them are the user's business.
Status check_tables(SQLite::Database& connection) {
  const auto there = tables_of(connection);
  for (const auto& [name, sql] : our_tables()) {
    const auto found = there.find(name);
    if (found == there.end() && is_later(name)) continue;
    if (found == there.end() || found->second != sql)
      return failure(ErrorKind::corrupt, "the table {} is not as this format makes it", name);
  }
  return {};
}

std::int64_t pragma(SQLite::Database& connection, const char* name) {
  return connection.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

Status check_format(SQLite::Database& connection) {
  if (pragma(connection, "application_id") != kApplicationId)
    return failure(ErrorKind::corrupt, "not a timeline");
  const std::int64_t version = pragma(connection, "user_version");
  if (version > kFormatVersion)
    return failure(ErrorKind::unsupported,
                   "format version {}; this netrec reads up to version {}, a newer one is needed",
                   version, kFormatVersion);
  if (version < 1) return failure(ErrorKind::corrupt, "format version {}", version);
  return check_tables(connection);
}

bool is_empty(SQLite::Database& connection) {
  return connection.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0 &&
         pragma(connection, "application_id") == 0;
}

void add_later_tables(SQLite::Database& connection) {
  const auto there = tables_of(connection);
  for (const std::string_view name : kLaterTables)
    if (there.count(std::string(name)) == 0) connection.exec(our_tables().at(std::string(name)));
}

void create_tables(SQLite::Database& connection) {
  SQLite::Transaction transaction(connection);
  connection.exec(kTimelineSql);
  connection.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                              kApplicationId, kFormatVersion));
  transaction.commit();
}

std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// SQLite says only "unable to open": the reason is asked of the kernel.
Status check_access(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
  if (descriptor < 0) return tl::unexpected<Error>(system_error(errno, "cannot be opened"));
  struct stat status {};
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  ::close(descriptor);
  if (!is_file) return failure(ErrorKind::invalid_argument, "not a plain file");
  return {};
}

std::uint64_t big_endian(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

// What the header says of the file's length (sqlite.org/fileformat2.html, 1.3): the number of
// pages holds if it was written by whoever changed the file last.
std::uint64_t told_bytes(const std::string& path) {
  unsigned char header[100];
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  const bool is_whole = ::pread(descriptor, header, sizeof header, 0) == sizeof header;
  ::close(descriptor);
  if (!is_whole || big_endian(header + 24, 4) != big_endian(header + 92, 4)) return 0;
  const std::uint64_t page = big_endian(header + 16, 2) == 1 ? 65536 : big_endian(header + 16, 2);
  return page * big_endian(header + 28, 4);
}

}  // namespace

std::uint64_t cut_bytes(const std::string& path) {
  if (size_of(path + "-wal") != 0) return 0;
  const std::uint64_t told = told_bytes(path);
  const std::uint64_t there = size_of(path);
  return told > there ? told - there : 0;
}

// SQLite takes a file that is shorter than it says for nothing but corrupt, unless its schema may
// be repaired (lockBtree() in btree.c); a page that is missing is then an error where it is read.
void read_cut_file(sqlite3* connection) {
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, nullptr);
}

std::string file_uri(const std::string& path, std::string_view query) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      uri += c;
  }
  return uri.append(query);
}

struct Query::State {
  SQLite::Statement statement;
};

struct Database::State {
  State(std::string file, const std::string& name, int flags)
      : path(std::move(file)), connection(name, flags, kBusyTimeoutMs) {
    harden(connection);
  }

  void run(std::optional<SQLite::Statement>& kept, const char* sql) {
    if (!kept) kept.emplace(connection, sql);
    kept->tryReset();
    kept->exec();
  }

  std::string path;
  SQLite::Database connection;
  // What every tick says is parsed once.
  std::optional<SQLite::Statement> begin;
  std::optional<SQLite::Statement> commit;
  bool reads_write_ahead_log = true;
  std::uint64_t cut_bytes = 0;
};

// --- Query ---------------------------------------------------------------------------------------

Query::Query(std::unique_ptr<State> state) : state_(std::move(state)) {}
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&&) noexcept = default;
Query::~Query() = default;

namespace {

void bind(SQLite::Statement& statement, std::span<const SqlValue> values) {
  statement.reset();
  int index = 0;
  std::string text;  // one memory for all of them
  for (const SqlValue& value : values) {
    ++index;
    const auto size = static_cast<int>(value.bytes().size());
    // A null pointer would bind NULL.
    const char* data = value.bytes().data() == nullptr ? "" : value.bytes().data();
    switch (value.kind()) {
      case SqlValue::Kind::null:
        statement.bind(index);
        break;
      case SqlValue::Kind::integer:
        statement.bind(index, value.integer());
        break;
      case SqlValue::Kind::text:
        text = value.bytes();
        statement.bind(index, text);
        break;
      case SqlValue::Kind::blob:
        statement.bindNoCopy(index, static_cast<const void*>(data), size);
        break;
    }
  }
}

}  // namespace

Status Query::run_bound(std::span<const SqlValue> values) {
  auto done = guarded([&] {
    bind(state_->statement, values);
    while (state_->statement.executeStep()) {
    }
  });
  state_->statement.tryReset();
  return done;
}

Result<bool> Query::first_bound(std::span<const SqlValue> values) {
  NETREC_CHECKED(guarded([&] { bind(state_->statement, values); }));
  return next();
}

Result<bool> Query::next() {
  auto row = guarded([&] { return state_->statement.executeStep(); });
  if (!row || !*row) state_->statement.tryReset();
  return row;
}

void Query::reset() { state_->statement.tryReset(); }

std::int64_t Query::integer(int column) const {
  return state_->statement.getColumn(column).getInt64();
}

std::string_view Query::bytes(int column) const {
  const SQLite::Column value = state_->statement.getColumn(column);
  const auto* data = static_cast<const char*>(value.getBlob());
  return {data == nullptr ? "" : data, static_cast<std::size_t>(value.getBytes())};
}

bool Query::is_null(int column) const { return state_->statement.getColumn(column).isNull(); }

// --- Blob ----------------------------------------------------------------------------------------

Blob::~Blob() { sqlite3_blob_close(handle_); }

std::size_t Blob::size() const {
  return handle_ == nullptr ? 0 : static_cast<std::size_t>(sqlite3_blob_bytes(handle_));
}

Status Blob::read(std::size_t offset, std::span<char> out) const {
  NETREC_CHECK(handle_ != nullptr, "no blob was gone to");
  if (offset > size() || out.size() > size() - offset)
    return failure(ErrorKind::corrupt, "{} bytes of {} from {} on", out.size(), size(), offset);
  const int code = sqlite3_blob_read(handle_, out.data(), static_cast<int>(out.size()),
                                     static_cast<int>(offset));
  if (code == SQLITE_OK) return {};
  return failure(kind_of(code & 0xff), "{}", sqlite3_errstr(code));
}

// --- Database ------------------------------------------------------------------------------------

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open_for_writing(const std::string& path, bool sync_every_transaction) {
  NETREC_CHECKED(check_access(path, O_RDWR | O_CREAT));
  auto opened = guarded([&]() -> Result<Database> {
    // One thread has it at a time: SQLite needs no lock of its own for each value that is bound.
    auto state = std::make_unique<State>(
        path, path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX);
    SQLite::Database& connection = state->connection;
    if (is_empty(connection)) {
      // Once for a file: it cannot be changed in WAL mode (docs/decisions/0010).
      connection.exec(
          "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
          " PRAGMA journal_mode = WAL");
      create_tables(connection);
    }
    NETREC_CHECKED(check_format(connection));
    add_later_tables(connection);
    // What is dropped is overwritten soon, and is in the log's backups anyway: not worth a write.
    // 512 KB of pages: they are the same few each tick, and the kernel caches the others.
    connection.exec(
        "PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF; PRAGMA cache_size = -512");
    connection.exec(sync_every_transaction ? "PRAGMA synchronous = FULL"
                                           : "PRAGMA synchronous = NORMAL");
    return Database(std::move(state));
  });
  if (opened) return *std::move(opened);
  const std::uint64_t missing = netrec::cut_bytes(path);
  if (missing > 0 && opened.error().kind == ErrorKind::corrupt)
    return failure(
        ErrorKind::corrupt,
        "the file is cut off: its last {} bytes of {} are not there; record into another "
        "one, what is left of this can be read",
        missing, missing + size_of(path));
  return tl::unexpected<Error>(std::move(opened).error());
}

Result<Database> Database::open_read_only(const std::string& path) {
  NETREC_CHECKED(check_access(path, O_RDONLY));
  const std::uint64_t missing = netrec::cut_bytes(path);
  const auto attempt = [&](std::string_view query) {
    return guarded([&]() -> Result<Database> {
      auto state = std::make_unique<State>(path, file_uri(path, query),
                                           SQLite::OPEN_READONLY | SQLite::OPEN_URI);
      state->cut_bytes = missing;
      if (missing > 0) read_cut_file(state->connection.getHandle());
      NETREC_CHECKED(check_format(state->connection));
      return Database(std::move(state));
    });
  };
  auto opened = attempt("");
  if (!opened && opened.error().kind != ErrorKind::corrupt) {
    // A medium or folder where the write-ahead log's index cannot be made.
    auto immutable = attempt("?immutable=1");
    if (immutable && *immutable)
      (*immutable)->state_->reads_write_ahead_log = size_of(path + "-wal") == 0;
    if (immutable) opened = std::move(immutable);
  }
  if (opened) return *std::move(opened);
  if (missing > 0 && opened.error().kind == ErrorKind::corrupt)
    return failure(
        ErrorKind::corrupt,
        "the file is cut off: its last {} bytes of {} are not there, and too little is left",
        missing, missing + size_of(path));
  return tl::unexpected<Error>(std::move(opened).error());
}

Result<Database> Database::scratch() {
  auto opened = guarded([] {
    auto state = std::make_unique<State>("", "", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    create_tables(state->connection);
    return Database(std::move(state));
  });
  if (!opened) return tl::unexpected<Error>(std::move(opened).error());
  return opened;
}

Result<Query> Database::prepare(std::string_view sql) const {
  return guarded([&] {
    return Query(std::make_unique<Query::State>(
        Query::State{SQLite::Statement(state_->connection, std::string(sql))}));
  });
}

Status Database::go_to(Blob& blob, const char* table, const char* column,
                       std::uint64_t rowid) const {
  sqlite3* connection = state_->connection.getHandle();
  const auto row = static_cast<sqlite3_int64>(rowid);
  const int code = blob.handle_ != nullptr ? sqlite3_blob_reopen(blob.handle_, row)
                                           : sqlite3_blob_open(connection, "main", table, column,
                                                               row, 0, &blob.handle_);
  if (code == SQLITE_OK) return {};
  blob = Blob();
  return failure(kind_of(code & 0xff), "{}", sqlite3_errmsg(connection));
}

Result<bool> Database::has_table(std::string_view name) const {
  NETREC_TRY(query, prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"));
  return query.first(SqlValue::text(name));
}

Status Database::execute(std::string_view sql) {
  return guarded([&] { state_->connection.exec(std::string(sql)); });
}

Status Database::hold() const {
  return guarded([&] {
    state_->connection.exec("BEGIN");
    state_->connection.execAndGet("SELECT count(*) FROM sqlite_schema");
  });
}

Status Database::begin() {
  return guarded([&] { state_->run(state_->begin, "BEGIN IMMEDIATE"); });
}

Status Database::commit() {
  return guarded([&] { state_->run(state_->commit, "COMMIT"); });
}

void Database::roll_back() noexcept {
  if (in_transaction()) state_->connection.tryExec("ROLLBACK");
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(state_->connection.getHandle()) == 0;
}

Status Database::checkpoint(bool truncate) {
  return execute(truncate ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA wal_checkpoint(PASSIVE)");
}

Status Database::drop_free_pages() { return execute("PRAGMA incremental_vacuum"); }

Status Database::make_plain_file() {
  NETREC_CHECKED(checkpoint(true));
  return guarded([&] {
    state_->connection.setBusyTimeout(0);
    state_->connection.tryExec("PRAGMA journal_mode = DELETE");
    state_->connection.setBusyTimeout(kBusyTimeoutMs);
  });
}

std::uint64_t Database::file_bytes() const {
  return size_of(state_->path) + size_of(state_->path + "-wal");
}

Result<std::uint64_t> Database::used_bytes() const {
  return guarded([&] {
    SQLite::Database& connection = state_->connection;
    const std::int64_t pages =
        pragma(connection, "page_count") - pragma(connection, "freelist_count");
    return static_cast<std::uint64_t>(pages * pragma(connection, "page_size"));
  });
}

bool Database::reads_write_ahead_log() const { return state_->reads_write_ahead_log; }
std::uint64_t Database::cut_bytes() const { return state_->cut_bytes; }

}  // namespace netrec
