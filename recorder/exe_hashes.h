// The SHA-256 of the executables that own sockets: computed beside the recording, on a thread of
// the lowest priority, so that a large binary never makes a tick late.
//
// What is hashed is the file the program was started from, told by device and inode: the path is
// opened, and if another file lies there by now, that is said instead ("failed: …"), never the hash
// of the wrong file. A file is hashed once, as long as its size and modification time stay.
//
// Refused: hashing at exec (the program would wait), IMA (not on every kernel).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "schema/result.h"

namespace netrec {

/// An executable to be hashed.
struct Executable {
  std::uint32_t process = 0;  ///< id of the Process that runs it
  std::uint32_t pid = 0;
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

struct ExeHash {
  std::uint32_t process = 0;
  std::string text;  ///< 64 hexadecimal digits, or "failed: why"
};

/// SHA-256 of the file at `path`, hexadecimal. Errors: not_found, permission, invalid_argument
/// (another file than `device` and `inode`, or larger than `limit_bytes`), io.
Result<std::string> hash_file(const std::string& path, std::uint64_t device, std::uint64_t inode,
                              std::uint64_t limit_bytes);

class ExeHashes {
 public:
  static constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;
  static constexpr std::size_t kMostWaiting = 4096;

  ExeHashes();
  /// What has not been hashed yet never is.
  ~ExeHashes();
  ExeHashes(const ExeHashes&) = delete;
  ExeHashes& operator=(const ExeHashes&) = delete;

  void ask(Executable executable);
  /// What was found out since the last call.
  std::vector<ExeHash> take();

 private:
  void run();
  std::string answer(const Executable& executable);

  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Executable> waiting_;
  std::vector<ExeHash> done_;
  std::unordered_map<std::string, std::string> known_;  ///< of the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace netrec
