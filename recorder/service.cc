#include "recorder/service.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <ctime>

namespace netrec {

namespace {

std::uint64_t monotonic_us() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

}  // namespace

Service::Service() {
  std::uint64_t watchdog_us = 0;
  if (sd_watchdog_enabled(0, &watchdog_us) > 0)
    patience_ = std::chrono::microseconds(watchdog_us / 3);
}

void Service::ready(std::string_view status) {
  sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void Service::reloading() {
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()).c_str());
}

void Service::stopping() { sd_notify(0, "STOPPING=1\nSTATUS=Sealing the file"); }

void Service::status(std::string_view status, std::chrono::nanoseconds monotonic) {
  if (monotonic - said_at_ < std::chrono::seconds(1)) return;
  said_at_ = monotonic;
  sd_notify(0, fmt::format("WATCHDOG=1\nSTATUS={}", status).c_str());
}

}  // namespace netrec
