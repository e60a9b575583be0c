// What /proc tells of a process, and what /etc/passwd tells of users.
//
// Everything read here was chosen by the programs that are watched: a comm may hold parentheses,
// spaces and newlines, a command line anything at all. The parsers are pure functions of bytes, so
// that they can be tried with what no live process shows.
//
// Refused: libproc2 (reads far more than is wanted for each process), NSS (may ask the network).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "recorder/source.h"
#include "schema/process.h"
#include "schema/result.h"

namespace netrec {

/// /proc/PID/stat, the part that matters here.
struct ProcessStat {
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  std::uint64_t start_us = 0;  ///< CLOCK_BOOTTIME, of one clock tick (10 ms) precision
  std::string_view comm;       ///< of the bytes parsed
  char state = '?';            ///< 'R', 'S', …, 'Z' zombie
  /// Where its arguments lie, anew for each exec, the end not before exec is done; 0: not told
  /// (kernel threads; programs one may not trace). proc_pid_stat(5), fields 48 and 49.
  std::uint64_t arguments_begin = 0;
  std::uint64_t arguments_end = 0;
};
Result<ProcessStat> parse_process_stat(std::string_view bytes);

/// "Uid:" line of /proc/PID/status.
struct ProcessUids {
  std::uint32_t real = 0;
  std::uint32_t effective = 0;
};
Result<ProcessUids> parse_process_uids(std::string_view status);

/// The v2 path ("0::/system.slice/x.service"), else that of the systemd v1 hierarchy; "" if none.
std::string_view parse_cgroup(std::string_view bytes);

/// What a /proc/PID/exe link says: the path, and whether the kernel appended " (deleted)" (of a
/// file really named so it cannot be told apart).
struct ExePath {
  std::string_view path;
  bool deleted = false;
};
ExePath parse_exe_link(std::string_view link);

/// The run of `pid` as it is now, its strings interned in `texts`; id, first_seen_us, parent,
/// ended_us and exe_sha256 are left 0. What could not be read for want of privilege is 0
/// (exe_inode too). An exec meanwhile is waited for (some 10 ms), and where one follows the other
/// the arguments are left empty: no program is shown with another's. Errors: not_found (it is
/// gone), permission, corrupt.
Result<Process> read_process(std::uint32_t pid, TextSink& texts);

/// When `pid` was forked (as Process::start_us): together they name a process beyond doubt. The
/// cheap question before trusting what is remembered of a pid.
Result<std::uint64_t> start_of(std::uint32_t pid);

struct UserName {
  std::uint32_t uid = 0;
  std::string name;
};
/// Users of a passwd(5) file; lines that are none are passed over; the first name of a uid counts.
std::vector<UserName> parse_users(std::string_view bytes);
Result<std::vector<UserName>> read_users(const char* path = "/etc/passwd");

/// The whole of a small file of /proc, at most `limit` bytes.
Result<std::string> read_file(const char* path, std::size_t limit = 1 << 20);

}  // namespace netrec
