// What a recording by events has of a load of short connections, held against the load's own log:
// count, both endpoints, times, bytes, and who it was. Beside it, what polling once a second and
// `ss -E` have of the same run. And what recording costs: CPU, memory, file, and the program that
// connects and closes.
//
//   capture_bench                                    all of it, some four minutes
//   capture_bench load [A-SECOND [SECONDS]]          1000 10
//   capture_bench slowdown [ROUNDS]                  7
//   capture_bench flood [TRANSITIONS [SECONDS]]      200000 10
//   capture_bench file [A-SECOND [SECONDS]]          1000 600, and a minute for the last TIME_WAITs
//   capture_bench idle [SOCKETS [SECONDS]]           100000 600
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bench/capture_cost.h"
#include "bench/child.h"
#include "bench/connection_load.h"
#include "store/history.h"

namespace netrec {
namespace {

constexpr std::uint64_t kToleranceUs = 1000;
constexpr std::array<const char*, kEndings> kNames = {
    "closed by client", "closed by server", "refused",       "reset by server",
    "reset by client",  "half-closed",      "process killed"};

/// One end of a connection as the recording has it.
struct Recorded {
  Connection life;
  std::uint32_t pid = 0;
  bool has_command_line = false;
};

using Key = std::uint64_t;
Key key_of_ends(bool v6, std::uint16_t local, std::uint16_t remote) {
  return Key{v6} << 32 | Key{local} << 16 | remote;
}

using Recording = std::unordered_map<Key, std::vector<Recorded>>;

Recording read_recording(const std::string& path) {
  Recording recording;
  auto timeline = Timeline::open(path);
  if (!timeline) {
    fmt::print(stderr, "{}: {}\n", path, timeline.error().message);
    std::exit(1);
  }
  Wanted wanted;
  wanted.transports = {Transport::tcp};
  const auto sink = [&](const Connection& row, const Snapshot& names) {
    const Socket& socket = row.socket;
    if (socket.transport != Transport::tcp || socket.remote_port == 0) return true;
    const Process* process = names.of<Process>().find(socket.process);
    Recorded one{.life = row};
    if (process != nullptr) {
      one.pid = process->pid;
      one.has_command_line = !names.text(process->command_line).empty();
    }
    recording[key_of_ends(socket.family == Family::inet6, socket.local_port, socket.remote_port)]
        .push_back(std::move(one));
    return true;
  };
  if (auto scanned = scan_connections(*timeline, wanted, sink); !scanned)
    fmt::print(stderr, "{}: {}\n", path, scanned.error().message);
  return recording;
}

/// The recorded end whose opening is nearest to the one made.
const Recorded* nearest(const Recording& recording, Key key, const Made& made) {
  const auto found = recording.find(key);
  if (found == recording.end()) return nullptr;
  const Recorded* best = nullptr;
  std::uint64_t least = 2'000'000;
  for (const Recorded& one : found->second) {
    const std::uint64_t at = one.life.socket.opened_us;
    const std::uint64_t distance =
        at > made.before_open_us ? at - made.before_open_us : made.before_open_us - at;
    if (distance < least) {
      least = distance;
      best = &one;
    }
  }
  return best;
}

bool is_within(std::uint64_t at, std::uint64_t from, std::uint64_t to) {
  return at + kToleranceUs >= from && at <= to + kToleranceUs;
}

struct Score {
  std::uint64_t expected = 0, found = 0, opened = 0, ended = 0, bytes = 0, owner = 0, error = 0;
  std::uint64_t right = 0;  ///< of the six before, together
};

/// When this end stopped being anything but a TIME_WAIT.
std::uint64_t end_of(const Connection& life) {
  for (const Transition& step : life.transitions)
    if (step.state == TcpState::time_wait ||
        (step.state == TcpState::fin_wait2 && life.closed_us == 0))
      return step.at_us;
  return life.closed_us;
}

void hold_against(const Made& made, const Recorded* one, bool client, Score& score) {
  ++score.expected;
  if (one == nullptr) return;
  ++score.found;
  const Socket& socket = one->life.socket;
  score.opened += is_within(socket.opened_us, made.before_open_us, made.after_open_us) &&
                  socket.opened_us == socket.opened_after_us;
  const std::uint64_t from =
      made.ending == Ending::client_closes || made.ending == Ending::server_closes
          ? made.after_open_us
          : made.before_end_us;
  score.ended += is_within(end_of(one->life), from, made.after_end_us);
  const std::uint64_t sent = client ? made.client_bytes : made.server_bytes;
  const std::uint64_t received = client ? made.server_bytes : made.client_bytes;
  score.bytes += socket.bytes_sent == sent && socket.bytes_received == received;
  score.owner += one->pid == made.pid && one->has_command_line;
  const bool was_reset =
      client ? made.ending == Ending::server_resets : made.ending == Ending::client_resets;
  const int wanted = made.ending == Ending::refused && client ? ECONNREFUSED
                     : was_reset                              ? ECONNRESET
                                                              : 0;
  score.error += socket.error == wanted || (made.ending == Ending::killed);
}

std::array<Score, kEndings> compare(const Load& load, const Recording& recording) {
  std::array<Score, kEndings> scores;
  for (const Made& made : load.made) {
    Score& score = scores[static_cast<std::size_t>(made.ending)];
    const bool v6 = made.is_v6 != 0;
    const Key client = key_of_ends(v6, made.client_port, made.server_port);
    hold_against(made, nearest(recording, client, made), true, score);
    if (made.ending == Ending::refused) continue;
    const Key server = key_of_ends(v6, made.server_port, made.client_port);
    hold_against(made, nearest(recording, server, made), false, score);
  }
  return scores;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (part == whole) return "100 %";
  return fmt::format("{:.3f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

Score print_scores(const std::array<Score, kEndings>& scores) {
  Score sum;
  fmt::print("{:18} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "ends", "made", "recorded",
             "open 1 ms", "close 1 ms", "bytes", "owner", "error");
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const Score& s = scores[i];
    fmt::print("{:18} {:8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", kNames[i], s.expected,
               percent(s.found, s.expected), percent(s.opened, s.expected),
               percent(s.ended, s.expected), percent(s.bytes, s.expected),
               percent(s.owner, s.expected), percent(s.error, s.expected));
    sum.expected += s.expected;
    sum.found += s.found;
    sum.right += s.found + s.opened + s.ended + s.bytes + s.owner + s.error;
  }
  return sum;
}

/// Lines of `ss -E`: one for each socket the destroy multicast told of, of its own namespace.
std::uint64_t count_lines(const std::string& path) {
  std::ifstream file(path);
  return static_cast<std::uint64_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
}

void print_gaps(const std::string& path) {
  auto timeline = Timeline::open(path);
  if (!timeline) return;
  const auto gaps = timeline->gaps();
  if (!gaps) return;
  for (const RecordedGap& recorded : *gaps)
    if (hides_time(recorded.cause))
      fmt::print("  gap: {}, {} ({})\n", name(recorded.cause), recorded.count, recorded.text);
}

void measure_load(const std::string& folder, std::uint32_t a_second, std::chrono::seconds span) {
  constexpr std::chrono::milliseconds kStart{2500}, kSettle{2500};
  const std::string events = folder + "/events.netrec", polled = folder + "/polled.netrec";
  Child by_events = Child::recorder("events", events);
  Child by_polling = Child::recorder("poll", polled);
  Child ss({"ss", "-E", "-t", "-n", "-H", "-O"}, folder + "/ss.log");
  std::this_thread::sleep_for(kStart);
  const double before = by_events.cpu_seconds(), polled_before = by_polling.cpu_seconds();
  const Load load = run_load({.a_second = a_second, .span = span});
  std::this_thread::sleep_for(kSettle);
  const double took = by_events.cpu_seconds() - before;
  const double polled_took = by_polling.cpu_seconds() - polled_before;
  const double memory = by_events.memory_mb("VmHWM");
  for (Child* child : {&by_events, &by_polling, &ss}) child->stop();

  fmt::print("\n{} connections a second for {} s: {} made, {} not made for want of time\n",
             a_second, span.count(), load.made.size(), load.not_made);
  const Score sum = print_scores(compare(load, read_recording(events)));
  const auto polled_scores = compare(load, read_recording(polled));
  std::uint64_t polled_found = 0;
  for (const Score& score : polled_scores) polled_found += score.found;
  fmt::print("sockets seen: events {}, polling each second {}, ss -E {} (its own namespace only)\n",
             percent(sum.found, sum.expected), percent(polled_found, sum.expected),
             percent(std::min(count_lines(folder + "/ss.log"), sum.expected), sum.expected));
  const auto made = static_cast<double>(load.made.size());
  const auto ends = static_cast<double>(sum.found);
  fmt::print("recorder's CPU a connection by polling: {:.2f} us; peak memory by events {:.1f} MB\n",
             polled_took * 1e6 / made, memory);
  fmt::print("file: {:.1f} bytes a connection, {:.1f} an end ({} ends)\n",
             static_cast<double>(std::filesystem::file_size(events)) / made,
             static_cast<double>(std::filesystem::file_size(events)) / ends, sum.found);
  print_gaps(events);
  const std::string rate = fmt::format("{} a second", a_second);
  verdict(rate + ": every connection, right in everything", sum.right == sum.expected * 6,
          fmt::format("{} of {} facts of {} ends", sum.right, sum.expected * 6, sum.expected));
  verdict(rate + ": recorder's CPU a connection as each end sees it", took * 1e6 / ends, 12, " us");
  verdict(rate + ": recorder's CPU a connection with both its ends", took * 1e6 / made, 12, " us");
}

}  // namespace
}  // namespace netrec

int main(int argc, char** argv) {
  if (::geteuid() != 0) {
    fmt::print("skipped: event capture needs root\n");
    return 77;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  char folder[] = "/tmp/capture_bench.XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 3;
  const std::string mode = argc > 1 ? argv[1] : "all";
  const auto number = [&](int index, unsigned fallback) {
    return argc > index ? static_cast<unsigned>(std::strtoul(argv[index], nullptr, 10)) : fallback;
  };
  const auto span = [&](unsigned fallback) { return std::chrono::seconds(number(3, fallback)); };
  if (mode == "all") {
    netrec::measure_load(folder, 1000, std::chrono::seconds(10));
    netrec::measure_load(folder, 10'000, std::chrono::seconds(30));
    netrec::measure_slowdown(folder, 7);
    netrec::measure_flood(folder, 200'000, std::chrono::seconds(10));
    netrec::measure_idle(folder, 200, std::chrono::seconds(30));
  } else if (mode == "load") {
    netrec::measure_load(folder, number(2, 1000), span(10));
  } else if (mode == "slowdown") {
    netrec::measure_slowdown(folder, static_cast<int>(number(2, 7)));
  } else if (mode == "flood") {
    netrec::measure_flood(folder, number(2, 200'000), span(10));
  } else if (mode == "file") {
    netrec::measure_file(folder, number(2, 1000), span(600));
  } else if (mode == "idle") {
    netrec::measure_idle(folder, number(2, 100'000), span(600));
  } else {
    fmt::print(stderr, "capture_bench [load|slowdown|flood|file|idle [NUMBER [SECONDS]]]\n");
    return 2;
  }
  std::filesystem::remove_all(folder);
  return 0;
}
