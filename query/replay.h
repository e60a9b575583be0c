// A recording played back: where one stands, what the last frame did, and which sockets are shown
// in which order. Knows nothing of terminals; replay_screen.cc draws it, replay_command.cc prints
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/filter.h"
#include "store/timeline.h"

namespace netrec {

/// What the frame did to a socket.
enum class Mark {
  none,
  opened,
  closed,   ///< shown once more, as it was last seen
  state,    ///< its state changed (or its owner)
  counters  ///< something else did
};

struct ReplayRow {
  Socket socket;
  Mark mark = Mark::none;
};

/// What the frame did to the sockets that are shown.
struct ReplayNews {
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::uint64_t changed_state = 0;

  bool any() const { return opened + closed + changed_state > 0; }
};

enum class ReplayOrder { listing, news, receive_queue, send_queue, traffic, age, program };
std::string_view name(ReplayOrder order);

/// Which kinds of sockets are shown.
struct ReplayKinds {
  bool tcp = true;
  bool udp = true;     ///< and raw, ICMP
  bool local = false;  ///< UNIX and packet
};

class Replay {
 public:
  /// The timeline must outlive it.
  explicit Replay(Timeline& timeline);

  // What is shown. Each of these keeps the place.
  void set_filter(Filter filter);
  void set_kinds(ReplayKinds kinds);
  void set_order(ReplayOrder order);
  const ReplayKinds& kinds() const { return kinds_; }
  ReplayOrder order() const { return order_; }

  // Moving. False: there is nothing in that direction, and nothing has moved.
  Status go_to(WallTime time);
  Status go_to_sequence(std::uint64_t sequence);
  Result<bool> forward();
  Result<bool> back();
  /// Goes on (or back) to a frame that opened, closed or changed the state of a socket shown. Looks
  /// at `keep_on` now and then; false stops it where it is.
  Result<bool> next_change(const std::function<bool()>& keep_on);
  Result<bool> previous_change(const std::function<bool()>& keep_on);
  /// Plays on to the last frame at or before `time`. False: it did not move.
  Result<bool> play_to(WallTime time);
  /// Looks whether the recorder wrote more; goes there if one stood at the end.
  Result<bool> follow();
  /// The same, but goes to the frame after this one.
  Result<bool> follow_by_one();

  // Where one is. REQUIRES: the last move succeeded.
  const Frame& frame() const { return cursor_.frame(); }
  const Snapshot& snapshot() const { return cursor_.snapshot(); }
  const FrameCursor& cursor() const { return cursor_; }
  bool at_end() const;
  const std::vector<ReplayRow>& rows() const { return rows_; }
  const ReplayNews& news() const { return news_; }

 private:
  bool wants_kind(const Socket& socket) const;
  bool wants(const Socket& socket) const;
  bool brings_news() const;
  Result<bool> look(Result<bool> (FrameCursor::*step)(), const std::function<bool()>& keep_on);
  void gather();
  void mark_changes();
  void sort_rows();

  Timeline* timeline_;
  FrameCursor cursor_;
  Filter filter_;
  ReplayKinds kinds_;
  ReplayOrder order_ = ReplayOrder::listing;
  std::vector<ReplayRow> rows_;
  ReplayNews news_;
};

}  // namespace netrec
