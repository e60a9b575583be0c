#include "recorder/report.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include "recorder/quantity.h"
#include "schema/default_path.h"

namespace netrec {

namespace {

std::chrono::nanoseconds cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto sum = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return sum(usage.ru_utime) + sum(usage.ru_stime);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// Single quotes for the shell, where the path wants them.
std::string for_shell(const std::string& path) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+:@").find(c) != std::string_view::npos;
  };
  std::string quoted = "'";
  bool plain = true;
  for (const char c : path) {
    plain = plain && is_plain(c);
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return plain ? path : quoted + "'";
}

}  // namespace

std::vector<std::string> opening_lines(const RecordOptions& options, const Recording& recording) {
  std::vector<std::string> lines;
  const std::string until =
      options.run_for.count() == 0 ? "until Ctrl-C" : "for " + duration_text(options.run_for);
  lines.push_back(fmt::format("recording into {}, a look every {}, {}", options.output,
                              duration_text(options.interval), until));
  for (const Limit& limit : recording.limits())
    lines.push_back(fmt::format("not recorded: {}", limit.what));
  return lines;
}

std::vector<std::string> summary_lines(const Recording& recording) {
  const RecordingTotals totals = recording.totals();
  std::vector<std::string> lines;
  lines.push_back(fmt::format("recorded {}: {} seen, {} opened and {} closed meanwhile",
                              counted(totals.frames, "frame", "frames"),
                              counted(totals.sockets.seen, "socket", "sockets"),
                              totals.sockets.opened, totals.sockets.closed));
  for (const auto& [cause, count] : totals.gaps)
    if (cause != GapCause::left_out && cause != GapCause::not_privileged &&
        cause != GapCause::unsupported)
      lines.push_back(fmt::format("gap: {} ({})", name(cause), count));
  lines.push_back(fmt::format("{}: {}", recording.path(), size_text(totals.file_bytes)));
  const std::string file = default_timeline_path() == recording.path()
                               ? ""
                               : fmt::format("-f {} ", for_shell(recording.path()));
  lines.push_back(
      fmt::format("look at it: netrec {0}show, netrec {0}connections, netrec {0}replay", file));
  return lines;
}

Progress::Progress(const Instant& start) : said_at_(start.monotonic), cpu_at_(cpu_time()) {}

bool Progress::is_due(const Instant& now) const {
  return now.monotonic - said_at_ >= std::chrono::seconds(1);
}

std::string Progress::line(const RecordingTotals& totals, bool is_paused, const Instant& now) {
  using Seconds = std::chrono::duration<double>;
  const double span = Seconds(now.monotonic - said_at_).count();
  const std::chrono::nanoseconds cpu = cpu_time();
  const double cost = Seconds(cpu - cpu_at_).count() / span * 100;
  const double rate = static_cast<double>(totals.sockets.opened - opened_at_) / span;
  said_at_ = now.monotonic;
  cpu_at_ = cpu;
  opened_at_ = totals.sockets.opened;
  return fmt::format("{}{}, {:.0f} new/s, {}, {}, {:.1f} % of a CPU",
                     is_paused ? "PAUSED (no room on the disk): " : "",
                     counted(totals.alive, "socket", "sockets"), rate,
                     counted(totals.frames, "frame", "frames"), size_text(totals.file_bytes), cost);
}

}  // namespace netrec
