// Folds what dumps and events say of sockets into the Ledger: which are new, which changed, which
// are gone, and between which moments that happened.
//
// A dump of a hundred thousand sockets in which nothing changed must cost next to nothing besides
// the kernel's work: its order hardly changes, so each row's successor in the last dump is tried
// before the hash table, and one memcmp finds the row equal. Which rows were not shown any more is
// read off a generation number, in parts: a part is one kind of socket in one network namespace,
// and only a part that was dumped whole may declare its sockets gone.
//
// Where events tell what happens, a dump is a reconciliation: what it finds that no event told is
// taken over and counted. Events that were under way during the dump are drained before it is
// judged (end_dumps()), so that they are not taken for losses.
#pragma once

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "recorder/clock.h"
#include "recorder/ledger.h"
#include "recorder/source.h"
#include "schema/dense_map.h"
#include "schema/key_hash.h"

namespace netrec {

/// Sockets whose owner must be looked for, or need not be any more.
struct InodeChanges {
  std::vector<std::uint32_t> appeared;
  std::vector<std::uint32_t> departed;
};

/// What dumps found that events had not told.
struct Disagreements {
  std::uint64_t missed_opens = 0;
  std::uint64_t missed_closes = 0;
  std::uint64_t wrong_states = 0;

  std::uint64_t total() const { return missed_opens + missed_closes + wrong_states; }
};

/// What one recorder saw in all, for the summary.
struct SocketTotals {
  std::uint64_t seen = 0;    ///< sockets of every kind
  std::uint64_t opened = 0;  ///< that opened while recording
  std::uint64_t closed = 0;
};

enum class EventCapture { off, on };

/// As much of a TCP connection as tells whether it is as it was (bpf/glance.bpf.c).
struct Glance {
  std::uint64_t cookie = 0;
  TcpState state = TcpState::unknown;
  bool is_stand_in = false;  ///< a TIME_WAIT, or a FIN_WAIT2 whose socket was let go
  std::uint32_t segments_in = 0;
  std::uint32_t segments_out = 0;
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
};

class Sockets final : public SocketSink {
 public:
  Sockets(Ledger& ledger, Clock& clock);

  /// With events on, a dump leaves states to the events and counts what these missed.
  void use_events(EventCapture capture) { events_ = capture; }

  /// Takes over the rows the Ledger was given by carry_over(), last seen at `last_wall`.
  void carry_over(WallTime last_wall);

  // --- dumps: begin_dumps, then for each part begin_part, see…, end_part; then end_dumps ---------

  void begin_dumps();
  void begin_part(std::uint32_t network_namespace, SocketKind kind);
  /// Goes on with a part that has begun, after others.
  void resume_part(std::uint32_t network_namespace, SocketKind kind);
  std::uint32_t text(std::string_view bytes) override { return ledger_.text(bytes); }
  void see(const Socket& observed) override;
  /// The socket is there. True if it is as it is known to be; else its row is wanted by see().
  bool glance(const Glance& seen);
  /// The connections of the part that were shown by neither, so far.
  void not_shown(std::vector<SocketQuestion>& questions) const;
  /// `whole`: every socket of the part was shown.
  void end_part(bool whole);
  /// The namespace is gone, and its sockets with it. Not during a part.
  void namespace_gone(std::uint32_t network_namespace);
  /// Of a socket whose end was told and waits to be carried out: that the dumps did not show it
  /// says nothing. Between the dumps and end_dumps().
  void spare(std::uint64_t cookie);
  /// Closes what is gone, for `reason` (gone, or unseen where a gap lies before). REQUIRES: the
  /// events of the time of the dumps were told.
  void end_dumps(CloseReason reason = CloseReason::gone);

  /// A socket that came and went since the last dumps; the next end it. Not during dumps.
  void take_in(Socket row);

  // --- events ----------------------------------------------------------------------------------

  /// The row of a socket, nullptr if it is not known. Valid until the next call.
  const Socket* find(std::uint64_t cookie) const;
  /// The socket came into being at `boot` (CLOCK_BOOTTIME), as `row`: its life has an exact
  /// beginning. opened_us, opened_after_us and state_since_us are filled in here.
  void opened(Socket row, std::chrono::microseconds boot);
  /// At `boot` the socket became `now`: start from find()'s row, so that what the event does not
  /// tell stays. A socket not known is taken in as one that was there already. state_since_us is
  /// filled in here.
  void event(Socket now, std::chrono::microseconds boot);
  /// What an event tells beside the state; no time of its own. REQUIRES: the socket is known.
  void tell(const Socket& now);
  /// The socket ended at `boot`. False if it is not known.
  bool ended(std::uint64_t cookie, std::chrono::microseconds boot,
             CloseReason reason = CloseReason::exact);
  /// The socket ended since the last frame; when exactly was lost. False if it is not known.
  bool vanished(std::uint64_t cookie);
  /// The UNIX socket with `inode`, known or not, went at `boot`: a dump may still show it for a
  /// moment.
  void left(std::uint32_t inode, std::chrono::microseconds boot);
  /// In the keys of UNIX sockets that events told of before they had a cookie.
  static constexpr std::uint64_t kUnixKey = std::uint64_t{1} << 61;

  // --- owners ----------------------------------------------------------------------------------

  /// Rewrites who holds a socket; no time of its own.
  void own(const Socket& now) { ledger_.change(now); }
  /// The socket with `inode`, nullptr if none is known.
  const Socket* with_inode(std::uint32_t inode) const;
  /// Inodes that came and went since the last call. Those whose holder an event told are named only
  /// once they have lived a second: most are gone by then, the others may have been handed on.
  InodeChanges take_inode_changes();

  const Disagreements& disagreements() const { return disagreements_; }
  const SocketTotals& totals() const { return totals_; }

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  /// Beside each row, at its place.
  struct Place {
    std::uint32_t generation = 0;  ///< of the last dumps that showed it
    std::uint32_t successor = kNowhere;
    std::uint16_t part = 0;
  };
  struct Part {
    std::uint32_t network_namespace = 0;
    std::uint32_t first = kNowhere;     ///< place of the row shown first
    std::uint64_t whole_since_us = 0;   ///< when its last whole dump began; 0: there was none
    std::uint64_t whole_before_us = 0;  ///< and the one before
    std::uint64_t began_us = 0;         ///< when this dump began
    bool whole = false;                 ///< in these dumps
  };
  struct Doubt {
    std::uint64_t cookie = 0;
    TcpState dumped = TcpState::unknown;
  };

  std::uint16_t part_of(std::uint32_t network_namespace, SocketKind kind);
  std::uint32_t predict(std::uint64_t cookie) const;
  std::uint32_t locate(std::uint64_t cookie) const;
  void link(std::uint32_t place);
  void add(Socket row, std::uint16_t part);
  std::uint64_t key_of_reused(std::uint64_t cookie);
  void revise(std::uint32_t place, const Socket& observed);
  void replace(std::uint32_t place, Socket now, std::uint64_t now_us, Mark at);
  bool is_told_by_events(const Socket& row) const;
  void note_inode(std::uint32_t before, std::uint32_t now, std::uint32_t place);
  void correct_opening(std::uint32_t place, const Socket& row, std::uint64_t at_us);
  void remove(std::uint32_t place, CloseReason reason, Mark at);
  void judge_states();
  std::chrono::microseconds seen_last(std::uint32_t place);
  std::vector<std::uint32_t> gone_places() const;
  void join_time_waits(std::vector<std::uint32_t>& gone);
  void drop_stale_aliases();
  std::uint32_t join_unix(const Socket& observed);
  void forget_left();
  std::uint64_t wall_us(std::chrono::microseconds boot);
  std::size_t position(std::uint64_t cookie) const;

  Ledger& ledger_;
  Clock& clock_;
  WallTimes wall_times_;
  EventCapture events_ = EventCapture::off;
  std::vector<Place> places_;
  std::vector<Part> parts_;
  tsl::robin_map<std::uint64_t, std::uint16_t, KeyHash> part_numbers_;
  DenseMap<std::uint32_t, std::uint32_t> by_inode_;  ///< place of the row
  /// TIME_WAIT's cookie: the connection's; a cookie used again: the key of its present life.
  DenseMap<std::uint64_t, std::uint64_t> aliases_;
  std::vector<Socket> strangers_;   ///< in TIME_WAIT, with a cookie not known
  DenseSet<std::uint64_t> untold_;  ///< shown by these dumps, and no event told of them
  std::vector<Doubt> doubts_;
  /// UNIX sockets that events told the end of: by inode, when on the boot clock.
  tsl::robin_map<std::uint32_t, std::chrono::microseconds, KeyHash> left_;
  std::size_t most_left_ = 4096;  ///< when to forget the older ones
  InodeChanges inode_changes_;
  DenseMap<std::uint32_t, std::uint64_t> quiet_;  ///< appeared with a known owner: when
  Disagreements disagreements_;
  SocketTotals totals_;
  std::uint32_t generation_ = 1;
  std::uint32_t last_ = kNowhere;  ///< place of the row shown last
  std::uint64_t reused_ = 0;       ///< how many keys of our own were given
  mutable std::size_t found_ = 0;  ///< where the row asked for last was
  std::uint16_t part_ = 0;
};

}  // namespace netrec
