#include "recorder/privilege.h"

#include <linux/bpf.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

namespace netrec {

namespace {

struct FreeCapabilities {
  void operator()(cap_t capabilities) const { ::cap_free(capabilities); }
};
struct FreeFilter {
  void operator()(scmp_filter_ctx filter) const { ::seccomp_release(filter); }
};

tl::unexpected<Error> refused(int error_number, const char* what) {
  return tl::unexpected<Error>(
      system_error(error_number, what).while_doing("let go of privileges"));
}

// True if only CAP_DAC_OVERRIDE lets this process write there: root, into somebody else's folder.
bool belongs_to_another(const std::string& output) {
  struct stat status {};
  if (::stat(output.c_str(), &status) == 0 && status.st_uid != ::geteuid()) return true;
  std::filesystem::path folder = std::filesystem::path(output).parent_path();
  if (folder.empty()) folder = ".";
  while (::stat(folder.c_str(), &status) != 0) {
    if (folder == folder.parent_path()) return false;
    folder = folder.parent_path();
    if (folder.empty()) folder = ".";
  }
  return status.st_uid != ::geteuid() && (status.st_mode & S_IWOTH) == 0;
}

bool is_needed(const std::vector<NeededCapability>& needed, int number) {
  for (const NeededCapability& one : needed)
    if (one.number == number) return true;
  return false;
}

// Of the permitted set what is needed; and nothing that could be had by other ways.
Status keep_capabilities(const std::vector<NeededCapability>& needed) {
  const std::unique_ptr<_cap_struct, FreeCapabilities> now(::cap_get_proc());
  const std::unique_ptr<_cap_struct, FreeCapabilities> kept(::cap_init());
  if (!now || !kept) return refused(errno, "read the capabilities");
  for (cap_value_t number = 0; number <= cap_max_bits() - 1; ++number) {
    cap_flag_value_t has = CAP_CLEAR;
    if (::cap_get_flag(now.get(), number, CAP_PERMITTED, &has) != 0) break;
    if (!is_needed(needed, number)) {
      // Without CAP_SETPCAP the bounding set stays; no_new_privs makes it worthless.
      ::cap_drop_bound(number);
      continue;
    }
    if (has == CAP_CLEAR) continue;
    for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE})
      if (::cap_set_flag(kept.get(), set, 1, &number, CAP_SET) != 0)
        return refused(errno, "keep a capability");
  }
  ::cap_reset_ambient();
  if (::cap_set_proc(kept.get()) != 0) return refused(errno, "set the capabilities");
  return {};
}

// Refused, not listed as allowed: what SQLite, libsystemd and the C library call differs from
// version to version, and a recorder that dies in an update records nothing.
constexpr std::array kRefusedCalls = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsmount),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(acct),
    SCMP_SYS(personality),
};

Status filter_calls() {
  const std::unique_ptr<void, FreeFilter> filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return refused(ENOMEM, "make a seccomp filter");
  for (const int call : kRefusedCalls)
    if (const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
        error != 0)
      return refused(-error, "add to the seccomp filter");
  const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 1,
                                       SCMP_A0(SCMP_CMP_EQ, BPF_PROG_LOAD));
  if (error != 0) return refused(-error, "add to the seccomp filter");
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // Other architectures' call numbers are killed by libseccomp's default: nothing here makes them.
  if (const int loaded = ::seccomp_load(filter.get()); loaded != 0)
    return refused(-loaded, "load the seccomp filter");
  return {};
}

}  // namespace

std::vector<NeededCapability> needed_capabilities(const PrivilegeNeeds& needs) {
  std::vector<NeededCapability> needed = {
      {CAP_NET_ADMIN, "sock_diag tells marks and upper layers only with it"},
      {CAP_SYS_PTRACE, "/proc/PID/exe, fd and ns of other users' processes"},
      {CAP_DAC_READ_SEARCH, "executables to be hashed, and /proc/PID of other users"},
  };
  if (needs.other_namespaces) needed.push_back({CAP_SYS_ADMIN, "setns(2) into network namespaces"});
  if (needs.events) {
    needed.push_back(
        {CAP_BPF, "reading the maps of the eBPF programs, and the glance at connections"});
    needed.push_back({CAP_PERFMON, "the iterator over descriptors"});
  }
  if (belongs_to_another(needs.output))
    needed.push_back({CAP_DAC_OVERRIDE, "the file lies in another user's folder"});
  return needed;
}

Status drop_privileges(const PrivilegeNeeds& needs) {
  NETREC_CHECKED(keep_capabilities(needed_capabilities(needs)));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused(errno, "set no_new_privs");
  return filter_calls();
}

}  // namespace netrec
