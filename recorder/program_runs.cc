#include "recorder/program_runs.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "recorder/cgroup_paths.h"
#include "recorder/procfs.h"

namespace netrec {

namespace {

// MAJOR() and MINOR() of linux/kdev_t.h, as stat(2) puts them together.
std::uint64_t device_of(std::uint32_t kernel_device) {
  constexpr unsigned kMinorBits = 20;
  return makedev(kernel_device >> kMinorBits, kernel_device & ((1U << kMinorBits) - 1));
}

std::string comm_of(const event_task& task) {
  return std::string(task.comm, ::strnlen(task.comm, sizeof(task.comm)));
}

void take_task(const event_task& task, ProgramRun& run) {
  run.row.pid = task.pid;
  run.row.start_us = start_us_of(task.start_ns);
  run.row.parent_pid = task.parent_pid;
  run.row.uid = task.uid;
  run.row.effective_uid = task.effective_uid;
  run.comm = comm_of(task);
  run.start_ns = task.start_ns;
  run.parent_pid = task.parent_pid;
  run.parent_start_ns = task.parent_start_ns;
}

std::chrono::microseconds boot_of(const event_header& header) {
  return std::chrono::microseconds(header.at_ns / 1000);
}

// The command line was longer than an event holds; the process may still be there to be asked.
void complete(ProgramRun& run) {
  const auto start = start_of(run.row.pid);
  if (!start || *start != run.row.start_us) return;
  const std::string path = "/proc/" + std::to_string(run.row.pid) + "/cmdline";
  Result<std::string> whole = read_file(path.c_str());
  if (!whole || !whole->starts_with(run.command_line)) return;
  if (whole->ends_with('\0')) whole->pop_back();
  run.command_line = std::move(*whole);
}

// Keeps texts that are not to be in the file (yet).
class KeptTexts final : public TextSink {
 public:
  std::uint32_t text(std::string_view bytes) override {
    if (bytes.empty()) return 0;
    texts_.emplace_back(bytes);
    return static_cast<std::uint32_t>(texts_.size());
  }
  std::string take(std::uint32_t& id) {
    const std::uint32_t which = std::exchange(id, 0);
    return which == 0 ? std::string() : texts_[which - 1];
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace

std::uint64_t start_us_of(std::uint64_t start_ns) {
  static const auto kTicks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return start_ns / (1'000'000'000 / kTicks) * (1'000'000 / kTicks);
}

void ProgramRuns::executed(const event_exec& event, const ExecStrings& strings) {
  ProgramRun run;
  take_task(event.task, run);
  run.exe = strings.path;
  run.command_line = strings.command_line;
  run.cgroup = cgroup_path(event.cgroup);
  run.row.exe_inode = event.exe_inode;
  run.row.exe_device = device_of(event.exe_device);
  run.row.exe_deleted = event.exe_links == 0;
  run.since = boot_of(event.header);
  if (event.arguments_total > event.arguments_bytes) complete(run);
  put(std::move(run));
}

void ProgramRuns::forked(const event_process& event) {
  const ProgramRun* parent = find_or_read(event.task.parent_pid, event.task.parent_start_ns);
  if (parent == nullptr) return;
  ProgramRun child = *parent;
  take_task(event.task, child);
  child.since = boot_of(event.header);
  put(std::move(child));
}

const ProgramRun* ProgramRuns::find(std::uint32_t pid, std::uint64_t start_ns) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end() || found->second->row.start_us != start_us_of(start_ns))
    return nullptr;
  runs_.splice(runs_.begin(), runs_, found->second);
  return &*found->second;
}

const ProgramRun* ProgramRuns::find_or_read(std::uint32_t pid, std::uint64_t start_ns) {
  if (const ProgramRun* known = find(pid, start_ns)) return known;
  if (pid == 0) return nullptr;
  KeptTexts texts;
  Result<Process> row = read_process(pid, texts);
  if (!row || row->start_us != start_us_of(start_ns)) return nullptr;
  ProgramRun run;
  run.comm = texts.take(row->comm);
  run.exe = texts.take(row->exe);
  run.command_line = texts.take(row->command_line);
  run.cgroup = texts.take(row->cgroup);
  run.row = *row;
  run.start_ns = start_ns;
  run.parent_pid = row->parent_pid;
  return &put(std::move(run));
}

ProgramRun& ProgramRuns::put(ProgramRun run) {
  if (const auto old = by_pid_.find(run.row.pid); old != by_pid_.end()) {
    bytes_ -= old->second->bytes();
    runs_.erase(old->second);
    by_pid_.erase(old);
  }
  bytes_ += run.bytes();
  runs_.push_front(std::move(run));
  by_pid_[runs_.front().row.pid] = runs_.begin();
  evict();
  return runs_.front();
}

void ProgramRuns::evict() {
  while (runs_.size() > 1 && (runs_.size() > limits_.runs || bytes_ > limits_.bytes)) {
    bytes_ -= runs_.back().bytes();
    by_pid_.erase(runs_.back().row.pid);
    runs_.pop_back();
  }
}

}  // namespace netrec
