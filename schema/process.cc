#include "schema/process.h"

namespace netrec {

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<Process>> EntityTraits<Process>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Process, member, name, kind, about)
  static constexpr Field<Process> kFields[] = {
      F(id, "id", identity, "One program run; never reused in a file"),
      F(pid, "pid", identity, "Process id"),
      F(start_us, "start_us", number, "When it was forked: microseconds since boot"),
      F(first_seen_us, "first_seen_us", instant_us, "When the recorder first saw this run"),
      F(parent_pid, "parent_pid", identity, "Parent's process id"),
      F(parent, "parent", reference, "Parent, if it is recorded too"),
      F(uid, "uid", identity, "Real user id"),
      F(effective_uid, "effective_uid", identity, "Effective user id"),
      F(comm, "comm", text, "Short name (/proc/PID/comm)"),
      F(exe, "exe", text, "Executable's path (/proc/PID/exe)"),
      F(exe_deleted, "exe_deleted", code, "1 if the executable had been deleted"),
      F(exe_device, "exe_device", identity, "Executable's device"),
      F(exe_inode, "exe_inode", identity, "Executable's inode"),
      F(command_line, "command_line", text, "Arguments, separated by NUL"),
      F(cgroup, "cgroup", text, "cgroup v2 path: unit or container"),
      F(ended_us, "ended_us", instant_us, "When it ended; 0: it runs, or nobody saw"),
      F(exe_sha256, "exe_sha256", text, "SHA-256 of the executable, or why there is none"),
  };
#undef F
  return kFields;
}

// NOLINTNEXTLINE(readability-function-size): a line for each field.
std::span<const Field<NetworkNamespace>> EntityTraits<NetworkNamespace>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(NetworkNamespace, member, name, kind, about)
  static constexpr Field<NetworkNamespace> kFields[] = {
      F(id, "id", identity, "Never reused in a file"),
      F(inode, "inode", identity, "Inode of /proc/PID/ns/net, as lsns prints it"),
      F(cookie, "cookie", identity, "SO_NETNS_COOKIE, unique while the host is up"),
      F(name, "name", text, "Its name under /run/netns, or what holds it"),
      F(first_port, "first_port", number, "First ephemeral port (ip_local_port_range)"),
      F(last_port, "last_port", number, "Last ephemeral port"),
      F(time_wait_limit, "time_wait_limit", number, "tcp_max_tw_buckets"),
  };
#undef F
  return kFields;
}

}  // namespace netrec
