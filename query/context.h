// What a running command is given: the options, the timeline (opened when first asked for), the
// output, and the one way to say that an answer touches a gap.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "query/global_options.h"
#include "query/output.h"
#include "query/progress.h"
#include "query/time_spec.h"
#include "store/timeline.h"
#include "store/timeline_set.h"

namespace netrec {

/// From when to when something is asked; both ends belong to it.
struct TimeRange {
  WallTime from{};
  WallTime to{};
};

/// Microseconds from one time to another, however far apart a file says that they are.
inline double us_between(WallTime from, WallTime to) {
  return static_cast<double>(to.time_since_epoch().count()) -
         static_cast<double>(from.time_since_epoch().count());
}

class Context {
 public:
  /// `command`: the subcommand's name.
  Context(const GlobalOptions& options, std::string_view command);
  ~Context();

  const GlobalOptions& options() const { return options_; }
  Output& out();
  EndpointNames& endpoint_names() { return endpoint_names_; }
  /// True if stdout is a terminal; its width in columns (80 if it does not say).
  bool on_terminal() const { return terminal_.out_is_terminal; }
  std::size_t terminal_width() const { return terminal_.width; }
  bool color() const { return terminal_.color; }
  /// How instants look in tables, after range() has said how long it is.
  TimeStyle times() const { return times_; }

  /// The path asked for, or the default one. REQUIRES: files() is nullptr.
  std::string path() const;
  /// The timelines, if several are asked as one; nullptr: one is. Those that cannot be read are
  /// noted. Looked at when first called.
  Result<const TimelineSet*> files();
  /// The one timeline, opened at the first call. Also not_found if it holds no frame yet, and
  /// invalid_argument if there are several.
  Result<Timeline*> timeline();
  /// The one that says how the host was at the time: of several files of one host, the last begun
  /// before it. Errors: invalid_argument if they are of several hosts.
  Result<Timeline*> timeline_at(std::string_view text);
  /// Says of which of files() what follows is: its notices say so too.
  void go_to_file(std::size_t file) { file_ = file; }
  /// The host of that file; "" if one timeline is asked.
  std::string host() const;

  /// What `text` means in this timeline. Says so on stderr if the clock showed the time twice.
  /// Errors: invalid_argument (pointing at the character), not_found (no such frame).
  Result<WallTime> moment(std::string_view text);
  /// Puts `cursor` there: by sequence for "#frame", else at the last frame at or before it, and
  /// notes what keeps the state from being that of the moment (the gap it lies in, or that the
  /// timeline ended before). Returns the moment asked for.
  Result<WallTime> seek(FrameCursor& cursor, std::string_view text);
  /// --since to --until (or --at twice), by default the whole timeline. Times of tables lose their
  /// date if it lies on one day. Errors: invalid_argument also if it ends before it begins.
  Result<TimeRange> range();
  bool range_given() const;
  /// Says that tables are about `range`: times lose their date if it lies on one day. range() has
  /// said it already. REQUIRES: out() was not used yet.
  void show_times_of(const TimeRange& range);

  /// Notes every gap and damaged part that touches the range: once per command, before finish().
  Status note_gaps(const TimeRange& range);
  /// Of that, only the frames that are not in the file.
  Status note_missing(const TimeRange& range);
  void note_damage(std::span<const Damage> damage);
  void note(const Notice& said);
  bool incomplete() const { return incomplete_; }
  /// Hands the notices to the output and ends it. For main().
  Status finish();

  /// For long work; see progress.h.
  Progress progress(std::string_view title) const;

 private:
  struct Terminal {
    bool out_is_terminal = false;
    std::size_t width = 80;
    bool color = false;
  };
  static Terminal look_at_terminal(const GlobalOptions& options);

  GlobalOptions options_;
  std::string command_;
  Terminal terminal_;
  EndpointNames endpoint_names_;
  TimeStyle times_ = TimeStyle::full;
  std::optional<Timeline> timeline_;
  std::optional<TimelineSet> set_;
  std::optional<std::size_t> file_;
  std::unique_ptr<Output> out_;
  std::vector<Notice> notices_;
  bool incomplete_ = false;

  TimeSpan span() const;
  std::vector<std::string> paths() const;
  Result<Timeline*> open_one(const std::string& file);
  Status note_gaps_of(const Timeline& timeline, const TimeRange& range);
  Status note_missing_in(const Timeline& timeline, const TimeRange& range);
  void note_uncovered(const TimeRange& range);
  Result<Moment> resolved(std::string_view text);
};

}  // namespace netrec
