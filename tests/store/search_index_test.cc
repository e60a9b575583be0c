// The search index: what it says of chunks is what they hold, and where it says nothing, or is not
// to be read, searches answer the same.
#include "store/search_index.h"

#include <map>
#include <set>

#include "store/history.h"
#include "store/key_finder.h"
#include "store/search_group.h"
#include "store/verify.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

constexpr KeyKind kRemote = KeyKind::remote_address;

/// Keys of `count` chunks, some in many of them.
std::vector<ShortKeys> some_keys(std::size_t count) {
  std::vector<ShortKeys> all;
  for (std::size_t chunk = 0; chunk < count; ++chunk) {
    SearchKeys keys;
    for (std::uint64_t i = 1; i <= 400; ++i)
      if ((chunk + i) % (1 + i % 50) == 0) keys.of[0].push_back(i * 7919);
    for (std::uint64_t port = 40000; port < 40100; ++port)
      if ((port ^ chunk) % 3 == 0) keys.of[4].push_back(port);
    all.push_back(ShortKeys::from(keys));
  }
  return all;
}

/// The page that speaks of `key`.
const SearchPage& page_of(const std::vector<SearchPage>& pages, std::uint32_t group, KeyKind kind,
                          std::uint32_t key) {
  const SearchPage* last = &pages.front();
  for (const SearchPage& page : pages)
    if (page.id <= page_id(group, kind, key)) last = &page;
  return *last;
}

TEST(SearchKeys, ComeBackAsTheyWere) {
  const std::vector<ShortKeys> all = some_keys(3);
  SearchKeys keys;
  keys.of[0] = {1, 2, 1 << 20, UINT64_MAX};
  keys.of[3] = {0, 443, 65535};
  keys.of[6].resize(70'000);
  for (std::size_t i = 0; i < keys.of[6].size(); ++i) keys.of[6][i] = i;
  const auto read = ShortKeys::decode(keys.encode());
  ASSERT_TRUE(read) << read.error().message;
  const ShortKeys made = ShortKeys::from(keys);
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind) {
    EXPECT_EQ(read->of[kind].keys, made.of[kind].keys);
    EXPECT_EQ(read->of[kind].holds_anything, kind == 6);
  }
  EXPECT_EQ(read->of[3].keys, (std::vector<std::uint32_t>{0, 443, 65535}));
  EXPECT_TRUE(read->may_hold({{{KeyKind::remote_port, 443}}, {{KeyKind::program, 17}}}));
  EXPECT_FALSE(read->may_hold({{{KeyKind::remote_port, 80}, {KeyKind::remote_port, 81}}}));
}

TEST(SearchKeys, AreNotReadFromDamage) {
  SearchKeys keys;
  keys.of[0] = {1, 2, 3};
  const std::string bytes = keys.encode();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(ShortKeys::decode(bytes.substr(0, size)));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    EXPECT_FALSE(ShortKeys::decode(flipped));
  }
}

TEST(SearchPages, SayOfEachKeyWhichChunksHaveIt) {
  for (const std::size_t count : {1, 9, 256}) {
    const std::vector<ShortKeys> keys = some_keys(count);
    const std::vector<SearchPage> pages = make_pages(7, keys);
    for (const KeyKind kind : {kRemote, KeyKind::local_port, KeyKind::name}) {
      std::set<std::uint32_t> wanted = {0, 1, 40099, 40100, (1u << kSearchKeyBits) - 1};
      for (const ShortKeys& chunk : keys) {
        const auto& list = chunk.of[static_cast<std::size_t>(kind)].keys;
        wanted.insert(list.begin(), list.end());
      }
      for (const std::uint32_t key : wanted) {
        const SearchPage& page = page_of(pages, 7, kind, key);
        const auto found = find_in_page(page.id, page.bytes, key, count);
        ASSERT_TRUE(found) << found.error().message;
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ((*found)[i], keys[i].may_hold({{{kind, key}}})) << key << " in " << i;
      }
    }
    for (const SearchPage& page : pages) EXPECT_LE(page.bytes.size(), 3900u);
  }
}

TEST(SearchPages, ThatAreDamagedOrAnotherOnesSayNothing) {
  std::vector<ShortKeys> keys = some_keys(20);
  SearchKeys many;
  for (std::uint64_t i = 0; i < 5000; ++i) many.of[0].push_back(i * 31);
  keys.front() = ShortKeys::from(many);
  const std::vector<SearchPage> pages = make_pages(1, keys);
  const SearchPage& page = pages.front();
  ASSERT_TRUE(find_in_page(page.id, page.bytes, 0, 20));
  EXPECT_FALSE(find_in_page(page.id + 1, page.bytes, 5, 20));
  EXPECT_FALSE(find_in_page(page.id, page.bytes, (1u << kSearchKeyBits) - 1, 20))
      << "a page in between is missing";
  for (std::size_t size = 0; size < page.bytes.size(); size += 1 + size / 20)
    EXPECT_FALSE(find_in_page(page.id, page.bytes.substr(0, size), 0, 20));
  for (std::size_t at = 0; at < page.bytes.size(); at += 1 + at / 20) {
    std::string flipped = page.bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    EXPECT_FALSE(find_in_page(page.id, flipped, 0, 20));
  }
  // Sound, and of a larger group.
  EXPECT_FALSE(read_page(page.id, page.bytes, 3));
}

TEST(SearchGroup, ComesBackAsItWas) {
  SearchGroup group{.number = 3, .chunks = {}};
  for (std::uint64_t i = 0; i < 5; ++i)
    group.chunks.push_back({.first_sequence = 10 * i + 4,
                            .last_sequence = 10 * i + 12,
                            .least_wall_us = 1'000'000 - i,
                            .most_wall_us = 2'000'000 + i,
                            .first_opened_us = i == 2 ? 0 : 900'000 + 400'000 * i,
                            .ended = static_cast<std::uint8_t>(i),
                            .anything = static_cast<std::uint8_t>(i << 4)});
  const std::string bytes = group.encode();
  const auto read = SearchGroup::decode(3, 4, 52, bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->chunks, group.chunks);
  EXPECT_FALSE(SearchGroup::decode(2, 4, 52, bytes));
  EXPECT_FALSE(SearchGroup::decode(3, 4, 53, bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(SearchGroup::decode(3, 4, 52, bytes.substr(0, size)));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    EXPECT_FALSE(SearchGroup::decode(3, 4, 52, flipped));
  }
}

class SearchIndexTest : public TimelineFixture {
 protected:
  SearchIndexTest() {
    load_ = {.sockets = 60, .opened_each_tick = 2, .working = 0.3, .destinations = 80};
    host_ = SimulatedHost(load_, 5);
    keep_past_ = false;
  }
  void make_timeline(int ticks = 300) {
    auto writer = open_writer({.seal_after_frames = 12});
    begin(writer);
    record(writer, ticks);
    finish(writer);
  }
  void execute(const std::string& sql) {
    auto database = Database::open_for_writing(path_, false);
    ASSERT_TRUE(database) << database.error().message;
    const auto done = database->execute(sql);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(database->make_plain_file());
  }
  std::int64_t number(const std::string& sql) {
    auto database = Database::open_read_only(path_);
    auto query = database->prepare(sql);
    EXPECT_TRUE(query && *query->first());
    return query ? query->integer(0) : -1;
  }
  /// What a scan over everything meets.
  std::vector<Damage> damage_of_a_scan() {
    const auto timeline = Timeline::open(path_);
    auto damage =
        scan_connections(*timeline, {}, [](const Connection&, const Snapshot&) { return true; });
    EXPECT_TRUE(damage) << damage.error().message;
    return damage ? *std::move(damage) : std::vector<Damage>{};
  }
  /// Cookies of those whose remote end is `prefix`, as a search answers.
  std::set<std::uint64_t> found(const Prefix& prefix) {
    std::set<std::uint64_t> cookies;
    const auto timeline = Timeline::open(path_);
    Wanted wanted;
    wanted.remote = {prefix};
    const auto add = [&](const Connection& row, const Snapshot&) {
      if (prefix.contains(row.socket.remote, row.socket.family)) cookies.insert(row.socket.cookie);
      return true;
    };
    const auto damage = scan_connections(*timeline, wanted, add);
    EXPECT_TRUE(damage && damage->empty());
    return cookies;
  }
  /// What there is, by remote address.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::set<std::uint64_t>> everything() {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::set<std::uint64_t>> all;
    const auto timeline = Timeline::open(path_);
    EXPECT_TRUE(scan_connections(*timeline, {}, [&](const Connection& row, const Snapshot&) {
      families_[{row.socket.remote.high, row.socket.remote.low}] = row.socket.family;
      all[{row.socket.remote.high, row.socket.remote.low}].insert(row.socket.cookie);
      return true;
    }));
    return all;
  }
  Prefix prefix_of(const std::pair<std::uint64_t, std::uint64_t>& address) {
    const Family family = families_[address];
    return {.address = {.high = address.first, .low = address.second},
            .family = family,
            .bits = family == Family::inet ? 32 : 128};
  }
  void expect_all_found(const std::string& where) {
    for (const auto& [address, cookies] : everything())
      EXPECT_EQ(found(prefix_of(address)), cookies) << where;
  }
  std::vector<std::string> findings() {
    const auto proof = verify(path_, nullptr);
    EXPECT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(proof->damage.empty());
    return proof->index_findings;
  }

  std::map<std::pair<std::uint64_t, std::uint64_t>, Family> families_;
};

TEST_F(SearchIndexTest, IsMadeByTheWriterAndAgreesWithTheLog) {
  make_timeline();
  EXPECT_GE(number("SELECT count(*) FROM search_group"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM search_chunk"), 0);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  expect_all_found("as it is");
}

TEST_F(SearchIndexTest, ReadsFewChunksForANeedle) {
  make_timeline();
  auto database = Database::open_read_only(path_);
  auto index = SearchIndex::open(*database);
  const auto groups = index->groups(0, kLastKey);
  ASSERT_EQ(groups.size(), 1u);
  const auto count = [](const ChunkSet& set) { return std::count(set.begin(), set.end(), true); };
  EXPECT_EQ(count(index->may_hold(groups[0], {{{kRemote, search_key(kRemote, 0x01020304)}}})), 0);
  EXPECT_EQ(count(index->may_hold(groups[0], {})), static_cast<long>(groups[0].chunks.size()));
}

TEST_F(SearchIndexTest, MissingAnswersTheSame) {
  make_timeline();
  const auto all = everything();
  for (const char* sql : {"DELETE FROM search_page WHERE id % 2 = 0", "DELETE FROM search_page",
                          "DELETE FROM search_group",
                          "DROP TABLE search_chunk; DROP TABLE search_page; DROP TABLE "
                          "search_group"}) {
    execute(sql);
    EXPECT_EQ(everything(), all) << sql;
    expect_all_found(sql);
  }
}

TEST_F(SearchIndexTest, IsContinuedOverRestartsAndKills) {
  make_timeline(150);
  host_.sleep(std::chrono::seconds(5));
  {
    auto writer = open_writer({.seal_after_frames = 12});
    begin(writer);
    record(writer, 70);  // And it is killed.
  }
  EXPECT_GT(number("SELECT count(*) FROM search_chunk"), 0);
  expect_all_found("killed");
  host_.sleep(std::chrono::seconds(5));
  auto writer = open_writer({.seal_after_frames = 12});
  begin(writer);
  record(writer, 80);
  finish(writer);
  EXPECT_EQ(number("SELECT count(*) FROM search_group"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM search_chunk"), 0);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  expect_all_found("in the end");
}

TEST_F(SearchIndexTest, IsDroppedWithItsChunks) {
  load_.opened_each_tick = 4;
  host_ = SimulatedHost(load_, 6);
  for (int i = 0; i < 3; ++i) {
    auto writer = open_writer({.max_age = std::chrono::seconds(100), .seal_after_frames = 8});
    begin(writer);
    record(writer, 200);
    finish(writer);
  }
  const std::int64_t first = number("SELECT min(first_sequence) FROM chunk");
  EXPECT_GE(number("SELECT min(last_sequence) FROM search_group"), first);
  EXPECT_EQ(number("SELECT count(*) FROM search_page WHERE id >> 32 NOT IN"
                   " (SELECT number FROM search_group)"),
            0);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  expect_all_found("pruned");
}

TEST_F(SearchIndexTest, ThatHidesAConnectionIsFoundByVerify) {
  make_timeline();
  auto database = Database::open_read_only(path_);
  auto rows = database->prepare(
      "SELECT number, first_sequence, last_sequence, chunks"
      "  FROM search_group");
  ASSERT_TRUE(*rows->first());
  const auto sequence = [&](int column) {
    return static_cast<std::uint64_t>(rows->integer(column));
  };
  auto group = SearchGroup::decode(1, sequence(1), sequence(2), rows->bytes(3));
  rows->reset();
  // Pages that somebody made anew without an address, sums and all.
  std::vector<ShortKeys> nothing(group->chunks.size());
  const SearchPage forged = make_pages(1, nothing).front();
  {
    auto writable = Database::open_for_writing(path_, false);
    auto replace = writable->prepare("INSERT OR REPLACE INTO search_page VALUES (?, ?)");
    ASSERT_TRUE(
        writable->execute("DELETE FROM search_page WHERE id BETWEEN 4294967296 AND "
                          "4294967296 + 268435455"));
    ASSERT_TRUE(replace->run(forged.id, SqlValue::blob(forged.bytes)));
  }
  EXPECT_EQ(findings().size(), 1u);
  // And a group that says a chunk is of another time.
  group->chunks[1].first_opened_us = group->chunks[1].most_wall_us + 1'000'000'000;
  {
    auto writable = Database::open_for_writing(path_, false);
    auto update = writable->prepare("UPDATE search_group SET chunks = ?");
    ASSERT_TRUE(update->run(SqlValue::blob(group->encode())));
  }
  EXPECT_EQ(findings().size(), 2u);
}

TEST_F(SearchIndexTest, MissesAChunkThatIsGone) {
  make_timeline();
  execute(
      "DELETE FROM chunk WHERE first_sequence ="
      " (SELECT first_sequence FROM chunk ORDER BY 1 LIMIT 1 OFFSET 5)");
  const std::vector<Damage> damage = damage_of_a_scan();
  ASSERT_GE(damage.size(), 1u);
  EXPECT_GT(damage.front().from, WallTime{});
}

TEST_F(SearchIndexTest, WithoutGroupsAChunkThatIsGoneIsMissedToo) {
  make_timeline();
  execute(
      "DELETE FROM search_group; DELETE FROM chunk WHERE first_sequence ="
      " (SELECT first_sequence FROM chunk ORDER BY 1 LIMIT 1 OFFSET 5)");
  const std::vector<Damage> damage = damage_of_a_scan();
  ASSERT_GE(damage.size(), 1u);
  EXPECT_GT(damage.front().to, damage.front().from);
}

}  // namespace
}  // namespace netrec
