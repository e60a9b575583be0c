// The descriptors of one process as /proc/PID/fd shows them: which of them are sockets, and which
// (proc(5)). Once open, it means the process it was opened for, even if the pid is given out again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "schema/result.h"

namespace netrec {

enum class Link : std::uint8_t {
  socket,
  other,   ///< a file, a pipe, …
  absent,  ///< no such descriptor, or the process ended
};

class Descriptors {
 public:
  /// Errors: permission, not_found (no such process), io.
  static Result<Descriptors> open(std::uint32_t pid);

  Descriptors(Descriptors&& other) noexcept : directory_(other.directory_) {
    other.directory_ = -1;
  }
  Descriptors& operator=(Descriptors&& other) noexcept {
    std::swap(directory_, other.directory_);
    return *this;
  }
  ~Descriptors();

  /// What `descriptor` refers to; of a socket, its inode in `inode`.
  Link read(std::uint32_t descriptor, std::uint32_t& inode) const;

  /// How many are open, without looking at them; 0 where the kernel does not tell (before 6.2).
  std::uint64_t count() const;

  /// Begins listing anew.
  void rewind() const;
  /// Puts the next few descriptors' numbers into `numbers`; false when there are no more.
  bool list(std::vector<std::uint32_t>& numbers) const;

 private:
  explicit Descriptors(int directory) : directory_(directory) {}

  int directory_ = -1;
};

/// Inode of a link like "socket:[12345]"; 0 if it is none.
std::uint32_t socket_inode(const char* link, std::size_t size);

}  // namespace netrec
