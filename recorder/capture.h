// How this recording observes: by events where they can be had, else by polling; and when the next
// full look is due where events tell what happens in between.
//
// With events a look at every socket only brings counters up to date and reconciles. It is made as
// often as it costs next to nothing (kShare of a processor), at least once in kLongest: once in a
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
  static constexpr std::chrono::seconds kLongest{60};

  /// Looks take one part in `share` of a processor, at most.
  explicit LookPace(int share) : share_(share) {}

  bool is_due(std::chrono::nanoseconds monotonic) const { return monotonic >= due_; }
  /// A look ended now that took `cost` of processor time.
  void looked(std::chrono::nanoseconds monotonic, std::chrono::nanoseconds cost);
  void look_soon() { due_ = std::chrono::nanoseconds(0); }

 private:
  int share_;
  std::chrono::nanoseconds due_{0};
};

/// Processor time the calling thread took so far.
std::chrono::nanoseconds thread_time();

}  // namespace netrec
