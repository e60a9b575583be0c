#include "recorder/processes.h"

#include "recorder/procfs.h"

namespace netrec {

namespace {

// A parent, its parent, and so on up to here: "sshd, started by systemd" without the whole tree.
constexpr int kAncestors = 3;
// Processes looked at in turn, each tick, whether they still run: about 10 µs each. Where events
// tell of every end, one is enough to notice that they do not.
constexpr std::size_t kCheckedATick = 16;
constexpr std::size_t kToldCheckedATick = 1;

// The same program in the same process. A command line may be rewritten by its program
// (setproctitle) and does not tell; an exe that may not be read is 0 both times.
bool is_same_run(const Process& a, const Process& b) {
  return a.pid == b.pid && a.start_us == b.start_us && a.exe_inode == b.exe_inode &&
         a.exe_device == b.exe_device && a.exe == b.exe;
}

}  // namespace

Processes::Processes(Ledger& ledger, Clock& clock) : ledger_(ledger), clock_(clock) {}

void Processes::carry_over() {
  for (const Process& row : ledger_.snapshot().of<Process>())
    if (const auto start = start_of(row.pid); start && *start == row.start_us && row.ended_us == 0)
      by_pid_[row.pid] = {.id = row.id};
}

void Processes::begin_tick() { ++tick_; }

std::uint32_t Processes::known(std::uint32_t pid) const {
  const auto found = by_pid_.find(pid);
  return found == by_pid_.end() ? 0 : found->second.id;
}

std::uint32_t Processes::run_of(std::uint32_t pid) { return read(pid, 0); }

std::uint32_t Processes::read(std::uint32_t pid, int depth) {
  const auto found = by_pid_.find(pid);
  if (found != by_pid_.end() && found->second.tick >= (events_told_ ? trusted_since_ : tick_))
    return found->second.id;
  Result<Process> row = read_process(pid, ledger_);
  if (!row) {
    if (row.error().kind == ErrorKind::permission) ++unreadable_;
    if (row.error().kind == ErrorKind::not_found)
      forget(pid, CloseReason::gone, kSometime, wall_us());
    return 0;
  }
  if (row->parent_pid != 0 && depth < kAncestors) row->parent = read(row->parent_pid, depth + 1);
  return adopt(*row, kSometime, wall_us(), CloseReason::gone);
}

// `certainty`: how sure it is that a process with this pid before ended now.
std::uint32_t Processes::adopt(Process row, Mark at, std::uint64_t at_us, CloseReason certainty) {
  const std::uint32_t before = known(row.pid);
  const Process* old = before == 0 ? nullptr : ledger_.snapshot().of<Process>().find(before);
  // An exec of the same file is another run if it was told other arguments.
  const bool told_another =
      old != nullptr && certainty == CloseReason::exact && old->command_line != row.command_line;
  if (old != nullptr && is_same_run(*old, row) && !told_another) {
    row.id = old->id;
    row.first_seen_us = old->first_seen_us;
    row.exe_sha256 = old->exe_sha256;
    if (row.parent == 0) row.parent = old->parent;
    if (!(row == *old)) ledger_.change(row);
    by_pid_[row.pid].tick = tick_;
    return row.id;
  }
  const bool is_exec = old != nullptr && old->start_us == row.start_us;
  if (old != nullptr) forget(row.pid, is_exec ? CloseReason::replaced : certainty, at, at_us);
  row.id = ledger_.new_process_id();
  row.first_seen_us = at_us;
  ledger_.open(row);
  new_.push_back(row.id);
  by_pid_[row.pid] = {.id = row.id, .tick = tick_};
  if (is_exec) changes_.push_back({.before = before, .after = row.id});
  return row.id;
}

// The row stays until nothing refers to it (drop_unused()): a TIME_WAIT outlives its program.
void Processes::forget(std::uint32_t pid, CloseReason reason, Mark at, std::uint64_t at_us) {
  const std::uint32_t id = known(pid);
  by_pid_.erase(pid);
  const Process* old = id == 0 ? nullptr : ledger_.snapshot().of<Process>().find(id);
  if (old == nullptr) return;
  Process now = *old;
  now.ended_us = at_us;
  ledger_.change(now, at);
  endings_[id] = reason;
}

std::uint32_t Processes::ran(Process row, std::chrono::microseconds boot) {
  return adopt(row, ledger_.mark(boot), wall_us(boot), CloseReason::exact);
}

void Processes::ended(std::uint32_t pid, std::chrono::microseconds boot) {
  forget(pid, CloseReason::exact, ledger_.mark(boot), wall_us(boot));
}

void Processes::hashed(std::uint32_t id, std::string_view text) {
  const Process* row = ledger_.snapshot().of<Process>().find(id);
  if (row == nullptr) return;
  Process now = *row;
  now.exe_sha256 = ledger_.text(text);
  ledger_.change(now);
}

void Processes::doubt_all() {
  trusted_since_ = tick_;
  to_check_.clear();
  doubted_ = true;
}

void Processes::check() {
  if (to_check_.empty())
    for (const auto& [pid, run] : by_pid_) to_check_.push_back(pid);
  const bool is_told = events_told_ && !doubted_;
  for (std::size_t count = is_told ? kToldCheckedATick : kCheckedATick;
       count > 0 && !to_check_.empty(); --count) {
    const std::uint32_t pid = to_check_.back();
    to_check_.pop_back();
    const Process* row = ledger_.snapshot().of<Process>().find(known(pid));
    if (row == nullptr) continue;
    const auto start = start_of(pid);
    const bool is_gone =
        start ? *start != row->start_us : start.error().kind == ErrorKind::not_found;
    if (is_gone) forget(pid, CloseReason::gone, kSometime, wall_us());
  }
  if (to_check_.empty()) doubted_ = false;
}

std::vector<ProgramChange> Processes::take_changes() { return std::exchange(changes_, {}); }

std::uint64_t Processes::take_unreadable() { return std::exchange(unreadable_, 0); }

std::vector<bool> Processes::referred() const {
  std::uint32_t highest = 0;
  const Snapshot& state = ledger_.snapshot();
  for (const Process& row : state.of<Process>()) highest = std::max(highest, row.id);
  std::vector<bool> referred(std::size_t{highest} + 1);
  const auto refer = [&](std::uint32_t id) {
    if (id <= highest) referred[id] = true;
  };
  for (const Socket& row : state.of<Socket>()) refer(row.process);
  for (const Peer& row : state.of<Peer>()) refer(row.process);
  for (const Resolution& row : state.of<Resolution>()) refer(row.process);
  for (const Process& row : state.of<Process>()) refer(row.parent);
  for (const auto& [pid, run] : by_pid_) refer(run.id);
  return referred;
}

void Processes::drop_unused() {
  const std::vector<bool> wanted = referred();
  std::vector<std::uint32_t> unused;
  for (const Process& row : ledger_.snapshot().of<Process>())
    if (!wanted[row.id]) unused.push_back(row.id);
  for (const std::uint32_t id : unused) {
    const auto ending = endings_.find(id);
    ledger_.close<Process>(id, ending == endings_.end() ? CloseReason::gone : ending->second);
    endings_.erase(id);
  }
}

std::uint64_t Processes::wall_us() const { return microseconds_of(clock_.now().wall); }

std::uint64_t Processes::wall_us(std::chrono::microseconds boot) const {
  return microseconds_of(wall_at(clock_.now(), boot));
}

}  // namespace netrec
