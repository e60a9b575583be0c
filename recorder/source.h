// The seam between the kernel and the Observer: what there is to read in each network namespace,
// and where what is read goes. The kernel's side is KernelSource (kernel_source.h); a test fakes it
// by deriving from SocketSource and calling the sink.
//
// A source only reads. It remembers nothing of the sockets it showed: what a socket was before,
// since when it is so and who owns it is the Observer's, and so a row is handed over with
// opened_us, opened_after_us, state_since_us, process, descriptor, sharers and remote_name 0. What
// the kernel tells unsteadily (a timer of "about 40 ms") is steadied by settle() (settle.h), which
// wants the row before.
//
// Refused: one call that returns all sockets (a hundred thousand rows copied for nothing), and
// callbacks by std::function for each socket (a virtual call costs less and is named).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/interface.h"
#include "schema/result.h"
#include "schema/socket.h"

namespace netrec {

/// One thing the kernel can be asked to dump: "all TCP sockets over IPv6".
struct SocketKind {
  Transport transport = Transport::unknown;
  Family family = Family::none;

  bool operator==(const SocketKind&) const = default;
};

/// Everything there is to ask for, in the order of a tick: what changes fast comes first.
std::span<const SocketKind> socket_kinds();

/// "tcp over inet6", "unix", …: for messages and gaps.
std::string to_string(const SocketKind& kind);

/// Which connection is asked for, by its ends.
struct SocketQuestion {
  Family family = Family::none;
  IpAddress local;
  IpAddress remote;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint32_t interface = 0;  ///< it is bound to
};

/// A network namespace that can be read now, or why it cannot. One with inode 0 stands for those of
/// processes that may not even be asked which one they live in.
struct NamespaceFacts {
  std::uint32_t inode = 0;   ///< of /proc/PID/ns/net: identifies it while it lives
  std::uint64_t cookie = 0;  ///< SO_NETNS_COOKIE: identifies it while the host is up; 0: not known
  std::string name;          ///< name under /run/netns, or what holds it ("pid 812 nginx"); own: ""
  std::uint32_t time_wait_limit = 0;  ///< net.ipv4.tcp_max_tw_buckets; 0: not known
  std::uint16_t first_port = 0;       ///< net.ipv4.ip_local_port_range
  std::uint16_t last_port = 0;
  bool own = false;            ///< the recorder's own
  bool has_own_table = false;  ///< of TCP connections, not the one it shares with others
  std::string error;           ///< why it cannot be read; "" if it can

  bool readable() const { return error.empty(); }
  bool operator==(const NamespaceFacts&) const = default;
};

/// How a dump went. Anything but a plain count means sockets may be missing from it.
struct DumpReport {
  std::uint64_t count = 0;   ///< sockets shown to the sink
  std::uint64_t broken = 0;  ///< messages that could not be understood
  bool interrupted = false;  ///< NLM_F_DUMP_INTR: the tables changed under the dump
  bool overrun = false;      ///< ENOBUFS: the kernel had more to say than fitted

  bool whole() const { return broken == 0 && !interrupted && !overrun; }
};

/// Where strings go: the same bytes get the same id.
class TextSink {
 public:
  virtual ~TextSink() = default;
  /// Id of the Text `bytes`; 0 for "". Ids may be kept until the end of the call the sink was
  /// given to, not longer.
  virtual std::uint32_t text(std::string_view bytes) = 0;
};

class SocketSink : public TextSink {
 public:
  /// One socket as the kernel shows it now. Valid during the call only.
  virtual void see(const Socket& observed) = 0;
};

class InterfaceSink : public TextSink {
 public:
  virtual void see(const Interface& observed) = 0;
};

/// A protocol counter: "Tcp.RetransSegs", "TcpExt.ListenDrops", "Ip6InReceives".
struct CounterValue {
  std::string_view name;  ///< valid until the next call of counters() for the same namespace
  std::uint64_t value = 0;
};

class SocketSource {
 public:
  virtual ~SocketSource() = default;

  /// Looks for namespaces that came, went or were renamed, opens what is needed to read the new
  /// ones, and lets go of those nothing but us keeps alive. Cheap enough for every few seconds (a
  /// readlink a process). Nothing else changes namespaces().
  virtual Status find_namespaces() = 0;
  /// What the last find_namespaces() found, unreadable ones included.
  virtual std::span<const NamespaceFacts> namespaces() const = 0;

  /// Shows every socket of `kind` in the namespace with `inode` to `sink`, its field
  /// network_namespace set to `id`. Errors: unsupported (the kernel does not offer this kind: do
  /// not ask again), permission, not_found (no such namespace, or not readable), io.
  virtual Result<DumpReport> dump(std::uint32_t inode, std::uint32_t id, SocketKind kind,
                                  SocketSink& sink) = 0;

  /// Of TCP over `family`: those that listen, and that of the connections asked for which are
  /// there. Otherwise as dump().
  virtual Result<DumpReport> listeners(std::uint32_t inode, std::uint32_t id, Family family,
                                       SocketSink& sink) = 0;
  virtual Result<DumpReport> ask(std::uint32_t inode, std::uint32_t id,
                                 std::span<const SocketQuestion> questions, SocketSink& sink) = 0;

  /// Shows the sockets of the namespace that ended since the last call, as they were then, if the
  /// kernel was asked to tell (tells_ends()). The report says what was lost: overrun. Not during a
  /// dump.
  virtual Result<DumpReport> ended(std::uint32_t inode, std::uint32_t id, SocketSink& sink) = 0;
  virtual bool tells_ends() const = 0;
  /// A descriptor that can be read when there are some; -1: there is none.
  virtual int bell() const = 0;

  /// Shows every interface, likewise.
  virtual Result<DumpReport> interfaces(std::uint32_t inode, std::uint32_t id,
                                        InterfaceSink& sink) = 0;

  /// All protocol counters; their order is the same each time, as long as the kernel is. Valid
  /// until the next call.
  virtual Result<std::span<const CounterValue>> counters(std::uint32_t inode) = 0;
};

}  // namespace netrec
