// What systemd is told (sd_notify(3)): ready, alive, what is being done, stopping. Nothing where it
// did not start us.
#pragma once

#include <chrono>
#include <string_view>

namespace netrec {

class Service {
 public:
  Service();

  void ready(std::string_view status);
  void reloading();
  void stopping();
  /// Also says that the recorder is alive. Does nothing more often than every second.
  void status(std::string_view status, std::chrono::nanoseconds monotonic);
  /// How long nothing need be said; 0: for ever.
  std::chrono::nanoseconds patience() const { return patience_; }

 private:
  std::chrono::nanoseconds patience_{0};
  std::chrono::nanoseconds said_at_{0};
};

}  // namespace netrec
