#include "query/replay_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "query/escape.h"
#include "query/gap_notices.h"
#include "query/names.h"

namespace netrec {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kFrameTime{50};
constexpr milliseconds kIdleWait{500};
constexpr double kSpeeds[] = {0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600};

std::string host_name(const Snapshot& snapshot) {
  const Session* current = nullptr;
  for (const Session& session : snapshot.of<Session>())
    if (current == nullptr || session.id > current->id) current = &session;
  return current == nullptr ? "" : std::string(snapshot.text(current->host));
}

char character_of(Key key) {
  const int code = static_cast<int>(key);
  return code >= 32 && code < 127 ? static_cast<char>(code) : '\0';
}

/// The first line of an error that may have several.
std::string first_line(const Error& error) {
  return error.message.substr(0, error.message.find('\n'));
}

class ReplayScreen {
 public:
  ReplayScreen(Context& context, Replay& replay, Screen& screen, const ReplayScene& scene,
               const Activity& activity, const ReplayOptions& options)
      : context_(context),
        replay_(replay),
        screen_(screen),
        scene_(scene),
        drawing_(context, screen, replay, scene, activity),
        activity_(activity) {
    pose_.speed = options.speed;
    pose_.following = options.follow;
    pose_.filter = options.filter;
  }

  Status run();

 private:
  Status handle(Key key);
  Status handle_character(char character);
  Status play();
  Status moved(const Result<bool>& result, std::string_view if_not);
  Status look_for_change(bool onward);
  Status go_to_prompt();
  Status filter_prompt();
  std::optional<std::string> ask(std::string_view question, std::string typed,
                                 const std::function<Status(const std::string&)>& check);
  void start_clock();
  void change_speed(int by);
  void change_order(int by);
  void choose(std::ptrdiff_t by);
  void keep_in_view();
  void show_details();
  void say(std::string message, bool is_error = false);

  Context& context_;
  Replay& replay_;
  Screen& screen_;
  const ReplayScene& scene_;
  ReplayDrawing drawing_;
  const Activity& activity_;
  ReplayPose pose_;
  SteadyClock::time_point clock_started_;
  WallTime clock_from_{};
  bool quit_ = false;
};

Status ReplayScreen::run() {
  bool activity_drawn = false;
  bool dirty = true;
  while (!quit_ && !Screen::asked_to_end()) {
    keep_in_view();
    if (dirty || !activity_drawn) drawing_.draw(pose_);
    activity_drawn = activity_.finished();
    const bool busy = pose_.playing || !activity_drawn;
    const Key key = screen_.read(busy ? kFrameTime : kIdleWait);
    const std::uint64_t before = replay_.frame().sequence;
    if (key != Key::none) {
      pose_.message.clear();
      NETREC_CHECKED(handle(key));
    }
    if (pose_.playing) NETREC_CHECKED(play());
    if (pose_.following) {
      NETREC_TRY(went_on, replay_.follow());
      static_cast<void>(went_on);
    }
    dirty = key != Key::none || replay_.frame().sequence != before;
  }
  return {};
}

void ReplayScreen::say(std::string message, bool is_error) {
  pose_.message = std::move(message);
  pose_.message_is_error = is_error;
}

Status ReplayScreen::moved(const Result<bool>& result, std::string_view if_not) {
  if (!result) return tl::unexpected<Error>(result.error());
  if (!*result) say(std::string(if_not));
  start_clock();
  return {};
}

void ReplayScreen::start_clock() {
  clock_started_ = SteadyClock::now();
  clock_from_ = replay_.frame().wall;
}

// The recording's clock runs `speed` times as fast as ours; gaps are jumped over.
Status ReplayScreen::play() {
  const auto passed =
      std::chrono::duration<double, std::micro>(SteadyClock::now() - clock_started_);
  const WallTime now =
      clock_from_ + microseconds(static_cast<std::int64_t>(passed.count() * pose_.speed));
  NETREC_TRY(went_on, replay_.play_to(now));
  if (replay_.at_end()) {
    pose_.playing = false;
    say(pose_.following ? "" : "the end of the recording");
    return {};
  }
  if (went_on) return {};
  for (const HiddenTime& gap : scene_.hidden) {
    if (gap.from > now || gap.to <= now) continue;
    say(fmt::format("a gap of {}: {}", human_duration(to_us(gap.to) - to_us(gap.from)),
                    explain(gap.cause)));
    clock_started_ = SteadyClock::now();
    clock_from_ = gap.to;
  }
  return {};
}

Status ReplayScreen::look_for_change(bool onward) {
  pose_.playing = false;
  // A key ends a long search where it is.
  std::uint32_t frames = 0;
  const auto keep_on = [&] {
    if (++frames % 256 != 0) return true;
    say("looking for a change … (any key stops)");
    drawing_.draw(pose_);
    return screen_.read(milliseconds(0)) == Key::none && !Screen::asked_to_end();
  };
  const auto found = onward ? replay_.next_change(keep_on) : replay_.previous_change(keep_on);
  pose_.message.clear();
  return moved(found, onward ? "the end of the recording" : "the beginning of the recording");
}

Status ReplayScreen::handle(Key key) {
  switch (key) {
    case Key::left:
      pose_.playing = false;
      return moved(replay_.back(), "the beginning of the recording");
    case Key::right:
      pose_.playing = false;
      return moved(replay_.forward(), "the end of the recording");
    case Key::up:
      choose(-1);
      return {};
    case Key::down:
      choose(1);
      return {};
    case Key::page_up:
      choose(-static_cast<std::ptrdiff_t>(drawing_.table_rows()));
      return {};
    case Key::page_down:
      choose(static_cast<std::ptrdiff_t>(drawing_.table_rows()));
      return {};
    case Key::home:
      NETREC_CHECKED(replay_.go_to(scene_.range.from));
      return moved(true, "");
    case Key::end:
      NETREC_CHECKED(replay_.go_to(context_.timeline().value()->summary().last_wall));
      return moved(true, "");
    case Key::enter:
      show_details();
      return {};
    case Key::escape:
    case Key::resized:
      return {};
    default:
      return handle_character(character_of(key));
  }
}

Status ReplayScreen::handle_character(char character) {
  ReplayKinds kinds = replay_.kinds();
  switch (character) {
    case 'q':
      quit_ = true;
      return {};
    case ' ':
      pose_.playing = !pose_.playing && !replay_.at_end();
      start_clock();
      return {};
    case ']':
    case '.':
      return look_for_change(true);
    case '[':
    case ',':
      return look_for_change(false);
    case '}':
    case '{': {
      const auto minute = std::chrono::minutes(character == '}' ? 1 : -1);
      NETREC_CHECKED(replay_.go_to(replay_.frame().wall + minute));
      return moved(true, "");
    }
    case 'g':
      return go_to_prompt();
    case '/':
      return filter_prompt();
    case '+':
    case '=':
      change_speed(1);
      return {};
    case '-':
      change_speed(-1);
      return {};
    case 's':
      change_order(1);
      return {};
    case 'S':
      change_order(-1);
      return {};
    case 't':
      kinds.tcp = !kinds.tcp;
      break;
    case 'u':
      kinds.udp = !kinds.udp;
      break;
    case 'x':
      kinds.local = !kinds.local;
      break;
    case 'e':
      pose_.extended = !pose_.extended;
      return {};
    case '?':
    case 'h':
      drawing_.draw_help();
      screen_.read(std::chrono::hours(1));
      return {};
    default:
      say("? explains the keys");
      return {};
  }
  replay_.set_kinds(kinds);
  return {};
}

void ReplayScreen::change_speed(int by) {
  const auto* end = std::end(kSpeeds);
  const auto* at = std::lower_bound(std::begin(kSpeeds), end, pose_.speed * 0.999);
  const std::ptrdiff_t last = end - std::begin(kSpeeds) - 1;
  const std::ptrdiff_t place = std::clamp<std::ptrdiff_t>(at - std::begin(kSpeeds) + by, 0, last);
  pose_.speed = kSpeeds[place];
  start_clock();
}

void ReplayScreen::change_order(int by) {
  constexpr int kOrders = static_cast<int>(ReplayOrder::program) + 1;
  const int order = (static_cast<int>(replay_.order()) + by + kOrders) % kOrders;
  replay_.set_order(static_cast<ReplayOrder>(order));
  say(fmt::format("sorted by {}", name(replay_.order())));
}

void ReplayScreen::choose(std::ptrdiff_t by) {
  const auto last = static_cast<std::ptrdiff_t>(replay_.rows().size()) - 1;
  const auto place = static_cast<std::ptrdiff_t>(pose_.selected) + by;
  pose_.selected = static_cast<std::size_t>(
      std::clamp<std::ptrdiff_t>(place, 0, std::max<std::ptrdiff_t>(0, last)));
}

void ReplayScreen::keep_in_view() {
  choose(0);
  const std::size_t room = drawing_.table_rows();
  if (pose_.selected < pose_.top) pose_.top = pose_.selected;
  if (pose_.selected >= pose_.top + room) pose_.top = pose_.selected - room + 1;
  const std::size_t count = replay_.rows().size();
  if (pose_.top + room > count) pose_.top = count > room ? count - room : 0;
}

void ReplayScreen::show_details() {
  if (pose_.selected >= replay_.rows().size()) return;
  drawing_.draw_details(replay_.rows()[pose_.selected]);
  screen_.read(std::chrono::hours(1));
  start_clock();
}

// A small line editor: what is typed is checked at Enter; Escape gives up.
std::optional<std::string> ReplayScreen::ask(
    std::string_view question, std::string typed,
    const std::function<Status(const std::string&)>& check) {
  std::string complaint;
  while (!Screen::asked_to_end()) {
    drawing_.draw(pose_);
    drawing_.draw_prompt(question, typed, complaint);
    const Key key = screen_.read(std::chrono::hours(1));
    if (key == Key::escape) return std::nullopt;
    if (key == Key::enter) {
      const Status fine = check(typed);
      if (fine) return typed;
      complaint = first_line(fine.error());
    } else if (key == Key::backspace) {
      if (!typed.empty()) typed.pop_back();
    } else if (static_cast<int>(key) == 'u' - 'a' + 1) {  // Ctrl-U
      typed.clear();
    } else if (const char character = character_of(key); character != '\0') {
      typed += character;
    }
  }
  return std::nullopt;
}

Status ReplayScreen::go_to_prompt() {
  pose_.playing = false;
  WallTime goal{};
  std::optional<std::uint64_t> frame;
  const auto check = [&](const std::string& typed) -> Status {
    NETREC_TRY(spec, parse_time(typed));
    frame.reset();
    if (spec.base == TimeSpec::Base::frame && spec.shift == microseconds{0}) {
      frame = spec.frame;
      return replay_.go_to_sequence(*frame);
    }
    NETREC_TRY(moment, context_.moment(typed));
    goal = moment;
    return replay_.go_to(goal);
  };
  if (!ask("go to:", "", check)) return {};
  return moved(true, "");
}

Status ReplayScreen::filter_prompt() {
  Filter filter;
  const auto check = [&](const std::string& typed) -> Status {
    NETREC_TRY(parsed, Filter::parse(typed));
    filter = std::move(parsed);
    return {};
  };
  const auto typed = ask("filter:", pose_.filter, check);
  if (!typed) return {};
  pose_.filter = *typed;
  replay_.set_filter(std::move(filter));
  return {};
}

}  // namespace

Status run_replay_screen(Context& context, Replay& replay, const TimeRange& range,
                         const ReplayOptions& options) {
  NETREC_TRY(timeline, context.timeline());
  NETREC_TRY(hidden, hidden_times(*timeline));
  const ReplayScene scene{host_name(replay.snapshot()), range, std::move(hidden)};
  const Activity activity(context.path(), range);
  NETREC_TRY(screen, Screen::open(context.color()));
  return ReplayScreen(context, replay, screen, scene, activity, options).run();
}

}  // namespace netrec
