#include "recorder/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace netrec {

Result<Descriptors> Descriptors::open(std::uint32_t pid) {
  const std::string path = fmt::format("/proc/{}/fd", pid);
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return tl::unexpected(system_error(errno, path));
  return Descriptors(directory);
}

Descriptors::~Descriptors() {
  if (directory_ >= 0) ::close(directory_);
}

Link Descriptors::read(std::uint32_t descriptor, std::uint32_t& inode) const {
  char name[16] = {};
  std::to_chars(name, name + sizeof name - 1, descriptor);
  // Longer links are cut, and are none of a socket.
  char link[40];
  const ssize_t size = readlinkat(directory_, name, link, sizeof link);
  if (size < 0) return Link::absent;
  inode = socket_inode(link, static_cast<std::size_t>(size));
  return inode == 0 ? Link::other : Link::socket;
}

std::uint64_t Descriptors::count() const {
  struct stat status {};
  if (fstat(directory_, &status) != 0 || status.st_size < 0) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

void Descriptors::rewind() const { lseek(directory_, 0, SEEK_SET); }

bool Descriptors::list(std::vector<std::uint32_t>& numbers) const {
  numbers.clear();
  alignas(dirent64) char buffer[4096];
  const ssize_t size = getdents64(directory_, buffer, sizeof buffer);
  if (size <= 0) return false;
  const char* const end = buffer + size;
  for (const char* at = buffer; at < end;) {
    std::uint16_t length = 0;
    std::memcpy(&length, at + offsetof(dirent64, d_reclen), sizeof length);
    const std::string_view name(at + offsetof(dirent64, d_name));
    std::uint32_t number = 0;
    const auto result = std::from_chars(name.data(), name.data() + name.size(), number);
    if (result.ec == std::errc() && result.ptr == name.data() + name.size())
      numbers.push_back(number);
    at += length;
  }
  return true;
}

std::uint32_t socket_inode(const char* link, std::size_t size) {
  constexpr std::string_view kBefore = "socket:[";
  const std::string_view text(link, size);
  if (!text.starts_with(kBefore) || !text.ends_with("]")) return 0;
  const char* const last = link + size - 1;
  std::uint32_t inode = 0;
  const auto result = std::from_chars(link + kBefore.size(), last, inode);
  return result.ec == std::errc() && result.ptr == last ? inode : 0;
}

}  // namespace netrec
