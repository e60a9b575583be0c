// Several timelines asked as one: the rotated files of a host, the files of several hosts. Says
// which files there are, whose and from when to when, in the order they are told; opens none of
// them for longer than it takes to look.
//
// Refused: attaching the files to one SQLite connection (it takes ten at most), holding them all
// open (hundreds of them have hundreds of page caches).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "schema/result.h"
#include "store/timeline.h"

namespace netrec {

struct TimelineFile {
  std::string path;
  /// Its name, as it named itself last, with the machine's id where two have one name; "": not
  /// recorded.
  std::string host;
  std::string machine;  ///< machine id, or the name where there is none: files of one host
  std::string first_boot;
  std::string last_boot;
  WallTime first{};  ///< of all its frames, whatever its clock did
  WallTime last{};
  std::uint64_t interval_us = 0;  ///< of its last session
};

struct UnreadableFile {
  std::string path;
  Error error;
};

class TimelineSet {
 public:
  /// Each path is a file, or a directory that stands for the timelines in it (not in those below).
  /// One file that cannot be read is an error, one among several is told by unreadable(). Errors:
  /// not_found also where a directory holds no timeline; else as Timeline::open().
  static Result<TimelineSet> open(const std::vector<std::string>& paths);

  /// False: it is one file, which needs no set.
  static bool are_several(const std::vector<std::string>& paths);

  /// Those that can be read, oldest first.
  const std::vector<TimelineFile>& files() const { return files_; }
  const std::vector<UnreadableFile>& unreadable() const { return unreadable_; }
  /// False: it is one timeline, and nothing else was named.
  bool is_several() const { return files_.size() + unreadable_.size() > 1; }
  std::size_t hosts() const;
  WallTime first() const;
  WallTime last() const;

  /// The file that the same host's recorder, on the same boot, began after this one.
  std::optional<std::size_t> after(std::size_t file) const { return after_[file]; }
  std::optional<std::size_t> before(std::size_t file) const { return before_[file]; }

 private:
  void add(const std::string& path);
  void find_neighbours();
  void tell_hosts_apart();

  std::vector<TimelineFile> files_;
  std::vector<UnreadableFile> unreadable_;
  std::vector<std::optional<std::size_t>> after_;
  std::vector<std::optional<std::size_t>> before_;
};

/// What a timeline says of itself. Errors: not_found if it holds no frame yet; as Timeline::open().
Result<TimelineFile> describe(const Timeline& timeline);

}  // namespace netrec
