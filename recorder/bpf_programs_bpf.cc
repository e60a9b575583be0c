#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "bpf/event.h"  // What the skeleton has in it.
#include "netrec.skel.h"
#include "recorder/bpf_programs.h"
#include "recorder/cgroup_paths.h"

namespace netrec {

namespace {

struct Group {
  std::string_view name;
  std::string_view about;
  std::array<std::string_view, 4> programs;  // as named in bpf/*.bpf.c
};

constexpr std::array<Group, 10> kGroups = {{
    {"tcp", "every TCP transition at its own time", {"on_tcp_state"}},
    {"calls",
     "who accepts, and connections that fail before a packet is sent",
     {"on_syscall_return"}},
    {"rings", "who accepts through io_uring", {"on_ring_complete"}},
    {"unix", "when UNIX sockets end", {"on_syscall_entry", "on_descriptors_left"}},
    {"time_wait", "when TIME_WAIT begins and ends", {"on_timer_start", "on_timer_cancel"}},
    {"process", "programs that live shorter than a tick", {"on_exec", "on_fork", "on_exit"}},
    {"traffic",
     "whom sockets without a connection talk to, and names asked for",
     {"on_socket_create", "on_socket_release", "on_ingress", "on_egress"}},
    {"frames",
     "frames sent and received below IP, by packet sockets",
     {"on_frame_queued", "on_frame_received", "on_frame_sent"}},
    {"descriptors", "who holds which socket, in one pass", {"on_task_file"}},
    {"glance", "quick looks at TCP connections: each look asks for all of them", {"on_glance"}},
}};

bool has_program(const Group& group, std::string_view program) {
  for (const std::string_view name : group.programs)
    if (name == program) return true;
  return false;
}

// libbpf's last complaint: the reason people need, since its return value is only an errno.
std::string& last_complaint() {
  static std::string text;
  return text;
}

int keep_complaint(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 512> line{};
  va_list copy;
  va_copy(copy, arguments);
  std::vsnprintf(line.data(), line.size(), format, copy);
  va_end(copy);
  std::string_view text(line.data());
  if (text.find("failed") == std::string_view::npos && !last_complaint().empty()) return 0;
  if (text.find("failed to load object") != std::string_view::npos) return 0;
  while (text.ends_with('\n')) text.remove_suffix(1);
  last_complaint() = text;
  return 0;
}

// The address of a function of the kernel, 0 if /proc/kallsyms does not tell (kptr_restrict).
std::uint64_t kernel_address(std::string_view function) {
  std::ifstream symbols("/proc/kallsyms");
  std::string line;
  while (std::getline(symbols, line)) {
    const std::string_view view(line);
    const std::size_t name = view.find(' ', view.find(' ') + 1);
    if (name == std::string_view::npos || view.substr(name + 1) != function) continue;
    std::uint64_t address = 0;
    std::from_chars(line.data(), line.data() + line.size(), address, 16);
    return address;
  }
  return 0;
}

Error load_error(int error_number) {
  Error error = system_error(error_number, "load the eBPF programs");
  if (!last_complaint().empty()) error.message += fmt::format(" ({})", last_complaint());
  return error;
}

}  // namespace

BpfPrograms::BpfPrograms(BpfPrograms&& other) noexcept
    : skeleton_(std::exchange(other.skeleton_, nullptr)), probes_(std::move(other.probes_)) {}

BpfPrograms& BpfPrograms::operator=(BpfPrograms&& other) noexcept {
  std::swap(skeleton_, other.skeleton_);
  std::swap(probes_, other.probes_);
  return *this;
}

BpfPrograms::~BpfPrograms() { netrec_bpf__destroy(skeleton_); }

Probe& BpfPrograms::probe(std::string_view group) {
  for (Probe& probe : probes_)
    if (probe.name == group) return probe;
  NETREC_CHECK(false, "a group of eBPF programs that does not exist");
}

Result<BpfPrograms> BpfPrograms::load(const EventSourceOptions& options) {
  libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
  libbpf_set_print(keep_complaint);
  BpfPrograms programs;
  for (const Group& group : kGroups)
    programs.probes_.push_back(
        {.name = std::string(group.name), .about = std::string(group.about), .failure = ""});
  if (Status loaded = programs.try_load(options); !loaded) {
    programs.find_refused(options);
    if (!programs.probe("tcp").works()) return tl::unexpected<Error>(std::move(loaded).error());
    NETREC_CHECKED(programs.try_load(options));
  }
  programs.attach();
  if (const Probe& tcp = programs.probe("tcp"); !tcp.works())
    return failure(ErrorKind::unsupported, "watch TCP transitions: {}", tcp.failure);
  return programs;
}

// Loads the groups that have not failed yet.
Status BpfPrograms::try_load(const EventSourceOptions& options) {
  last_complaint().clear();
  netrec_bpf__destroy(std::exchange(skeleton_, netrec_bpf__open()));
  if (skeleton_ == nullptr) return tl::unexpected<Error>(load_error(errno));
  bpf_map__set_max_entries(skeleton_->maps.ring, options.ring_bytes);
  skeleton_->rodata->time_wait_handler = kernel_address("tw_timer_handler");
  if (skeleton_->rodata->time_wait_handler == 0)
    probe("time_wait").failure = "/proc/kallsyms does not tell where tw_timer_handler is";
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    bool wanted = false;
    for (const Group& group : kGroups)
      wanted |= has_program(group, bpf_program__name(program)) && probe(group.name).works();
    bpf_program__set_autoload(program, wanted);
  }
  if (const int error = netrec_bpf__load(skeleton_); error != 0)
    return tl::unexpected<Error>(load_error(-error));
  return {};
}

// Tries each group alone, and notes those that do not load.
void BpfPrograms::find_refused(const EventSourceOptions& options) {
  const std::vector<Probe> before = probes_;
  std::vector<Probe> found = before;
  for (std::size_t i = 0; i < before.size(); ++i) {
    for (std::size_t j = 0; j < before.size(); ++j)
      probes_[j].failure = i == j ? before[j].failure : "not tried";
    if (Status loaded = try_load(options); !loaded) found[i].failure = loaded.error().message;
    if (!probes_[i].works()) found[i].failure = probes_[i].failure;
  }
  probes_ = std::move(found);
}

void BpfPrograms::attach() {
  const int cgroup = ::open(cgroup_mount().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) probe("traffic").failure = "the v2 cgroup hierarchy is not mounted";
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    const std::string_view name = bpf_program__name(program);
    for (const Group& group : kGroups) {
      if (!has_program(group, name) || !probe(group.name).works()) continue;
      if (group.name == "glance") continue;  // Run by us, by nothing that happens.
      bpf_link* link = group.name == "traffic" ? bpf_program__attach_cgroup(program, cgroup)
                                               : bpf_program__attach(program);
      if (link == nullptr)
        probe(group.name).failure = fmt::format("attach {}: {}", name, std::strerror(errno));
      // The skeleton's array of links is what netrec_bpf__destroy() lets go of.
      for (int i = 0; i < skeleton_->skeleton->prog_cnt; ++i)
        if (*skeleton_->skeleton->progs[i].prog == program)
          *skeleton_->skeleton->progs[i].link = link;
    }
  }
  if (cgroup >= 0) ::close(cgroup);
}

void BpfPrograms::detach(std::string_view group, const std::string& why) {
  probe(group).failure = why;
  for (const Group& candidate : kGroups) {
    if (candidate.name != group) continue;
    for (int i = 0; i < skeleton_->skeleton->prog_cnt; ++i) {
      const auto& slot = skeleton_->skeleton->progs[i];
      if (has_program(candidate, slot.name)) bpf_link__destroy(std::exchange(*slot.link, nullptr));
    }
  }
}

int BpfPrograms::ring_fd() const { return bpf_map__fd(skeleton_->maps.ring); }

std::uint64_t BpfPrograms::lost(std::uint32_t kind) const {
  return std::atomic_ref(skeleton_->bss->lost[kind]).load(std::memory_order_relaxed);
}

std::uint64_t BpfPrograms::lost_packets() const {
  return std::atomic_ref(skeleton_->bss->lost_packets).load(std::memory_order_relaxed);
}

int BpfPrograms::turn_peers() {
  volatile auto& turn = skeleton_->bss->peers_turn;
  const bool was_odd = (turn & 1) != 0;
  turn = turn + 1;
  return bpf_map__fd(was_odd ? skeleton_->maps.peers_odd : skeleton_->maps.peers_even);
}

void BpfPrograms::await_program() {
  volatile auto& waits = skeleton_->bss->program_waits;
  waits = 0;
}

int BpfPrograms::open_descriptor_pass() const {
  if (skeleton_->links.on_task_file == nullptr) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return bpf_iter_create(bpf_link__fd(skeleton_->links.on_task_file));
}

Result<BpfPrograms::Glanced> BpfPrograms::glance(GlanceRun run) {
  auto& walk = *skeleton_->bss;
  if (run == GlanceRun::first) walk.glance_place = walk.glance_overflow = 0;
  const std::uint32_t before = walk.glance_place;
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  if (const int error =
          bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.on_glance), &options);
      error != 0)
    return tl::unexpected<Error>(system_error(-error, "glance at the TCP connections"));
  std::atomic_signal_fence(std::memory_order_acquire);  // The program wrote to `walk`.
  if (walk.glance_overflow != 0 || walk.glance_place <= before)
    return failure(ErrorKind::unsupported, "the kernel's table of TCP connections is not walked");
  return Glanced{.shown = {walk.glances, std::min<std::size_t>(walk.glance_count, GLANCES_MAX)},
                 .is_last = walk.glance_place >= walk.glance_places,
                 .is_shared = walk.glance_is_shared != 0};
}

}  // namespace netrec
