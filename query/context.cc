#include "query/context.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

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

std::vector<std::string> Context::paths() const {
  return options_.files.empty() ? std::vector{default_timeline_path()} : options_.files;
}

std::string Context::path() const { return paths().front(); }

Result<const TimelineSet*> Context::files() {
  if (set_) return &*set_;
  if (timeline_ || !TimelineSet::are_several(paths())) return nullptr;
  NETREC_TRY(set, TimelineSet::open(paths()));
  set_ = std::move(set);
  for (const UnreadableFile& file : set_->unreadable())
    note({"unreadable", to_us(set_->first()), to_us(set_->last()),
          fmt::format("not read: {}", escape(file.error.message))});
  return &*set_;
}

Result<Timeline*> Context::open_one(const std::string& file) {
  auto opened = Timeline::open(file);
  if (!opened) {
    const bool guessed = options_.files.empty() && opened.error().kind == ErrorKind::not_found;
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
  }
  if (opened->summary().first_sequence == 0)
    return failure(ErrorKind::not_found, "{}: nothing is recorded in it yet", escape(file));
  timeline_.emplace(std::move(*opened));
  return &*timeline_;
}

Result<Timeline*> Context::timeline() {
  if (timeline_) return &*timeline_;
  NETREC_TRY(set, files());
  if (set == nullptr) return open_one(path());
  if (set->files().size() == 1) return open_one(set->files().front().path);
  return failure(ErrorKind::invalid_argument,
                 "netrec {} looks at one timeline, and -f names {} ({}): name the one it shall "
                 "look at",
                 command_, set->files().size(), counted(set->hosts(), "host", "hosts"));
}

Result<Timeline*> Context::timeline_at(std::string_view text) {
  NETREC_TRY(set, files());
  if (set == nullptr || set->files().size() == 1) return timeline();
  if (set->hosts() > 1)
    return failure(ErrorKind::invalid_argument,
                   "netrec {} shows one host, and -f names files of {}: name those of one",
                   command_, set->hosts());
  NETREC_TRY(at, moment(text));
  const TimelineFile* chosen = &set->files().front();
  for (const TimelineFile& file : set->files())
    if (file.first <= at) chosen = &file;
  if (timeline_ && timeline_->summary().path != chosen->path)
    return failure(ErrorKind::invalid_argument,
                   "{} lies in {}, and what netrec {} compares it with in {}: it takes both from "
                   "one file",
                   escape(text), escape(chosen->path), command_, escape(timeline_->summary().path));
  return timeline_ ? Result<Timeline*>(&*timeline_) : open_one(chosen->path);
}

std::string Context::host() const {
  return set_ && file_ ? set_->files()[*file_].host : std::string();
}

TimeSpan Context::span() const {
  if (set_) return {set_->first(), set_->last(), wall_now()};
  const TimelineSummary& summary = timeline_->summary();
  return {summary.first_wall, summary.last_wall, wall_now()};
}

Result<Moment> Context::resolved(std::string_view text) {
  NETREC_TRY(spec, parse_time(text));
  NETREC_TRY(set, files());
  if (set == nullptr) NETREC_CHECKED(timeline());
  NETREC_TRY(moment, resolve(spec, span()));
  if (moment.sequence && set != nullptr)
    return failure(ErrorKind::invalid_argument,
                   "{}: frames are counted in one timeline, and -f names several", escape(text));
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
  NETREC_CHECKED(cursor.seek_sequence(*moment.sequence, Landing::state));
  return cursor.frame().wall + moment.shift;
}

Result<WallTime> Context::seek(FrameCursor& cursor, std::string_view text) {
  NETREC_TRY(moment, resolved(text));
  if (moment.sequence) {
    NETREC_CHECKED(cursor.seek_sequence(*moment.sequence, Landing::state));
    if (moment.shift == std::chrono::microseconds{0}) return cursor.frame().wall;
    moment.wall = cursor.frame().wall + moment.shift;
  }
  const TimelineSummary& summary = timeline_->summary();
  if (moment.wall < summary.first_wall)
    return failure(ErrorKind::not_found, "{} is before the recording begins, at {}",
                   human_time(moment.wall, TimeStyle::full),
                   human_time(summary.first_wall, TimeStyle::full));
  NETREC_CHECKED(cursor.seek(moment.wall, Landing::state));
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
  NETREC_TRY(set, files());
  if (set == nullptr) NETREC_CHECKED(timeline());
  TimeRange range{span().start, span().end};
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
  NETREC_TRY(set, files());
  if (set == nullptr || timeline_) {
    NETREC_TRY(opened, timeline());
    return note_gaps_of(*opened, range);
  }
  for (std::size_t i = 0; i < set->files().size(); ++i) {
    const TimelineFile& file = set->files()[i];
    if (file.last < range.from || file.first > range.to) continue;
    // One that cannot be opened any more is told where it is read.
    const auto opened = Timeline::open(file.path);
    go_to_file(i);
    if (opened) NETREC_CHECKED(note_gaps_of(*opened, range));
  }
  file_.reset();
  note_uncovered(range);
  return {};
}

Status Context::note_gaps_of(const Timeline& timeline, const TimeRange& range) {
  NETREC_TRY(gaps, timeline.gaps());
  for (const RecordedGap& gap : gaps) {
    const bool touches =
        gap.from_us <= to_us(range.to) && gap_end(gap, timeline) >= to_us(range.from);
    if (touches && hides_time(gap.cause)) note(gap_notice(gap, timeline));
  }
  return note_missing_in(timeline, range);
}

// Between two files of a host there may be one that nobody named.
void Context::note_uncovered(const TimeRange& range) {
  constexpr std::uint64_t kPatienceUs = 2'000'000;
  const auto& files = set_->files();
  std::map<std::string, const TimelineFile*> before;
  for (const TimelineFile& file : files) {
    const TimelineFile*& last = before[file.machine];
    const bool known = last != nullptr && !file.machine.empty();
    if (known && file.first > last->last && last->last <= range.to && file.first >= range.from) {
      const auto missing = static_cast<std::uint64_t>((file.first - last->last).count());
      if (missing > kPatienceUs && missing / 2 > last->interval_us)
        note({"no_file", to_us(last->last), to_us(file.first),
              fmt::format("{}: no file covers {} to {}", escape(file.host),
                          human_time(last->last, TimeStyle::full),
                          human_time(file.first, TimeStyle::full))});
    }
    if (last == nullptr || file.last > last->last) last = &file;
  }
}

Status Context::note_missing(const TimeRange& range) {
  NETREC_TRY(opened, timeline());
  return note_missing_in(*opened, range);
}

Status Context::note_missing_in(const Timeline& timeline, const TimeRange& range) {
  NETREC_TRY(holes, missing_frames(timeline));
  for (const Damage& hole : holes)
    if (hole.from <= range.to && range.from < hole.to) note(damage_notice(hole));
  return {};
}

void Context::note_damage(std::span<const Damage> damage) {
  for (const Damage& one : damage) note(damage_notice(one));
}

void Context::note(const Notice& said) {
  incomplete_ = true;
  Notice notice = said;
  if (set_ && file_) {
    const TimelineFile& file = set_->files()[*file_];
    notice.text =
        fmt::format("{}: {}", escape(set_->hosts() > 1 ? file.host : file.path), notice.text);
  }
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
