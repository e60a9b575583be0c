// The path of a v2 cgroup by its id. Events carry the id, because a path would cost a walk in the
// kernel for each exec; a cgroup's id is the inode of its directory, so a walk over the directories
// tells them all, and they hardly ever change.
#pragma once

#include <cstdint>
#include <string>

namespace netrec {

/// "/system.slice/nginx.service", as /proc/PID/cgroup has it; "" if it is not there (any more). Not
/// to be called by two threads at once.
const std::string& cgroup_path(std::uint64_t id);

/// Where the v2 hierarchy is mounted; "" if it is not.
const std::string& cgroup_mount();

}  // namespace netrec
