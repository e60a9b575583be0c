#include "recorder/cgroup_paths.h"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_map>

namespace netrec {

namespace {

using Paths = std::unordered_map<std::uint64_t, std::string>;
using SteadyTime = std::chrono::steady_clock::time_point;

// A cgroup that is gone before it is asked for must not cost a walk for each of its processes.
constexpr std::chrono::milliseconds kBetweenWalks{250};
constexpr std::size_t kMostCgroups = 65536;

// Where the v2 hierarchy is mounted, from /proc/self/mountinfo; "" if it is not.
std::string find_mount() {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    const std::size_t separator = line.find(" - ");
    if (separator == std::string::npos || line.compare(separator + 3, 8, "cgroup2 ") != 0) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    return word;
  }
  return "";
}

void note(const std::string& root, const std::string& path, Paths& paths) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  paths[status.st_ino] = path.size() == root.size() ? "/" : path.substr(root.size());
}

Paths walk(const std::string& root) {
  Paths paths;
  if (root.empty()) return paths;
  note(root, root, paths);
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator() && paths.size() < kMostCgroups;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) note(root, entry->path().string(), paths);
  }
  return paths;
}

}  // namespace

const std::string& cgroup_mount() {
  static const std::string kRoot = find_mount();
  return kRoot;
}

const std::string& cgroup_path(std::uint64_t id) {
  static const std::string kUnknown;
  static Paths paths;
  static SteadyTime last_walk{};
  if (const auto found = paths.find(id); found != paths.end()) return found->second;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (last_walk != SteadyTime{} && now - last_walk < kBetweenWalks) return kUnknown;
  last_walk = now;
  paths = walk(cgroup_mount());
  const auto found = paths.find(id);
  return found == paths.end() ? kUnknown : found->second;
}

}  // namespace netrec
