#include "recorder/procfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <unordered_set>

#include "schema/text.h"

namespace netrec {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

std::uint64_t microseconds_of_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_CLK_TCK)));
  return ticks / per_second * 1'000'000 + ticks % per_second * 1'000'000 / per_second;
}

// A path of /proc without an allocation.
class ProcPath {
 public:
  ProcPath(std::uint32_t pid, const char* file) {
    *fmt::format_to_n(path_, sizeof path_ - 1, "/proc/{}/{}", pid, file).out = '\0';
  }
  const char* c_str() const { return path_; }

 private:
  char path_[48] = {};
};

// Fields 3 and on of /proc/PID/stat, counted from 0.
constexpr int kStateField = 0;
constexpr int kParentField = 1;
constexpr int kStartField = 19;
constexpr int kArgumentsBeginField = 45;
constexpr int kArgumentsEndField = 46;

// A process in the middle of an exec has the new program and no arguments yet: so often it is
// looked at again, and after so long (an exec takes some 0.3 ms).
constexpr int kMostLooks = 40;
constexpr useconds_t kBetweenLooksUs = 250;

// The memory a process had when this was made. An exec gives it other memory, and what
// /proc/PID/maps was opened on is then empty for good (proc_maps_open() in fs/proc/task_mmu.c holds
// the mm_struct, m_start() asks mmget_not_zero()).
class Memory {
 public:
  explicit Memory(std::uint32_t pid)
      : maps_(open(ProcPath(pid, "maps").c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Memory() {
    if (maps_ >= 0) close(maps_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // False for a kernel thread and a zombie, too; true where it cannot be told (no descriptor left).
  bool is_in_use() const {
    char byte = 0;
    return maps_ < 0 || read(maps_, &byte, 1) != 0;
  }

 private:
  int maps_;
};

// Where the executable is, and which file it was. Kernel threads have none, and those of other
// users cannot be read: then the row says nothing of it.
void read_exe(std::uint32_t pid, TextSink& texts, Process& row) {
  const ProcPath path(pid, "exe");
  char link[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), link, sizeof link);
  if (size <= 0) return;
  const ExePath exe = parse_exe_link({link, static_cast<std::size_t>(size)});
  row.exe = texts.text(exe.path);
  row.exe_deleted = exe.deleted ? 1 : 0;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return;
  row.exe_device = status.st_dev;
  row.exe_inode = status.st_ino;
}

std::string_view without_last(std::string_view text, char last) {
  while (!text.empty() && text.back() == last) text.remove_suffix(1);
  return text;
}

// One look at the files of a process. `is_one_program`: false if it became another meanwhile, or is
// about to.
Result<Process> look_at_process(std::uint32_t pid, TextSink& texts, bool& is_one_program) {
  const Memory memory(pid);
  NETREC_TRY(stat_bytes, read_file(ProcPath(pid, "stat").c_str()));
  NETREC_TRY(stat, parse_process_stat(stat_bytes));
  NETREC_TRY(status_bytes, read_file(ProcPath(pid, "status").c_str()));
  NETREC_TRY(uids, parse_process_uids(status_bytes));
  Process row;
  row.pid = pid;
  row.parent_pid = stat.parent_pid;
  row.start_us = stat.start_us;
  row.uid = uids.real;
  row.effective_uid = uids.effective;
  row.comm = texts.text(stat.comm);
  read_exe(pid, texts, row);
  std::string arguments;
  if (auto bytes = read_file(ProcPath(pid, "cmdline").c_str(), kLongestText))
    arguments = *std::move(bytes);
  row.command_line = texts.text(without_last(arguments, '\0'));
  if (const auto groups = read_file(ProcPath(pid, "cgroup").c_str()))
    row.cgroup = texts.text(parse_cgroup(*groups));
  // The pid may have been given to another process while its files were read.
  NETREC_TRY(last_bytes, read_file(ProcPath(pid, "stat").c_str()));
  NETREC_TRY(last, parse_process_stat(last_bytes));
  if (last.start_us != stat.start_us)
    return failure(ErrorKind::not_found, "process {} ended while it was looked at", pid);
  // Where the arguments lie is 0 in an exec (PR_SET_MM sets none so low). It is anew for each exec,
  // but not where randomisation is off; memory may be in use by a vfork's parent.
  const bool is_in_exec = stat.arguments_end == 0 || last.arguments_end == 0;
  is_one_program = stat.arguments_begin == last.arguments_begin &&
                   stat.arguments_end == last.arguments_end &&
                   (row.exe_inode == 0 || (!is_in_exec && memory.is_in_use()));
  return row;
}

}  // namespace

Result<ProcessStat> parse_process_stat(std::string_view bytes) {
  // The name is whatever the program likes, so it ends at the last parenthesis, not the first.
  const std::size_t open = bytes.find('(');
  const std::size_t close = bytes.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return failure(ErrorKind::corrupt, "stat of a process has no name");
  ProcessStat stat;
  stat.comm = bytes.substr(open + 1, close - open - 1);
  std::string_view before = bytes.substr(0, open);
  if (!parse_number(next_word(before), stat.pid))
    return failure(ErrorKind::corrupt, "stat of a process has no pid");
  std::string_view rest = bytes.substr(close + 1);
  for (int field = 0; field <= kStartField; ++field) {
    const std::string_view word = next_word(rest);
    std::uint64_t ticks = 0;
    bool good = !word.empty();
    if (field == kStateField && good) stat.state = word.front();
    if (field == kParentField) good = parse_number(word, stat.parent_pid);
    if (field == kStartField && (good = parse_number(word, ticks)))
      stat.start_us = microseconds_of_ticks(ticks);
    if (!good) return failure(ErrorKind::corrupt, "stat of process {} is cut short", stat.pid);
  }
  for (int field = kStartField + 1; field <= kArgumentsEndField; ++field) {
    const std::string_view word = next_word(rest);
    if (field == kArgumentsBeginField) parse_number(word, stat.arguments_begin);
    if (field == kArgumentsEndField) parse_number(word, stat.arguments_end);
  }
  return stat;
}

Result<ProcessUids> parse_process_uids(std::string_view status) {
  // The kernel escapes newlines of the name here, so a line's beginning can be trusted.
  while (!status.empty()) {
    std::string_view line = next_line(status);
    if (!line.starts_with("Uid:")) continue;
    line.remove_prefix(4);
    ProcessUids uids;
    if (!parse_number(next_word(line), uids.real) || !parse_number(next_word(line), uids.effective))
      break;
    return uids;
  }
  return failure(ErrorKind::corrupt, "status of a process has no Uid line");
}

std::string_view parse_cgroup(std::string_view bytes) {
  std::string_view of_systemd;
  while (!bytes.empty()) {
    const std::string_view line = next_line(bytes);
    if (line.starts_with("0::")) return line.substr(3);
    const std::size_t at = line.find(":name=systemd:");
    if (at != std::string_view::npos) of_systemd = line.substr(at + 14);
  }
  return of_systemd;
}

ExePath parse_exe_link(std::string_view link) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (!link.ends_with(kDeleted)) return {.path = link, .deleted = false};
  return {.path = link.substr(0, link.size() - kDeleted.size()), .deleted = true};
}

Result<Process> read_process(std::uint32_t pid, TextSink& texts) {
  for (int looks = 1;; ++looks) {
    bool is_one_program = true;
    Result<Process> row = look_at_process(pid, texts, is_one_program);
    if (!row || is_one_program) return row;
    if (looks == kMostLooks) {  // never the arguments of one program beside the path of another
      row->command_line = texts.text({});
      return row;
    }
    usleep(kBetweenLooksUs);
  }
}

Result<std::uint64_t> start_of(std::uint32_t pid) {
  NETREC_TRY(bytes, read_file(ProcPath(pid, "stat").c_str()));
  NETREC_TRY(stat, parse_process_stat(bytes));
  return stat.start_us;
}

std::vector<UserName> parse_users(std::string_view bytes) {
  std::vector<UserName> users;
  std::unordered_set<std::uint32_t> known;
  while (!bytes.empty()) {
    const std::string_view line = next_line(bytes);
    const std::size_t name_end = line.find(':');
    const std::size_t uid_begin =
        line.find(':', name_end == std::string_view::npos ? name_end : name_end + 1);
    if (name_end == 0 || uid_begin == std::string_view::npos) continue;
    const std::string_view rest = line.substr(uid_begin + 1);
    std::uint32_t uid = 0;
    if (!parse_number(rest.substr(0, rest.find(':')), uid) || !known.insert(uid).second) continue;
    users.push_back({.uid = uid, .name = std::string(line.substr(0, name_end))});
  }
  return users;
}

Result<std::vector<UserName>> read_users(const char* path) {
  NETREC_TRY(bytes, read_file(path, 16 << 20));
  return parse_users(bytes);
}

Result<std::string> read_file(const char* path, std::size_t limit) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return tl::unexpected(system_error(errno, path));
  std::string bytes;
  int error_number = 0;
  while (bytes.size() < limit) {
    const std::size_t size = bytes.size();
    bytes.resize(std::min(limit, size + 4096));
    const ssize_t count = read(descriptor, bytes.data() + size, bytes.size() - size);
    bytes.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
    if (count < 0 && errno != EINTR) {
      error_number = errno;
      break;
    }
  }
  close(descriptor);
  if (error_number != 0) return tl::unexpected(system_error(error_number, path));
  return bytes;
}

}  // namespace netrec
