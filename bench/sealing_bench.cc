// What sealing costs beside the recorder's own work, and whether it keeps a reader waiting: 10 000
// connections a second (bench/busy_host.h) written as the recorder writes, chunks made aside and
// not made at all, with somebody who looks at the file all the while.
//
//   sealing_bench [SECONDS [CONNECTIONS-A-SECOND]]     default: 150 10000; three minutes.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench/busy_host.h"
#include "store/memory.h"
#include "store/timeline.h"
#include "store/timeline_writer.h"

namespace netrec {

namespace {

constexpr double kMostUs = 5;  // of CPU a connection: 5 % of a core at 10 000 a second
constexpr double kLongestWait_ms = 50;
constexpr int kEven_s = 70;  // from when on as many connections end as begin

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "sealing_bench: {}\n", result.error().message);
  std::exit(3);
}

void must(const Status& status) {
  if (status) return;
  fmt::print(stderr, "sealing_bench: {}\n", status.error().message);
  std::exit(3);
}

double cpu_s(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void verdict(bool good, std::string_view what, const std::string& measured) {
  fmt::print("{}  {:<52} {}\n", good ? "ok  " : "MISS", what, measured);
  std::fflush(stdout);
}

/// Looks for what is new, again and again, and notes how long each look took.
class Reader {
 public:
  explicit Reader(const std::string& path) : thread_([this, path] { run(path); }) {
    ::pthread_getcpuclockid(thread_.native_handle(), &clock_);
  }
  ~Reader() { stop(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Of all looks, ascending. REQUIRES: stop().
  const std::vector<double>& waits_ms() const { return waits_ms_; }
  /// CPU time so far, in seconds.
  double cpu() const { return done_ ? cpu_s_ : cpu_s(clock_); }

 private:
  void run(const std::string& path) {
    Timeline timeline = must(Timeline::open(path));
    while (!done_) {
      const auto begun = std::chrono::steady_clock::now();
      must(timeline.refresh());
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begun;
      waits_ms_.push_back(took.count());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    std::sort(waits_ms_.begin(), waits_ms_.end());
    cpu_s_ = cpu_s(CLOCK_THREAD_CPUTIME_ID);
  }

  std::atomic<bool> done_ = false;
  std::vector<double> waits_ms_;
  double cpu_s_ = 0;
  clockid_t clock_{};
  std::thread thread_;
};

/// CPU time, in seconds.
struct Spent {
  double all = 0;       ///< the load's making and the reader's looks apart
  double append = 0;    ///< the recorder's own: ticks
  double maintain = 0;  ///< in its thread: tables written, frames exchanged for their chunk
  double close = 0;     ///< the file's end
  double longest = 0;   ///< of maintain: in one tick

  double aside() const { return all - append - maintain - close; }
};

struct Run {
  std::uint64_t connections = 0;  ///< that ended
  Spent spent;
  double early_s = 0;  ///< of spent.all, before kEven_s
  std::uint64_t early_connections = 0;
  std::vector<double> waits_ms;
};

/// Adds the thread's CPU time from here to the end of the scope.
class Meter {
 public:
  explicit Meter(double& sum_s) : sum_s_(sum_s), begun_(cpu_s(CLOCK_THREAD_CPUTIME_ID)) {}
  ~Meter() { sum_s_ += cpu_s(CLOCK_THREAD_CPUTIME_ID) - begun_; }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

 private:
  double& sum_s_;
  double begun_;
};

Run record(const std::string& path, double a_second, int seconds, const WriterOptions& options) {
  BusyHost host({.connections_a_second = a_second}, 1);
  TimelineWriter writer = must(TimelineWriter::open(path, options));
  Snapshot now = host.beginning();
  Frame first;
  first.wall = host.wall();
  must(writer.append(first, {}, now, Keyframe::yes));
  Reader reader(path);
  Run run;
  const double begun = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
  double load_s = 0;
  std::vector<Socket> departed;
  const auto spent = [&] {
    return cpu_s(CLOCK_PROCESS_CPUTIME_ID) - begun - load_s - reader.cpu();
  };
  for (int i = 0; i < seconds; ++i) {
    if (i == kEven_s) {
      run.early_s = spent();
      run.early_connections = run.connections;
    }
    Frame frame;
    {
      const Meter meter(load_s);
      frame = host.tick(departed);
      frame.boot = std::chrono::duration_cast<std::chrono::microseconds>(frame.wall - first.wall);
      run.connections += departed.size();
      apply(frame.delta, now);
    }
    {
      const Meter meter(run.spent.append);
      const Keyframe keyframe = writer.keyframe_due() ? Keyframe::yes : Keyframe::no;
      must(writer.append(frame, departed, now, keyframe));
    }
    const double before_s = run.spent.maintain;
    {
      const Meter meter(run.spent.maintain);
      must(writer.maintain(now));
    }
    run.spent.longest = std::max(run.spent.longest, run.spent.maintain - before_s);
  }
  reader.stop();
  // Closing seals what is left: a file that is to stay hot is left as a killed recorder leaves it.
  if (options.sealing == Sealing::aside) {
    const Meter meter(run.spent.close);
    must(writer.close(now));
  }
  run.spent.all = spent();
  run.waits_ms = reader.waits_ms();
  return run;
}

int measure(int seconds, double a_second) {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("netrec-sealing-bench-{}", ::getpid());
  std::filesystem::create_directories(folder);
  const Run with = record(folder / "sealed", a_second, seconds, {.sealing = Sealing::aside});
  const Run without = record(folder / "hot", a_second, seconds,
                             {.seal_after_frames = UINT32_MAX, .seal_after_bytes = UINT64_MAX});
  std::filesystem::remove_all(folder);
  if (with.connections == 0 || with.waits_ms.empty()) {
    fmt::print(stderr, "sealing_bench: nothing ended in {} seconds\n", seconds);
    return 3;
  }
  const auto each = [&](double spent_s) {
    return spent_s * 1e6 / static_cast<double>(with.connections);
  };
  fmt::print(
      "      {} connections ended, {} a second began: {:.2f} us of CPU each, {:.2f} without"
      " sealing\n",
      with.connections, a_second, each(with.spent.all), each(without.spent.all));
  fmt::print(
      "      a chunk encoded aside {:.2f} us, tables and exchange {:.2f}, closing {:.2f}, ticks"
      " slower by {:.2f}; at most {:.0f} ms in a tick\n",
      each(with.spent.aside()), each(with.spent.maintain), each(with.spent.close),
      each(with.spent.append - without.spent.append), with.spent.longest * 1e3);
  if (seconds > kEven_s) {
    const auto late = [](const Run& run) { return run.spent.all - run.spent.close - run.early_s; };
    fmt::print("      from second {} on, as many ending as beginning, closing apart: {:.2f} us\n",
               kEven_s,
               (late(with) - late(without)) * 1e6 /
                   static_cast<double>(with.connections - with.early_connections));
  }
  const double sealing = each(with.spent.all - without.spent.all);
  verdict(sealing <= kMostUs, "sealing a connection, at 10 000 a second (<= 5 us)",
          fmt::format("{:.2f} us", sealing));
  const std::vector<double>& waits = with.waits_ms;
  verdict(waits.back() <= kLongestWait_ms, "a reader beside it waits (<= 50 ms)",
          fmt::format("{:.2f} ms at most of {} times, median {:.2f}", waits.back(), waits.size(),
                      waits[waits.size() / 2]));
  return 0;
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  netrec::keep_memory();  // As the recorder does.
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 150;
  const double a_second = argc > 2 ? std::strtod(argv[2], nullptr) : 10'000;
  if (argc > 3 || seconds <= 0 || a_second <= 0) {
    fmt::print(stderr, "usage: sealing_bench [SECONDS [CONNECTIONS-A-SECOND]]\n");
    return 2;
  }
  return netrec::measure(seconds, a_second);
}
