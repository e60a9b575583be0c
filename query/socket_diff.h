// What became of the sockets between two instants, as somebody asks who compares two netstats:
// opened, closed, changed in what netstat shows.
#pragma once

#include <string>
#include <vector>

#include "query/socket_selection.h"
#include "schema/delta.h"

namespace netrec {

/// A socket that was there at both instants. The pointers are into the snapshots.
struct ChangedSocket {
  const Socket* before = nullptr;
  const Socket* after = nullptr;
};

struct SocketDiff {
  std::vector<const Socket*> opened;  ///< listed in order
  std::vector<const Socket*> closed;
  std::vector<ChangedSocket> changed;  ///< state, queue, owner or address are different
  std::uint64_t unchanged = 0;         ///< of those, some counters may have moved
  std::uint64_t bytes_sent = 0;        ///< by sockets there at both
  std::uint64_t bytes_received = 0;
};

/// Whether the host was booted between two instants: then all sockets were closed and all are
/// opened, for cookies begin anew.
enum class Boots { same, other };

/// Compares what `selection` wants (of either instant).
SocketDiff diff_sockets(const Snapshot& before, const Snapshot& after, Boots boots,
                        const SocketSelection& selection);

/// The names in SQL of the fields netstat shows that are different.
std::vector<std::string> changed_fields(const Socket& before, const Socket& after);

/// What became of one interface. Counters that went back (a new device of that name) count as 0.
struct InterfaceDiff {
  const Interface* before = nullptr;  ///< nullptr: it is new
  const Interface* after = nullptr;   ///< nullptr: it is gone
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;

  bool link_changed() const;  ///< came, went, or flags, state or MTU are different
  bool is_trouble() const { return link_changed() || errors + dropped > 0; }
};

/// Those that changed in anything, by name order of the kernel (index).
std::vector<InterfaceDiff> diff_interfaces(const Snapshot& before, const Snapshot& after);

}  // namespace netrec
