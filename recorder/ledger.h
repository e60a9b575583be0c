// The state of the host as it is known now, and what changed in it since the last frame that was
// written. Whatever the recorder learns passes through here, so that the state and the changes
// cannot disagree: state == apply(state at the last frame, changes).
//
// Changes stay until commit(): a frame that could not be written (disk full) is not lost, the next
// one carries it too.
//
// Refused: diff() of two snapshots each tick (two copies of everything, and a cost that grows with
// what exists instead of what changes).
#pragma once

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <bitset>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "recorder/clock.h"
#include "recorder/source.h"
#include "schema/delta.h"
#include "schema/key_hash.h"
#include "store/timeline_writer.h"

namespace netrec {

/// What goes into a frame: REQUIRES sequence to be set by the writer.
struct Tick {
  Frame frame;
  std::vector<Socket> departed;  ///< the sockets in frame.delta's closed list, as last seen
};

/// When something happened, as the Ledger notes it until the frame's time is known: 0, sometime
/// since the last frame; else 1 + microseconds since it. Made by Ledger::mark().
using Mark = std::uint32_t;
inline constexpr Mark kSometime = 0;

class Ledger final : public TextSink {
 public:
  /// Ids go on where the file's left off.
  explicit Ledger(const Resume& resume);

  /// The next frames go into another file: no id is free that is not free there.
  void continue_in(const Resume& resume);

  const Snapshot& snapshot() const { return snapshot_; }

  /// Id of the Text with these bytes, which is made if there is none. Longer than kLongestText:
  /// cut.
  std::uint32_t text(std::string_view bytes) override;

  /// The next free id, for the kinds whose ids count up.
  std::uint32_t new_session_id() { return next_.next_session++; }
  std::uint64_t new_gap_id() { return next_.next_gap++; }
  std::uint32_t new_process_id() { return next_.next_process++; }
  std::uint32_t new_namespace_id() { return next_.next_network_namespace++; }
  std::uint32_t new_counter_id() { return next_.next_counter++; }
  std::uint32_t new_peer_id() { return next_.next_peer++; }
  std::uint32_t new_resolution_id() { return next_.next_resolution++; }

  /// Adds a row. REQUIRES: no row has its key.
  template <class T>
  void open(const T& row);
  /// Turns the row with `now`'s key into `now`. REQUIRES: there is one. What changes without a time
  /// of its own in the frame that opened the row becomes part of the opening.
  template <class T>
  void change(const T& now, Mark at = kSometime);
  /// The same where the row's place in rows() is known.
  void change_at(std::size_t place, const Socket& now, Mark at = kSometime);
  /// Rewrites what a row opened in this very frame was when it opened, and what it is now.
  /// REQUIRES: was_opened_now(cookie).
  void restate_opening(const Socket& was, const Socket& now);
  /// Removes the row with `key`; false if there is none.
  template <class T>
  bool close(std::uint64_t key, CloseReason reason, Mark at = kSometime);
  /// Of a socket closed since the last frame: nobody looked at it after `seen` (CLOCK_BOOTTIME). If
  /// that is before the last frame, it is told as unseen since then.
  void last_seen(std::uint64_t cookie, std::chrono::microseconds seen);

  /// True if the row was opened since the last frame; then opening() is how it was then.
  bool was_opened_now(std::uint64_t cookie) const;
  const Socket& opening(std::uint64_t cookie) const;
  /// True if a row with this key was closed since the last frame. A frame has room for one life a
  /// key: until the next, no other may be opened with it.
  bool was_closed_now(std::uint64_t cookie) const { return closed_now_.contains(cookie); }

  /// Rows of sockets that the next frame holds so far, as opened or as seen last: nearly all of its
  /// memory.
  std::size_t waiting_rows() const { return delta_.of<Socket>().opened.size() + departed_.size(); }

  /// The mark of something that happened at `boot` (CLOCK_BOOTTIME).
  Mark mark(std::chrono::microseconds boot) const;

  /// While restating, changes are made to the state only: the next frame is a keyframe that begins
  /// a session. Begins so.
  bool restating() const { return restating_; }
  void restate();

  /// The frame of everything since the last commit, its lists in canonical order, as of `now`.
  /// Either commit() or keep() must follow.
  Tick take(const Instant& now);
  /// The frame taken was written; what comes belongs to the next. `written`: it, for its memory: a
  /// busy tick's lists are megabytes, which the kernel would have to zero for each tick anew.
  void commit(const Instant& now, Tick written = {});
  /// It was not: its changes will be part of the next.
  void keep(Tick tick);

  /// Closes the texts nothing refers to. Cost: a look at every row, so before a keyframe only.
  void drop_unused_texts();

  /// Takes over the state a session of the same boot ended with, its Session and Gap rows excepted.
  /// REQUIRES: nothing was opened yet.
  void carry_over(const Snapshot& last);

  /// For whoever predicts places: rows() of the sockets, prefetchable.
  const Table<Socket>& sockets() const { return snapshot_.of<Socket>(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view bytes) const {
      return std::hash<std::string_view>{}(bytes);
    }
  };
  struct Opening {
    std::uint32_t index = 0;   ///< in the delta's opened list
    std::bitset<128> dated{};  ///< fields that changed since, at a time of their own
  };
  template <class T>
  struct Openings : tsl::robin_map<std::uint64_t, Opening, KeyHash> {};

  template <class T>
  void record_change(const T& before, const T& now, Mark at);
  template <class T>
  void record_change_of_newcomer(Opening& opening, const T& before, const T& now, Mark at);
  template <class T>
  void settle_kind(Changes<T>& changes);
  void turn_marks(Delta& delta, const Instant& now) const;
  void tell_last_seen(const Instant& now);

  Snapshot snapshot_;
  Delta delta_;
  std::vector<Socket> departed_;
  ForEachEntity<Openings> openings_;
  tsl::robin_set<std::uint64_t, KeyHash> closed_now_;  ///< sockets
  /// Of those, seen last before the last frame: when, on the boot clock.
  tsl::robin_map<std::uint64_t, std::chrono::microseconds, KeyHash> last_seen_;
  tsl::robin_map<std::string, std::uint32_t, Hash, std::equal_to<>> text_ids_;
  Resume next_;
  std::chrono::microseconds base_{};  ///< boot clock at the last frame
  std::chrono::microseconds taken_at_{};
  bool restating_ = true;
};

}  // namespace netrec
