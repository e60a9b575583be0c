#include "bench/month.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "bench/busy_host.h"
#include "query/sql_time.h"
#include "store/timeline_writer.h"

namespace netrec {

namespace {

namespace fs = std::filesystem;

/// 20 million connections in 30 days.
constexpr double kConnectionsASecond = 20e6 / (30 * 86400);
/// Of them, those to one address: the needle of the issues' bars.
constexpr int kSeldom = 40;
constexpr std::int64_t kHour_us = 3'600'000'000;

/// Runs `work` unless `path` is there; what is half done lies under another name.
template <class Work>
void make_once(const std::string& path, std::string_view what, const Work& work) {
  if (fs::exists(path)) return;
  const std::string half = path + ".part";
  fs::remove_all(half);
  const auto begun = std::chrono::steady_clock::now();
  work(half);
  fs::rename(half, path);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  fmt::print("      {}: made in {:.0f} s\n", what, took.count());
  std::fflush(stdout);
}

void write_timeline(const std::string& path, std::uint64_t connections) {
  const double lasts_s = static_cast<double>(connections) / kConnectionsASecond;
  BusyHost host({.connections_a_second = kConnectionsASecond,
                 .seldom_every_s = lasts_s / static_cast<double>(kSeldom)},
                1);
  TimelineWriter writer = must(TimelineWriter::open(path, {}));
  Frame first;
  first.wall = host.wall();
  Snapshot now = host.beginning();
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
}

void bind_cell(sqlite3_stmt* statement, int at, const SqlCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell))
    sqlite3_bind_int64(statement, at, *number);
  else if (const auto* text = std::get_if<std::string>(&cell))
    sqlite3_bind_text(statement, at, text->c_str(), -1, SQLITE_TRANSIENT);
  else
    sqlite3_bind_null(statement, at);
}

SqlStatement ask_timeline(SqlSession& session, std::string_view sql) {
  return *must(session.prepare(sql));
}

void fill_plain(const std::string& path, SqlSession& session) {
  PlainCopy plain(path);
  plain.run(
      "PRAGMA synchronous = OFF; CREATE TABLE connections (remote_address TEXT, remote_port INT, "
      "local_port INT, program TEXT, pid INT, opened_us INT, closed_us INT, bytes_sent INT, "
      "bytes_received INT, states TEXT)");
  auto rows = ask_timeline(
      session,
      "SELECT remote_address, remote_port, local_port, program, pid, opened_us, closed_us, "
      "bytes_sent, bytes_received, states FROM connections WHERE remote_port IS NOT NULL");
  sqlite3_stmt* insert = plain.prepare("INSERT INTO connections VALUES (?,?,?,?,?,?,?,?,?,?)");
  plain.run("BEGIN");
  while (must(rows.step())) {
    for (int i = 0; i < 10; ++i) bind_cell(insert, i + 1, rows.cell(i));
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  plain.run(
      "COMMIT; CREATE INDEX a ON connections (remote_address); CREATE INDEX o ON connections "
      "(opened_us); CREATE INDEX p ON connections (program); CREATE INDEX r ON connections "
      "(remote_port)");
}

struct ClosePipe {
  void operator()(FILE* pipe) const { pclose(pipe); }
};
using Pipe = std::unique_ptr<FILE, ClosePipe>;

/// The hour's log, compressed as it is written.
Pipe open_log(const std::string& folder, std::int64_t hour) {
  Pipe log(popen(fmt::format("zstd -q -19 -o '{}/conn.{}.log.zst'", folder, hour).c_str(), "w"));
  if (!log) give_up("zstd cannot be run");
  fmt::print(log.get(),
             "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\t"
             "orig_bytes\tresp_bytes\tconn_state\tprogram\tpid\n");
  return log;
}

std::string text_of(const SqlCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return "-";
}

// As Zeek's conn.log, with the program in place of its service.
void write_logs(const std::string& folder, SqlSession& session) {
  fs::create_directories(folder);
  auto rows = ask_timeline(session,
                           "SELECT ifnull(closed_us, last_seen_us), opened_us, lifetime_us, cookie,"
                           " local_address, local_port, remote_address, remote_port, transport,"
                           " bytes_sent, bytes_received, state, program, pid FROM connections "
                           "WHERE remote_port IS NOT NULL");
  Pipe log;
  std::int64_t hour = -1;
  while (must(rows.step())) {
    const auto number = [&](int column) {
      const SqlCell cell = rows.cell(column);
      const auto* value = std::get_if<std::int64_t>(&cell);
      return value == nullptr ? 0 : *value;
    };
    const auto text = [&](int column) { return text_of(rows.cell(column)); };
    if (number(0) / kHour_us > hour) {
      hour = number(0) / kHour_us;
      log = open_log(folder, hour);
    }
    fmt::print(log.get(), "{:.6f}\tC{:x}\t{}\t{}\t{}\t{}\t{}\t{:.6f}\t{}\t{}\t{}\t{}\t{}\n",
               static_cast<double>(number(1)) / 1e6, number(3), text(4), text(5), text(6), text(7),
               text(8), static_cast<double>(number(2)) / 1e6, text(9), text(10), text(11), text(12),
               text(13));
  }
}

}  // namespace

void give_up(std::string_view message) {
  fmt::print(stderr, "sql_bench: {}\n", message);
  std::exit(3);
}

void make(const Month& month) {
  fs::create_directories(month.folder);
  make_once(month.timeline(), "timeline",
            [&](const std::string& path) { write_timeline(path, month.connections); });
  const auto session = [&] { return must(SqlSession::open(month.timeline(), read_sql_time)); };
  make_once(month.plain(), "plain table with its indexes", [&](const std::string& path) {
    SqlSession all = session();
    fill_plain(path, all);
  });
  make_once(month.logs(), "text under zstd -19", [&](const std::string& path) {
    SqlSession all = session();
    write_logs(path, all);
  });
}

std::uint64_t log_bytes(const Month& month) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(month.logs())) bytes += entry.file_size();
  return bytes;
}

PlainCopy::PlainCopy(const std::string& path) {
  if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) give_up("the plain copy cannot be opened");
}

std::uint64_t PlainCopy::ask(const std::string& sql) {
  sqlite3_stmt* query = prepare(sql.c_str());
  std::uint64_t rows = 0;
  while (sqlite3_step(query) == SQLITE_ROW) ++rows;
  sqlite3_finalize(query);
  return rows;
}

std::int64_t PlainCopy::number(const std::string& sql) {
  sqlite3_stmt* query = prepare(sql.c_str());
  const std::int64_t value = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
  sqlite3_finalize(query);
  return value;
}

void PlainCopy::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db_));
}

sqlite3_stmt* PlainCopy::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK)
    give_up(sqlite3_errmsg(db_));
  return statement;
}

}  // namespace netrec
