// What the virtual tables of one database connection share: the timeline they read (or the several
// of a set, each with a context of its own below this one), how a time is written, what was found
// damaged, and whether somebody wants the query to stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"
#include "store/row_answers.h"
#include "store/sql_cell.h"
#include "store/text_arena.h"
#include "store/timeline.h"
#include "store/timeline_set.h"

namespace netrec {

/// What a time is read against. `timeline`: the one its frames are of; nullptr where there are
/// several.
struct TimeBounds {
  WallTime first{};
  WallTime last{};
  const Timeline* timeline = nullptr;
};

class TableContext {
 public:
  /// Reads a time as the user writes it ("-2h", "2024-05-01 12:00").
  using TimeReader = std::function<Result<WallTime>(std::string_view, const TimeBounds&)>;

  TableContext(std::string path, TimeReader read_time);
  TableContext(TimelineSet set, TimeReader read_time);
  TableContext(const TableContext&) = delete;
  TableContext& operator=(const TableContext&) = delete;

  /// A timeline of one's own for as long as it is held: scans run on threads of theirs. Given back
  /// timelines are used again, refreshed. Must not outlive the context. REQUIRES: no set.
  using Lease = std::unique_ptr<Timeline, std::function<void(Timeline*)>>;
  Result<Lease> lease();

  /// The timelines asked as one, or nullptr.
  const TimelineSet* set() const { return set_ ? &*set_ : nullptr; }
  /// The context of one file of the set. REQUIRES: there is a set.
  TableContext& file(std::size_t index);
  /// Whose timeline it is. REQUIRES: no set.
  const TimelineFile& about();

  /// Texts for SQLite to point at, for one scan at a time; whatever it kept stays until the context
  /// ends.
  std::shared_ptr<TextArena> lease_arena();
  void give_back(std::shared_ptr<TextArena> arena);

  /// What was asked before. SQLite's thread only.
  RowAnswers& answers() { return answers_; }

  /// A time given as microseconds since 1970 or as text.
  Result<WallTime> time(const SqlCell& value);

  void add_damage(std::span<const Damage> damage);
  const std::vector<Damage>& damage() const { return damage_; }
  void clear_damage() { damage_.clear(); }

  /// Who cannot ask for the damage (a program that only loads the tables) is told by an error, at
  /// the end of the rows or at the first one that is in doubt.
  void make_damage_an_error(bool error) { damage_is_error_ = error; }
  bool is_damage_an_error() const { return damage_is_error_; }

  /// True while one of our tables is connected: SQLite asks the authorizer about its declaration.
  bool is_declaring() const { return declaring_; }
  void set_declaring(bool declaring) { declaring_ = declaring; }

  /// True once somebody wants the running query to stop; long loops look at it. Any thread.
  bool interrupted() const { return interrupted_ && interrupted_(); }
  void set_interrupted(std::function<bool()> interrupted) { interrupted_ = std::move(interrupted); }

 private:
  std::string path_;
  TimeReader read_time_;
  std::vector<std::unique_ptr<Timeline>> idle_;
  std::optional<TimelineFile> about_;
  std::vector<std::shared_ptr<TextArena>> idle_arenas_;
  std::size_t arenas_ = 0;
  RowAnswers answers_;
  std::vector<Damage> damage_;
  bool damage_is_error_ = false;
  bool declaring_ = false;
  std::function<bool()> interrupted_;
  std::optional<TimelineSet> set_;
  std::vector<std::unique_ptr<TableContext>> files_;
  TableContext* whole_ = nullptr;  ///< the context of the set this is a file of
};

}  // namespace netrec
