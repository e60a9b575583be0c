#include "recorder/owners.h"

#include <dirent.h>
#include <signal.h>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "recorder/descriptors.h"
#include "recorder/holder_table.h"
#include "recorder/proc_file.h"
#include "schema/dense_map.h"
#include "schema/key_hash.h"

namespace netrec {

namespace {

// A link costs 1 µs to read where it was read before, 4 µs where it was not (the kernel makes an
// inode for it). What is not used for searching is saved up, so that a rare search may be long
// while frequent ones stay below 8 ms a second.
constexpr int kAllowanceASecond = 2000;
constexpr int kMostAllowance = 10'000;
// Listing a descriptor costs about half of reading it.
constexpr int kListedPerLink = 2;
// So does opening a process's folder, in links.
constexpr int kOpenCost = 3;
// Descriptors are given out lowest first: after so many free ones no higher one is news.
constexpr int kMostMisses = 4;
// A process with fewer descriptors is searched at each of them. One may have been closed and
// another socket put at its number while what was there lives on elsewhere: nothing else would
// tell.
constexpr std::size_t kFewDescriptors = 64;
// Sockets no dump ever showed (of namespaces that are not recorded) looked at again in one search.
constexpr std::size_t kMostDoubtful = 256;
// Freed descriptors remembered for each process.
constexpr std::size_t kMostFreed = 8192;
constexpr std::size_t kMostHandedOn = 64;  // looked at again at once; the rest is found by rechecks
// Processes whose /proc/PID/fd is kept open.
constexpr std::size_t kMostOpen = 2048;
// Updates between two looks for a socket nobody seems to hold.
constexpr std::uint32_t kLongestWait = 256;
// After a scan that read so many descriptors, at least one more: a scan costs some 1 µs for each,
// so that looking for what nobody holds takes a two-thousandth of a processor.
constexpr std::size_t kScannedPerWait = 500;

using Seconds = std::chrono::duration<double>;

struct Watched {
  std::optional<Descriptors> descriptors;
  std::vector<std::uint32_t> freed;   ///< descriptors whose socket went
  std::uint32_t next = 0;             ///< one above the highest descriptor known
  std::vector<std::uint32_t> others;  ///< descriptors of files and the like, when last listed
  std::uint64_t active = 0;           ///< the update in which a new socket was last found here
  std::uint64_t searched = 0;         ///< the update in which it was last searched
  std::uint64_t listed = 0;           ///< the update in which /proc last showed it
  bool unreadable = false;
};

// A socket that is looked for.
struct Search {
  std::uint64_t due = 0;  ///< the update in which to look
  std::uint32_t wait = 1;
  bool probed = false;  ///< the cheap places were looked at
};

}  // namespace

struct Owners::State {
  explicit State(OwnersOptions chosen) : options(chosen) {
    const auto own = Descriptors::open(static_cast<std::uint32_t>(getpid()));
    counts_told = own && own->count() != 0;
  }

  void forget_departed(std::span<const std::uint32_t> departed);
  void drop_ended();
  void want(std::span<const std::uint32_t> appeared);
  std::string last_pid();
  void find_new_processes();
  void probe();
  void probe_process(std::uint32_t pid, Watched& process);
  void search();
  enum class Reads { unknown, all };
  void list_process(std::uint32_t pid, Watched& process, Reads reads = Reads::unknown);
  void search_process(std::uint32_t pid, Watched& process);
  std::uint32_t socket_at(std::uint32_t pid, std::uint32_t descriptor) const;
  void clear_all_but(std::uint32_t pid, std::vector<std::uint32_t>& listed);
  std::size_t known_count(std::uint32_t pid, const Watched& process) const;
  bool is_known(std::uint32_t pid, const Watched& process, const Descriptors& descriptors) const;
  bool search_by_scan();
  void postpone(bool looked_everywhere, std::uint32_t least_wait = 1);
  void earn();
  void look_where_handed_on();
  void recheck();
  bool recheck_step();
  void finish_recheck();
  void settle_changes();

  bool is_due() const;
  const Descriptors* open(std::uint32_t pid, Watched& process);
  Link look(std::uint32_t pid, Watched& process, const Descriptors& descriptors,
            std::uint32_t descriptor);
  void record(Holder holder, std::uint32_t inode);
  void remove(std::uint32_t pid);
  std::vector<std::uint32_t> by_activity();

  OwnersOptions options;
  DescriptorScan scan;
  HolderTable table;
  std::map<std::uint32_t, Watched> processes;
  DenseSet<std::uint32_t> alive;           ///< sockets that appeared and did not depart
  DenseMap<std::uint32_t, Search> wanted;  ///< of them, those without a holder
  std::vector<std::uint32_t> changed;
  OwnersReport report;
  std::uint64_t update = 0;
  double allowance = kMostAllowance;  ///< links that may be read in searching
  std::chrono::steady_clock::time_point last_earned = std::chrono::steady_clock::now();
  std::size_t open_count = 0;
  std::optional<Descriptors> spare;  ///< of a process beyond kMostOpen, for the time of one visit
  ProcFile load{"/proc/loadavg"};
  std::string load_text;
  std::string newest_pid;
  bool list_again = false;
  std::vector<std::uint32_t> handed_on;  ///< sockets that new processes share with older ones
  bool counts_told = false;              ///< the kernel tells Descriptors::count()
  std::vector<std::uint32_t> numbers;

  // The look taken again at a few descriptors each tick.
  double recheck_allowance = 0;
  std::uint32_t recheck_pid = 0;
  std::optional<Descriptors> recheck_descriptors;
  tsl::robin_set<std::uint32_t, KeyHash> recheck_seen;
};

void Owners::State::record(Holder holder, std::uint32_t inode) {
  table.set(holder, inode);
  Watched& process = processes[holder.pid];
  process.next = std::max(process.next, holder.descriptor + 1);
  if (wanted.erase(inode) == 0) return;
  process.active = update;
}

const Descriptors* Owners::State::open(std::uint32_t pid, Watched& process) {
  if (process.descriptors) return &*process.descriptors;
  if (process.unreadable) return nullptr;
  auto opened = Descriptors::open(pid);
  ++report.links_read;
  allowance -= kOpenCost;
  if (!opened) {
    process.unreadable = opened.error().kind == ErrorKind::permission;
    return nullptr;
  }
  if (open_count >= kMostOpen || table.sockets_of(pid) == nullptr) {
    spare.emplace(*std::move(opened));
    return &*spare;
  }
  ++open_count;
  process.descriptors.emplace(*std::move(opened));
  return &*process.descriptors;
}

Link Owners::State::look(std::uint32_t pid, Watched& process, const Descriptors& descriptors,
                         std::uint32_t descriptor) {
  std::uint32_t inode = 0;
  const Link link = descriptors.read(descriptor, inode);
  ++report.links_read;
  --allowance;
  const Holder holder{.pid = pid, .descriptor = descriptor};
  if (link == Link::socket)
    record(holder, inode);
  else
    table.clear(holder);
  if (link == Link::other) process.next = std::max(process.next, descriptor + 1);
  return link;
}

void Owners::State::remove(std::uint32_t pid) {
  std::vector<std::uint32_t> orphans;
  table.remove_process(pid, orphans);
  for (const std::uint32_t inode : orphans)
    if (alive.contains(inode)) wanted[inode] = {.due = update};
  if (const auto found = processes.find(pid); found != processes.end()) {
    if (found->second.descriptors) --open_count;
    processes.erase(found);
  }
}

void Owners::State::forget_departed(std::span<const std::uint32_t> departed) {
  std::vector<Holder> freed;
  for (const std::uint32_t inode : departed) {
    alive.erase(inode);
    wanted.erase(inode);
    table.remove_socket(inode, freed);
  }
  for (const Holder& holder : freed)
    if (const auto found = processes.find(holder.pid);
        found != processes.end() && found->second.freed.size() < kMostFreed)
      found->second.freed.push_back(holder.descriptor);
}

void Owners::State::drop_ended() {
  std::vector<std::uint32_t> ended;
  for (const auto& [pid, process] : processes)
    if (table.sockets_of(pid) != nullptr && kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH)
      ended.push_back(pid);
  for (const std::uint32_t pid : ended) remove(pid);
}

void Owners::State::want(std::span<const std::uint32_t> appeared) {
  for (const std::uint32_t inode : appeared) {
    alive.insert(inode);
    if (table.holders(inode).empty()) wanted.insert({inode, Search{.due = update}});
  }
}

bool Owners::State::is_due() const {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const auto& search) { return search.second.due <= update; });
}

// The pid given out last (proc(5), /proc/loadavg): while it stays, no process is new.
std::string Owners::State::last_pid() {
  const std::string_view told = load.read(load_text);
  return std::string(told.substr(told.rfind(' ') + 1));
}

void Owners::State::find_new_processes() {
  std::string newest = last_pid();
  const bool is_news = newest.empty() || newest != newest_pid;
  if (!is_news && !list_again) return;
  DIR* const proc = opendir("/proc");
  if (proc == nullptr) return;
  // A pid is given out some time before /proc shows its process: the next look lists once more.
  list_again = is_news;
  newest_pid = std::move(newest);
  std::vector<std::uint32_t> fresh;
  while (const dirent* entry = readdir(proc)) {
    std::uint32_t pid = 0;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr != end) continue;
    const auto [place, is_new] = processes.try_emplace(pid);
    place->second.listed = update;
    if (is_new) fresh.push_back(pid);
  }
  closedir(proc);
  std::vector<std::uint32_t> ended;
  for (const auto& [pid, process] : processes)
    if (process.listed != update) ended.push_back(pid);
  for (const std::uint32_t pid : ended) remove(pid);
  if (update == 1 && search_by_scan()) return;
  const double before = allowance;
  for (const std::uint32_t pid : fresh) {
    list_process(pid, processes[pid]);
    const auto* const sockets = table.sockets_of(pid);
    if (sockets == nullptr) continue;
    processes[pid].active = update;
    for (const auto& [descriptor, inode] : *sockets)
      if (table.holders(inode).size() > 1 && handed_on.size() < kMostHandedOn)
        handed_on.push_back(inode);
  }
  allowance = before;
}

// A server that forks for each connection closes its own descriptor of it soon after: its other
// holders are looked at in this update and in the next.
void Owners::State::look_where_handed_on() {
  std::vector<std::uint32_t> inodes = std::exchange(handed_on, {});
  find_new_processes();
  inodes.insert(inodes.end(), handed_on.begin(), handed_on.end());
  for (const std::uint32_t inode : inodes) {
    const auto holders = table.holders(inode);
    for (const Holder holder : std::vector<Holder>(holders.begin(), holders.end()))
      if (const auto process = processes.find(holder.pid); process != processes.end())
        if (const Descriptors* const descriptors = open(holder.pid, process->second))
          look(holder.pid, process->second, *descriptors, holder.descriptor);
  }
}

// Pids of processes that hold sockets or did, the one that got some most recently first.
std::vector<std::uint32_t> Owners::State::by_activity() {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  for (const auto& [pid, process] : processes)
    if (table.sockets_of(pid) != nullptr || !process.freed.empty())
      order.emplace_back(~process.active, pid);
  std::sort(order.begin(), order.end());
  std::vector<std::uint32_t> pids;
  pids.reserve(order.size());
  for (const auto& [active, pid] : order) pids.push_back(pid);
  return pids;
}

void Owners::State::probe() {
  const auto is_unprobed = [](const auto& search) { return !search.second.probed; };
  const auto any_left = [&] { return std::any_of(wanted.begin(), wanted.end(), is_unprobed); };
  if (!any_left()) return;
  for (const std::uint32_t pid : by_activity()) {
    probe_process(pid, processes[pid]);
    if (!any_left()) return;
  }
  for (auto search = wanted.begin(); search != wanted.end(); ++search) search.value().probed = true;
}

void Owners::State::probe_process(std::uint32_t pid, Watched& process) {
  const Descriptors* const descriptors = open(pid, process);
  if (descriptors == nullptr) return;
  std::sort(process.freed.begin(), process.freed.end());
  std::vector<std::uint32_t> still_free;
  int misses = 0;
  for (const std::uint32_t descriptor : process.freed) {
    if (misses < kMostMisses) {
      if (look(pid, process, *descriptors, descriptor) != Link::absent) continue;
      ++misses;
    }
    still_free.push_back(descriptor);
  }
  process.freed.swap(still_free);
  if (misses >= kMostMisses) return;
  // And the next higher ones, over a gap only where more are open than are known.
  int gap = is_known(pid, process, *descriptors) ? 1 : kMostMisses;
  for (std::uint32_t at = process.next; gap > 0; ++at)
    if (look(pid, process, *descriptors, at) == Link::absent) --gap;
}

// Reads the descriptors of the process, at `unknown` only those not known to be a socket still
// alive.
void Owners::State::list_process(std::uint32_t pid, Watched& process, Reads reads) {
  const Descriptors* const descriptors = open(pid, process);
  process.searched = update;
  if (descriptors == nullptr) return;
  process.others.clear();
  std::size_t doubtful = 0;
  std::vector<std::uint32_t> listed;
  descriptors->rewind();
  while (descriptors->list(numbers)) {
    allowance -= static_cast<double>(numbers.size()) / kListedPerLink;
    if (reads == Reads::all) listed.insert(listed.end(), numbers.begin(), numbers.end());
    for (const std::uint32_t number : numbers) {
      const std::uint32_t known = socket_at(pid, number);
      const bool is_sure = known != 0 && (alive.contains(known) || ++doubtful > kMostDoubtful);
      if (is_sure && reads == Reads::unknown) continue;
      if (look(pid, process, *descriptors, number) == Link::other) process.others.push_back(number);
    }
  }
  if (reads == Reads::all) clear_all_but(pid, listed);
}

// Forgets what the process held at descriptors it has no more.
void Owners::State::clear_all_but(std::uint32_t pid, std::vector<std::uint32_t>& listed) {
  const HolderTable::Sockets* const sockets = table.sockets_of(pid);
  if (sockets == nullptr) return;
  std::sort(listed.begin(), listed.end());
  std::vector<Holder> gone;
  for (const auto& [descriptor, inode] : *sockets)
    if (!std::binary_search(listed.begin(), listed.end(), descriptor))
      gone.push_back({.pid = pid, .descriptor = descriptor});
  for (const Holder& holder : gone) table.clear(holder);
}

// Inode of the socket that is known at the descriptor; 0: none.
std::uint32_t Owners::State::socket_at(std::uint32_t pid, std::uint32_t descriptor) const {
  const HolderTable::Sockets* const sockets = table.sockets_of(pid);
  if (sockets == nullptr) return 0;
  const auto known = sockets->find(descriptor);
  return known == sockets->end() ? 0 : known->second;
}

std::size_t Owners::State::known_count(std::uint32_t pid, const Watched& process) const {
  const HolderTable::Sockets* const sockets = table.sockets_of(pid);
  return process.others.size() + (sockets == nullptr ? 0 : sockets->size());
}

// True if the process has as many descriptors as are known of it, so that none needs to be listed.
bool Owners::State::is_known(std::uint32_t pid, const Watched& process,
                             const Descriptors& descriptors) const {
  return counts_told && descriptors.count() == known_count(pid, process);
}

// As list_process(), but does not list where much is known, and all by number: then only what was
// no socket, or is one no dump ever showed, is likely to be another by now.
void Owners::State::search_process(std::uint32_t pid, Watched& process) {
  if (known_count(pid, process) < kFewDescriptors) return list_process(pid, process, Reads::all);
  const Descriptors* const descriptors = open(pid, process);
  if (descriptors == nullptr || !is_known(pid, process, *descriptors))
    return list_process(pid, process);
  process.searched = update;
  std::vector<std::uint32_t> doubtful;
  doubtful.swap(process.others);
  const std::size_t most = doubtful.size() + kMostDoubtful;
  if (const HolderTable::Sockets* const sockets = table.sockets_of(pid))
    for (const auto& [descriptor, inode] : *sockets)
      if (doubtful.size() < most && !alive.contains(inode)) doubtful.push_back(descriptor);
  for (const std::uint32_t descriptor : doubtful)
    if (look(pid, process, *descriptors, descriptor) == Link::other)
      process.others.push_back(descriptor);
}

void Owners::State::search() {
  if (search_by_scan())
    return postpone(true, static_cast<std::uint32_t>(1 + table.socket_count() / kScannedPerWait));
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  for (auto& [pid, process] : processes) {
    const Descriptors* const descriptors = open(pid, process);
    if (descriptors == nullptr) continue;
    if (counts_told && descriptors->count() == 0) continue;  // A kernel thread.
    order.emplace_back(is_known(pid, process, *descriptors) ? process.searched : 0, pid);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [searched, pid] : order) {
    if (!is_due()) return;
    if (allowance <= 0) return postpone(false);
    search_process(pid, processes[pid]);
  }
  postpone(true);
}

// What was not found is looked for again at the next update, or later and later if it is nowhere.
void Owners::State::postpone(bool looked_everywhere, std::uint32_t least_wait) {
  for (auto search = wanted.begin(); search != wanted.end(); ++search) {
    if (search->second.due > update) continue;
    Search& next = search.value();
    next.wait = std::min(std::max(next.wait, least_wait), kLongestWait);
    next.due = update + (looked_everywhere ? next.wait : 1);
    if (looked_everywhere) next.wait *= 2;
  }
}

bool Owners::State::search_by_scan() {
  if (!scan) return false;
  std::vector<std::pair<Holder, std::uint32_t>> found;
  found.reserve(table.socket_count());
  const Status done =
      scan([&](Holder holder, std::uint32_t inode) { found.emplace_back(holder, inode); });
  if (!done) return false;
  std::sort(found.begin(), found.end());
  for (const auto& [holder, inode] : found) record(holder, inode);
  const auto seen = [&](Holder holder) {
    const auto place = std::lower_bound(found.begin(), found.end(), std::pair(holder, 0u));
    return place != found.end() && place->first == holder;
  };
  std::vector<Holder> gone;
  for (const auto& [pid, process] : processes)
    if (const auto* const sockets = table.sockets_of(pid); sockets != nullptr)
      for (const auto& [descriptor, inode] : *sockets)
        if (!seen({pid, descriptor})) gone.push_back({pid, descriptor});
  for (const Holder& holder : gone) table.clear(holder);
  allowance -= static_cast<double>(found.size()) / kListedPerLink;
  return true;
}

// What may be spent grows with time, not with updates: ticks may be 10 ms apart.
void Owners::State::earn() {
  const auto now = std::chrono::steady_clock::now();
  const Seconds passed = std::min<Seconds>(now - last_earned, Seconds(2));
  last_earned = now;
  allowance = std::min(allowance + kAllowanceASecond * passed.count(), double{kMostAllowance});
  recheck_allowance += options.recheck_links * passed.count();
}

void Owners::State::recheck() {
  if (options.recheck_links == 0) return;
  if (scan) {
    const auto cost = static_cast<double>(table.socket_count()) / kListedPerLink + 1000;
    if (recheck_allowance < cost) return;
    recheck_allowance = 0;
    search_by_scan();
    return;
  }
  while (recheck_allowance > 0)
    if (!recheck_step()) recheck_allowance = 0;  // Once round is enough.
}

// Looks at some more descriptors of the process whose turn it is. False once all had their turn.
bool Owners::State::recheck_step() {
  if (!recheck_descriptors) {
    const auto next = processes.upper_bound(recheck_pid);
    if (next == processes.end()) {
      recheck_pid = 0;
      return false;
    }
    recheck_pid = next->first;
    --recheck_allowance;
    if (next->second.unreadable) return true;
    if (auto opened = Descriptors::open(recheck_pid))
      recheck_descriptors.emplace(*std::move(opened));
    return true;
  }
  const auto process = processes.find(recheck_pid);
  if (process == processes.end() || !recheck_descriptors->list(numbers)) {
    finish_recheck();
    return true;
  }
  const double before = allowance;
  for (const std::uint32_t number : numbers) {
    look(recheck_pid, process->second, *recheck_descriptors, number);
    recheck_seen.insert(number);
  }
  allowance = before;
  recheck_allowance -= static_cast<double>(numbers.size());
  return true;
}

// What is remembered of the process but was not listed is looked at too: it may be gone.
void Owners::State::finish_recheck() {
  const auto process = processes.find(recheck_pid);
  if (const auto* const sockets = table.sockets_of(recheck_pid);
      sockets != nullptr && process != processes.end()) {
    std::vector<std::uint32_t> unlisted;
    for (const auto& [descriptor, inode] : *sockets)
      if (!recheck_seen.contains(descriptor)) unlisted.push_back(descriptor);
    recheck_allowance -= static_cast<double>(unlisted.size());
    for (const std::uint32_t descriptor : unlisted)
      look(recheck_pid, process->second, *recheck_descriptors, descriptor);
  }
  recheck_seen.clear();
  recheck_descriptors.reset();
}

// A socket whose last known holder let go of it may have been handed on.
void Owners::State::settle_changes() {
  table.take_changed(changed);
  std::erase_if(changed, [&](std::uint32_t inode) { return !alive.contains(inode); });
  for (const std::uint32_t inode : changed)
    if (table.holders(inode).empty()) wanted.insert({inode, Search{.due = update + 1}});
}

Owners::Owners(OwnersOptions options) : state_(std::make_unique<State>(options)) {}
Owners::~Owners() = default;

void Owners::use(DescriptorScan scan) { state_->scan = std::move(scan); }

OwnersReport Owners::update(std::span<const std::uint32_t> appeared,
                            std::span<const std::uint32_t> departed) {
  State& state = *state_;
  ++state.update;
  state.report = {};
  state.earn();
  state.forget_departed(departed);
  state.drop_ended();
  state.look_where_handed_on();
  state.want(appeared);
  state.probe();
  if (state.allowance > 0 && state.is_due()) state.search();
  state.recheck();
  state.spare.reset();
  state.settle_changes();
  for (const std::uint32_t inode : appeared)
    ++(state.table.holders(inode).empty() ? state.report.not_found : state.report.found);
  for (const auto& [pid, process] : state.processes)
    if (process.unreadable) ++state.report.unreadable;
  return state.report;
}

std::span<const Holder> Owners::holders(std::uint32_t inode) const {
  return state_->table.holders(inode);
}

std::span<const std::uint32_t> Owners::changed() const { return state_->changed; }

}  // namespace netrec
