#include "query/names.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>

#include "schema/sharers.h"

namespace netrec {

namespace {

/// The word as a shell would have to be given it.
std::string quoted_argument(std::string_view argument) {
  const bool plain = !argument.empty() &&
                     argument.find_first_of(" \t\n\"'\\$`*?;&|<>()") == std::string_view::npos;
  if (plain) return std::string(argument);
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string protocol_text(const Socket& socket) {
  std::string text(name(socket.transport));
  if (socket.family == Family::inet6) text += '6';
  return text;
}

std::string_view state_text(const Socket& socket) {
  // A datagram socket that is not connected is in the kernel's state "close".
  const bool has_states =
      socket.transport == Transport::tcp || socket.transport == Transport::mptcp ||
      socket.transport == Transport::dccp || socket.transport == Transport::sctp;
  if (socket.state == TcpState::close && !has_states) return "";
  if (socket.transport == Transport::unix && socket.state == TcpState::established)
    return "CONNECTED";
  return name(socket.state);
}

std::string_view type_text(const Socket& socket) {
  switch (socket.type) {
    case 1:
      return "stream";
    case 2:
      return "dgram";
    case 3:
      return "raw";
    case 5:
      return "seqpacket";
    default:
      return "";
  }
}

const Process* owner_of(const Socket& socket, const Snapshot& names) {
  return socket.process == 0 ? nullptr : names.of<Process>().find(socket.process);
}

std::vector<std::uint32_t> holders_of(const Socket& socket, const Snapshot& names) {
  return sharers_in(names.text(socket.sharers));
}

std::string_view program_name(const Process& process, const Snapshot& names) {
  return names.text(process.comm);
}

std::string program_text(const Socket& socket, const Snapshot& names) {
  const Process* owner = owner_of(socket, names);
  if (owner == nullptr) return "-";
  return fmt::format("{}/{}", owner->pid, program_name(*owner, names));
}

std::string command_line_text(const Process& process, const Snapshot& names) {
  return arguments_text(names.text(process.command_line));
}

std::string arguments_text(std::string_view words) {
  if (words.ends_with('\0')) words.remove_suffix(1);
  // One word with blanks is a title the program gave itself ("nginx: worker process").
  if (words.find('\0') == std::string_view::npos) return std::string(words);
  std::string text;
  for (std::size_t begin = 0; begin <= words.size();) {
    const std::size_t end = std::min(words.find('\0', begin), words.size());
    text += (begin == 0 ? "" : " ") + quoted_argument(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return text;
}

std::string user_text(std::uint32_t uid, const Snapshot& names) {
  if (uid == kUnknownUser) return "-";
  const User* user = names.of<User>().find(uid);
  const std::string_view name = user == nullptr ? "" : names.text(user->name);
  return name.empty() ? std::to_string(uid) : std::string(name);
}

std::string namespace_text(std::uint32_t id, const Snapshot& names) {
  const auto* found = names.of<NetworkNamespace>().find(id);
  if (found == nullptr) return "";
  return std::string(names.text(found->name));
}

std::string interface_text(const Socket& socket, const Snapshot& names) {
  if (socket.interface == 0) return "";
  const std::uint64_t key = std::uint64_t{socket.network_namespace} << 32 | socket.interface;
  const Interface* interface = names.of<Interface>().find(key);
  const std::string_view name = interface == nullptr ? "" : names.text(interface->name);
  return name.empty() ? std::to_string(socket.interface) : std::string(name);
}

std::string service_name(std::uint16_t port, Transport transport) {
  const char* protocol = transport == Transport::tcp || transport == Transport::mptcp ? "tcp"
                         : transport == Transport::udp                                ? "udp"
                                                                                      : nullptr;
  const servent* service = protocol == nullptr ? nullptr : getservbyport(htons(port), protocol);
  return service == nullptr ? "" : service->s_name;
}

std::uint16_t service_port(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return 0;
  const servent* service = getservbyname(std::string(name).c_str(), nullptr);
  return service == nullptr ? std::uint16_t{0} : ntohs(static_cast<std::uint16_t>(service->s_port));
}

}  // namespace netrec
