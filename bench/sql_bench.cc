// Asking history, beside the same facts in a plain SQLite table with the obvious indexes and in
// text under zstd -19 (bench/month.h): opening, needles, a network, a scan, a grouping, instants,
// memory. Costs are CPU time (a busy machine matters less); what is compared is measured in the
// same run, the best of several. The bars are for 20 000 000 connections: a month.
//
//   sql_bench [CONNECTIONS [FOLDER]]     default: 200 000 (a minute or two), in a folder of its
//   own;
//                                        FOLDER keeps what was made for the next run
//   sql_bench --ask FILE SQL             asks once; the peak memory it took
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "bench/month.h"
#include "query/sql_time.h"
#include "store/timeline.h"

namespace netrec {

namespace {

constexpr std::int64_t kWeek_us = 7 * 86'400'000'000;

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double wall_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void verdict(bool good, std::string_view what, const std::string& measured) {
  fmt::print("{}  {:<34} {}\n", good ? "ok  " : "MISS", what, measured);
  std::fflush(stdout);
}

/// A folder of its own, gone afterwards.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("netrec-sql-bench-{}", ::getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

SqlSession open(const std::string& path) { return must(SqlSession::open(path, read_sql_time)); }

std::uint64_t ask(SqlSession& session, std::string_view sql) {
  auto statement = must(session.prepare(sql));
  std::uint64_t rows = 0;
  while (must(statement->step())) ++rows;
  return rows;
}

SqlCell first_cell(SqlSession& session, std::string_view sql) {
  auto statement = must(session.prepare(sql));
  if (!must(statement->step())) give_up("no connection was written");
  return statement->cell(0);
}

template <class Work>
double best_of(int times, const Work& work, double (*clock)() = cpu_s) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const double begun = clock();
    work();
    best = std::min(best, clock() - begun);
  }
  return best;
}

/// Has the kernel forget what it read of the file, so that it comes from the disk again.
void forget_pages(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
}

struct Needle {
  std::string address;
  std::int64_t rows = 0;
};

/// What the questions of one run are about.
struct Subjects {
  Needle seldom;  ///< connected to 40 times, as the bar has it
  Needle rarest;  ///< of the 20 000 destinations
  std::string network;
  std::int64_t port = 0;
  std::string program;
};

Subjects subjects_of(PlainCopy& plain, SqlSession& session) {
  Subjects about;
  const auto one = [&](const char* sql) { return first_cell(session, sql); };
  const auto needle = [&](std::string_view which) {
    Needle found;
    found.address = std::get<std::string>(first_cell(
        session, fmt::format("SELECT remote_address FROM connections WHERE remote_port IS NOT NULL "
                             "GROUP BY 1 ORDER BY {} LIMIT 1",
                             which)));
    found.rows = plain.number("SELECT count(*) FROM connections WHERE remote_address = '" +
                              found.address + "'");
    return found;
  };
  about.seldom = needle("abs(count(*) - 40)");
  about.rarest = needle("count(*) < 41, count(*)");
  about.network = about.rarest.address.substr(0, about.rarest.address.rfind('.')) + ".0/24";
  about.port = plain.number(
      "SELECT remote_port FROM connections GROUP BY 1 ORDER BY abs(count(*) - 1000) LIMIT 1");
  about.program = std::get<std::string>(
      one("SELECT program FROM connections GROUP BY 1 ORDER BY abs(count(*) - 1000) LIMIT 1"));
  return about;
}

std::string milliseconds(double seconds) { return fmt::format("{:.2f} ms", seconds * 1e3); }

class Comparison {
 public:
  Comparison(const Month& month, std::string self)
      : month_(month),
        self_(std::move(self)),
        plain_(month.plain()),
        session_(open(month.timeline())),
        about_(subjects_of(plain_, session_)),
        rows_(plain_.number("SELECT count(*) FROM connections")) {}

  void run() {
    sizes();
    opening();
    needle();
    narrow();
    newest();
    scans();
    instants();
    memory();
  }

 private:
  std::pair<double, double> both(const std::string& sql, int times) {
    const double ours = best_of(times, [&] { ask(session_, sql); });
    const double theirs = best_of(times, [&] { plain_.ask(sql); });
    return {ours, theirs};
  }

  void sizes() {
    const auto ours = static_cast<double>(std::filesystem::file_size(month_.timeline()));
    const auto theirs = static_cast<double>(std::filesystem::file_size(month_.plain()));
    const auto text = static_cast<double>(log_bytes(month_));
    const auto rows = static_cast<double>(rows_);
    verdict(ours <= 32 * rows && 3 * ours < theirs && ours <= text,
            fmt::format("{} connections on disk", rows_),
            fmt::format("{:.1f} bytes each (bar 32); plain, indexed: {:.1f} ({:.1f} ×, bar 3); "
                        "text under zstd -19: {:.1f} ({:.2f} ×, bar 1)",
                        ours / rows, theirs / rows, theirs / ours, text / rows, text / ours));
  }

  void opening() {
    const double opening = best_of(5, [&] { open(month_.timeline()); });
    verdict(opening < 0.010, "opening", milliseconds(opening) + " (bar 10)");
  }

  static std::string rows_of(const Needle& needle) {
    return "SELECT count(*), sum(bytes_sent) FROM connections WHERE remote_address = '" +
           needle.address + "'";
  }

  /// From opening the file on.
  double cold(const Needle& needle, double (*clock)() = cpu_s, int times = 3) const {
    return best_of(
        times,
        [&] {
          SqlSession fresh = open(month_.timeline());
          ask(fresh, rows_of(needle));
        },
        clock);
  }

  void needle() {
    const double seldom = cold(about_.seldom);
    const double rarest = cold(about_.rarest);
    forget_pages(month_.timeline());
    const double from_disk = cold(about_.seldom, wall_s, 1);
    verdict(seldom < 0.015, fmt::format("one address of {}, cold", about_.seldom.rows),
            fmt::format("{} of CPU from opening on (bar 15); one of {}: {}; {} by the clock with "
                        "nothing cached",
                        milliseconds(seldom), about_.rarest.rows, milliseconds(rarest),
                        milliseconds(from_disk)));
    const auto [warm, indexed] = both(rows_of(about_.seldom), 5);
    verdict(
        warm < 3 * indexed, "one address, warm",
        fmt::format("{}; plain, indexed: {} (bar 3 ×)", milliseconds(warm), milliseconds(indexed)));
    const double text = grep(about_.seldom.address);
    verdict(text > 500 * seldom, "one address, text under zstd -19",
            fmt::format("{:.2f} s of zstdgrep's CPU: {:.0f} × (bar 500)", text, text / seldom));
  }

  /// CPU that zstdgrep takes over the logs.
  double grep(const std::string& word) const {
    const auto children_s = [] {
      rusage used{};
      ::getrusage(RUSAGE_CHILDREN, &used);
      return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
             static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    };
    const double before = children_s();
    const std::string command =
        fmt::format("find '{}' -name '*.zst' -print0 | xargs -0 zstdgrep -hF -- '{}' >/dev/null",
                    month_.logs(), word);
    if (std::system(command.c_str()) < 0) give_up("zstdgrep cannot be run");
    return children_s() - before;
  }

  void narrow() {
    const auto asked = [&](std::string_view what, const std::string& where) {
      const std::string sql = "SELECT count(*), sum(bytes_sent) FROM connections WHERE " + where;
      // In a session of its own each: a session remembers small answers.
      const double took = best_of(3, [&] {
        SqlSession fresh = open(month_.timeline());
        ask(fresh, sql);
      });
      verdict(took < 0.1, what, milliseconds(took) + " (bar 100)");
    };
    asked("a network (/24)", "ip_in(remote_address, '" + about_.network + "')");
    asked("a remote port", fmt::format("remote_port = {}", about_.port));
    asked("a program", "program = '" + about_.program + "'");
    asked("a name", "remote_name = 'nobody.asked.example'");
  }

  // The plain table has no index by time: it is what whoever keeps one table has.
  void newest() {
    const auto asked = [&](std::string_view what, const std::string& sql, double bar) {
      const double ours = best_of(3, [&] {
        SqlSession fresh = open(month_.timeline());
        ask(fresh, sql);
      });
      const double theirs = best_of(2, [&] { plain_.ask(sql); });
      verdict(ours < bar, what,
              fmt::format("{} (bar {:.0f}); plain: {}", milliseconds(ours), bar * 1e3,
                          milliseconds(theirs)));
    };
    const std::string columns =
        "SELECT remote_address, remote_port, program, opened_us, closed_us FROM connections ";
    const std::string program = "WHERE program = '" + about_.program + "' ";
    asked("the ten newest", columns + "ORDER BY closed_us DESC LIMIT 10", 0.05);
    asked("the ten newest by opening", columns + "ORDER BY opened_us DESC LIMIT 10", 0.05);
    asked("the ten newest of one program", columns + program + "ORDER BY closed_us DESC LIMIT 10",
          0.1);
  }

  // It is read by one thread and asked by another: whoever waits sees less than the CPU's time,
  // which is what the bar is held against, as all else here.
  void scans() {
    const std::string sql =
        "SELECT count(*), sum(bytes_sent) FROM connections WHERE bytes_received > 1000";
    const auto [scan, plain_scan] = both(sql, 3);
    const double by_clock = best_of(
        3, [&] { ask(session_, sql); }, wall_s);
    const double plain_by_clock = best_of(
        3, [&] { plain_.ask(sql); }, wall_s);
    const double rate = static_cast<double>(rows_) / scan;
    verdict(rate > 3e6 && plain_scan > 2 * scan, "a filtered scan",
            fmt::format("{:.2f} M rows/s of CPU (bar 3), {:.2f} × plain (bar 2); by the clock "
                        "{:.2f} ×",
                        rate / 1e6, plain_scan / scan, plain_by_clock / by_clock));
    const auto [group, plain_group] =
        both("SELECT remote_address, count(*), sum(bytes_sent) FROM connections GROUP BY 1", 2);
    verdict(group < plain_group, "grouped by address",
            fmt::format("{:.2f} s; plain: {:.2f} s ({:.2f} ×, bar 1)", group, plain_group,
                        plain_group / group));
  }

  // Nine instants over the whole; the diffs are of two a week apart, or half the file.
  void instants() {
    Timeline timeline = must(Timeline::open(month_.timeline()));
    const std::int64_t first = timeline.summary().first_wall.time_since_epoch().count();
    const std::int64_t last = timeline.summary().last_wall.time_since_epoch().count();
    const std::int64_t apart = std::min(kWeek_us, (last - first) / 2);
    std::vector<double> one, two;
    for (int i = 1; i <= 9; ++i) {
      const std::int64_t at = first + (last - first - apart) * i / 10;
      const auto sql = fmt::format("SELECT count(*) FROM sockets WHERE at = {}", at);
      one.push_back(best_of(1, [&] { ask(session_, sql); }));
      const auto diff = fmt::format(
          "SELECT cookie FROM sockets WHERE at = {0} EXCEPT "
          "SELECT cookie FROM sockets WHERE at = {1}",
          at + apart, at);
      two.push_back(best_of(1, [&] { ask(session_, diff); }));
    }
    std::sort(one.begin(), one.end());
    std::sort(two.begin(), two.end());
    verdict(one[4] < 0.020, "the sockets at an instant",
            fmt::format("{} (bar 20), at worst {}", milliseconds(one[4]), milliseconds(one[8])));
    verdict(two[4] < 0.050, "what opened between two instants",
            fmt::format("{} (bar 50), at worst {}; {:.1f} days apart", milliseconds(two[4]),
                        milliseconds(two[8]), static_cast<double>(apart) / 86.4e9));
  }

  void memory() {
    long most = 0;
    for (const std::string& sql :
         {std::string("SELECT count(*), sum(bytes_sent) FROM connections"),
          std::string(
              "SELECT remote_address, count(*), sum(bytes_sent) FROM connections GROUP BY 1"),
          std::string("SELECT count(*) FROM transitions"),
          std::string("SELECT max(opened_us), program, states FROM connections GROUP BY program")})
      most = std::max(most, peak_kb(sql));
    verdict(most < 200'000, "memory at the peak",
            fmt::format("{:.0f} MB (bar 200)", static_cast<double>(most) / 1e3));
  }

  /// Of a program of its own that asks once.
  long peak_kb(const std::string& sql) const {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl(self_.c_str(), self_.c_str(), "--ask", month_.timeline().c_str(), sql.c_str(),
              nullptr);
      std::_Exit(3);
    }
    rusage used{};
    int status = 0;
    if (child < 0 || ::wait4(child, &status, 0, &used) != child || status != 0)
      give_up("a question failed: " + sql);
    return used.ru_maxrss;
  }

  const Month& month_;
  std::string self_;
  PlainCopy plain_;
  SqlSession session_;
  Subjects about_;
  std::int64_t rows_ = 0;
};

int ask_once(const std::string& path, const std::string& sql) {
  SqlSession session = open(path);
  ask(session, sql);
  return 0;
}

int run(std::uint64_t connections, const std::string& folder) {
  const Month month{.folder = folder, .connections = connections};
  make(month);
  Comparison(month, "/proc/self/exe").run();
  return 0;
}

}  // namespace

}  // namespace netrec

int main(int argc, char** argv) {
  const std::vector<std::string> given(argv + 1, argv + argc);
  if (given.size() == 3 && given[0] == "--ask") return netrec::ask_once(given[1], given[2]);
  const std::uint64_t connections =
      given.empty() ? 200'000 : std::strtoull(given[0].c_str(), nullptr, 10);
  if (connections == 0 || given.size() > 2) {
    fmt::print(stderr, "usage: sql_bench [CONNECTIONS [FOLDER]]   (see the file's first lines)\n");
    return 2;
  }
  if (given.size() == 2) return netrec::run(connections, given[1]);
  const netrec::Folder folder;
  return netrec::run(connections, folder.path);
}
