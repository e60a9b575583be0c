// SQL over a timeline written from a simulated host: the virtual tables must say what the snapshots
// said, and nothing written in SQL may change anything.
#include "store/sql.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <set>
#include <tuple>

#include "store/history.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

class SqlTest : public TimelineFixture {
 protected:
  SqlTest() {
    load_.opened_each_tick = 4;
    host_ = SimulatedHost(load_, 7);
    WriterOptions options;
    options.seal_after_frames = 16;  // chunks and frames that are not sealed
    TimelineWriter writer = open_writer(options);
    begin(writer);
    record(writer, 60);
    finish(writer);
  }

  SqlSession open(const SqlLimits& limits = {}) {
    auto session = SqlSession::open(
        path_,
        [](std::string_view text, const TimeBounds& bounds) -> Result<WallTime> {
          if (text == "end") return bounds.last;
          return failure(ErrorKind::invalid_argument, "not a time");
        },
        limits);
    EXPECT_TRUE(session) << session.error().message;
    return *std::move(session);
  }

  using Rows = std::vector<std::vector<SqlCell>>;
  static Result<Rows> ask(SqlSession& session, std::string_view sql) {
    NETREC_TRY(statement, session.prepare(sql));
    Rows rows;
    for (;;) {
      NETREC_TRY(more, statement->step());
      if (!more) return rows;
      rows.emplace_back();
      for (std::size_t i = 0; i < statement->columns().size(); ++i)
        rows.back().push_back(statement->cell(static_cast<int>(i)));
    }
  }
  Rows rows(std::string_view sql) {
    SqlSession session = open();
    auto result = ask(session, sql);
    EXPECT_TRUE(result) << sql << ": " << result.error().message;
    return result ? *result : Rows{};
  }
  std::int64_t number(std::string_view sql) {
    const Rows all = rows(sql);
    if (all.size() != 1) return -1;
    const auto* value = std::get_if<std::int64_t>(&all[0][0]);
    return value == nullptr ? -2 : *value;
  }
  std::vector<Connection> lives() {
    const auto timeline = Timeline::open(path_);
    std::vector<Connection> all;
    EXPECT_TRUE(scan_connections(*timeline, {}, [&](const Connection& life, const Snapshot&) {
      all.push_back(life);
      return true;
    }));
    return all;
  }
  static std::int64_t us(WallTime time) { return time.time_since_epoch().count(); }
};

TEST_F(SqlTest, ConnectionsAreTheLivesOfTheScan) {
  const auto all = lives();
  EXPECT_GT(all.size(), 100u);
  std::multiset<std::tuple<std::int64_t, std::int64_t, std::int64_t>> scanned;
  for (const Connection& life : all)
    scanned.emplace(life.socket.cookie, life.socket.opened_us, life.socket.bytes_sent);
  std::multiset<std::tuple<std::int64_t, std::int64_t, std::int64_t>> asked;
  for (const auto& row : rows("SELECT cookie, opened_us, bytes_sent FROM connections"))
    asked.emplace(std::get<std::int64_t>(row[0]), std::get<std::int64_t>(row[1]),
                  std::get<std::int64_t>(row[2]));
  EXPECT_EQ(asked, scanned);
}

TEST_F(SqlTest, PushingDownLeavesNothingOut) {
  // `+column` keeps SQLite from handing the comparison to the table.
  for (const char* condition : {"remote_port = 443",
                                "remote_port BETWEEN 100 AND 500",
                                "pid = 301",
                                "transport = 'tcp'",
                                "ip_in(remote_address, '203.0.113.0/28')",
                                "remote_address = '203.0.113.7'",
                                "remote_address IN ('203.0.113.7', '203.0.113.9')",
                                "local_port > 40000",
                                "program = 'program1'",
                                "bytes_sent > 1000",
                                "bytes_received <= 500",
                                "uid = 101",
                                "bytes_sent >= 0.5",
                                "remote_port < 100",
                                "remote_port > -1",
                                "remote_port = 0",
                                "bytes_sent > 9223372036854775807",
                                "bytes_sent < -9223372036854775807 - 1",

                                "state = 'ESTABLISHED'",
                                "state = 'TIME_WAIT'",
                                "state = 'established'",
                                "state = 'established' COLLATE NOCASE",
                                "state IN ('ESTABLISHED', 'CLOSE')",
                                "state = ''",
                                "state IS NULL",
                                "namespace = 'host'",
                                "namespace = 'nowhere'",
                                "namespace IN ('nowhere', 'host')",
                                "program = 'PROGRAM1' COLLATE NOCASE",
                                "bytes_sent > NULL",
                                "bytes_sent BETWEEN 10 AND 100000"}) {
    const std::string plain = condition;
    std::string hidden = plain;
    const bool function = plain.starts_with("ip_in(");
    hidden.insert(function ? 6 : 0, "+");
    EXPECT_EQ(number("SELECT count(*) FROM connections WHERE " + plain),
              number("SELECT count(*) FROM connections WHERE " + hidden))
        << condition;
  }
}

TEST_F(SqlTest, TheSameQuestionAgainHasTheSameAnswer) {
  SqlSession session = open();
  for (const char* sql : {"SELECT cookie, remote_address, program FROM connections"
                          " WHERE remote_address = '203.0.113.7'",
                          "SELECT count(*) FROM connections WHERE remote_address = '203.0.113.9'",
                          "SELECT * FROM transitions WHERE pid = 301",
                          "SELECT count(*) FROM connections WHERE remote_address = '9.9.9.9'"}) {
    const auto first = ask(session, sql);
    ASSERT_TRUE(first);
    EXPECT_EQ(*ask(session, sql), *first) << sql;
    EXPECT_EQ(*ask(session, sql), rows(sql)) << sql;
  }
}

TEST_F(SqlTest, AnAnswerBrokenOffIsNotTakenForTheWhole) {
  SqlSession session = open();
  const std::string sql = "SELECT cookie FROM connections WHERE remote_port = 443";
  const auto one = ask(session, sql + " LIMIT 1");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->size(), 1u);
  EXPECT_EQ(*ask(session, sql), rows(sql));
  EXPECT_EQ(ask(session, sql + " LIMIT 2")->size(), 2u);
  EXPECT_EQ(*ask(session, sql), rows(sql));
}

TEST_F(SqlTest, WhatARecorderWritesMeanwhileIsInTheNextAnswer) {
  SqlSession session = open();
  const std::string sql = "SELECT cookie FROM connections WHERE remote_port = 443";
  const auto before = ask(session, sql);
  EXPECT_EQ(*ask(session, sql), *before);
  TimelineWriter writer = open_writer({.seal_after_frames = 16});
  host_.sleep(std::chrono::seconds(3));
  begin(writer);
  for (int i = 0; i < 3; ++i) {
    record(writer, 25);
    EXPECT_EQ(*ask(session, sql), rows(sql));
  }
  EXPECT_GT(ask(session, sql)->size(), before->size());
}

// What is sealed is told by columns, what is not by rows.
TEST_F(SqlTest, SealedOrNotTheCellsAreTheSame) {
  std::vector<Rows> told;
  for (const std::uint32_t frames : {16u, 10'000u}) {
    path_ = folder_ / fmt::format("{}.netrec", frames);
    host_ = SimulatedHost(load_, 7);
    WriterOptions options;
    options.seal_after_frames = frames;
    TimelineWriter writer = open_writer(options);
    begin(writer);
    record(writer, 60);
    told.push_back(rows("SELECT * FROM connections ORDER BY cookie, opened_us"));
  }
  ASSERT_EQ(told[0].size(), told[1].size());
  for (std::size_t i = 0; i < told[0].size(); ++i) EXPECT_EQ(told[0][i], told[1][i]) << "row " << i;
}

// A text SQLite points at outlives the cursor it came from.
TEST_F(SqlTest, TextsStayWhereTheyAre) {
  const Rows all = rows(
      "SELECT c.remote_address, (SELECT max(opened_us) || program FROM connections "
      "WHERE remote_address = c.remote_address), (SELECT program FROM connections LIMIT 1) "
      "FROM (SELECT remote_address, max(opened_us), program FROM connections GROUP BY 1) c");
  EXPECT_GT(all.size(), 1u);
  for (const auto& row : all) EXPECT_EQ(row[2], all[0][2]);
}

TEST_F(SqlTest, TimesOfALifeArePushedDownSoundly) {
  const std::int64_t middle = us(past_[past_.size() / 2].frame.wall);
  for (const std::string column : {"opened_us", "closed_us", "last_seen_us"})
    for (const std::string op : {"<", "<=", ">", ">=", "="}) {
      const std::string value = std::to_string(middle);
      EXPECT_EQ(number("SELECT count(*) FROM connections WHERE " + column + op + value),
                number("SELECT count(*) FROM connections WHERE +" + column + op + value))
          << column << op;
    }
}

TEST_F(SqlTest, SocketsAreTheSnapshotAtThatInstant) {
  for (const std::size_t i : {std::size_t{0}, past_.size() / 2, past_.size() - 1}) {
    const auto all =
        rows("SELECT cookie FROM sockets WHERE at = " + std::to_string(us(past_[i].frame.wall)));
    std::set<std::int64_t> asked;
    for (const auto& row : all) asked.insert(std::get<std::int64_t>(row[0]));
    std::set<std::int64_t> there;
    for (const Socket& socket : past_[i].snapshot.of<Socket>())
      there.insert(static_cast<std::int64_t>(socket.cookie));
    EXPECT_EQ(asked, there) << "frame " << i + 1;
  }
}

TEST_F(SqlTest, SocketsWithoutATimeAreThoseOfTheEnd) {
  EXPECT_EQ(number("SELECT count(*) FROM sockets"),
            static_cast<std::int64_t>(past_.back().snapshot.of<Socket>().size()));
  EXPECT_EQ(number("SELECT count(*) FROM sockets WHERE at = 'end'"),
            number("SELECT count(*) FROM sockets"));
}

TEST_F(SqlTest, SocketsBeforeTheRecordingAreNone) {
  EXPECT_EQ(number("SELECT count(*) FROM sockets WHERE at = 1000"), 0);
}

TEST_F(SqlTest, AStepGivesAnInstantEverySoOften) {
  const std::string range =
      std::to_string(us(past_[10].frame.wall)) + " AND " + std::to_string(us(past_[30].frame.wall));
  EXPECT_EQ(
      number("SELECT count(DISTINCT at) FROM sockets WHERE at BETWEEN " + range + " AND step = 5"),
      5);
  EXPECT_EQ(number("SELECT count(DISTINCT at) FROM sockets WHERE at BETWEEN " + range), 21);
}

TEST_F(SqlTest, FramesCountTheLog) {
  EXPECT_EQ(number("SELECT count(*) FROM frames WHERE kind = 'delta'"),
            number("SELECT count(*) FROM frames") -
                number("SELECT count(*) FROM frames WHERE kind = 'keyframe'"));
  EXPECT_EQ(number("SELECT sequence FROM frames ORDER BY sequence LIMIT 1"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM frames WHERE sequence BETWEEN 5 AND 9"), 5);
}

TEST_F(SqlTest, SamplesOfASocketEndWithItsTotals) {
  const auto all = lives();
  const Connection* longest = &all.front();
  for (const Connection& life : all)
    if (life.socket.bytes_sent > longest->socket.bytes_sent) longest = &life;
  const std::string cookie = std::to_string(longest->socket.cookie);
  EXPECT_EQ(number("SELECT max(bytes_sent) FROM samples WHERE cookie = " + cookie),
            static_cast<std::int64_t>(longest->socket.bytes_sent));
}

// The kernel also counts cookies down from 2^64, and what never had one has a key with a high bit.
TEST_F(SqlTest, CookiesOf64BitsStayApart) {
  constexpr std::uint64_t kBit = std::uint64_t{1} << 63;
  path_ = folder_ / "cookies.netrec";
  host_ = SimulatedHost(load_, 7);
  for (const std::uint64_t cookie : {kBit | 5, kBit | 6, UINT64_MAX - 1, UINT64_MAX}) {
    Socket socket;
    socket.cookie = cookie;
    socket.transport = Transport::tcp;
    socket.family = Family::inet;
    socket.state = TcpState::established;
    socket.remote_port = 443;
    socket.opened_us = socket.state_since_us = 1;
    host_.unseen().of<Socket>().insert(socket);
  }
  TimelineWriter writer = open_writer({.seal_after_frames = 16});
  begin(writer);
  record(writer, 200);
  finish(writer);
  EXPECT_GT(number("SELECT count(*) FROM connections WHERE cookie < 0 AND closed_us > 0"), 0);
  for (const std::string_view table : {"connections", "transitions", "samples"}) {
    const auto count = [&](std::string_view what, std::string_view where) {
      return number(fmt::format("SELECT count({}) FROM {} WHERE {}", what, table, where));
    };
    EXPECT_EQ(count("DISTINCT cookie", "cookie < 0"), 4) << table;
    EXPECT_GT(count("*", "cookie = -2"), 0) << table;
    EXPECT_EQ(count("*", "cookie = -2"), count("*", "+cookie = -2")) << table;
    EXPECT_EQ(count("*", "cookie > 0"), count("*", "+cookie > 0")) << table;
    EXPECT_EQ(count("*", "cookie <= -2"), count("*", "+cookie <= -2")) << table;
    EXPECT_EQ(count("*", "cookie = 9223372036854775807"), 0) << table;
  }
  EXPECT_EQ(number("SELECT count(*) FROM connection JOIN sockets USING (cookie)"
                   " WHERE at = 'end' AND connection.cookie < 0"),
            number("SELECT count(*) FROM sockets WHERE at = 'end' AND cookie < 0"));
}

TEST_F(SqlTest, TransitionsBelongToConnections) {
  std::size_t transitions = 0;
  for (const Connection& life : lives()) transitions += life.transitions.size();
  EXPECT_EQ(number("SELECT count(*) FROM transitions"), static_cast<std::int64_t>(transitions));
}

// SQLite reads such a table once for each side, and asks for a row's number to give it once.
TEST_F(SqlTest, AnOrGivesEachRowOnce) {
  const auto same = [&](std::string_view table, std::string_view left, std::string_view right,
                        std::string_view and_at = "") {
    const auto count = [&](std::string_view where) {
      return number(fmt::format("SELECT count(*) FROM {} WHERE ({}) {}", table, where, and_at));
    };
    const auto one = fmt::format("{} OR {}", left, right);
    const auto checked_by_sqlite = fmt::format("CASE WHEN {} OR {} THEN 1 END", left, right);
    EXPECT_GT(count(left), 0) << table << " " << left;
    EXPECT_GT(count(right), 0) << table << " " << right;
    EXPECT_EQ(count(one), count(checked_by_sqlite)) << table << ": " << one;
  };
  const auto port = number("SELECT remote_port FROM connections WHERE remote_port > 0 LIMIT 1");
  const auto here = number("SELECT local_port FROM connections WHERE local_port > 0 LIMIT 1");
  const auto pid = number("SELECT pid FROM connections WHERE pid > 0 LIMIT 1");
  for (const std::string_view table : {"connections", "transitions"}) {
    same(table, fmt::format("local_port = {}", here), fmt::format("remote_port = {}", port));
    same(table, fmt::format("pid = {}", pid), fmt::format("remote_port = {}", port));
    same(table, fmt::format("remote_port IN ({}, 1)", port), fmt::format("pid = {}", pid));
  }
  const auto middle = number("SELECT (min(at_us) + max(at_us)) / 2 FROM samples");
  same("sockets", fmt::format("pid = {}", pid), fmt::format("remote_port = {}", port),
       fmt::format("AND at = {}", middle));
  same("samples", fmt::format("at_us < {}", middle), fmt::format("at_us > {}", middle - 5'000'000));
  same("frames", "sequence < 20", "sequence > 10");
}

// SQLite remembers which rows were met by their numbers, and reads the table again for the others.
TEST_F(SqlTest, AnOuterJoinGivesEachRowOnce) {
  const auto all = number("SELECT count(*) FROM connections");
  const std::string half =
      "(SELECT cookie AS half FROM connections WHERE transport = 'tcp' AND cookie % 2 = 0)";
  EXPECT_GT(number("SELECT count(*) FROM " + half), 0);
  EXPECT_EQ(number("SELECT count(*) FROM " + half +
                   " RIGHT JOIN connections c ON c.cookie = half AND c.transport = 'tcp'"),
            all);
  EXPECT_EQ(number("SELECT count(*) FROM " + half +
                   " FULL JOIN connections c ON c.cookie = half AND c.transport = 'tcp'"),
            all);
}

TEST_F(SqlTest, NoTwoRowsHaveOneNumber) {
  EXPECT_EQ(number("SELECT count(DISTINCT rowid) FROM connections WHERE opened_us > 0"),
            number("SELECT count(*) FROM connections WHERE opened_us > 0"));
  EXPECT_EQ(number("SELECT count(DISTINCT rowid) FROM transitions WHERE at_us > 0"),
            number("SELECT count(*) FROM transitions WHERE at_us > 0"));
}

TEST_F(SqlTest, LimitStopsTheScanEarly) {
  EXPECT_EQ(rows("SELECT cookie FROM connections LIMIT 3").size(), 3u);
}

TEST_F(SqlTest, JoinsWithThePlainTables) {
  EXPECT_GT(number("SELECT count(*) FROM connections c JOIN process p ON p.id = c.process"), 0);
}

TEST_F(SqlTest, EveryTableAnswersWithAllItsColumns) {
  SqlSession session = open();
  for (const SqlTable& table : session.tables()) {
    const auto all = ask(session, "SELECT * FROM \"" + table.name + "\" LIMIT 50");
    EXPECT_TRUE(all) << table.name << ": " << all.error().message;
  }
}

TEST_F(SqlTest, EveryColumnIsDescribedAndNamedOnce) {
  SqlSession session = open();
  for (const SqlTable& table : session.tables()) {
    std::set<std::string> names;
    for (const SqlColumn& column : table.columns) {
      EXPECT_FALSE(column.about.empty()) << table.name << "." << column.name;
      EXPECT_TRUE(names.insert(column.name).second) << table.name << "." << column.name;
    }
  }
}

TEST_F(SqlTest, NothingCanBeWritten) {
  SqlSession session = open();
  for (const char* sql :
       {"DELETE FROM session", "INSERT INTO mark VALUES (1, 2, 3, 4)", "DROP TABLE frame",
        "CREATE TABLE x (y)", "CREATE TEMP TABLE x (y)", "ATTACH '/tmp/other.db' AS other",
        "PRAGMA journal_mode = DELETE", "PRAGMA writable_schema = 1", "VACUUM INTO '/tmp/copy.db'",
        "SELECT load_extension('/tmp/evil.so')", "UPDATE gap SET cause = 1", "REINDEX",
        "BEGIN IMMEDIATE", "PRAGMA query_only = 0", "PRAGMA user_version = 7",
        "INSERT INTO connections (cookie) VALUES (1)"}) {
    const auto result = ask(session, sql);
    EXPECT_FALSE(result) << sql;
  }
}

TEST_F(SqlTest, AnErrorPointsAtThePlace) {
  SqlSession session = open();
  const auto result = ask(session, "SELECT cookie\nFROM connections WHERE nonsense = 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_argument);
  EXPECT_NE(result.error().message.find("  FROM connections WHERE nonsense = 1\n"),
            std::string::npos)
      << result.error().message;
}

TEST_F(SqlTest, AQueryStopsWhenAsked) {
  bool stop = false;
  SqlLimits limits;
  limits.stop = [&] { return stop; };
  SqlSession session = open(limits);
  ASSERT_TRUE(ask(session, "SELECT count(*) FROM frames"));
  stop = true;
  const auto result = ask(session,
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                          "SELECT count(*) FROM n");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::busy);
  EXPECT_FALSE(ask(session, "SELECT count(*) FROM connections"));
}

TEST_F(SqlTest, MemoryIsLimited) {
  SqlSession session = open();
  EXPECT_FALSE(ask(session, "SELECT length(zeroblob(1000000000))"));
}

TEST_F(SqlTest, AFileWithATableInFrontOfOursIsRefused) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE Connections (cookie)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const auto session = SqlSession::open(path_, {});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().kind, ErrorKind::corrupt);
}

TEST_F(SqlTest, FunctionsSayWhatTheyShould) {
  const auto text = [&](const std::string& sql) {
    const Rows all = rows("SELECT " + sql);
    const auto* value = all.empty() ? nullptr : std::get_if<std::string>(&all[0][0]);
    return value == nullptr ? std::string("NULL") : *value;
  };
  EXPECT_EQ(number("SELECT ip_in('203.0.113.9', '203.0.113.0/24')"), 1);
  EXPECT_EQ(number("SELECT ip_in('203.0.114.9', '203.0.113.0/24')"), 0);
  EXPECT_EQ(number("SELECT ip_in('2001:db8::1', '2001:db8::/32')"), 1);
  EXPECT_EQ(text("ip_in(NULL, '10.0.0.0/8')"), "NULL");
  EXPECT_EQ(text("port_name(443)"), "https");
  EXPECT_EQ(text("state_name(6)"), "TIME_WAIT");
  EXPECT_EQ(text("transport_name(2)"), "udp");
  EXPECT_EQ(text("ip(2, 0, 3405803777)"), "203.0.113.1");
  EXPECT_EQ(text("duration(90000000)"), "1 min 30 s");
  EXPECT_EQ(text("time_text(1795521600250000)"), "2026-11-24T12:00:00.250000Z");
  EXPECT_EQ(number("SELECT when_us('end')"), us(past_.back().frame.wall));
  SqlSession session = open();
  EXPECT_FALSE(ask(session, "SELECT when_us('nonsense')"));
  EXPECT_FALSE(ask(session, "SELECT ip_in('1.2.3.4', 'nonsense')"));
}

}  // namespace
}  // namespace netrec
