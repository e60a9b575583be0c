#include "store/recorder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "store/timeline_writer.h"

namespace netrec {

namespace {

std::string lock_path(const std::string& timeline_path) { return timeline_path + ".lock"; }

// The pid in the lock file, 0 if there is none yet.
int pid_in(int descriptor) {
  std::array<char, 16> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  int pid = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
  return pid;
}

// Whether `path` still names the open file: its last owner may have removed it meanwhile.
bool is_still_there(const std::string& path, int descriptor) {
  struct stat named {};
  struct stat opened {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

Status write_pid(int descriptor) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return tl::unexpected<Error>(system_error(errno, "write the lock file"));
  return {};
}

}  // namespace

RecorderLock::RecorderLock(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}
RecorderLock::RecorderLock(RecorderLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
RecorderLock& RecorderLock::operator=(RecorderLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RecorderLock::~RecorderLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

Result<RecorderLock> RecorderLock::take(const std::string& timeline_path) {
  const std::string path = lock_path(timeline_path);
  // Bounded: each round lost means that somebody else had the lock and let go of it.
  for (int round = 0; round < 100; ++round) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0) return tl::unexpected<Error>(system_error(errno, path));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      const int pid = pid_in(descriptor);
      ::close(descriptor);
      if (reason == EWOULDBLOCK)
        return failure(ErrorKind::busy, "a recorder writes it already (pid {})", pid);
      return tl::unexpected<Error>(system_error(reason, path));
    }
    if (!is_still_there(path, descriptor)) {
      ::close(descriptor);
      continue;
    }
    RecorderLock lock(path, descriptor);
    NETREC_CHECKED(write_pid(descriptor));
    return lock;
  }
  return failure(ErrorKind::busy, "{} comes and goes", path);
}

Result<int> recorder_of(const std::string& path) {
  const int descriptor = ::open(lock_path(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failure(ErrorKind::not_found, "no recorder writes {}", path);
  const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const int pid = pid_in(descriptor);
  ::close(descriptor);
  if (!held || pid == 0) return failure(ErrorKind::not_found, "no recorder writes {}", path);
  return pid;
}

}  // namespace netrec
