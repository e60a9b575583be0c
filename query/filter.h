// The filter language: ss's, extended with who and what.
//
//   state time-wait and dst 203.0.113.0/24 and dport = :443
//   process nginx or user www-data
//   not ( src 127.0.0.0/8 or dst [::1] )
//
//   expression = term { "or" term }                      also | ||
//   term       = factor { ["and"] factor }               also & && or nothing
//   factor     = ["not"] factor | "(" expression ")" | predicate       also !
//   predicate  = "state" states | "exclude" states | ("src" | "dst" | "addr") [op] host[":" port]
//              | ("sport" | "dport" | "port") [op] [":"] port | key [op] value | flag
//
// As with ss, `state a state b` written side by side means either, `exclude a` all but a. Keys:
// process, exe, command, user, pid, name (of the remote address), namespace, proto, dev, path,
// cgroup, inode, cookie, mark, and every field of a socket by its name in SQL (`rtt_us > 100ms`).
// Text is compared with * and ? as wildcards, or by `~` (contains). Flags: autobound, loopback,
// orphan, shared.
//
// Refused: compiling to SQL (it must also run on live state and in replay), regular expressions
// (catastrophic ones are a way to hang the reader).
#pragma once

#include <bitset>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/connection.h"
#include "schema/delta.h"
#include "schema/result.h"
#include "store/history.h"

namespace netrec {

struct FilterNode;

class Filter {
 public:
  /// Matches everything.
  Filter();
  /// "" matches everything. Errors: invalid_argument, pointing at the character.
  static Result<Filter> parse(std::string_view text);
  /// The words of a command line.
  static Result<Filter> parse(const std::vector<std::string>& words);

  Filter(const Filter&);
  Filter& operator=(const Filter&);
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;
  ~Filter();

  bool matches(const Socket& socket, const Snapshot& names) const;
  /// The same for a life: `state` asks whether it ever was in that state.
  bool matches(const Connection& connection, const Snapshot& names) const;
  bool matches_everything() const;

  /// Narrows what is read from history to what can match. Leaves the time range and the fields as
  /// they are.
  void narrow(Wanted& wanted) const;
  /// The fields matches() looks at, by index in fields_of<Socket>().
  std::bitset<128> fields() const;

 private:
  std::shared_ptr<const FilterNode> root_;
};

}  // namespace netrec
