// ORDER BY that the tables take over: what they give must be what SQLite's own sorter makes of the
// same rows, whatever the clock of the host did, and LIMIT must leave chunks unread.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "store/database.h"
#include "store/sql.h"
#include "tests/store/random_history.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string text_of(const SqlCell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return "NULL";
}

struct Answer {
  Rows rows;
  std::vector<std::string> damage;
};

class SqlOrderTest : public TimelineFixture {
 protected:
  SqlOrderTest() { keep_past_ = false; }

  SqlSession open() {
    auto session = SqlSession::open(
        path_,
        [](std::string_view, const TimeBounds& bounds) -> Result<WallTime> { return bounds.last; });
    EXPECT_TRUE(session) << session.error().message;
    return *std::move(session);
  }

  Answer ask(std::string_view sql) {
    const std::string whole(sql);
    if (!session_ || asked_ != path_) session_.emplace(open());
    asked_ = path_;
    SqlSession& session = *session_;
    Answer answer;
    {
      auto statement = session.prepare(sql);
      EXPECT_TRUE(statement) << whole << ": " << statement.error().message;
      if (!statement) return answer;
      for (;;) {
        const auto more = (*statement)->step();
        EXPECT_TRUE(more) << whole << ": " << more.error().message;
        if (!more || !*more) break;
        answer.rows.emplace_back();
        for (std::size_t i = 0; i < (*statement)->columns().size(); ++i)
          answer.rows.back().push_back(text_of((*statement)->cell(static_cast<int>(i))));
      }
    }
    for (const Damage& damage : session.take_damage()) answer.damage.push_back(damage.what);
    return answer;
  }

  bool is_sorted_by_sqlite(const std::string& sql) {
    for (const auto& row : ask("EXPLAIN QUERY PLAN " + sql).rows)
      if (row[3].find("TEMP B-TREE FOR ORDER BY") != std::string::npos) return true;
    return false;
  }

  /// Random entities of every kind, a clock that is set back now and then, `sessions` on one boot.
  void write_random(std::uint32_t seed, int sessions, int ticks, std::uint32_t seal_after) {
    RandomHistory history(seed);
    Snapshot now;
    for (int session = 0; session < sessions; ++session) {
      auto writer = open_writer({.seal_after_frames = seal_after});
      for (int tick = 0; tick < ticks; ++tick) {
        Frame frame = history.next();
        frame.delta.of<Session>() = {};
        apply(frame.delta, now);
        const bool first = tick == 0;
        if (first) {
          frame.delta = {};
          now.of<Session>() = {};
          now.of<Session>().insert(
              {.started_us = static_cast<std::uint64_t>(frame.wall.time_since_epoch().count()),
               .id = static_cast<std::uint32_t>(session + 1)});
        }
        const bool keyframe = first || writer.keyframe_due();
        ASSERT_TRUE(writer.append(frame, first ? std::vector<Socket>{} : history.departed(), now,
                                  keyframe ? Keyframe::yes : Keyframe::no));
        ASSERT_TRUE(writer.maintain(now));
      }
      // The last is left as a killed recorder leaves it.
      if (session + 1 < sessions) {
        ASSERT_TRUE(writer.close(now));
      }
    }
  }

  /// A host whose clock goes on.
  void write_simulated(std::uint64_t seed, int sessions, int ticks, std::uint32_t seal_after) {
    load_.opened_each_tick = 4;
    host_ = SimulatedHost(load_, seed);
    for (int session = 0; session < sessions; ++session) {
      auto writer = open_writer({.seal_after_frames = seal_after});
      if (session > 0) host_.sleep(std::chrono::seconds(20));
      begin(writer);
      record(writer, ticks);
      if (session + 1 < sessions || seed % 2 == 0) finish(writer);
    }
  }

  /// `columns` of `from` in order of `column` must be the same with and without the sorter, but for
  /// rows that are equal in it.
  void expect_same(const std::string& columns, const std::string& from, const std::string& column,
                   const std::string& rest) {
    const std::string select = "SELECT " + column + ", " + columns + " FROM " + from + " ORDER BY ";
    const Answer answer = ask(select + column + rest);
    EXPECT_EQ(answer.damage, std::vector<std::string>()) << select << column << rest;
    const Rows& given = answer.rows;
    const Rows sorted = ask(select + "+" + column + rest).rows;
    const std::string what = select + column + rest;
    ASSERT_EQ(given.size(), sorted.size()) << what;
    for (std::size_t i = 0; i < given.size(); ++i)
      ASSERT_EQ(given[i][0], sorted[i][0]) << what << ": row " << i << " of " << given.size();
    Rows a = given, b = sorted;
    // Where a limit cuts through equals, either is right.
    if (!a.empty() && rest.find("LIMIT") != std::string::npos) {
      const std::string first = given.front()[0], last = given.back()[0];
      const auto at_edge = [&](const auto& row) { return row[0] == first || row[0] == last; };
      std::erase_if(a, at_edge);
      std::erase_if(b, at_edge);
    }
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    ASSERT_EQ(a, b) << what;
  }

  void expect_same_in_all_ways(const std::string& columns, const std::string& from,
                               const std::string& column) {
    for (const char* direction : {"", " DESC"})
      for (const char* limit : {"", " LIMIT 1", " LIMIT 10", " LIMIT 7 OFFSET 30"})
        if (turn_++ % kTurns == 0)
          expect_same(columns, from, column, std::string(direction) + limit);
  }

  void expect_orders(std::int64_t middle_us) {
    using Texts = std::vector<std::string>;
    const std::string time = std::to_string(middle_us);
    for (const std::string& where :
         Texts{"", " WHERE remote_port = 443", " WHERE closed_us > " + time,
               " WHERE closed_us < " + time, " WHERE opened_us < " + time,
               " WHERE closed_us IS NOT NULL", " WHERE closed_us IS NULL",
               " WHERE transport IN ('tcp', 'udp')", " WHERE program > 'p'",
               " WHERE remote_port = 443 OR remote_port = 80"})
      for (const char* column : {"closed_us", "opened_us"}) {
        expect_same_in_all_ways("cookie, program, states", "connections" + where, column);
      }
    for (const std::string& where :
         Texts{"", " WHERE at_us > " + time, " WHERE to_state = 'ESTABLISHED'"})
      expect_same_in_all_ways("cookie, to_state, from_state", "transitions" + where, "at_us");
    expect_same_in_all_ways("id, packets_sent", "peers", "first_us");
    expect_same_in_all_ways("id, packets_sent", "peers", "last_us");
    expect_same_in_all_ways("id, name", "dns", "answered_us");
    for (const std::string& where : Texts{"", " WHERE at_us >= " + time, " WHERE at_us < " + time,
                                          " WHERE sequence BETWEEN 5 AND 40"})
      for (const char* column : {"at_us", "sequence"}) {
        expect_same_in_all_ways("kind, opened, closed", "frames" + where, column);
        expect_same_in_all_ways("cookie, bytes_sent, program", "samples" + where, column);
        expect_same_in_all_ways("interface_index, receive_bytes", "interface_samples" + where,
                                column);
      }
    for (const char* table : {"sockets", "interfaces", "counters"})
      for (const std::string& where :
           Texts{"", " WHERE at > " + time, " WHERE at < " + time, " WHERE at = " + time,
                 " WHERE at BETWEEN 0 AND " + time + " AND step = 7"})
        expect_same_in_all_ways("network_namespace", table + where, "at");
  }

  /// The chunks of all sessions but the last `left` lose their bodies.
  void damage_chunks_but_of_last(int left) {
    alter(
        fmt::format("UPDATE chunk SET body = zeroblob(length(body)) WHERE last_sequence < coalesce("
                    " (SELECT sequence FROM keyframe WHERE begins_session = 1 AND {0} > 0"
                    "   ORDER BY sequence DESC LIMIT 1 OFFSET {0} - 1), 1 << 40)",
                    left));
  }

  /// Changes the file behind netrec's back.
  void alter(const std::string& sql) {
    auto database = Database::open_for_writing(path_, false);
    ASSERT_TRUE(database);
    auto update = database->prepare(sql);
    ASSERT_TRUE(update);
    ASSERT_TRUE(update->run());
  }

  /// Each timeline is asked every so many of the questions, the next one the others.
  static constexpr unsigned kTurns = 7;
#ifdef __SANITIZE_ADDRESS__  // The others are asked without, in a fifth of the time.
  static constexpr unsigned kTimelines = 2;
#else
  static constexpr unsigned kTimelines = kTurns;
#endif
  unsigned turn_ = 0;
  std::optional<SqlSession> session_;
  std::string asked_;
  static constexpr std::int64_t kBegin = 1'700'000'000'000'000;
};

TEST_F(SqlOrderTest, WhatIsGivenInOrderIsWhatSqliteSorts) {
  for (unsigned seed = 1; seed <= kTimelines; ++seed) {
    path_ = folder_ / fmt::format("{}.netrec", seed);
    write_simulated(seed, 1 + static_cast<int>(seed % 3), 40, seed % 2 == 0 ? 7 : 16);
    turn_ = seed;
    expect_orders(kBegin + 25'000'000);
  }
}

// Ends known late, openings and transitions at any time, a clock set back without a word.
TEST_F(SqlOrderTest, WhateverTheClockDid) {
  for (unsigned seed = 1; seed <= kTimelines; ++seed) {
    path_ = folder_ / fmt::format("{}.netrec", seed);
    write_random(seed, 1 + static_cast<int>(seed % 3), 40, seed % 2 == 0 ? 5 : 16);
    turn_ = seed;
    expect_orders(kBegin + 30'000'000);
  }
}

// A clock that was set back: what was later by it lies before what is earlier.
TEST_F(SqlOrderTest, FramesBeforeTheClockWasSetBackAreFoundByTheirTime) {
  for (unsigned seed = 1; seed <= kTimelines; ++seed) {
    path_ = folder_ / fmt::format("{}.netrec", seed);
    write_random(seed, 2, 30, seed % 2 == 0 ? 5 : 16);
    for (const char* comparison : {">", ">=", "=", "<", "<="})
      for (int second = 0; second <= 60; second += 9) {
        const std::string time = std::to_string(kBegin + second * 1'000'000);
        for (const char* from : {"count(*) FROM frames", "count(*) FROM interface_samples"}) {
          const std::string select = std::string("SELECT ") + from + " WHERE ";
          EXPECT_EQ(ask(select + "at_us " + comparison + time).rows,
                    ask(select + "+at_us " + comparison + time).rows)
              << select << comparison << second;
        }
      }
  }
}

TEST_F(SqlOrderTest, JoinsAndSubqueriesAreOrderedToo) {
  write_simulated(5, 2, 50, 16);
  expect_same("p.comm", "connections c JOIN process p ON p.id = c.process", "c.closed_us", " DESC");
  expect_same("c.cookie", "process p JOIN connections c ON p.id = c.process", "c.closed_us",
              " DESC LIMIT 20");
  expect_same("cookie", "(SELECT * FROM connections ORDER BY closed_us DESC LIMIT 40)", "closed_us",
              " LIMIT 5");
  expect_same("a.cookie", "connections a JOIN connections b USING (cookie)", "a.closed_us", "");
  expect_same("n", "(SELECT closed_us, count(*) AS n FROM connections GROUP BY closed_us)",
              "closed_us", " DESC");
  expect_same("n", "(SELECT at_us, count(*) AS n FROM samples GROUP BY at_us)", "at_us", "");
  EXPECT_EQ(ask("SELECT DISTINCT closed_us FROM connections").rows.size(),
            ask("SELECT DISTINCT +closed_us FROM connections").rows.size());
  EXPECT_EQ(ask("SELECT max(closed_us) FROM connections").rows,
            ask("SELECT max(+closed_us) FROM connections").rows);
  EXPECT_EQ(ask("SELECT min(closed_us) FROM connections").rows,
            ask("SELECT min(+closed_us) FROM connections").rows);
}

TEST_F(SqlOrderTest, OnlyOneTermInSqlitesOwnOrderIsTakenOver) {
  write_simulated(6, 1, 50, 16);
  for (const char* order :
       {"connections ORDER BY closed_us", "connections ORDER BY closed_us DESC",
        "connections ORDER BY opened_us DESC", "transitions ORDER BY at_us DESC",
        "peers ORDER BY last_us DESC", "dns ORDER BY answered_us DESC", "frames ORDER BY at_us",
        "frames ORDER BY at_us DESC", "frames ORDER BY sequence", "frames ORDER BY sequence DESC",
        "samples ORDER BY at_us", "samples ORDER BY at_us DESC",
        "interface_samples ORDER BY at_us DESC", "counter_samples ORDER BY at_us DESC",
        "sockets WHERE at > 0 ORDER BY at", "interfaces WHERE at > 0 ORDER BY at DESC",
        "counters WHERE at > 0 AND step = 5 ORDER BY at"})
    EXPECT_FALSE(is_sorted_by_sqlite(std::string("SELECT * FROM ") + order)) << order;
  for (const char* order :
       {"connections ORDER BY closed_us, cookie", "connections ORDER BY closed_us NULLS LAST",
        "connections ORDER BY opened_us", "connections ORDER BY closed_us + 0",
        "connections ORDER BY bytes_sent", "transitions ORDER BY at_us",
        "counters WHERE at > 0 AND step = 5 ORDER BY at DESC", "connections ORDER BY +closed_us"})
    EXPECT_TRUE(is_sorted_by_sqlite(std::string("SELECT * FROM ") + order)) << order;
}

TEST_F(SqlOrderTest, TheNewestAreReadFromTheLastChunksOnly) {
  write_simulated(7, 2, 80, 16);
  const Answer sound =
      ask("SELECT cookie, closed_us FROM connections ORDER BY closed_us DESC LIMIT 10");
  const Answer few = ask("SELECT sequence, at_us FROM frames ORDER BY at_us DESC LIMIT 10");
  damage_chunks_but_of_last(1);
  EXPECT_GT(ask("SELECT cookie FROM connections").damage.size(), 4u);
  for (const char* sql :
       {"SELECT cookie, closed_us FROM connections ORDER BY closed_us DESC LIMIT 10",
        "SELECT sequence, at_us FROM frames ORDER BY at_us DESC LIMIT 10"}) {
    const Answer answer = ask(sql);
    EXPECT_EQ(answer.rows, sql[7] == 'c' ? sound.rows : few.rows) << sql;
    EXPECT_EQ(answer.damage.size(), 0u) << sql;
  }
}

TEST_F(SqlOrderTest, WhereTheNewestCannotBeReadThatIsTold) {
  write_simulated(8, 1, 130, 16);
  damage_chunks_but_of_last(0);
  EXPECT_GT(ask("SELECT cookie FROM connections ORDER BY closed_us DESC LIMIT 10").damage.size(),
            0u);
  EXPECT_GT(ask("SELECT at_us FROM frames ORDER BY at_us DESC LIMIT 40").damage.size(), 0u);
}

// Whoever says that a chunk is older than it is does not get a wrong order past us unsaid.
TEST_F(SqlOrderTest, AChunkThatLiesAboutItsTimeIsTold) {
  write_simulated(9, 1, 130, 16);
  const std::size_t all = ask("SELECT cookie FROM connections").rows.size();
  alter(
      "UPDATE chunk SET most_wall_us = least_wall_us - 100000000, least_wall_us = 0"
      " WHERE first_sequence = (SELECT max(first_sequence) FROM chunk)");
  const Answer answer = ask("SELECT cookie FROM connections ORDER BY closed_us DESC");
  EXPECT_EQ(answer.rows.size(), all);
  EXPECT_GT(answer.damage.size(), 0u);
}

// Sanitized, the least number turned round has to be one.
TEST_F(SqlOrderTest, AChunkThatEndsBeforeAllNumbersIsAskedInBothOrders) {
  write_simulated(4, 1, 40, 16);
  alter(
      "UPDATE chunk SET last_sequence = -9223372036854775807 - 1, least_wall_us = last_sequence"
      " WHERE first_sequence = (SELECT min(first_sequence) FROM chunk)");
  for (const char* order : {"", " DESC"}) {
    const Answer answer = ask(std::string("SELECT at_us FROM frames ORDER BY at_us") + order);
    EXPECT_FALSE(answer.rows.empty());
    EXPECT_FALSE(answer.damage.empty());
  }
}

TEST_F(SqlOrderTest, TheSameQuestionInAnotherOrderIsAnother) {
  write_simulated(10, 1, 40, 16);
  SqlSession session = open();
  const auto first = [&](std::string_view sql) {
    auto statement = session.prepare(sql);
    EXPECT_TRUE(statement && *(*statement)->step());
    std::string cell = text_of((*statement)->cell(0));
    while (*(*statement)->step()) continue;
    return cell;
  };
  const char* kUp = "SELECT closed_us FROM connections WHERE closed_us > 0 ORDER BY closed_us";
  const char* kDown =
      "SELECT closed_us FROM connections WHERE closed_us > 0 ORDER BY closed_us DESC";
  const std::string least = first(kUp);
  const std::string most = first(kDown);
  EXPECT_LT(least, most);
  EXPECT_EQ(first(kUp), least);
  EXPECT_EQ(first(kDown), most);
}

}  // namespace
}  // namespace netrec
