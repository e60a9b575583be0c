// SQL over history, beside the same facts in a plain SQLite table with the obvious indexes: a
// needle, a network, a scan, a grouping and an instant, from the load of bench/busy_host.h written
// by the real writer. Costs are CPU time (a busy machine matters less); what is compared is
// measured in the same run, the best of several.
//
//   sql_bench [CONNECTIONS]
#include "store/sql.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/busy_host.h"
#include "query/sql_time.h"
#include "schema/ip_address.h"
#include "store/timeline_writer.h"

namespace netrec {

namespace {

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

[[noreturn]] void fail(std::string_view message) {
  fmt::print(stderr, "sql_bench: {}\n", message);
  std::exit(3);
}

template <class T>
T must(Result<T> result) {
  if (!result) fail(result.error().message);
  return *std::move(result);
}

void must(const Status& status) {
  if (!status) fail(status.error().message);
}

void verdict(bool good, std::string_view what, const std::string& measured) {
  fmt::print("{}  {:<44} {}\n", good ? "ok  " : "MISS", what, measured);
}

/// A folder of its own, gone afterwards.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("netrec-sql-bench-{}", ::getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

/// Writes a timeline of at least `connections` that ended; returns how many.
std::uint64_t write_timeline(const std::string& path, BusyHost& host, std::uint64_t connections) {
  TimelineWriter writer = must(TimelineWriter::open(path, {}));
  Frame first;
  first.wall = host.wall();
  Snapshot now = host.beginning();
  Session session;
  session.id = 1;
  session.started_us = static_cast<std::uint64_t>(host.wall().time_since_epoch().count());
  session.interval_us = 1'000'000;
  now.of<Session>().insert(session);
  must(writer.append(first, {}, now, Keyframe::yes));
  std::uint64_t ended = 0;
  std::vector<Socket> departed;
  while (ended < connections) {
    Frame frame = host.tick(departed);
    frame.boot = std::chrono::duration_cast<std::chrono::microseconds>(frame.wall - first.wall);
    ended += departed.size();
    apply(frame.delta, now);
    must(writer.append(frame, departed, now, writer.keyframe_due() ? Keyframe::yes : Keyframe::no));
    must(writer.maintain(now));
  }
  must(writer.close(now));
  return ended;
}

/// The same facts, as somebody would keep them who has only SQLite.
class PlainCopy {
 public:
  explicit PlainCopy(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) fail("the plain copy cannot be made");
    run("PRAGMA synchronous = OFF; CREATE TABLE connections (remote_address TEXT, remote_port INT, "
        "local_port INT, program TEXT, pid INT, opened_us INT, closed_us INT, bytes_sent INT, "
        "bytes_received INT, states TEXT)");
  }
  ~PlainCopy() { sqlite3_close(db_); }
  PlainCopy(const PlainCopy&) = delete;
  PlainCopy& operator=(const PlainCopy&) = delete;

  void fill(SqlSession& session) {
    std::string_view sql =
        "SELECT remote_address, remote_port, local_port, program, pid, opened_us, closed_us, "
        "bytes_sent, bytes_received, states FROM connections WHERE remote_port IS NOT NULL";
    auto rows = must(session.prepare(sql));
    sqlite3_stmt* insert = prepare("INSERT INTO connections VALUES (?,?,?,?,?,?,?,?,?,?)");
    run("BEGIN");
    while (must(rows->step())) {
      for (int i = 0; i < 10; ++i) bind(insert, i + 1, rows->cell(i));
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run("COMMIT; CREATE INDEX a ON connections (remote_address); CREATE INDEX o ON connections "
        "(opened_us); CREATE INDEX p ON connections (program); CREATE INDEX r ON connections "
        "(remote_port)");
  }

  std::uint64_t ask(const std::string& sql) {
    sqlite3_stmt* query = prepare(sql.c_str());
    std::uint64_t rows = 0;
    while (sqlite3_step(query) == SQLITE_ROW) ++rows;
    sqlite3_finalize(query);
    return rows;
  }

 private:
  sqlite3* db_ = nullptr;

  void run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sqlite3_errmsg(db_));
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK)
      fail(sqlite3_errmsg(db_));
    return statement;
  }
  static void bind(sqlite3_stmt* statement, int at, const SqlCell& cell) {
    if (const auto* number = std::get_if<std::int64_t>(&cell))
      sqlite3_bind_int64(statement, at, *number);
    else if (const auto* text = std::get_if<std::string>(&cell))
      sqlite3_bind_text(statement, at, text->c_str(), -1, SQLITE_TRANSIENT);
    else
      sqlite3_bind_null(statement, at);
  }
};

std::uint64_t ask(SqlSession& session, std::string_view sql) {
  auto statement = must(session.prepare(sql));
  std::uint64_t rows = 0;
  while (must(statement->step())) ++rows;
  return rows;
}

SqlSession open(const std::string& path) { return must(SqlSession::open(path, read_sql_time)); }

template <class Work>
double best_of(int times, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const double begun = cpu_s();
    work();
    best = std::min(best, cpu_s() - begun);
  }
  return best;
}

/// An address that some forty connections went to.
std::string needle_of(SqlSession& session) {
  std::string_view sql =
      "SELECT remote_address FROM connections WHERE remote_port IS NOT NULL GROUP BY 1 "
      "ORDER BY abs(count(*) - 40) LIMIT 1";
  auto statement = must(session.prepare(sql));
  if (!must(statement->step())) fail("no connection was written");
  return std::get<std::string>(statement->cell(0));
}

void compare(const std::string& path, PlainCopy& plain, std::uint64_t connections) {
  SqlSession session = open(path);
  const std::string needle = needle_of(session);
  const std::string network = needle.substr(0, needle.rfind('.')) + ".0/24";
  const auto both = [&](const std::string& sql, int times) {
    const double ours = best_of(times, [&] { ask(session, sql); });
    const double theirs = best_of(times, [&] { plain.ask(sql); });
    return std::pair(ours, theirs);
  };
  const double opening = best_of(5, [&] { open(path); });
  verdict(opening < 0.010, "opening", fmt::format("{:.1f} ms", opening * 1e3));

  const std::string one =
      "SELECT count(*), sum(bytes_sent) FROM connections WHERE remote_address "
      "= '" +
      needle + "'";
  const double cold = best_of(3, [&] {
    SqlSession fresh = open(path);
    ask(fresh, one);
  });
  verdict(cold < 0.015, "one address, from opening on", fmt::format("{:.1f} ms", cold * 1e3));
  const auto [warm, indexed] = both(one, 5);
  verdict(warm < 3 * indexed, "one address, warm",
          fmt::format("{:.2f} ms; plain, indexed: {:.2f} ms", warm * 1e3, indexed * 1e3));

  const double cidr = best_of(3, [&] {
    ask(session, "SELECT count(*) FROM connections WHERE ip_in(remote_address, '" + network + "')");
  });
  verdict(cidr < 0.1, "a network (/24)", fmt::format("{:.1f} ms", cidr * 1e3));

  const auto [scan, plain_scan] =
      both("SELECT count(*), sum(bytes_sent) FROM connections WHERE bytes_received > 1000", 3);
  const double rate = static_cast<double>(connections) / scan;
  verdict(rate > 3e6 && plain_scan > 2 * scan, "a filtered scan",
          fmt::format("{:.2f} M rows/s of CPU, {:.2f} × plain", rate / 1e6, plain_scan / scan));

  const auto [group, plain_group] =
      both("SELECT remote_address, count(*), sum(bytes_sent) FROM connections GROUP BY 1", 3);
  verdict(
      group < plain_group, "grouped by address",
      fmt::format("{:.2f} s; plain: {:.2f} s ({:.2f} ×)", group, plain_group, plain_group / group));

  const double instant = best_of(3, [&] {
    ask(session,
        "SELECT count(*) FROM sockets WHERE at = (SELECT avg(opened_us) FROM "
        "connections WHERE remote_address = '" +
            needle + "')");
  });
  verdict(instant < 0.020, "the sockets at an instant", fmt::format("{:.1f} ms", instant * 1e3));
}

int run(std::uint64_t connections) {
  const Folder folder;
  const std::string path = folder.path / "timeline.netrec";
  const std::string copy = folder.path / "plain.db";
  BusyHost host({}, 1);
  const std::uint64_t written = write_timeline(path, host, connections);
  PlainCopy plain(copy);
  {
    SqlSession session = open(path);
    plain.fill(session);
  }
  const auto ours = std::filesystem::file_size(path);
  const auto theirs = std::filesystem::file_size(copy);
  verdict(theirs > 3 * ours, fmt::format("{} connections on disk", written),
          fmt::format("{:.1f} bytes each; plain, indexed: {:.1f} ({:.1f} ×)",
                      static_cast<double>(ours) / static_cast<double>(written),
                      static_cast<double>(theirs) / static_cast<double>(written),
                      static_cast<double>(theirs) / static_cast<double>(ours)));
  compare(path, plain, written);
  return 0;
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  const std::uint64_t connections = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  return netrec::run(connections);
}
