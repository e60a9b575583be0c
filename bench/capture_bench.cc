// What a recording by events has of a load of short connections, held against the load's own log:
// count, both endpoints, times, bytes, and who it was. Beside it, what polling once a second and
// `ss -E` have of the same run; and what recording costs a program that connects and closes.
//
//   capture_bench [connections a second] [seconds]        default: 1000 for 10 s, then 10000 for 10
//   s
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bench/connection_load.h"
#include "store/history.h"

namespace netrec {
namespace {

constexpr std::uint64_t kToleranceUs = 1000;
constexpr std::array<const char*, kEndings> kNames = {
    "closed by client", "closed by server", "refused",       "reset by server",
    "reset by client",  "half-closed",      "process killed"};

std::string build_folder() {
  const char* folder = std::getenv("NETREC_BUILD");
  return folder == nullptr ? "build/bench" : folder;
}

pid_t start(const std::vector<std::string>& command, const std::string& output) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int file = ::open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::_Exit(127);
}

void stop(pid_t child) {
  ::kill(child, SIGINT);
  ::waitpid(child, nullptr, 0);
}

double cpu_seconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t after = text.rfind(')');
  if (after == std::string::npos) return 0;
  unsigned long user = 0, system = 0;
  std::sscanf(text.c_str() + after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
              &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t peak_kib(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

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

void run_once(const LoadOptions& options, const std::string& folder) {
  const std::string recorder = build_folder() + "/netrec-record";
  const std::string events = folder + "/events.netrec", polled = folder + "/polled.netrec";
  for (const std::string& path : {events, polled}) std::filesystem::remove(path);
  const pid_t by_events = start({recorder, "--capture", "events", "--output", events, "--quiet"},
                                folder + "/events.log");
  const pid_t by_polling =
      start({recorder, "--capture", "poll", "--output", polled, "--quiet"}, folder + "/polled.log");
  const pid_t ss = start({"ss", "-E", "-t", "-n", "-H", "-O"}, folder + "/ss.log");
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  const double before = cpu_seconds(by_events), polled_before = cpu_seconds(by_polling);
  const Load load = run_load(options);
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  const double took = cpu_seconds(by_events) - before;
  const double polled_took = cpu_seconds(by_polling) - polled_before;
  const std::uint64_t memory = peak_kib(by_events);
  for (const pid_t child : {by_events, by_polling, ss}) stop(child);

  fmt::print("\n{} connections a second for {} s: {} made, {} not made for want of time\n",
             options.a_second, options.span.count(), load.made.size(), load.not_made);
  const Score sum = print_scores(compare(load, read_recording(events)));
  const auto polled_scores = compare(load, read_recording(polled));
  std::uint64_t polled_found = 0;
  for (const Score& score : polled_scores) polled_found += score.found;
  fmt::print("sockets seen: events {}, polling each second {}, ss -E {} (its own namespace only)\n",
             percent(sum.found, sum.expected), percent(polled_found, sum.expected),
             percent(std::min(count_lines(folder + "/ss.log"), sum.expected), sum.expected));
  const auto made = static_cast<double>(load.made.size());
  fmt::print(
      "recorder's CPU a connection: events {:.2f} us, polling {:.2f} us; peak memory {} KiB\n",
      took * 1e6 / made, polled_took * 1e6 / made, memory);
  fmt::print("file: {:.1f} bytes a connection ({} sockets closed)\n",
             static_cast<double>(std::filesystem::file_size(events)) / made, sum.found);
  print_gaps(events);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A tight loop of connect, accept and close, with and without a recorder, in turn.
void run_cost(const std::string& folder) {
  constexpr int kPairs = 20'000, kRounds = 7;
  std::vector<double> without, with, ratios;
  const std::string recorder = build_folder() + "/netrec-record";
  for (int i = 0; i < kRounds; ++i) {
    without.push_back(pair_ns(kPairs));
    const std::string path = folder + "/cost.netrec";
    std::filesystem::remove(path);
    const pid_t child =
        start({recorder, "--capture", "events", "--output", path, "--quiet"}, folder + "/cost.log");
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    with.push_back(pair_ns(kPairs));
    stop(child);
    ratios.push_back(with.back() / without.back());
  }
  fmt::print(
      "\nconnect, accept, close, close: {:.2f} us without a recorder, {:.2f} us with; "
      "median of {} paired runs: {:+.1f} %\n",
      median(without) / 1e3, median(with) / 1e3, kRounds, (median(ratios) - 1) * 100);
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
  const auto number = [&](int index, unsigned fallback) {
    return argc > index ? static_cast<unsigned>(std::strtoul(argv[index], nullptr, 10)) : fallback;
  };
  const std::chrono::seconds span(number(2, 10));
  if (argc > 1 && number(1, 0) != 0)
    netrec::run_once({.a_second = number(1, 1000), .span = span}, folder);
  if (argc <= 1)
    for (const unsigned rate : {1000U, 10000U})
      netrec::run_once({.a_second = rate, .span = span}, folder);
  netrec::run_cost(folder);
  std::filesystem::remove_all(folder);
  return 0;
}
