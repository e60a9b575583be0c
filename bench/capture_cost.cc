#include "bench/capture_cost.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "bench/child.h"
#include "bench/connection_load.h"
#include "store/history.h"

namespace netrec {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Until a recorder has loaded its programs and written its first frames.
constexpr milliseconds kStart{2500};
// Until what was made is in the file: two ticks and a bit.
constexpr milliseconds kSettle{2500};
constexpr seconds kTimeWait{60};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Timeline open_timeline(const std::string& path) {
  auto timeline = Timeline::open(path);
  if (timeline) return *std::move(timeline);
  fmt::print(stderr, "{}: {}\n", path, timeline.error().message);
  std::exit(1);
}

/// What a recording has of a flood.
struct Counted {
  std::uint64_t transitions = 0;  ///< at their exact times
  std::uint64_t lost = 0;         ///< transitions, as its gaps count them
  std::uint64_t damaged = 0;
};

// Of one end. Where its beginning was lost, the first event that was told stands at its head,
// unless a look met it before (only that tells the buffer; of a request that is not a socket yet it
// tells none); where only its end was told, that made the row.
std::uint64_t transitions_of(const Connection& row) {
  std::uint64_t count = row.is_closed() && row.closed_us == row.closed_after_us ? 1 : 0;
  for (std::size_t i = 0; i < row.transitions.size(); ++i) {
    const Transition& step = row.transitions[i];
    const bool is_exact = step.at_us == step.after_us;
    const bool is_request =
        step.state == TcpState::syn_recv || step.state == TcpState::new_syn_recv;
    const bool is_event =
        step.at_us != row.closed_us && row.socket.receive_buffer == 0 && !is_request;
    if (is_exact || (i == 0 && is_event)) ++count;
  }
  return count;
}

Counted count_flood(const std::string& path, const FloodMade& made) {
  const Timeline timeline = open_timeline(path);
  Counted counted;
  Wanted wanted;
  wanted.transports = {Transport::tcp};
  const auto is_of_flood = [&](std::uint16_t port) {
    return std::find(made.ports.begin(), made.ports.end(), port) != made.ports.end();
  };
  const auto sink = [&](const Connection& row, const Snapshot&) {
    if (is_of_flood(row.socket.local_port) || is_of_flood(row.socket.remote_port))
      counted.transitions += transitions_of(row);
    return true;
  };
  const auto damage = scan_connections(timeline, wanted, sink);
  counted.damaged = damage ? damage->size() : 1;
  if (const auto gaps = timeline.gaps())
    for (const RecordedGap& gap : *gaps)
      // "12 of sockets, 3 of owners": event_losses.cc
      if (const auto at = gap.text.find(" of sockets");
          gap.cause == GapCause::event_loss && at != std::string::npos)
        counted.lost += std::strtoull(gap.text.c_str(), nullptr, 10);
  return counted;
}

/// bench/many_sockets, as long as this lives.
class IdleSockets {
 public:
  explicit IdleSockets(std::uint32_t count) {
    int out[2], in[2];
    if (::pipe(out) != 0 || ::pipe(in) != 0) std::exit(3);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int end : {out[0], out[1], in[0], in[1]}) ::close(end);
      const std::string program = build_folder() + "/bench/many_sockets";
      ::execl(program.c_str(), program.c_str(), std::to_string(count).c_str(), nullptr);
      std::_Exit(127);
    }
    ::close(out[1]);
    ::close(in[0]);
    stdin_ = in[1];
    char byte = 0;
    if (::read(out[0], &byte, 1) != 1) std::exit(3);  // "ready"
    ::close(out[0]);
  }
  ~IdleSockets() {
    ::close(stdin_);
    ::waitpid(child_, nullptr, 0);
  }
  IdleSockets(const IdleSockets&) = delete;
  IdleSockets& operator=(const IdleSockets&) = delete;

 private:
  pid_t child_ = -1;
  int stdin_ = -1;
};

}  // namespace

void measure_slowdown(const std::string& folder, int rounds) {
  constexpr int kPairs = 20'000;
  std::vector<double> without, with, ratios;
  for (int i = 0; i < rounds; ++i) {
    without.push_back(pair_ns(kPairs));
    Child recorder = Child::recorder("events", folder + "/slowdown.netrec");
    std::this_thread::sleep_for(kStart);
    with.push_back(pair_ns(kPairs));
    recorder.stop();
    ratios.push_back(with.back() / without.back());
  }
  fmt::print("\nconnect, accept, close, close: {:.2f} us without a recorder, {:.2f} us with\n",
             median(without) / 1e3, median(with) / 1e3);
  verdict(fmt::format("a tight loop is slower by, median of {} paired runs", rounds),
          (median(ratios) - 1) * 100, 5, " %");
}

namespace {

void measure_flood(const std::string& folder, std::uint32_t transitions_a_second, seconds span,
                   seconds paused) {
  const std::string path = folder + "/flood.netrec";
  Child recorder = Child::recorder("events", path);
  std::this_thread::sleep_for(kStart);
  std::thread pausing([&recorder, paused] {
    std::this_thread::sleep_for(kStart);
    if (paused.count() != 0) recorder.pause();
    std::this_thread::sleep_for(paused);
    recorder.resume();
  });
  const FloodMade made = run_flood(transitions_a_second, span);
  pausing.join();
  std::this_thread::sleep_for(kSettle);
  const double peak = recorder.memory_mb("VmHWM");
  const double cpu = recorder.cpu_seconds();
  recorder.stop();
  const Counted counted = count_flood(path, made);
  fmt::print(
      "\nflood{}: {} transitions in {} s ({:.0f} a second; asked for {}), recorder's CPU {:.1f} "
      "s\n",
      paused.count() == 0 ? "" : fmt::format(", the recorder stopped for {} s", paused.count()),
      made.transitions, span.count(),
      static_cast<double>(made.transitions) / static_cast<double>(span.count()),
      transitions_a_second, cpu);
  verdict("made in the time",
          made.transitions >= 9 * std::uint64_t{transitions_a_second} *
                                  static_cast<std::uint64_t>(span.count()) / 10,
          "(at least nine tenths of what was asked for)");
  verdict("recorded + counted as lost = made",
          counted.transitions + counted.lost == made.transitions,
          fmt::format("{} + {} = {} of {}", counted.transitions, counted.lost,
                      counted.transitions + counted.lost, made.transitions));
  verdict("the file is sound", counted.damaged == 0, fmt::format("{} damages", counted.damaged));
  verdict("memory at its peak", peak, 512, " MB");
}

}  // namespace

void measure_flood(const std::string& folder, std::uint32_t transitions_a_second, seconds span) {
  measure_flood(folder, transitions_a_second, span, seconds(0));
  measure_flood(folder, transitions_a_second, span, seconds(2));
}

void measure_file(const std::string& folder, std::uint32_t a_second, seconds span) {
  const std::string path = folder + "/file.netrec";
  Child recorder = Child::recorder("events", path);
  std::this_thread::sleep_for(kStart);
  const double before = recorder.cpu_seconds();
  const Load load = run_load({.a_second = a_second,
                              .span = span,
                              .workers = 1,
                              .own_namespace = false,
                              .destinations = 50,
                              .only_closed = true});
  // The last ones end with their TIME_WAIT.
  std::this_thread::sleep_for(kTimeWait + kSettle);
  const double cpu = recorder.cpu_seconds() - before;
  const double resident = recorder.memory_mb("VmRSS"), peak = recorder.memory_mb("VmHWM");
  recorder.stop();
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  std::set<std::uint16_t> ports;
  for (const Made& one : load.made) ports.insert(one.server_port);
  std::uint64_t ends = 0, steps = 0;
  const auto sink = [&](const Connection& row, const Snapshot&) {
    const Socket& socket = row.socket;
    if (row.is_closed() && socket.remote_port != 0 &&
        (ports.contains(socket.local_port) || ports.contains(socket.remote_port))) {
      ++ends;
      steps += row.transitions.size();
    }
    return true;
  };
  Wanted wanted;
  wanted.transports = {Transport::tcp};
  if (!scan_connections(open_timeline(path), wanted, sink)) std::exit(1);
  const auto made = static_cast<double>(load.made.size());
  fmt::print(
      "\nfile: {} connections a second for {} s to 50 destinations: {} made, {} not made for want "
      "of time; {} ends closed with {:.1f} steps each; {:.0f} bytes\n",
      a_second, span.count(), load.made.size(), load.not_made, ends,
      static_cast<double>(steps) / static_cast<double>(ends), bytes);
  fmt::print(
      "      {:.2f} us of CPU a connection, {:.2f} us an end; memory {:.1f} MB, peak {:.1f} MB\n",
      cpu * 1e6 / made, cpu * 1e6 / static_cast<double>(ends), resident, peak);
  verdict("file, a closed connection as each end sees it", bytes / static_cast<double>(ends), 40,
          " B");
  verdict("file, a connection with both its ends", bytes / made, 40, " B");
}

void measure_idle(const std::string& folder, std::uint32_t sockets, seconds span) {
  const IdleSockets load(sockets);
  for (const std::string capture : {"events", "poll"}) {
    const bool by_events = capture == "events";
    Child recorder = Child::recorder(capture, folder + "/idle.netrec");
    std::this_thread::sleep_for(seconds(10));
    const double before = recorder.cpu_seconds();
    std::this_thread::sleep_for(by_events ? span : seconds(5));
    const double took = recorder.cpu_seconds() - before;
    const double resident = recorder.memory_mb("VmRSS"), peak = recorder.memory_mb("VmHWM");
    recorder.stop();
    fmt::print("\nidle, {} sockets, {}: memory {:.1f} MB, at its peak {:.1f} MB\n", sockets,
               capture, resident, peak);
    if (by_events)
      verdict(fmt::format("share of a core with {} idle sockets, over {} s", sockets, span.count()),
              took / static_cast<double>(span.count()) * 100, sockets <= 1000 ? 0.1 : 0.3, " %");
    verdict(fmt::format("memory, {} sockets, {}", sockets, capture), resident, 80, " MB");
  }
}

}  // namespace netrec
