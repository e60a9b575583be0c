// How this recording observes: by events where they can be had, else by polling; and when the next
// full look is due where events tell what happens in between.
//
// With events a look at every socket only brings counters up to date and reconciles. It is made as
// often as it costs next to nothing (a share of a processor), at least once in `longest`: once in a
// few seconds on a desktop, once a minute beside a hundred thousand sockets.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "recorder/event_source.h"
#include "recorder/options.h"
#include "schema/session.h"

namespace netrec {

struct Capture {
  std::unique_ptr<EventSource> events;  ///< nullptr: polling
  std::string failure;                  ///< why not events, where they were wanted

  CaptureMode mode() const { return events ? CaptureMode::events : CaptureMode::poll; }

  /// Errors: only where events were demanded and are not to be had.
  static Result<Capture> choose(CaptureChoice choice);
};

/// When to look again at what costs more the more there is.
class LookPace {
 public:
  /// Looks take one part in `share` of a processor, at most; but one is made in `longest`.
  explicit LookPace(int share, std::chrono::seconds longest = std::chrono::seconds(60))
      : share_(share), longest_(longest) {}

  bool is_due(std::chrono::nanoseconds monotonic) const { return monotonic >= due_; }
  /// A look ended now that took `cost` of processor time.
  void looked(std::chrono::nanoseconds monotonic, std::chrono::nanoseconds cost);
  void look_soon() { due_ = std::chrono::nanoseconds(0); }

 private:
  int share_;
  std::chrono::seconds longest_;
  std::chrono::nanoseconds due_{0};
};

/// Processor time the calling thread took so far.
std::chrono::nanoseconds thread_time();

}  // namespace netrec
