// Finds the network namespaces of the host: those processes live in, and those kept by a bind mount
// (`ip netns add`, container runtimes). It only looks; reading one is namespace_reader.h's work.
//
// Not found: a namespace that no process's main thread is in and that no mount of our own mount
// namespace shows (kept by an open descriptor, or by a thread that moved alone).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"

namespace netrec {

/// Where a namespace can be entered.
struct NamespacePlace {
  std::string path;  ///< to open for setns(2)
  std::string name;  ///< "blue" (ip netns), a mount's path, or "pid 812 nginx"
};

struct FoundNamespaces {
  std::map<std::uint32_t, NamespacePlace> places;  ///< by inode
  std::uint32_t own = 0;                           ///< inode of the calling thread's
  std::uint32_t unreadable_processes = 0;          ///< whose namespace may not be asked for
};

/// Errors: io (there is no /proc).
Result<FoundNamespaces> look_for_namespaces();

/// Inode of a link like "net:[4026531833]"; 0 if it is none.
std::uint32_t namespace_inode(std::string_view link);

/// Adds what the lines of /proc/PID/mountinfo (proc(5)) say of bind-mounted network namespaces.
void add_mounted_namespaces(std::string_view mountinfo, FoundNamespaces& found);

}  // namespace netrec
