#include "recorder/capture.h"

#include <algorithm>
#include <ctime>

namespace netrec {

Result<Capture> Capture::choose(CaptureChoice choice) {
  Capture capture;
  if (choice == CaptureChoice::poll) return capture;
  auto events = EventSource::start({});
  if (events) {
    capture.events = std::move(*events);
    return capture;
  }
  if (choice == CaptureChoice::events)
    return tl::unexpected<Error>(std::move(events).error().while_doing("capture events"));
  capture.failure = events.error().message;
  return capture;
}

void LookPace::looked(std::chrono::nanoseconds monotonic, std::chrono::nanoseconds cost) {
  due_ = monotonic + std::min<std::chrono::nanoseconds>(cost * share_, longest_);
}

std::chrono::nanoseconds thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace netrec
