// One recorder a file: the lock beside it, which holds the recorder's pid.
//
// flock(2) on `path`.lock: the kernel lets go of it with the process, so a dead recorder never
// blocks. The pid in it is for people. Refused: fcntl locks on the timeline itself (SQLite's own),
// a pid file alone (pids are reused).
#pragma once

#include <string>

#include "schema/result.h"

namespace netrec {

class RecorderLock {
 public:
  /// Errors: busy (names the other's pid), permission, io.
  static Result<RecorderLock> take(const std::string& timeline_path);

  RecorderLock(RecorderLock&& other) noexcept;
  RecorderLock& operator=(RecorderLock&& other) noexcept;
  /// Lets go and removes the lock file.
  ~RecorderLock();

 private:
  RecorderLock(std::string path, int descriptor);
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace netrec
