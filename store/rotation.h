// One question going over a set of timelines, file after file: which are read at all, and what a
// scan of one file must know of its neighbours, so that what lived on while the recorder changed
// files is told once, whole.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/earlier_states.h"
#include "store/timeline_set.h"

namespace netrec {

/// The neighbours of the file being scanned. history.cc reads and writes it; wanted.neighbours
/// leads there. One thread at a time.
struct Neighbours {
  std::vector<std::string> before;     ///< earlier files of the boot, newest first
  std::vector<WallTime> before_until;  ///< the last instant of each
  std::string after;                   ///< the file that goes on on the same boot; "" none

  /// What the file before left. Not known (it was not scanned): read from `before` where needed.
  std::optional<EarlierStates> earlier;
  bool left_something = false;  ///< out: something is left for `after` to tell
  bool only_collects = false;   ///< nothing is told: only what goes on is noted in `earlier`
};

class FileWalk {
 public:
  /// Over the files that can hold something of [from, to]. `set` must outlive the walk.
  FileWalk(const TimelineSet& set, WallTime from, WallTime to);

  /// The next file to scan, with neighbours() set for it; nothing after the last.
  std::optional<std::size_t> next();
  /// To be passed on as Wanted::neighbours; of the file next() returned.
  Neighbours& neighbours() { return *neighbours_; }

 private:
  bool may_hold(std::size_t file) const;
  void enter(std::size_t file);

  const TimelineSet& set_;
  WallTime from_;
  WallTime to_;
  std::size_t next_ = 0;
  std::unique_ptr<Neighbours> neighbours_;
  std::optional<std::size_t> current_;
  /// What scanned files left for those after them.
  std::map<std::size_t, Neighbours> left_;
};

}  // namespace netrec
