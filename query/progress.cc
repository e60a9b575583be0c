#include "query/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

namespace netrec {

namespace {

volatile std::sig_atomic_t interrupt_seen = 0;

void note_interrupt(int) { interrupt_seen = 1; }

constexpr std::string_view kEraseLine = "\r\x1b[K";

void show(std::string_view text) {
  // Nothing can be done if the terminal is gone.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return interrupt_seen != 0; }

Error interruption() { return {ErrorKind::busy, "interrupted"}; }

Progress::Progress(std::string_view title)
    : title_(title), started_(Clock::now()), drawn_(started_), on_terminal_(isatty(2) == 1) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (visible_) show(kEraseLine);
  visible_ = false;
}

bool Progress::update(std::uint64_t done, std::uint64_t total) {
  if (interrupted()) return false;
  constexpr std::uint32_t kCallsPerLook = 64;  // at the clock
  if (!on_terminal_ || ++calls_ % kCallsPerLook != 0) return true;
  const auto now = Clock::now();
  const bool late_enough = now - started_ > std::chrono::milliseconds(500);
  if (!late_enough || now - drawn_ < std::chrono::milliseconds(100)) return true;
  drawn_ = now;
  visible_ = true;
  if (total == 0) {
    show(fmt::format("{}{} … {}", kEraseLine, title_, done));
    return true;
  }
  constexpr std::uint64_t kBarWidth = 30;
  const std::uint64_t shown = done < total ? done : total;
  const auto fraction = static_cast<double>(shown) / static_cast<double>(total);
  const auto full = static_cast<std::uint64_t>(fraction * kBarWidth);
  std::string bar;
  for (std::uint64_t i = 0; i < kBarWidth; ++i) bar += i < full ? "━" : "╌";
  show(fmt::format("{}{} {} {:.0f} %", kEraseLine, title_, bar, fraction * 100));
  return true;
}

}  // namespace netrec
