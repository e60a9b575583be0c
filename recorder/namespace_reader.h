// One network namespace, opened: a sock_diag and an rtnetlink socket and the files of /proc/net and
// /proc/sys/net that belong to it. All are opened once, inside, by a thread that enters for that
// and ends; reading them needs no entering. They keep the namespace alive, so whoever owns the
// reader must let go of it when nobody else uses the namespace any more.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "recorder/cookie_finder.h"
#include "recorder/counters.h"
#include "recorder/netlink.h"
#include "recorder/proc_file.h"
#include "recorder/source.h"

namespace netrec {

/// Whether the kernel is to tell of each socket it lets go of.
enum class Ends { left, watched };

class NamespaceReader {
 public:
  /// Enters the namespace at `path` (unless it is the caller's own, then "") and opens it.
  /// Errors: permission, not_found (it is gone, or `path` leads to another by now), io.
  static Result<NamespaceReader> open(const std::string& path, std::uint32_t inode,
                                      Ends ends = Ends::left);

  std::uint64_t cookie() const { return diag_.namespace_cookie(); }
  /// Fills in the ports, the TIME_WAIT limit, and whether it has a table of its own.
  void read_limits(NamespaceFacts& facts);
  /// Forgets which kinds the kernel did not offer: a module may have been loaded.
  void ask_again() { absent_.reset(); }

  /// As SocketSource has them. `buffer` is shared by all readers of a thread.
  Result<DumpReport> dump(std::uint32_t id, SocketKind kind, std::vector<std::byte>& buffer,
                          SocketSink& sink);
  Result<DumpReport> listeners(std::uint32_t id, Family family, std::vector<std::byte>& buffer,
                               SocketSink& sink);
  Result<DumpReport> ask(std::uint32_t id, std::span<const SocketQuestion> questions,
                         std::vector<std::byte>& buffer, SocketSink& sink);
  Result<DumpReport> ended(std::uint32_t id, std::vector<std::byte>& buffer, SocketSink& sink);
  /// Readable when something ended; -1 if that is not watched, or cannot be.
  int ends_descriptor() const { return ends_ ? ends_->descriptor() : -1; }
  Result<DumpReport> interfaces(std::uint32_t id, std::vector<std::byte>& buffer,
                                InterfaceSink& sink);
  std::span<const CounterValue> counters();

 private:
  NamespaceReader(NetlinkSocket diag, NetlinkSocket route);
  static Result<NamespaceReader> open_here(Ends ends);
  Result<DumpReport> dump_diag(std::uint32_t id, SocketKind kind, std::vector<std::byte>& buffer,
                               SocketSink& sink);
  DumpReport dump_table(std::uint32_t id, SocketKind kind, SocketSink& sink);
  const ProcFile& table_of(SocketKind kind) const;

  NetlinkSocket diag_;
  NetlinkSocket route_;
  std::optional<NetlinkSocket> ends_;
  ProcFile protocols_;
  ProcFile raw_, raw6_, icmp_, icmp6_;
  ProcFile snmp_, netstat_, snmp6_;
  ProcFile ports_, time_wait_limit_, table_;
  std::bitset<32> absent_;  ///< kinds (by place in socket_kinds()) whose diag the kernel has not
  std::map<std::size_t, CookieSink::Cookies> cookies_;  ///< of the tables, by kind's place
  CounterList counters_;
  std::string text_;
};

}  // namespace netrec
