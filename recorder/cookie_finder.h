// The kernel's cookie of a socket of which only the inode is known: those of /proc/net/raw and icmp
// (proc_sockets.h). Events know a socket by its cookie alone, so without it the same raw socket
// would be two.
//
// It is asked of the socket itself (SO_COOKIE), through a copy of the descriptor of a process that
// holds it (pidfd_getfd(2)), which needs CAP_SYS_PTRACE and lasts a few microseconds. Looked for in
// the youngest processes first and not in those with very many descriptors: who uses raw sockets
// (ping, DHCP, routing daemons) has few.
#pragma once

#include <cstdint>
#include <map>

#include "recorder/descriptors.h"
#include "recorder/proc_sockets.h"

namespace netrec {

/// The cookie of the socket `inode`, found through who holds it; 0 if nobody does who may be asked.
std::uint64_t find_cookie(std::uint32_t inode);

/// Puts the true cookie into the rows of one table on their way to the sink, where it can be found.
/// What was once found or not stays so as long as the socket is there.
class CookieSink final : public SocketSink {
 public:
  using Cookies = std::map<std::uint32_t, std::uint64_t>;  ///< by inode

  /// `known`: what the dump before left in found().
  CookieSink(const Cookies& known, SocketSink& sink) : known_(known), sink_(sink) {}

  std::uint32_t text(std::string_view bytes) override { return sink_.text(bytes); }
  void see(const Socket& observed) override;
  Cookies found() && { return std::move(found_); }

 private:
  const Cookies& known_;
  SocketSink& sink_;
  Cookies found_;
};

}  // namespace netrec
