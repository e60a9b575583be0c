// Which processes hold which socket: the answer to "PID/Program name", kept up to date by looking
// only where something can have changed.
//
// The kernel has no list of a socket's holders. They are found as links "socket:[inode]" in
// /proc/PID/fd, at about a microsecond a link, which at a hundred thousand sockets is most of a
// second. So what was found is remembered, and only sockets that are new cost anything. They are
// looked for, cheapest first, until all are found:
//   1. at descriptors whose socket went, and at the next higher ones, of the processes that got
//      sockets lately (a descriptor is given out lowest first);
//   2. in processes that are new (they may also share old sockets: fork);
//   3. in processes that have more or fewer descriptors than are known of them;
//   4. in every process: at each descriptor, of those with many at each not known to hold a socket
//      that is still alive.
// The last two are rationed: a socket found a few ticks late is better than a late tick.
// A socket nobody holds (accepted by nobody yet, in flight in SCM_RIGHTS, held by a process that
// may not be read) is looked for again ever more rarely. Descriptors moved or shared without a new
// socket (dup, SCM_RIGHTS) are found by looking again at a few of them each tick.
//
// Refused: reading all links each tick; taking the owner from whoever runs when an event fires.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "schema/result.h"

namespace netrec {

/// One descriptor that refers to a socket.
struct Holder {
  std::uint32_t pid = 0;
  std::uint32_t descriptor = 0;

  auto operator<=>(const Holder&) const = default;
};

/// What one update found and cost.
struct OwnersReport {
  std::uint32_t found = 0;       ///< of the sockets asked for
  std::uint32_t not_found = 0;   ///< of the sockets asked for
  std::uint32_t unreadable = 0;  ///< processes whose descriptors may not be read
  std::uint64_t links_read = 0;
};

/// A faster way to read all descriptors (eBPF's task_file iterator): calls the function for each
/// descriptor that is a socket; fails if it cannot vouch for all.
using DescriptorVisitor = std::function<void(Holder holder, std::uint32_t inode)>;
using DescriptorScan = std::function<Status(const DescriptorVisitor& visit)>;

struct OwnersOptions {
  /// Links looked at again a second where nothing asks for it, at some 4 µs each; 0: never.
  std::uint32_t recheck_links = 50;
};

class Owners {
 public:
  explicit Owners(OwnersOptions options = {});
  ~Owners();

  /// Uses `scan` from now on wherever all descriptors must be read.
  void use(DescriptorScan scan);

  /// One tick. `appeared`: inodes (not 0) of sockets that are new, or had no inode before.
  /// `departed`: those of sockets that are gone or lost theirs. The first update reads everything.
  OwnersReport update(std::span<const std::uint32_t> appeared,
                      std::span<const std::uint32_t> departed);

  /// Every holder known of the socket, ordered; none: nobody holds it, or nobody knows. Valid until
  /// the next update.
  std::span<const Holder> holders(std::uint32_t inode) const;

  /// Inodes whose holders changed in the last update (those that departed excepted). Valid until
  /// the next update.
  std::span<const std::uint32_t> changed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace netrec
