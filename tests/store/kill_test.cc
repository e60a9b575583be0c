// The recorder killed at random moments, hundreds of times: no file that cannot be opened, no tick
// lost that was committed. A child writes real frames and tells the number of each once append()
// has returned; it is killed, and what it told must be there.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "store/verify.h"
#include "tests/store/timeline_fixture.h"

namespace netrec {
namespace {

/// Kills by default; NETREC_KILLS=1000 for the long form.
constexpr int kKills = 40;
/// A child that is not killed in time ends by itself.
constexpr int kMostTicks = 2000;

class KillTest : public TimelineFixture {
 protected:
  /// Starts a child that records, and returns its pid; `told` reads the sequences it committed.
  pid_t start_recorder(std::uint64_t seed, int& told);
  [[noreturn]] void record_until_killed(std::uint64_t seed, int tell);
};

void KillTest::record_until_killed(std::uint64_t seed, int tell) {
  SimulatedHost host({.sockets = 60, .opened_each_tick = 3}, seed);
  const Sealing sealing = seed % 3 == 0 ? Sealing::here : Sealing::aside;
  const std::chrono::seconds tables_every(seed % 2 == 0 ? 0 : 60);
  auto writer = TimelineWriter::open(
      path_, {.seal_after_frames = 16, .tables_every = tables_every, .sealing = sealing});
  if (!writer) ::_exit(3);
  host.continue_after(writer->resume());
  host.begin_session();
  Frame first = host.empty_frame();
  auto written = writer->append(first, {}, host.now(), Keyframe::yes);
  for (int i = 0; written && i < kMostTicks; ++i) {
    const std::uint64_t sequence = writer->last_sequence();
    if (::write(tell, &sequence, sizeof sequence) != sizeof sequence) ::_exit(4);
    if (!writer->maintain(host.now())) ::_exit(5);
    std::vector<Socket> departed;
    Frame frame = host.tick(departed);
    written =
        writer->append(frame, departed, host.now(), i % 50 == 49 ? Keyframe::yes : Keyframe::no);
  }
  ::_exit(written ? 0 : 6);
}

pid_t KillTest::start_recorder(std::uint64_t seed, int& told) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    record_until_killed(seed, ends[1]);
  }
  ::close(ends[1]);
  told = ends[0];
  return child;
}

TEST_F(KillTest, LosesNoCommittedTickAndLeavesNoUnopenableFile) {
  const char* asked = std::getenv("NETREC_KILLS");
  const int kills = asked == nullptr ? kKills : std::atoi(asked);
  std::mt19937_64 random(static_cast<std::uint64_t>(kills));
  std::uint64_t highest = 0;
  for (int kill = 0; kill < kills; ++kill) {
    int told = -1;
    const pid_t child = start_recorder(static_cast<std::uint64_t>(kill), told);
    // Every other one gets as far as a tick, however slow the machine is.
    if (std::uint64_t first = 0; kill % 2 == 1 && ::read(told, &first, sizeof first) > 0)
      highest = first;
    ::usleep(static_cast<useconds_t>(random() % 60'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    std::uint64_t sequence = 0;
    while (::read(told, &sequence, sizeof sequence) == sizeof sequence) highest = sequence;
    ::close(told);
    if (highest == 0) continue;  // Killed before its first tick.
    const auto timeline = Timeline::open(path_);
    ASSERT_TRUE(timeline) << "after kill " << kill << ": " << timeline.error().message;
    ASSERT_GE(timeline->summary().last_sequence, highest) << "after kill " << kill;
  }
  ASSERT_GT(highest, 0u);
  const auto verification = verify(path_, nullptr);
  ASSERT_TRUE(verification) << verification.error().message;
  for (const Damage& damage : verification->damage) ADD_FAILURE() << damage.what;
  for (const std::string& finding : verification->index_findings) ADD_FAILURE() << finding;
}

}  // namespace
}  // namespace netrec
