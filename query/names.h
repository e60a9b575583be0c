// How a socket is presented to somebody who knows netstat and ss: "tcp6", "192.0.2.1:443",
// "812/nginx". Text that comes back is not escaped yet: an Output does that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/delta.h"

namespace netrec {

/// "tcp", "tcp6", "udp", "udp6", "raw6", "unix", …
std::string protocol_text(const Socket& socket);
/// "ESTABLISHED", "LISTEN"; "" for an unconnected datagram socket, as netstat leaves it empty.
std::string_view state_text(const Socket& socket);
/// "stream", "dgram", "raw", "seqpacket", …
std::string_view type_text(const Socket& socket);

/// The owner, or nullptr.
const Process* owner_of(const Socket& socket, const Snapshot& names);
/// Ids of the processes that hold a socket where there is more than one (Socket::sharers), else
/// none. The owner is among them.
std::vector<std::uint32_t> holders_of(const Socket& socket, const Snapshot& names);
/// The program's name: comm. "" if not known.
std::string_view program_name(const Process& process, const Snapshot& names);
/// netstat's "812/nginx"; "-" if there is no owner.
std::string program_text(const Socket& socket, const Snapshot& names);
/// The words of a command line as the kernel keeps it (each ended by a NUL), with blanks between,
/// those with blanks or quotes in quotes.
std::string arguments_text(std::string_view words);
std::string command_line_text(const Process& process, const Snapshot& names);
/// The recorded host's name for the user, or the number.
std::string user_text(std::uint32_t uid, const Snapshot& names);
/// The name of a network namespace; "" for the one the recorder lived in.
std::string namespace_text(std::uint32_t id, const Snapshot& names);
/// "eth0", or the index; "" for 0.
std::string interface_text(const Socket& socket, const Snapshot& names);

/// A port's name in /etc/services of whoever reads, or "".
std::string service_name(std::uint16_t port, Transport transport);
/// The port of a service ("https"), for any transport; 0 if there is none.
std::uint16_t service_port(std::string_view name);

/// Turns addresses and ports into what is shown: numbers (the default), or with -r names: those the
/// recording has, then those of a reverse lookup made now, from the reader's host. Lookups are
/// cached and stop for good when they took 10 s together.
class EndpointNames {
 public:
  enum class Mode { numbers, names };
  explicit EndpointNames(Mode mode = Mode::numbers);
  EndpointNames(EndpointNames&&) noexcept;
  EndpointNames& operator=(EndpointNames&&) noexcept;
  ~EndpointNames();

  /// "192.0.2.1:443", "[::1]:22", "0.0.0.0:*"; a UNIX socket's path; with names "host:https".
  std::string local(const Socket& socket, const Snapshot& names);
  /// The same of the other end; "" for UNIX sockets.
  std::string remote(const Socket& socket, const Snapshot& names);
  /// An end by its parts. `recorded` is the name the recording has for it, or "".
  std::string endpoint(const IpAddress& address, std::uint16_t port, Family family,
                       Transport transport, std::string_view recorded);
  /// An address alone.
  std::string address(const IpAddress& address, Family family, std::string_view recorded);

 private:
  struct Cache;
  Mode mode_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace netrec
