#include "recorder/namespaces.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "recorder/procfs.h"

namespace netrec {

namespace {

std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

// Blank, tab, newline and backslash are written as \040 and so on.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 3, value, 8).ptr == &text[i + 1] + 3) {
      plain += static_cast<char>(value);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// "/run/netns/blue" is called blue, as `ip netns` calls it.
std::string mount_name(const std::string& mount_point) {
  for (const std::string_view folder : {"/run/netns/", "/var/run/netns/"})
    if (mount_point.starts_with(folder)) return mount_point.substr(folder.size());
  return mount_point;
}

// One line of mountinfo: id parent device root mount-point options… - type source options.
void add_mount(std::string_view line, FoundNamespaces& found) {
  const std::size_t separator = line.find(" - ");
  if (separator == std::string_view::npos || !line.substr(separator + 3).starts_with("nsfs "))
    return;
  for (int skipped = 0; skipped < 3; ++skipped) next_word(line);
  const std::uint32_t inode = namespace_inode(next_word(line));
  if (inode == 0) return;
  const std::string path = unescape(next_word(line));
  found.places.try_emplace(inode, NamespacePlace{.path = path, .name = mount_name(path)});
}

// Inode of the namespace behind the link at `path`; 0 and errno if it cannot be read.
std::uint32_t inode_at(const char* path) {
  char link[64];
  const ssize_t size = readlink(path, link, sizeof link);
  return size < 0 ? 0 : namespace_inode({link, static_cast<std::size_t>(size)});
}

std::string process_name(std::string_view pid) {
  auto comm = read_file(fmt::format("/proc/{}/comm", pid).c_str(), 64);
  if (!comm) return fmt::format("pid {}", pid);
  while (!comm->empty() && comm->back() == '\n') comm->pop_back();
  return fmt::format("pid {} {}", pid, *comm);
}

void add_process(const char* pid, FoundNamespaces& found) {
  char path[64];
  *fmt::format_to_n(path, sizeof path - 1, "/proc/{}/ns/net", pid).out = '\0';
  const std::uint32_t inode = inode_at(path);
  if (inode == 0) {
    // A kernel without it would say ENOENT for all; a process that has just ended says ESRCH.
    if (errno == EACCES || errno == EPERM) ++found.unreadable_processes;
    return;
  }
  if (found.places.contains(inode)) return;
  found.places.emplace(inode, NamespacePlace{.path = path, .name = process_name(pid)});
}

}  // namespace

std::uint32_t namespace_inode(std::string_view link) {
  constexpr std::string_view kBefore = "net:[";
  if (!link.starts_with(kBefore) || !link.ends_with("]")) return 0;
  const char* const first = link.data() + kBefore.size();
  const char* const last = link.data() + link.size() - 1;
  std::uint32_t inode = 0;
  const auto result = std::from_chars(first, last, inode);
  return result.ec == std::errc() && result.ptr == last ? inode : 0;
}

void add_mounted_namespaces(std::string_view mountinfo, FoundNamespaces& found) {
  while (!mountinfo.empty()) {
    const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
    add_mount(line, found);
  }
}

Result<FoundNamespaces> look_for_namespaces() {
  FoundNamespaces found;
  found.own = inode_at("/proc/thread-self/ns/net");
  if (found.own == 0) return tl::unexpected(system_error(errno, "read /proc/thread-self/ns/net"));
  found.places.emplace(found.own, NamespacePlace{.path = "/proc/thread-self/ns/net", .name = ""});
  // Mounts first: their names are the ones people gave.
  constexpr std::size_t kLongestMountinfo = 16 << 20;
  if (const auto mountinfo = read_file("/proc/self/mountinfo", kLongestMountinfo))
    add_mounted_namespaces(*mountinfo, found);
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return tl::unexpected(system_error(errno, "read /proc"));
  while (const dirent* entry = readdir(proc.get()))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') add_process(entry->d_name, found);
  return found;
}

}  // namespace netrec
