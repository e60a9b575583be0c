// A program the benchmarks start, watch and stop: its CPU time to the nanosecond, its memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace netrec {

/// Folder of the programs that are measured: $NETREC_BUILD, else build/bench.
std::string build_folder();

/// Stopped (SIGINT, and waited for) when it goes, if it was not before.
class Child {
 public:
  /// What it writes goes to the file `output`.
  Child(const std::vector<std::string>& command, const std::string& output);
  /// `netrec-record --quiet --capture CAPTURE --output PATH`, and `more`; PATH is removed first. It
  /// has made PATH anew; if it cannot, the benchmark ends with what it said.
  static Child recorder(const std::string& capture, const std::string& path,
                        const std::vector<std::string>& more = {});
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child() { stop(); }

  /// Of all its threads, so far.
  double cpu_seconds() const;
  /// "VmRSS" or "VmHWM" (the peak), MB as in `ps`: 1024 × 1024 bytes.
  double memory_mb(const std::string& what) const;
  /// It does nothing from now on, until it is resumed.
  void pause() const;
  void resume() const;
  /// Once it is stopped, the other functions may not be called.
  void stop();

 private:
  pid_t pid_ = 0;
};

/// One line of the report: a value beside the bar it is to meet.
void verdict(const std::string& text, double value, double bar, const std::string& unit);
/// The same of what must be so.
void verdict(const std::string& text, bool met, const std::string& why);

}  // namespace netrec
