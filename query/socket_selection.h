// Which sockets a command shows: netstat's and ss's switches (-t -u -w -x -l -4 …) and the filter.
#pragma once

#include <string>
#include <vector>

#include "query/filter.h"

namespace CLI {
class App;
}

namespace netrec {

class SocketSelection {
 public:
  /// Adds the switches and the positional FILTER.
  void declare(CLI::App& app);
  /// Reads the filter; to be called once, before the others. Errors: invalid_argument.
  Status prepare();

  bool wants(const Socket& socket, const Snapshot& names) const;
  /// The same for a life, whatever states it went through.
  bool wants(const Connection& connection, const Snapshot& names) const;
  /// Narrows what is read from history, as Filter::narrow.
  void narrow(Wanted& wanted) const;

  const Filter& filter() const { return filter_; }
  bool has_filter() const { return !filter_.matches_everything(); }
  /// True if only some sockets are asked for, by a filter or a switch.
  bool is_narrow() const { return has_filter() || listening_ || by_switch(); }
  bool all() const { return all_; }
  bool only_listening() const { return listening_; }
  /// True if UNIX, packet and other local sockets were left out only because nobody asked for them.
  bool leaves_out_local() const;

 private:
  std::vector<std::string> words_;
  Filter filter_;
  bool inet_ = false;
  bool inet4_ = false;
  bool inet6_ = false;
  bool tcp_ = false;
  bool udp_ = false;
  bool raw_ = false;
  bool unix_ = false;
  bool packet_ = false;
  bool listening_ = false;
  bool all_ = false;

  bool by_switch() const;
  bool wants_kind(const Socket& socket) const;
};

/// True for a listening socket, and for a datagram socket that is bound but not connected.
bool is_listening(const Socket& socket);
bool is_internet(const Socket& socket);

}  // namespace netrec
