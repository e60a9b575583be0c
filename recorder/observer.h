// Everything the recorder knows of the host, and the one place where what dumps and events tell
// comes together: a tick is begin(), then whatever there is to tell, then end().
//
//   begin(now)            a new tick
//     sockets()           dumps and exact events of sockets
//     processes()         exec and exit
//     surroundings()      namespaces, interfaces, counters
//     open(peer) …        what only events see
//     gap(…)              what was not seen
//   attribute()           owners of what is new
//   end(now)              the frame; then commit() once it is written, or keep() if it could not be
//
// The frame's time is the end of the look, so all it says was true by then; events carry their own
// times. It knows nothing of sources, files and schedules, so a test can tell it any story.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>

#include "recorder/attribution.h"
#include "recorder/clock.h"
#include "recorder/ledger.h"
#include "recorder/processes.h"
#include "recorder/sockets.h"
#include "recorder/surroundings.h"
#include "store/timeline_writer.h"

namespace netrec {

/// What was not seen. REQUIRES: cause says what `detail` is for.
struct GapNotice {
  GapCause cause = GapCause::damaged;
  WallTime from{};
  WallTime to{};  ///< WallTime{}: until the session ends
  std::uint64_t count = 0;
  std::uint32_t network_namespace = 0;
  std::string_view detail{};
};

class Observer {
 public:
  /// `resume`: of the file that is written. The clock must outlive the Observer.
  Observer(const Resume& resume, Clock& clock);

  /// Takes over what the last session of this boot knew at its end, `last_wall`. REQUIRES: nothing
  /// was told yet.
  void carry_over(const Snapshot& last, WallTime last_wall);

  /// Opens a session; its first frame is a keyframe. `session`'s texts are of text(), its id is
  /// filled in. Also for a new file: what was known stays, the old session's rows go.
  void begin_session(Session session);
  const Session& session() const;
  /// What is known goes on in another file: `resume` says which ids are free there. REQUIRES: a
  /// session is begun next.
  void continue_in(const Resume& resume) { ledger_.continue_in(resume); }

  void begin(const Instant& now);
  Sockets& sockets() { return sockets_; }
  Processes& processes() { return processes_; }
  Surroundings& surroundings() { return surroundings_; }
  std::uint32_t text(std::string_view bytes) { return ledger_.text(bytes); }
  /// The wall clock, microseconds since 1970, when the boot clock showed `boot`.
  std::uint64_t wall_us(std::chrono::microseconds boot) {
    return microseconds_of(wall_times_.at(boot));
  }

  /// A peer of a socket without a connection, seen first; returns its id (`peer.id` is ignored).
  std::uint32_t open(Peer peer);
  /// It exchanged more: `peer` with its new totals. False if it is not known.
  bool change(const Peer& peer);
  bool close_peer(std::uint32_t id, std::chrono::microseconds boot);
  const Peer* peer(std::uint32_t id) const { return state().of<Peer>().find(id); }
  /// An answer to a name asked for; it is forgotten (not in the file) when its ttl is over.
  void resolved(Resolution resolution);

  /// Writes down what was not seen. The same cause in the tick before is made longer instead.
  void gap(const GapNotice& notice);
  /// How many were written down, by cause.
  const std::map<GapCause, std::uint64_t>& gap_counts() const { return gap_counts_; }

  /// Finds the owners of what is new. REQUIRES: this tick's dumps have ended.
  OwnersReport attribute() { return attribution_.update(); }
  Owners& owners() { return attribution_.owners(); }

  /// Before a keyframe: closes what nothing refers to any more.
  void tidy();
  /// Ends the session: what it did not see goes on no longer, and its row is closed.
  void end_session(const Instant& now);

  Tick end(const Instant& now);
  /// `written` may be given back, for its memory.
  void commit(const Instant& now, Tick written = {});
  void keep(Tick tick) { ledger_.keep(std::move(tick)); }

  const SocketTotals& sockets_totals() const { return sockets_.totals(); }
  const Snapshot& state() const { return ledger_.snapshot(); }
  /// Of sockets, in the frame to come.
  std::size_t waiting_rows() const { return ledger_.waiting_rows(); }
  /// True until the first frame of a session is written: it wants a keyframe only.
  bool restating() const { return ledger_.restating(); }

 private:
  void close_old_session();

  WallTimes wall_times_;
  Ledger ledger_;
  Sockets sockets_;
  Processes processes_;
  Surroundings surroundings_;
  Attribution attribution_;
  Instant begun_{};
  WallTime last_frame_{};
  std::uint32_t session_ = 0;
  std::map<GapCause, std::uint64_t> gap_counts_;
};

}  // namespace netrec
