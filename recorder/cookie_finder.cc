#include "recorder/cookie_finder.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <vector>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

namespace netrec {

namespace {

constexpr std::uint64_t kMostDescriptors = 1024;

// Closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(long number) : number_(static_cast<int>(number)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::vector<std::uint32_t> youngest_first() {
  std::vector<std::uint32_t> pids;
  DIR* const proc = opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = readdir(proc)) {
    std::uint32_t pid = 0;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr == end) pids.push_back(pid);
  }
  closedir(proc);
  std::sort(pids.begin(), pids.end(), std::greater<>());
  return pids;
}

std::uint64_t cookie_through(std::uint32_t pid, std::uint32_t descriptor, std::uint32_t inode) {
  const Descriptor process(syscall(SYS_pidfd_open, pid, 0));
  if (process.number() < 0) return 0;
  const Descriptor copy(syscall(SYS_pidfd_getfd, process.number(), descriptor, 0));
  struct stat status {};
  if (copy.number() < 0 || fstat(copy.number(), &status) != 0 || status.st_ino != inode) return 0;
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(copy.number(), SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

std::uint64_t cookie_in(std::uint32_t pid, std::uint32_t inode,
                        std::vector<std::uint32_t>& numbers) {
  const auto descriptors = Descriptors::open(pid);
  if (!descriptors || descriptors->count() > kMostDescriptors) return 0;
  while (descriptors->list(numbers)) {
    for (const std::uint32_t number : numbers) {
      std::uint32_t found = 0;
      if (descriptors->read(number, found) == Link::socket && found == inode)
        return cookie_through(pid, number, inode);
    }
  }
  return 0;
}

}  // namespace

std::uint64_t find_cookie(std::uint32_t inode) {
  std::vector<std::uint32_t> numbers;
  for (const std::uint32_t pid : youngest_first())
    if (const std::uint64_t cookie = cookie_in(pid, inode, numbers); cookie != 0) return cookie;
  return 0;
}

void CookieSink::see(const Socket& observed) {
  Socket row = observed;
  if (const auto known = known_.find(row.inode); known != known_.end())
    row.cookie = known->second;
  else if (const std::uint64_t cookie = find_cookie(row.inode); cookie != 0)
    row.cookie = cookie;
  found_[row.inode] = row.cookie;
  sink_.see(row);
}

}  // namespace netrec
