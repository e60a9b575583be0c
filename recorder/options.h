// What a user can ask of the recorder, and netrec-record's command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/result.h"

namespace netrec {

inline constexpr std::chrono::milliseconds kShortestInterval{10};
inline constexpr std::chrono::hours kLongestInterval{1};

/// How sockets are to be observed.
enum class CaptureChoice {
  automatic,  ///< events where they can be had, else polling
  events,     ///< events, or fail
  poll,
};

struct RecordOptions {
  std::string output;
  std::chrono::microseconds interval = std::chrono::seconds(1);
  std::chrono::microseconds run_for{0};  ///< 0: until told to stop
  std::uint64_t max_size_bytes = 0;      ///< 0: no limit
  std::chrono::microseconds max_age{0};  ///< 0: no limit
  std::vector<std::string> namespaces;   ///< names, inodes or "own"; empty: all
  bool unix_sockets = true;
  bool interfaces = true;
  bool counters = true;
  bool sync = false;
  bool quiet = false;
  bool rotate = false;  ///< do not record; ask the running recorder for a new file
  CaptureChoice capture = CaptureChoice::automatic;
  std::string command_line;  ///< as given, for the session's row
};

/// What came of the command line.
struct CommandLine {
  RecordOptions options;
  std::optional<int> exit_code;  ///< set: nothing is to be recorded; `text` says why
  std::string text;              ///< help, version, or what is wrong
};

CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace netrec
