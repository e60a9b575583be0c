#include "recorder/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace netrec {

ProcFile::ProcFile(const char* path) : descriptor_(::open(path, O_RDONLY | O_CLOEXEC)) {}

ProcFile::~ProcFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string_view ProcFile::read(std::string& buffer) const {
  constexpr std::size_t kMost = 4 << 20;
  std::size_t size = 0;
  while (is_open() && size < kMost) {
    if (buffer.size() - size < 4096) buffer.resize(buffer.size() + 16384);
    const ssize_t count =
        pread(descriptor_, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  return std::string_view(buffer).substr(0, size);
}

}  // namespace netrec
