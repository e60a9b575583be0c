// A line on the terminal while something takes long, and the clean end on Ctrl-C.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/result.h"

namespace netrec {

/// Makes Ctrl-C set interrupted() instead of ending the program; a second one ends it.
void catch_interrupts();
bool interrupted();
/// The Error of whoever stopped for it. main() then dies of SIGINT, as a shell expects.
Error interruption();

/// Shows itself on stderr, if that is a terminal, once the work took half a second; erases itself.
class Progress {
 public:
  explicit Progress(std::string_view title);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Cheap enough for every frame. False if the user wants it stopped.
  bool update(std::uint64_t done, std::uint64_t total);
  /// Takes the line away, before something else is written.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  Clock::time_point started_;
  Clock::time_point drawn_;
  std::uint32_t calls_ = 0;
  bool on_terminal_ = false;
  bool visible_ = false;
};

}  // namespace netrec
