#include "query/context.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "query/escape.h"
#include "query/gap_notices.h"
#include "schema/default_path.h"
#include "store/missing_frames.h"

namespace netrec {

namespace {

bool wants_color(ColorChoice choice, bool is_terminal) {
  if (choice != ColorChoice::automatic) return choice == ColorChoice::always;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';  // no-color.org
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return is_terminal && !refused && !dumb;
}

WallTime wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace

Context::Terminal Context::look_at_terminal(const GlobalOptions& options) {
  Terminal terminal;
  terminal.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.width = size.ws_col;
  terminal.color = wants_color(options.color, terminal.out_is_terminal);
  return terminal;
}

Context::Context(const GlobalOptions& options, std::string_view command)
    : options_(options),
      command_(command),
      terminal_(look_at_terminal(options)),
      endpoint_names_(options.names) {}

Context::~Context() = default;

Output& Context::out() {
  if (!out_) {
    OutputOptions output;
    output.format = options_.format;
    output.color = terminal_.color;
    output.color_err = wants_color(options_.color, isatty(STDERR_FILENO) == 1);
    output.width = terminal_.out_is_terminal ? terminal_.width : 0;
    output.times = times_;
    out_ = make_output(output, command_);
  }
  return *out_;
}

std::string Context::path() const {
  return options_.file.empty() ? default_timeline_path() : options_.file;
}

Result<Timeline*> Context::timeline() {
  if (timeline_) return &*timeline_;
  const std::string file = path();
  auto opened = Timeline::open(file);
  if (!opened) {
    const bool guessed = options_.file.empty() && opened.error().kind == ErrorKind::not_found;
    if (!guessed) return tl::unexpected(std::move(opened).error());
    return failure(ErrorKind::not_found,
                   "there is no recording at {} yet: start one with `netrec record`, or name a "
                   "file with -f",
                   escape(file));
  }
  if (opened->summary().last_sequence == 0) {
    NETREC_TRY(holes, missing_frames(*opened));
    if (!holes.empty())
      return failure(ErrorKind::corrupt,
                     "{}: no frame of it can be read; `netrec verify` says what is damaged",
                     escape(file));
    return failure(ErrorKind::not_found, "{}: nothing is recorded in it yet", escape(file));
  }
  timeline_.emplace(std::move(*opened));
  return &*timeline_;
}

TimeSpan Context::span() const {
  const TimelineSummary& summary = timeline_->summary();
  return {summary.first_wall, summary.last_wall, wall_now()};
}

Result<Moment> Context::resolved(std::string_view text) {
  NETREC_TRY(spec, parse_time(text));
  NETREC_TRY(opened, timeline());
  static_cast<void>(opened);
  NETREC_TRY(moment, resolve(spec, span()));
  if (moment.ambiguous) {
    const std::uint64_t when = to_us(moment.wall);
    notices_.push_back({"ambiguous_time", when, when,
                        fmt::format("the clock showed {} twice that day: the first time is taken "
                                    "(an offset from UTC behind it says which)",
                                    escape(text))});
  }
  return moment;
}

Result<WallTime> Context::moment(std::string_view text) {
  NETREC_TRY(moment, resolved(text));
  if (!moment.sequence) return moment.wall;
  FrameCursor cursor = timeline_->cursor();
  NETREC_CHECKED(cursor.seek_sequence(*moment.sequence));
  return cursor.frame().wall + moment.shift;
}

Result<WallTime> Context::seek(FrameCursor& cursor, std::string_view text) {
  NETREC_TRY(moment, resolved(text));
  if (moment.sequence) {
    NETREC_CHECKED(cursor.seek_sequence(*moment.sequence));
    if (moment.shift == std::chrono::microseconds{0}) return cursor.frame().wall;
    moment.wall = cursor.frame().wall + moment.shift;
  }
  const TimelineSummary& summary = timeline_->summary();
  if (moment.wall < summary.first_wall)
    return failure(ErrorKind::not_found, "{} is before the recording begins, at {}",
                   human_time(moment.wall, TimeStyle::full),
                   human_time(summary.first_wall, TimeStyle::full));
  NETREC_CHECKED(cursor.seek(moment.wall));
  NETREC_CHECKED(note_missing({moment.wall, moment.wall}));
  NETREC_TRY(gaps, timeline_->gaps());
  const std::uint64_t asked = to_us(moment.wall);
  for (const RecordedGap& gap : gaps)
    if (hides_time(gap.cause) && gap.from_us <= asked && asked < gap_end(gap, *timeline_))
      note(gap_notice(gap, *timeline_));
  if (const auto late = beyond_end(*timeline_, asked)) note(*late);
  return moment.wall;
}

bool Context::range_given() const {
  return !options_.at.empty() || !options_.since.empty() || !options_.until.empty();
}

Result<TimeRange> Context::range() {
  NETREC_TRY(opened, timeline());
  TimeRange range{opened->summary().first_wall, opened->summary().last_wall};
  if (!options_.at.empty()) {
    if (!options_.since.empty() || !options_.until.empty())
      return failure(ErrorKind::invalid_argument, "--at excludes --since and --until");
    NETREC_TRY(at, moment(options_.at));
    return TimeRange{at, at};
  }
  if (!options_.since.empty()) {
    NETREC_TRY(since, moment(options_.since));
    range.from = since;
  }
  if (!options_.until.empty()) {
    NETREC_TRY(until, moment(options_.until));
    range.to = until;
  }
  if (range.to < range.from)
    return failure(ErrorKind::invalid_argument, "the range ends ({}) before it begins ({})",
                   human_time(range.to, TimeStyle::full), human_time(range.from, TimeStyle::full));
  show_times_of(range);
  return range;
}

void Context::show_times_of(const TimeRange& range) {
  if (same_local_day(range.from, range.to)) times_ = TimeStyle::time_of_day;
}

Status Context::note_gaps(const TimeRange& range) {
  NETREC_TRY(opened, timeline());
  NETREC_TRY(gaps, opened->gaps());
  for (const RecordedGap& gap : gaps) {
    const bool touches =
        gap.from_us <= to_us(range.to) && gap_end(gap, *opened) >= to_us(range.from);
    if (touches && hides_time(gap.cause)) note(gap_notice(gap, *opened));
  }
  return note_missing(range);
}

Status Context::note_missing(const TimeRange& range) {
  NETREC_TRY(opened, timeline());
  NETREC_TRY(holes, missing_frames(*opened));
  for (const Damage& hole : holes)
    if (hole.from <= range.to && range.from < hole.to) note(damage_notice(hole));
  return {};
}

void Context::note_damage(std::span<const Damage> damage) {
  for (const Damage& one : damage) note(damage_notice(one));
}

void Context::note(const Notice& notice) {
  incomplete_ = true;
  const auto same = [&](const Notice& other) {
    return other.text == notice.text && other.from_us == notice.from_us;
  };
  if (std::none_of(notices_.begin(), notices_.end(), same)) notices_.push_back(notice);
}

Status Context::finish() {
  for (const Notice& notice : notices_) out().notice(notice);
  notices_.clear();
  return out().finish();
}

Progress Context::progress(std::string_view title) const { return Progress(title); }

}  // namespace netrec
