// `netrec replay`: a time machine on a terminal; in a pipe, one netstat after another.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "query/commands.h"
#include "query/replay.h"
#include "query/replay_screen.h"
#include "query/socket_columns.h"

namespace netrec {

namespace {

std::string_view word_of(Mark mark) {
  switch (mark) {
    case Mark::opened:
      return "opened";
    case Mark::closed:
      return "closed";
    case Mark::state:
      return "changed";
    case Mark::counters:
    case Mark::none:
      break;
  }
  return "";
}

Style style_of(Mark mark) {
  switch (mark) {
    case Mark::opened:
      return Style::good;
    case Mark::closed:
      return Style::bad;
    case Mark::state:
      return Style::warning;
    case Mark::counters:
    case Mark::none:
      break;
  }
  return Style::plain;
}

class ReplayCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"replay", Group::look, "Play the recording: a time machine, or netstat after netstat",
            "netrec replay | on a terminal: space plays, ? explains the keys\n"
            "netrec replay --from 12:03 --speed 10 process nginx | ten times as fast\n"
            "netrec replay --changes | cat | only what opened, closed or changed\n"
            "netrec replay --follow | what a recorder writes now\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("--from", from_, "Begin there (as --since)")->type_name("TIME");
    app.add_option("--to", to_, "In a pipe: end there (as --until)")->type_name("TIME");
    app.add_option("--speed", speed_, "So many times as fast; in a pipe without it: at once")
        ->type_name("N")
        ->check(CLI::Range(0.01, 1e6));
    app.add_flag("--follow", follow_, "At the end wait for what a recorder still writes");
    app.add_flag("--changes", changes_, "In a pipe: only sockets that opened, closed or changed");
    app.add_flag("-a,--all", all_, "UNIX and packet sockets, too");
    app.add_option("FILTER", words_, "Which sockets (see netrec help filter)");
  }

  Result<Exit> run(Context& context) override {
    NETREC_TRY(filter, Filter::parse(words_));
    NETREC_TRY(timeline, context.timeline());
    NETREC_TRY(range, range_of(context));
    Replay replay(*timeline);
    replay.set_kinds({.tcp = true, .udp = true, .local = all_});
    replay.set_filter(std::move(filter));
    const bool screen = context.on_terminal() && isatty(STDIN_FILENO) == 1 &&
                        context.options().format == Format::table && !changes_;
    NETREC_CHECKED(replay.go_to(follow_ && !begin_given(context) ? range.to : range.from));
    if (screen) return run_screen(context, replay);
    NETREC_CHECKED(context.note_gaps(range));
    return run_plain(context, replay, range);
  }

 private:
  std::vector<std::string> words_;
  std::string from_;
  std::string to_;
  double speed_ = 0;
  bool follow_ = false;
  bool changes_ = false;
  bool all_ = false;

  bool begin_given(const Context& context) const {
    return !from_.empty() || !context.options().since.empty() || !context.options().at.empty();
  }

  Result<TimeRange> range_of(Context& context) const {
    NETREC_TRY(range, context.range());
    if (!from_.empty()) {
      NETREC_TRY(from, context.moment(from_));
      range.from = from;
    }
    if (!to_.empty()) {
      NETREC_TRY(to, context.moment(to_));
      range.to = to;
    }
    if (range.to < range.from)
      return failure(ErrorKind::invalid_argument, "the range ends before it begins");
    return range;
  }

  Result<Exit> run_screen(Context& context, Replay& replay) const {
    NETREC_TRY(timeline, context.timeline());
    // The whole recording stays in reach, wherever it begins.
    const TimeRange all{timeline->summary().first_wall, timeline->summary().last_wall};
    ReplayOptions options;
    options.speed = speed_ == 0 ? 1 : speed_;
    options.follow = follow_;
    for (const std::string& word : words_)
      options.filter += (options.filter.empty() ? "" : " ") + word;
    NETREC_CHECKED(run_replay_screen(context, replay, all, options));
    return Exit::answered;
  }

  Result<Exit> run_plain(Context& context, Replay& replay, const TimeRange& range) const {
    const bool table = context.options().format == Format::table;
    const std::vector<Column> columns = all_columns(table);
    if (!table) context.out().begin({"socket", "sockets", columns});
    std::uint64_t printed = 0;
    WallTime before = replay.frame().wall;
    while (!interrupted()) {
      if (replay.frame().wall > range.to && !follow_) break;
      pace(us_between(before, replay.frame().wall));
      before = replay.frame().wall;
      printed += print_frame(context, replay, columns);
      NETREC_TRY(more, step(replay));
      if (!more) break;
    }
    if (interrupted() && !follow_) return tl::unexpected(interruption());
    if (!table) context.out().end();
    context.note_damage(replay.cursor().damage());
    return printed == 0 ? Exit::no_match : Exit::answered;
  }

  /// Waits as long as the recording did, divided by the speed.
  void pace(double passed_us) const {
    if (speed_ == 0 || passed_us <= 0) return;
    const auto wait = std::chrono::duration<double, std::micro>(passed_us / speed_);
    const auto until = std::chrono::steady_clock::now() + wait;
    constexpr std::chrono::milliseconds kLook{100};
    while (!interrupted() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(
          std::min<std::chrono::duration<double>>(kLook, until - std::chrono::steady_clock::now()));
  }

  /// False at the end, if nobody wants to wait there.
  Result<bool> step(Replay& replay) const {
    for (;;) {
      NETREC_TRY(moved, replay.forward());
      if (moved || !follow_) return moved;
      std::fflush(stdout);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (interrupted()) return false;
      NETREC_TRY(went_on, replay.follow_by_one());
      if (went_on) return true;
    }
  }

  std::vector<Column> all_columns(bool table) const {
    std::vector<Column> all;
    all.push_back({"at", "", Unit::instant_us, Place::machine});
    all.push_back({"frame", "", Unit::number, Place::machine});
    all.push_back({"change", changes_ || !table ? "Change" : "", Unit::text,
                   changes_ ? Place::everywhere : Place::machine});
    for (Column& column : SocketColumns().columns()) all.push_back(std::move(column));
    return all;
  }

  std::uint64_t print_frame(Context& context, Replay& replay,
                            const std::vector<Column>& columns) const {
    if (changes_ && !replay.news().any()) return 0;
    const bool table = context.options().format == Format::table;
    Output& out = context.out();
    const std::uint64_t at_us = to_us(replay.frame().wall);
    if (table) {
      out.text(fmt::format("{}  frame #{}{}", human_time(at_us, TimeStyle::full),
                           replay.frame().sequence,
                           replay.cursor().begins_session() ? "  (the recorder started here)" : ""),
               Style::strong);
      out.begin({"socket", "sockets", columns});
    }
    std::uint64_t printed = 0;
    for (const ReplayRow& row : replay.rows()) {
      const std::string_view word = word_of(row.mark);
      if (changes_ ? word.empty() : row.mark == Mark::closed && table) continue;
      Row cells = {at_us, replay.frame().sequence, Cell(word, style_of(row.mark))};
      SocketColumns().append(cells, row.socket, replay.snapshot(), context.endpoint_names());
      out.row(std::move(cells));
      ++printed;
    }
    if (table) {
      out.end();
      out.text("");
    }
    return printed;
  }
};

}  // namespace

std::unique_ptr<Command> replay_command() { return std::make_unique<ReplayCommand>(); }

}  // namespace netrec
