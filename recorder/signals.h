// Signals as data: blocked, and read between two ticks, so that none ever interrupts a frame.
#pragma once

#include <chrono>
#include <optional>

#include "schema/result.h"

namespace netrec {

enum class Request { stop, rotate };

class Signals {
 public:
  /// Blocks SIGINT, SIGTERM (stop) and SIGHUP (rotate) for this thread and those it will start, and
  /// ignores SIGPIPE and SIGXFSZ, which are told by write(2) too.
  static Result<Signals> take_over();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  /// Waits for `span`, at most until a signal comes or `bell` can be read (-1: there is none);
  /// nothing if no signal did.
  std::optional<Request> wait(std::chrono::nanoseconds span, int bell = -1);

 private:
  explicit Signals(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace netrec
