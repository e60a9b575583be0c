// Which program runs each pid stands for now: hands out Process ids that hold for one run (a fork,
// or an exec since), so that a socket's owner is never another program that got the same pid.
//
// A pid is looked at again at most once a tick, when a socket is attributed to it. Of the others a
// few are looked at each tick in turn, so that an end is noticed within a minute or so.
//
// Where events tell of exec and exit, ran() and ended() take them, and are exact.
#pragma once

#include <tsl/robin_map.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "recorder/clock.h"
#include "recorder/ledger.h"
#include "schema/key_hash.h"

namespace netrec {

/// The process became another program (exec): its sockets are the new one's.
struct ProgramChange {
  std::uint32_t before = 0;  ///< ids of Process
  std::uint32_t after = 0;
};

class Processes {
 public:
  Processes(Ledger& ledger, Clock& clock);

  /// Takes over the rows the Ledger was given by carry_over(): those that still run.
  void carry_over();

  /// A new tick: what was read of a pid is to be read again when it is asked for.
  void begin_tick();

  /// Id of the program `pid` runs now; 0: it is gone, or nothing of it may be read. Its parents are
  /// taken in with it.
  std::uint32_t run_of(std::uint32_t pid);

  /// At `boot` (CLOCK_BOOTTIME) `row.pid` began to run what `row` says (exec, or its first
  /// program); texts of the Ledger, id and first_seen_us are filled in here. Returns its id.
  std::uint32_t ran(Process row, std::chrono::microseconds boot);
  /// At `boot` the process ended.
  void ended(std::uint32_t pid, std::chrono::microseconds boot);
  /// Exec and exit are told: what is known of a pid holds until they say otherwise, and is not read
  /// again.
  void trust_events(bool told) { events_told_ = told; }
  /// Some of them were lost: each process is read once more before it is trusted again.
  void doubt_all();
  /// The last id given for `pid` without looking; 0: none.
  std::uint32_t known(std::uint32_t pid) const;

  /// Looks at the next few processes, whether they still run; at fewer where events tell of it.
  void check();

  /// Ids of the runs met since the last call.
  std::vector<std::uint32_t> take_new() { return std::exchange(new_, {}); }
  /// The SHA-256 of the executable of the run `id`, or why there is none.
  void hashed(std::uint32_t id, std::string_view text);

  /// Programs replaced since the last call.
  std::vector<ProgramChange> take_changes();
  /// How many pids could not be read since the last call, for want of privilege.
  std::uint64_t take_unreadable();

  /// Closes the rows of processes that ended and that nothing refers to. Cost: a look at every
  /// socket, so before a keyframe only.
  void drop_unused();

 private:
  struct Known {
    std::uint32_t id = 0;
    std::uint32_t tick = 0;  ///< last read in
  };

  std::uint32_t read(std::uint32_t pid, int depth);
  std::uint32_t adopt(Process row, Mark at, std::uint64_t at_us, CloseReason certainty);
  void forget(std::uint32_t pid, CloseReason reason, Mark at, std::uint64_t at_us);
  std::vector<bool> referred() const;
  std::uint64_t wall_us() const;
  std::uint64_t wall_us(std::chrono::microseconds boot) const;

  Ledger& ledger_;
  Clock& clock_;
  tsl::robin_map<std::uint32_t, Known, KeyHash> by_pid_;
  tsl::robin_map<std::uint32_t, CloseReason, KeyHash>
      endings_;  ///< by id, of rows still referred to
  std::vector<ProgramChange> changes_;
  std::vector<std::uint32_t> new_;
  std::vector<std::uint32_t> to_check_;  ///< pids, the next one last
  std::uint64_t unreadable_ = 0;
  std::uint32_t tick_ = 1;
  std::uint32_t trusted_since_ = 0;
  bool events_told_ = false;
  bool doubted_ = false;  ///< until all of to_check_ were looked at
};

}  // namespace netrec
