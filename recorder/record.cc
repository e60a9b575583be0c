#include "recorder/record.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "recorder/kernel_source.h"
#include "recorder/privilege.h"
#include "recorder/quantity.h"
#include "recorder/recording.h"
#include "recorder/report.h"
#include "recorder/service.h"
#include "recorder/signals.h"
#include "recorder/voice.h"
#include "store/memory.h"

namespace netrec {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// Everything the loop needs; it lives as long as record().
struct Desk {
  const RecordOptions& options;
  Clock& clock;
  Voice& voice;
  Signals& signals;
  Service& service;
  Recording& recording;
};

// Until when, on the monotonic clock; the far future where there is no --for.
nanoseconds end_of(const RecordOptions& options, const Clock&, const Instant& start) {
  return options.run_for.count() == 0 ? nanoseconds::max() : start.monotonic + options.run_for;
}

// Waits for the next tick; false if it is time to stop.
bool wait_for_tick(Desk& desk, nanoseconds end, Status& status) {
  for (;;) {
    const nanoseconds now = desk.clock.now().monotonic;
    const nanoseconds until = std::min(desk.recording.deadline(), end);
    nanoseconds span = until - now;
    if (desk.service.patience().count() != 0) span = std::min(span, desk.service.patience());
    std::optional<Request> request = desk.signals.wait(span, desk.recording.bell());
    // Stops at once, if that is what woke it.
    const nanoseconds gathered = desk.clock.now().monotonic + desk.recording.gathering();
    if (!request && desk.recording.gathering().count() != 0 && gathered < until)
      request = desk.signals.wait(desk.recording.gathering(), -1);
    if (request == Request::stop) return false;
    if (request == Request::rotate) {
      desk.service.reloading();
      status = desk.recording.rotate();
      desk.service.ready("Recording");
      if (!status) return false;
      continue;
    }
    desk.recording.listen();
    const nanoseconds woken = desk.clock.now().monotonic;
    if (woken >= end) return false;
    if (woken >= desk.recording.deadline()) return true;
    desk.service.status("Recording", woken);
  }
}

// Gives back, now and then, what the C library keeps of what was freed: the first look at a hundred
// thousand sockets, and tables that grew by moving, leave half as much again as is needed.
class MemoryReturn {
 public:
  explicit MemoryReturn(const Instant& start) : due_(start.monotonic + seconds(3)) {}

  void tend(const Instant& now) {
    if (now.monotonic < due_) return;
    due_ = now.monotonic + seconds(10);
    malloc_trim(0);
  }

 private:
  nanoseconds due_;
};

Status run(Desk& desk) {
  Progress progress(desk.clock.now());
  MemoryReturn memory(desk.clock.now());
  const nanoseconds end = end_of(desk.options, desk.clock, desk.clock.now());
  Status status;
  while (wait_for_tick(desk, end, status)) {
    NETREC_CHECKED(desk.recording.tick());
    const Instant now = desk.clock.now();
    memory.tend(now);
    if (!progress.is_due(now)) continue;
    const std::string line =
        progress.line(desk.recording.totals(), desk.recording.is_paused(), now);
    desk.voice.status(line);
    desk.service.status(line, now.monotonic);
  }
  return status;
}

// Ends the recording whatever came of it, and says what there is now.
int end(Desk& desk, const Status& ran) {
  desk.service.stopping();
  desk.voice.clear_status();
  if (!ran) desk.voice.fail(ran.error().message);
  if (const Status finished = desk.recording.finish(); !finished) {
    desk.voice.fail("the file could not be finished: " + finished.error().message);
    return 3;
  }
  for (const std::string& line : summary_lines(desk.recording)) desk.voice.say(line);
  return ran ? 0 : 3;
}

int fail(Voice& voice, const Error& error) {
  voice.fail(error.message);
  return 3;
}

PrivilegeNeeds needs_of(const RecordOptions& options, const Capture& capture) {
  return {.other_namespaces = options.namespaces != std::vector<std::string>{"own"},
          .events = capture.events != nullptr,
          .output = options.output};
}

}  // namespace

int record(const RecordOptions& options) {
  Voice voice(stderr, Voice::manner_of(stderr), options.quiet ? Loudness::warnings : Loudness::all);
  keep_memory();
  SystemClock clock;
  auto signals = Signals::take_over();
  if (!signals) return fail(voice, signals.error());
  auto capture = Capture::choose(options.capture);
  if (!capture) return fail(voice, capture.error());
  auto source =
      KernelSource::open({.only = options.namespaces, .watch_ends = capture->events == nullptr});
  if (!source) return fail(voice, source.error());
  // Before the first thread of our own: capabilities belong to a thread.
  if (const Status dropped = drop_privileges(needs_of(options, *capture)); !dropped)
    voice.warn(dropped.error().message);
  auto recording = Recording::start(options, **source, clock, voice, std::move(*capture));
  if (!recording) return fail(voice, recording.error());
  // A connection can only be lost before the first frame: nobody is told of a recording until then.
  Status ran = (*recording)->tick();
  for (const std::string& line : opening_lines(options, **recording)) voice.say(line);
  Service service;
  service.ready("Recording");
  Desk desk{options, clock, voice, *signals, service, **recording};
  if (ran) ran = run(desk);
  return end(desk, ran);
}

int request_rotation(const RecordOptions& options) {
  const auto pid = recorder_of(options.output);
  if (!pid) {
    fmt::print(stderr, "netrec-record: {}\n", pid.error().message);
    return 3;
  }
  if (kill(*pid, SIGHUP) != 0) {
    fmt::print(stderr, "netrec-record: {}\n",
               system_error(errno, fmt::format("signal the recorder (pid {})", *pid)).message);
    return 3;
  }
  fmt::print("asked the recorder (pid {}) for a new file\n", *pid);
  return 0;
}

}  // namespace netrec
