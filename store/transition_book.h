// The states sockets went through, socket by socket, as frames tell them one after another. Used
// where a chunk is sealed (what came in earlier chunks) and where unsealed frames are walked.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "schema/connection.h"
#include "schema/dense_map.h"

namespace netrec {

/// When a change or an end marked `at` (Change::at) happened, and the last instant at which it had
/// not yet; in microseconds, for a frame at `wall_us` after one at `previous_us`.
struct Moment {
  std::uint64_t at_us = 0;
  std::uint64_t after_us = 0;
};
Moment moment_of(std::uint32_t at, std::uint64_t wall_us, std::uint64_t previous_us);
/// The same of the end of a life: `at` and `reason` as in Closed.
Moment ending_of(std::uint32_t at, CloseReason reason, std::uint64_t wall_us,
                 std::uint64_t previous_us);

/// Microseconds since 1970.
std::uint64_t wall_us(WallTime wall);

/// The states that sockets went through in a run of frames, socket by socket; of those alive at its
/// end.
struct TransitionNews {
  struct Of {
    std::uint64_t socket = 0;
    std::uint32_t transitions = 0;  ///< how many of `transitions` are its
    bool opened = false;            ///< in the run: the first of them is its opening
  };
  std::vector<Of> sockets;
  std::vector<Transition> transitions;
  std::vector<std::uint64_t> closed;  ///< opened before the run
};

class TransitionBook {
 public:
  void clear();
  /// What is known of `socket` so far.
  void set(std::uint64_t socket, std::span<const Transition> transitions);
  /// More of it.
  void add(std::uint64_t socket, std::span<const Transition> transitions);
  /// A socket that was there when recording began, in the state it has. REQUIRES: clear() came
  /// before and nothing else; begun() follows the last of them.
  void begin(const Socket& socket);
  void begun();

  /// Takes in what opened and what changed its state. Sockets not known are passed over.
  void follow(const Changes<Socket>& changes, std::uint64_t wall_us, std::uint64_t previous_us);
  /// Drops what closed.
  void forget(const std::vector<Closed>& closed);
  void forget(std::uint64_t socket);

  /// The same of a whole run of frames.
  void take_in(const TransitionNews& news);

  /// Empty: it is not known.
  std::vector<Transition> of(std::uint64_t socket) const;
  /// Appends them to `transitions`.
  void list(std::uint64_t socket, std::vector<Transition>& transitions) const;

 private:
  /// One that began with recording.
  struct Begun {
    std::uint64_t socket = 0;
    std::uint64_t state = 0;  ///< since when, and which in the top byte; kMoved: no longer
  };
  static constexpr std::uint64_t kMoved = UINT64_MAX;

  /// The transitions of one socket, each a state and how long after the first it was: of most
  /// sockets they fit, so that nothing is allocated for a connection.
  struct Packed {
    static constexpr std::uint8_t kElsewhere = UINT8_MAX;  ///< in longer_

    std::uint64_t first_us = 0;
    std::uint8_t size = 0;
    std::array<char, 23> bytes{};
  };

  Packed* find(std::uint64_t socket);
  void append(std::uint64_t socket, Packed& known, std::span<const Transition> transitions);
  const Begun* find_begun(std::uint64_t socket) const;
  Begun* find_begun(std::uint64_t socket) {
    return const_cast<Begun*>(std::as_const(*this).find_begun(socket));
  }

  /// In order of socket. Of a hundred thousand most change nothing: a table of hashes would take
  /// half as much again.
  std::vector<Begun> begun_;
  DenseMap<std::uint64_t, Packed> transitions_;
  DenseMap<std::uint64_t, std::string> longer_;  ///< of those whose bytes do not fit
  std::string more_;                             ///< for append(): its memory
};

}  // namespace netrec
