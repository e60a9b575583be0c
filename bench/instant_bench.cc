// How long it takes to rebuild an instant, and to diff two: of a day of a desktop, and of an hour
// of a host with 100 000 sockets, idle and with 27 of them replaced each second; written through
// the real writer.
//
//   instant_bench [DESKTOP-TICKS [HOST-TICKS]]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "store/timeline.h"
#include "store/timeline_writer.h"
#include "tests/store/simulated_host.h"

namespace netrec {

namespace {

constexpr int kSamples = 41;

[[noreturn]] void give_up(const Error& error) {
  fmt::print(stderr, "instant_bench: {}\n", error.message);
  std::exit(3);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  return *std::move(result);
}

void must(const Status& status) {
  if (!status) give_up(status.error());
}

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Records `ticks` seconds of that host into `path`.
void write_timeline(const std::string& path, const HostLoad& load, int ticks) {
  SimulatedHost host(load, 1);
  TimelineWriter writer = must(TimelineWriter::open(path, {}));
  host.begin_session();
  Frame first = host.empty_frame();
  must(writer.append(first, {}, host.now(), Keyframe::yes));
  double writing = 0;
  for (int i = 0; i < ticks; ++i) {
    std::vector<Socket> departed;
    Frame frame = host.tick(departed);
    const double before = cpu_s();
    const auto keyframe = writer.keyframe_due() ? Keyframe::yes : Keyframe::no;
    must(writer.append(frame, departed, host.now(), keyframe));
    must(writer.maintain(host.now()));
    writing += cpu_s() - before;
  }
  Frame last = host.end_session();
  must(writer.append(last, {}, host.now(), Keyframe::no));
  must(writer.close(host.now()));
  const auto size = std::filesystem::file_size(path);
  fmt::print("      {} sockets, {} ticks: {:.2f} MB, {:.0f} bytes and {:.3f} ms of CPU a tick\n",
             load.sockets, ticks, static_cast<double>(size) / 1e6,
             static_cast<double>(size) / ticks, writing / ticks * 1e3);
}

struct Spread {
  double median_ms = 0;  ///< of the thread's CPU time: other work on the machine does not count
  double worst_ms = 0;
};

double thread_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

template <class Work>
Spread measure(Work work) {
  std::vector<double> times;
  for (int i = 0; i < kSamples; ++i) {
    const double begun = thread_ms();
    work();
    times.push_back(thread_ms() - begun);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.back()};
}

void verdict(std::string_view what, const Spread& spread, double bar) {
  fmt::print("{}  {:<48} median {:7.2f} ms, worst {:7.2f} ms   (<= {:g} ms)\n",
             spread.median_ms <= bar ? "ok  " : "MISS", what, spread.median_ms, spread.worst_ms,
             bar);
}

/// Rebuilds instants at random and diffs pairs of them, each with a cursor of its own.
void read_timeline(const std::string& path, std::string_view name, double bar_instant,
                   double bar_diff) {
  const Timeline timeline = must(Timeline::open(path));
  const TimelineSummary& summary = timeline.summary();
  std::mt19937_64 random(7);
  const auto somewhere = [&] {
    const auto span = static_cast<std::uint64_t>((summary.last_wall - summary.first_wall).count());
    return summary.first_wall + std::chrono::microseconds(random() % span);
  };
  const Spread instant = measure([&] {
    FrameCursor cursor = timeline.cursor();
    must(cursor.seek(somewhere(), Landing::state));
  });
  std::size_t differences = 0;
  const Spread two = measure([&] {
    const auto [first, second] = std::minmax({somewhere(), somewhere()});
    FrameCursor before = timeline.cursor();
    must(before.seek(first, Landing::state));
    FrameCursor after = before.fork();
    must(after.seek(second, Landing::state));
    differences += diff(before.snapshot(), after.snapshot()).of<Socket>().opened.size();
  });
  verdict(fmt::format("an instant of {}", name), instant, bar_instant);
  verdict(fmt::format("the diff of two instants of {}", name), two, bar_diff);
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  using namespace netrec;
  const int desktop_ticks = argc > 1 ? std::atoi(argv[1]) : 86'400;
  const int host_ticks = argc > 2 ? std::atoi(argv[2]) : 3'600;
  std::string folder = (std::filesystem::temp_directory_path() / "netrec-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 3;

  write_timeline(folder + "/desktop.netrec",
                 {.sockets = 200, .opened_each_tick = 10, .working = 0.1, .programs = 30},
                 desktop_ticks);
  read_timeline(folder + "/desktop.netrec", "a desktop's day", 10, 25);
  HostLoad host{.sockets = 100'000,
                .opened_each_tick = 0,
                .working = 0,
                .programs = 30,
                .destinations = 20'000};
  write_timeline(folder + "/idle.netrec", host, host_ticks);
  read_timeline(folder + "/idle.netrec", "100 000 idle sockets", 100, 100);
  host.opened_each_tick = 27;
  write_timeline(folder + "/host.netrec", host, host_ticks);
  read_timeline(folder + "/host.netrec", "100 000, 27 a second new", 100, 100);
  std::filesystem::remove_all(folder);
  return 0;
}
