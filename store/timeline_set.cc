#include "store/timeline_set.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "store/database.h"
#include "store/missing_frames.h"

namespace netrec {

namespace {

/// Where an SQLite file has the application's id, big-endian (https://sqlite.org/fileformat.html).
constexpr std::streamoff kIdOffset = 68;

bool looks_like_timeline(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> id{};
  file.seekg(kIdOffset);
  if (!file.read(id.data(), id.size())) return false;
  std::uint32_t number = 0;
  for (const char byte : id) number = number << 8 | static_cast<unsigned char>(byte);
  return number == static_cast<std::uint32_t>(kApplicationId);
}

/// The timelines in `directory`. A file by a timeline's usual name is one, whatever is in it: if it
/// cannot be read that is told.
Result<std::vector<std::string>> timelines_in(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    const std::string name = entry->path().filename().string();
    if (name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal")) continue;
    if (name.ends_with(".netrec") || looks_like_timeline(entry->path()))
      paths.push_back(entry->path().string());
  }
  if (failed) return tl::unexpected<Error>(system_error(failed.value(), directory));
  if (paths.empty()) return failure(ErrorKind::not_found, "{}: no timeline is in it", directory);
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The first and the last instant there is; a clock may have been set back.
Status find_range(const Timeline& timeline, TimelineFile& file) {
  file.first = timeline.summary().first_wall;
  file.last = timeline.summary().last_wall;
  constexpr std::string_view kEnds[] = {"SELECT min(wall_us), max(wall_us) FROM keyframe",
                                        "SELECT min(wall_us), max(wall_us) FROM frame",
                                        "SELECT min(least_wall_us), max(most_wall_us) FROM chunk"};
  for (const std::string_view sql : kEnds) {
    NETREC_TRY(query, timeline.database().prepare(sql));
    const auto found = query.first();
    // A page of it is damaged: then the summary must do, and whoever reads on tells the damage.
    if (!found || !*found || query.is_null(0)) continue;
    file.first = std::min(file.first, WallTime(std::chrono::microseconds(query.integer(0))));
    file.last = std::max(file.last, WallTime(std::chrono::microseconds(query.integer(1))));
  }
  return {};
}

}  // namespace

Result<TimelineFile> describe(const Timeline& timeline) {
  if (timeline.summary().last_sequence == 0) {
    NETREC_TRY(holes, missing_frames(timeline));
    if (!holes.empty())
      return failure(ErrorKind::corrupt, "{}: no frame of it can be read", timeline.summary().path);
  }
  if (timeline.summary().first_sequence == 0)
    return failure(ErrorKind::not_found, "{}: nothing is recorded in it yet",
                   timeline.summary().path);
  TimelineFile file;
  file.path = timeline.summary().path;
  NETREC_CHECKED(find_range(timeline, file));
  // Without its sessions a file is still told, only not joined with another.
  const auto sessions = timeline.sessions();
  if (sessions && !sessions->empty()) {
    file.host = sessions->back().host_name;
    file.machine = sessions->back().machine.empty() ? file.host : sessions->back().machine;
    file.first_boot = sessions->front().boot;
    file.last_boot = sessions->back().boot;
    file.interval_us = sessions->back().interval_us;
  }
  return file;
}

bool TimelineSet::are_several(const std::vector<std::string>& paths) {
  std::error_code ignored;
  return paths.size() > 1 || std::filesystem::is_directory(paths.front(), ignored);
}

Result<TimelineSet> TimelineSet::open(const std::vector<std::string>& paths) {
  std::vector<std::string> named;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) {
      named.push_back(path);
      continue;
    }
    NETREC_TRY(inside, timelines_in(path));
    named.insert(named.end(), inside.begin(), inside.end());
  }
  TimelineSet set;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (const std::string& path : named) {
    struct stat status {};
    const bool twice =
        ::stat(path.c_str(), &status) == 0 && !seen.emplace(status.st_dev, status.st_ino).second;
    if (!twice) set.add(path);
  }
  if (set.files_.empty()) return tl::unexpected<Error>(set.unreadable_.front().error);
  std::stable_sort(set.files_.begin(), set.files_.end(),
                   [](const TimelineFile& a, const TimelineFile& b) {
                     return std::tie(a.first, a.last) < std::tie(b.first, b.last);
                   });
  set.find_neighbours();
  set.tell_hosts_apart();
  return set;
}

void TimelineSet::add(const std::string& path) {
  auto timeline = Timeline::open(path);
  auto file = timeline ? describe(*timeline)
                       : Result<TimelineFile>(tl::unexpected<Error>(std::move(timeline).error()));
  if (file)
    files_.push_back(*std::move(file));
  else
    unreadable_.push_back({path, std::move(file).error()});
}

void TimelineSet::find_neighbours() {
  after_.resize(files_.size());
  before_.resize(files_.size());
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const TimelineFile& file = files_[i];
    if (file.machine.empty() || file.last_boot.empty()) continue;
    for (std::size_t next = i + 1; next < files_.size(); ++next) {
      if (files_[next].machine != file.machine) continue;
      // Two recorders at once are two recordings, not one that was rotated.
      const bool goes_on =
          files_[next].first_boot == file.last_boot && files_[next].first >= file.last;
      if (goes_on) after_[i] = next, before_[next] = i;
      break;
    }
  }
}

void TimelineSet::tell_hosts_apart() {
  std::map<std::string, std::set<std::string>> machines;
  for (const TimelineFile& file : files_) machines[file.host].insert(file.machine);
  for (TimelineFile& file : files_)
    if (machines[file.host].size() > 1) file.host += "/" + file.machine.substr(0, 8);
}

std::size_t TimelineSet::hosts() const {
  std::set<std::string> machines;
  for (const TimelineFile& file : files_) machines.insert(file.machine);
  return machines.size();
}

WallTime TimelineSet::first() const { return files_.front().first; }

WallTime TimelineSet::last() const {
  WallTime last = files_.front().last;
  for (const TimelineFile& file : files_) last = std::max(last, file.last);
  return last;
}

}  // namespace netrec
