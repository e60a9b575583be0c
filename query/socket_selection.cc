#include "query/socket_selection.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace netrec {

void SocketSelection::declare(CLI::App& app) {
  const std::string group = "Which sockets";
  const auto flag = [&](const char* name, bool& target, const char* about) {
    app.add_flag(name, target, about)->group(group);
  };
  flag("-t,--tcp", tcp_, "TCP (and MPTCP)");
  flag("-u,--udp", udp_, "UDP (and UDP-Lite)");
  flag("-w,--raw", raw_, "Raw and ICMP");
  flag("-x,--unix", unix_, "UNIX domain");
  flag("-0,--packet", packet_, "Packet sockets: who sniffs");
  flag("--inet", inet_, "IPv4 and IPv6");
  flag("-4,--inet4,--ipv4", inet4_, "IPv4");
  flag("-6,--inet6,--ipv6", inet6_, "IPv6");
  flag("-l,--listening", listening_, "Servers: listening, or bound and not connected");
  flag("-a,--all", all_, "All kinds, UNIX and packet sockets too");
  app.add_option("FILTER", words_, "What they must match (see netrec help filter)");
}

Status SocketSelection::prepare() {
  NETREC_TRY(parsed, Filter::parse(words_));
  filter_ = std::move(parsed);
  return {};
}

bool is_listening(const Socket& socket) {
  if (socket.state == TcpState::listen) return true;
  const bool datagram = socket.transport == Transport::udp ||
                        socket.transport == Transport::udplite ||
                        socket.transport == Transport::raw || socket.transport == Transport::icmp;
  return datagram && socket.state == TcpState::close;
}

bool is_internet(const Socket& socket) {
  return socket.family == Family::inet || socket.family == Family::inet6;
}

bool SocketSelection::by_switch() const {
  return tcp_ || udp_ || raw_ || unix_ || packet_ || inet_ || inet4_ || inet6_;
}

bool SocketSelection::leaves_out_local() const { return !all_ && !by_switch() && !has_filter(); }

bool SocketSelection::wants_kind(const Socket& socket) const {
  if (listening_ && !is_listening(socket)) return false;
  if ((inet_ || inet4_ || inet6_) && !unix_ && !packet_ && !is_internet(socket)) return false;
  if (inet4_ != inet6_ && is_internet(socket))
    if (socket.family != (inet4_ ? Family::inet : Family::inet6)) return false;
  if (!(tcp_ || udp_ || raw_ || unix_ || packet_))
    return !leaves_out_local() || is_internet(socket);
  switch (socket.transport) {
    case Transport::tcp:
    case Transport::mptcp:
      return tcp_;
    case Transport::udp:
    case Transport::udplite:
      return udp_;
    case Transport::raw:
    case Transport::icmp:
      return raw_;
    case Transport::unix:
      return unix_;
    case Transport::packet:
      return packet_;
    default:
      return false;
  }
}

bool SocketSelection::wants(const Socket& socket, const Snapshot& names) const {
  return wants_kind(socket) && filter_.matches(socket, names);
}

bool SocketSelection::wants(const Connection& connection, const Snapshot& names) const {
  return wants_kind(connection.socket) && filter_.matches(connection, names);
}

void SocketSelection::narrow(Wanted& wanted) const {
  filter_.narrow(wanted);
  if (!wanted.transports.empty()) return;
  const auto add = [&](bool yes, Transport transport) {
    if (yes) wanted.transports.push_back(transport);
  };
  add(tcp_, Transport::tcp);
  add(tcp_, Transport::mptcp);
  add(udp_, Transport::udp);
  add(udp_, Transport::udplite);
  add(raw_, Transport::raw);
  add(raw_, Transport::icmp);
  add(unix_, Transport::unix);
  add(packet_, Transport::packet);
}

}  // namespace netrec
