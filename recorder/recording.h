// One recording: a source, an Observer and a file, brought together tick by tick. It knows no
// signals and waits for nothing, so that a test drives it with a clock of its own; record.h is the
// loop around it.
//
// A frame that finds no room on the disk is not lost: recording pauses, what was observed is kept,
// and the first frame that fits carries it, with a gap for the time nobody looked.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recorder/capture.h"
#include "recorder/clock.h"
#include "recorder/event_folder.h"
#include "recorder/exe_hashes.h"
#include "recorder/look.h"
#include "recorder/observer.h"
#include "recorder/options.h"
#include "recorder/schedule.h"
#include "recorder/session_facts.h"
#include "recorder/source.h"
#include "recorder/voice.h"
#include "store/timeline_writer.h"

namespace netrec {

/// What was recorded so far.
struct RecordingTotals {
  std::uint64_t frames = 0;
  SocketTotals sockets;
  std::uint64_t alive = 0;  ///< sockets now
  std::map<GapCause, std::uint64_t> gaps;
  std::uint64_t file_bytes = 0;
};

class Recording {
 public:
  /// Opens the file and the session. All references must outlive it. Errors: those of
  /// TimelineWriter::open().
  static Result<std::unique_ptr<Recording>> start(const RecordOptions& options,
                                                  SocketSource& source, Clock& clock, Voice& voice,
                                                  Capture capture = {});

  /// CLOCK_MONOTONIC of the next tick.
  std::chrono::nanoseconds deadline() const { return schedule_.deadline(); }

  /// Between ticks: takes in the events there are. Returns until when, on the boot clock, all is
  /// known that events tell.
  std::chrono::microseconds listen();
  /// A descriptor that can be read when there are some; -1: there is none.
  int bell() const;
  /// How long some may gather once there is one, so that not each costs a waking.
  std::chrono::milliseconds gathering() const;

  /// Looks at the host and writes a frame. REQUIRES: deadline() has come. Errors: the file cannot
  /// be written for another reason than want of room.
  Status tick();

  /// Seals the file, moves it aside, and goes on in a new one of the same name.
  Status rotate();

  /// Ends the session and seals the file.
  Status finish();

  RecordingTotals totals() const;
  bool is_paused() const { return paused_since_.has_value(); }
  const std::vector<Limit>& limits() const { return limits_; }
  const std::string& path() const { return options_.output; }

 private:
  Recording(const RecordOptions& options, SocketSource& source, Clock& clock, Voice& voice,
            Capture capture, TimelineWriter writer);

  void carry_over();
  void open_session();
  void tell_absence();
  void tell_lapses(const std::vector<Lapse>& lapses);
  void observe();
  void hash_executables();
  std::chrono::microseconds drain();
  bool is_frame_full() const;
  std::chrono::microseconds drain_unless_full();
  void read_ends();
  void observe_by_looking();
  LookDepth look_at_sockets(LookDepth depth);
  void observe_events();
  void look_at_unix_sockets();
  void read_peers();
  void tell_losses();
  void tell_disagreements();
  Status write();
  Status pause(const Error& error, const Instant& now);
  bool may_resume(const Instant& now);
  void resume(const Instant& now);
  Status tend_file();
  Status start_new_file();
  bool is_still_ours() const;
  void remember_file();

  RecordOptions options_;
  SocketSource& source_;
  Clock& clock_;
  Voice& voice_;
  Capture capture_;
  TimelineWriter writer_;
  Observer observer_;
  EventFolder folder_;
  Look look_;
  // Shares of a processor: docs/decisions/0034, 0035 and 0032.
  LookPace pace_{10'000};
  LookPace full_pace_{10'000, std::chrono::hours(1)};
  LookPace unix_pace_{2'000};
  Disagreements disagreements_;
  std::chrono::microseconds told_{};  ///< on the boot clock: what happened before was folded
  int put_off_ = 0;                   ///< ticks in turn whose look had to wait
  int doubtful_ = 0;  ///< ticks in which a socket not known may be one whose beginning was lost
  Schedule schedule_;
  ExeHashes hashes_;
  std::vector<Limit> limits_;
  std::uint64_t frames_ = 0;
  bool is_closed_ = false;
  WallTime last_frame_{};
  std::optional<WallTime> paused_since_;
  std::string paused_for_;
  std::chrono::nanoseconds retry_at_{0};
  std::chrono::nanoseconds retry_after_{0};
  std::chrono::nanoseconds tend_at_{0};
  std::uint64_t device_ = 0;  ///< of the file being written
  std::uint64_t inode_ = 0;
  CloseReason closes_ = CloseReason::gone;  ///< unseen, if a gap lies before this tick
};

/// "web-20261124T180311Z.netrec": what a file is called that is moved aside at `wall`. Never a name
/// that exists.
std::string aside_path(const std::string& path, WallTime wall);

}  // namespace netrec
