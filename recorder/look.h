// One look at the host: asks a SocketSource for everything there is and tells the Observer, and
// writes down what could not be seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "recorder/clock.h"
#include "recorder/observer.h"
#include "recorder/quick_look.h"
#include "recorder/source.h"

namespace netrec {

enum class LookDepth {
  quick,  ///< TCP connections that are as they were are not asked for
  full,
};

struct LookOptions {
  bool unix_sockets = true;
  bool interfaces = true;
  bool counters = true;
};

class Look {
 public:
  /// All three must outlive it.
  Look(SocketSource& source, Observer& observer, Clock& clock, LookOptions options);

  /// Namespaces that came and went, and users, looked for every few seconds. REQUIRES: to be called
  /// before the others in a tick.
  void surroundings();
  /// From now on looks may be quick. `scan` must stay valid.
  void use(GlanceScan scan) { quick_.emplace(source_, observer_, std::move(scan)); }
  /// Shows all sockets. The caller drains events, if there are any, and says end_dumps(). Returns
  /// how deep it looked: a quick look may not do.
  LookDepth sockets(LookDepth depth);
  /// The same of UNIX sockets only.
  void unix_sockets();
  void interfaces_and_counters();

  /// Forgets what was refused, so that it is asked for, and told of, again: a new session begins.
  void start_over();
  /// Something happened in a namespace not known yet: surroundings() looks at once.
  void hurry() { surroundings_due_ = std::chrono::nanoseconds(0); }

 private:
  void dump(const NamespaceFacts& place, std::uint32_t id, SocketKind kind);
  void note(std::uint32_t id, SocketKind kind, const DumpReport& report, const Instant& began);
  void note_refusal(std::uint32_t id, SocketKind kind, const Error& error);
  void tell_users();

  SocketSource& source_;
  Observer& observer_;
  Clock& clock_;
  LookOptions options_;
  std::optional<QuickLook> quick_;
  std::chrono::nanoseconds surroundings_due_{0};
  std::set<std::uint64_t> refused_;  ///< kinds, each in a namespace, that cannot be asked for
};

}  // namespace netrec
