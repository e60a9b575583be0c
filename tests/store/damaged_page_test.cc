// One page of the file after the other is overwritten: whatever it held, every question is answered
// from the rest, and what is missing is told.
#include <cstdio>
#include <map>
#include <set>
#include <span>

#include "store/database.h"
#include "store/history.h"
#include "store/missing_frames.h"
#include "store/verify.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

constexpr std::size_t kPage = 4096;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_contents(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
}

/// What somebody gets who asks a file everything.
struct Answers {
  std::string error;
  std::map<std::uint64_t, std::uint64_t> closed_us;  ///< by cookie
  std::vector<Snapshot> instants;                    ///< some, evenly spread
  std::vector<bool> instant_doubted;
  std::vector<bool> instant_after_end;  ///< of what can be read: netrec show says that it is
  std::size_t told_missing = 0;
  std::size_t sessions = 0;
  std::size_t frames = 0;
  std::uint64_t frames_silent = 0;  ///< of those known: neither read nor told to be missing
};

constexpr int kInstants = 7;

/// Asks for the state at `wall`, as netrec show does.
Status ask_instant(const Timeline& timeline, WallTime wall, std::span<const Damage> holes,
                   Answers& answers) {
  FrameCursor cursor = timeline.cursor();
  auto found = cursor.seek(wall, Landing::state);
  bool doubted = !found || !cursor.damage().empty();
  for (const Damage& hole : holes) doubted |= hole.from <= wall && wall < hole.to;
  answers.instants.push_back(found ? cursor.snapshot() : Snapshot{});
  answers.instant_doubted.push_back(doubted);
  answers.instant_after_end.push_back(wall > timeline.summary().last_wall);
  if (found || found.error().kind == ErrorKind::not_found) return {};
  return found;
}

Answers ask(const std::string& path, WallTime first, WallTime last) {
  Answers answers;
  const auto ask_all = [&]() -> Status {
    NETREC_TRY(timeline, Timeline::open(path));
    NETREC_TRY(damage, scan_connections(timeline, {}, [&](const Connection& row, const Snapshot&) {
                 answers.closed_us[row.socket.cookie] = row.closed_us;
                 return true;
               }));
    NETREC_TRY(holes, missing_frames(timeline));
    NETREC_TRY(gaps, timeline.gaps());
    NETREC_TRY(sessions, timeline.sessions());
    answers.sessions = sessions.size();
    for (int i = 0; i < kInstants; ++i)
      NETREC_CHECKED(ask_instant(timeline, first + (last - first) * (2 * i + 1) / (2 * kInstants),
                                 holes, answers));
    FrameCursor cursor = timeline.cursor();
    NETREC_TRY(more, cursor.next());
    std::set<std::uint64_t> told;
    while (more) {
      ++answers.frames;
      told.insert(cursor.frame().sequence);
      NETREC_TRY(next, cursor.next());
      more = next;
    }
    const TimelineSummary& summary = timeline.summary();
    for (const std::vector<Damage>* missing : {&std::as_const(holes), &cursor.damage()})
      for (const Damage& one : *missing)
        for (std::uint64_t i = one.first_sequence; i <= one.last_sequence; ++i) told.insert(i);
    for (std::uint64_t i = std::max<std::uint64_t>(summary.first_sequence, 1);
         i <= summary.last_sequence; ++i)
      answers.frames_silent += told.contains(i) ? 0 : 1;
    answers.told_missing = damage.size() + holes.size() + cursor.damage().size();
    for (const RecordedGap& gap : gaps)
      answers.told_missing += gap.cause == GapCause::damaged ? 1 : 0;
    return {};
  };
  if (const auto done = ask_all(); !done) answers.error = done.error().message;
  return answers;
}

class DamagedPage : public TimelineFixture {
 protected:
  void make_timeline() {
    load_ = {.sockets = 60, .opened_each_tick = 2, .working = 0.3};
    host_ = SimulatedHost(load_, 5);
    keep_past_ = false;
    {
      // Enough chunks for a group of the search index.
      auto writer = open_writer({.seal_after_frames = 15});
      begin(writer);
      record(writer, 150);
      finish(writer);
    }
    host_.sleep(std::chrono::seconds(30));
    auto writer = open_writer({.seal_after_frames = 30});
    begin(writer);
    record(writer, 130);
    const std::string copy = path_ + ".copy";
    ASSERT_EQ(std::system(fmt::format("sqlite3 '{}' \".backup '{}'\"", path_, copy).c_str()), 0);
    path_ = copy;
    whole_ = contents(path_);
    const auto timeline = Timeline::open(path_);
    ASSERT_TRUE(timeline);
    first_ = timeline->summary().first_wall;
    last_ = timeline->summary().last_wall;
    sound_ = ask(path_, first_, last_);
  }

  // Of the file before anything was done to it.
  std::string whole_;
  WallTime first_{};
  WallTime last_{};
  Answers sound_;
};

TEST_F(DamagedPage, CostsOnlyWhatItHeldAndThatIsTold) {
  make_timeline();
  ASSERT_EQ(sound_.error, "");
  ASSERT_EQ(sound_.told_missing, 0u);
  ASSERT_EQ(sound_.sessions, 2u);
  std::size_t partial = 0;
  std::size_t refused = 0;
  for (std::size_t page = 1; page < whole_.size() / kPage; ++page) {
    std::string bytes = whole_;
    bytes.replace(page * kPage, kPage, kPage, static_cast<char>(0x5a));
    write_contents(path_, bytes);
    const auto proof = verify(path_, nullptr);
    const Answers answers = ask(path_, first_, last_);
    if (!proof) {  // The tables themselves are not to be made out.
      ++refused;
      continue;
    }
    EXPECT_EQ(answers.error, "") << "page " << page;
    EXPECT_EQ(answers.sessions, 2u) << "page " << page;
    for (std::size_t i = 0; i < answers.instants.size(); ++i)
      EXPECT_TRUE(answers.instant_doubted[i] || answers.instants[i] == sound_.instants[i])
          << "page " << page << ", instant " << i;
    if (answers.closed_us == sound_.closed_us && answers.frames == sound_.frames) continue;
    ++partial;
    EXPECT_GT(answers.told_missing, 0u) << "page " << page;
    EXPECT_FALSE(proof->damage.empty()) << "page " << page;
    EXPECT_FALSE(answers.closed_us.empty()) << "page " << page;
  }
  EXPECT_GT(partial, 10u);
  EXPECT_LE(refused * kPage, 3u * 4096);
}

// A copy that was broken off, a disk that was full.
TEST_F(DamagedPage, MissingAtTheEndCostsOnlyWhatItHeldAndThatIsTold) {
  make_timeline();
  std::size_t answered = 0;
  for (std::size_t pages = whole_.size() / kPage - 1; pages > 1;
       pages -= std::min<std::size_t>(pages, 4)) {
    write_contents(path_, whole_.substr(0, pages * kPage + 1000));
    const Answers answers = ask(path_, first_, last_);
    if (!answers.error.empty()) {
      EXPECT_NE(answers.error.find("cut off"), std::string::npos) << answers.error;
      continue;
    }
    ++answered;
    EXPECT_GT(answers.told_missing, 0u) << pages;
    EXPECT_EQ(answers.frames_silent, 0u) << pages;
    for (std::size_t i = 0; i < answers.instants.size(); ++i)
      EXPECT_TRUE(answers.instant_doubted[i] || answers.instant_after_end[i] ||
                  answers.instants[i] == sound_.instants[i])
          << pages << " pages, instant " << i;
    for (const auto& [cookie, closed_us] : answers.closed_us)
      EXPECT_TRUE(closed_us == 0 || sound_.closed_us.count(cookie) > 0) << pages;
    const auto proof = verify(path_, nullptr);
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_FALSE(proof->damage.empty()) << pages;
  }
  EXPECT_GT(answered, 4u);
}

TEST_F(DamagedPage, IsNamedByVerifyWithTheTimeItCosts) {
  make_timeline();
  std::string bytes = contents(path_);
  // The page a chunk's row begins on: somewhere on it stands its first sequence.
  auto database = Database::open_read_only(path_);
  auto second = database->prepare("SELECT first_sequence, header FROM chunk ORDER BY 1 LIMIT 1,1");
  ASSERT_TRUE(*second->first());
  const auto first_sequence = static_cast<std::uint64_t>(second->integer(0));
  const std::string header(second->bytes(1).substr(0, 64));
  second->reset();
  const std::size_t at = bytes.find(header);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at / kPage * kPage, kPage, kPage, '\0');
  write_contents(path_, bytes);
  const auto proof = verify(path_, nullptr);
  ASSERT_TRUE(proof) << proof.error().message;
  ASSERT_FALSE(proof->damage.empty());
  EXPECT_LE(proof->damage.front().first_sequence, first_sequence);
  EXPECT_GE(proof->damage.front().last_sequence, first_sequence);
  EXPECT_GT(proof->damage.front().from, WallTime{});
  EXPECT_GT(proof->damage.front().to, proof->damage.front().from);
}

}  // namespace
}  // namespace netrec
