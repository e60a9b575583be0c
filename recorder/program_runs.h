// What every process runs, as exec, fork and exit tell it: remembered for a while after the process
// is gone, so that a connection told of afterwards still finds the program that made it, with the
// command line of *that* run (never one remembered by executable).
//
// Only what a socket refers to gets a Process row (EventFolder asks here for it); the rest is
// forgotten, the least recently asked for first.
//
// Refused: reading /proc for each process that starts (a millisecond later it is gone), and keeping
// a row of every process ever run (that is another tool).
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "recorder/event_sink.h"
#include "schema/process.h"

namespace netrec {

struct ProgramRun {
  Process row;  ///< without id, parent and texts
  std::string comm;
  std::string exe;
  std::string command_line;
  std::string cgroup;
  std::uint64_t start_ns = 0;
  std::uint32_t parent_pid = 0;
  std::uint64_t parent_start_ns = 0;
  std::chrono::microseconds since{};  ///< boot clock at exec or fork; 0: before it was looked at

  std::size_t bytes() const {
    return sizeof(*this) + comm.size() + exe.size() + command_line.size() + cgroup.size();
  }
};

/// /proc/PID/stat's start time of a process started at `start_ns`: in clock ticks, as microseconds.
std::uint64_t start_us_of(std::uint64_t start_ns);

class ProgramRuns {
 public:
  struct Limits {
    std::size_t runs = 32768;
    std::size_t bytes = 16 << 20;
  };
  explicit ProgramRuns(Limits limits) : limits_(limits) {}
  ProgramRuns() : ProgramRuns(Limits{}) {}

  void executed(const event_exec& event, const ExecStrings& strings);
  /// The child runs what its parent runs.
  void forked(const event_process& event);

  /// The run `task` is, nullptr if it is not known. Valid until the next call.
  const ProgramRun* find(std::uint32_t pid, std::uint64_t start_ns);
  /// The same, read from /proc where it is not known yet; nullptr if the process is gone too.
  const ProgramRun* find_or_read(std::uint32_t pid, std::uint64_t start_ns);

  std::size_t size() const { return by_pid_.size(); }

 private:
  using Runs = std::list<ProgramRun>;

  ProgramRun& put(ProgramRun run);
  void evict();

  Limits limits_;
  Runs runs_;  ///< most recently asked for first
  std::unordered_map<std::uint32_t, Runs::iterator> by_pid_;
  std::size_t bytes_ = 0;
};

}  // namespace netrec
