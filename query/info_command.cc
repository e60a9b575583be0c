// `netrec info`: what a timeline is: whose, from when to when, how whole, how large.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "query/commands.h"
#include "query/coverage.h"
#include "query/escape.h"
#include "query/gap_notices.h"
#include "store/missing_frames.h"
#include "store/timeline_writer.h"

namespace netrec {

namespace {

constexpr std::uint64_t kDayUs = 86'400'000'000;

std::string_view name(CaptureMode mode) { return mode == CaptureMode::events ? "events" : "poll"; }

/// What there is to say of a timeline.
struct Facts {
  const TimelineSummary& summary;
  LogTotals totals;
  std::vector<RecordedSession> sessions;
  std::vector<RecordedGap> gaps;
  std::vector<Unseen> unseen;
  std::uint64_t from_us = 0;
  std::uint64_t to_us = 0;
  std::optional<int> recorder;  ///< pid of the one that writes it now

  std::uint64_t span_us() const { return to_us > from_us ? to_us - from_us : 0; }
  std::uint64_t seen_us() const { return span_us() - std::min(span_us(), length_of(unseen)); }
  double coverage_percent() const {
    if (span_us() == 0) return 100;
    return 100 * static_cast<double>(seen_us()) / static_cast<double>(span_us());
  }
  /// What a day of it adds; 0: too short to tell. The file's own fixed size is not counted.
  std::uint64_t bytes_a_day() const {
    constexpr std::uint64_t kShortestUs = 10'000'000;
    if (seen_us() < kShortestUs) return 0;
    const std::uint64_t log = totals.chunk_bytes + totals.keyframe_bytes + totals.hot_bytes;
    return static_cast<std::uint64_t>(static_cast<double>(log) * static_cast<double>(kDayUs) /
                                      static_cast<double>(seen_us()));
  }
};

class InfoCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"info", Group::file, "Say what a recording covers, how whole and how large it is",
            "netrec info | the host's own recording\n"
            "netrec -f case17.netrec info --json | somebody else's\n"};
  }

  void declare(CLI::App&) override {}

  Result<Exit> run(Context& context) override {
    NETREC_TRY(several, context.files());
    if (several != nullptr) return print_files(context, *several);
    NETREC_TRY(timeline, context.timeline());
    const TimelineSummary& summary = timeline->summary();
    NETREC_TRY(facts, facts_of(*timeline));
    NETREC_CHECKED(context.note_missing({summary.first_wall, summary.last_wall}));
    if (const auto pid = recorder_of(context.path())) facts.recorder = *pid;

    print_machine_facts(context.out(), facts);
    print_text(context, facts);
    print_sessions(context.out(), facts);
    print_gaps(context.out(), facts, *timeline);
    return facts.unseen.empty() ? Exit::answered : Exit::incomplete;
  }

 private:
  static Result<Facts> facts_of(const Timeline& timeline) {
    const TimelineSummary& summary = timeline.summary();
    NETREC_TRY(totals, timeline.totals());
    Facts facts{summary, totals, {}, {}, {}, to_us(summary.first_wall), to_us(summary.last_wall),
                {}};
    NETREC_TRY(sessions, timeline.sessions());
    NETREC_TRY(gaps, timeline.gaps());
    facts.sessions = std::move(sessions);
    facts.gaps = std::move(gaps);
    NETREC_TRY(holes, missing_frames(timeline));
    for (const Damage& hole : holes) facts.gaps.push_back(gap_of(hole));
    facts.unseen = unseen_parts(facts.gaps, timeline, facts.from_us, facts.to_us);
    return facts;
  }

  /// A line a file: each by itself says the rest.
  static Result<Exit> print_files(Context& context, const TimelineSet& several) {
    Output& out = context.out();
    out.begin({"timeline",
               "timelines",
               {{"from", "From", Unit::instant_us},
                {"to", "To", Unit::instant_us},
                {"frames", "Frames", Unit::count},
                {"sessions", "Sessions", Unit::count},
                {"coverage_percent", "Coverage", Unit::percent},
                {"file_bytes", "Size", Unit::bytes},
                {"goes_on", "Goes on", Unit::text, Place::machine},
                {"file", "File", Unit::text, Place::everywhere, Fit::cut_start},
                {"host", "Host"}}});
    bool whole = true;
    for (std::size_t i = 0; i < several.files().size(); ++i) {
      const TimelineFile& file = several.files()[i];
      NETREC_TRY(timeline, Timeline::open(file.path));
      NETREC_TRY(facts, facts_of(timeline));
      whole = whole && facts.unseen.empty();
      const auto after = several.after(i);
      out.row({facts.from_us, facts.to_us, facts.totals.frames, facts.sessions.size(),
               std::floor(facts.coverage_percent() * 100) / 100, facts.summary.file_bytes,
               after ? Value(several.files()[*after].path) : Value(), file.path, file.host});
    }
    out.end();
    NETREC_CHECKED(context.note_gaps({several.first(), several.last()}));
    out.text(fmt::format("{} of {}", counted(several.files().size(), "timeline", "timelines"),
                         counted(several.hosts(), "host", "hosts")),
             Style::dim);
    return whole ? Exit::answered : Exit::incomplete;
  }

  static RecordedGap gap_of(const Damage& hole) {
    RecordedGap gap;
    gap.cause = GapCause::damaged;
    gap.from_us = to_us(hole.from);
    gap.to_us = to_us(hole.to);
    gap.count = hole.last_sequence - hole.first_sequence + 1;
    gap.text = hole.what;
    return gap;
  }

  static void print_machine_facts(Output& out, const Facts& facts) {
    const TimelineSummary& summary = facts.summary;
    out.fact("file", summary.path);
    out.fact("format_version", summary.format_version);
    out.fact("host", facts.sessions.empty() ? "" : facts.sessions.back().host_name);
    out.fact("from", facts.from_us, Unit::instant_us);
    out.fact("to", facts.to_us, Unit::instant_us);
    out.fact("frames", facts.totals.frames);
    out.fact("first_frame", summary.first_sequence);
    out.fact("last_frame", summary.last_sequence);
    out.fact("covered_us", facts.seen_us());
    out.fact("coverage_percent", facts.coverage_percent());
    out.fact("file_bytes", summary.file_bytes);
    out.fact("chunks", facts.totals.chunks);
    out.fact("chunk_bytes", facts.totals.chunk_bytes);
    out.fact("keyframes", facts.totals.keyframes);
    out.fact("keyframe_bytes", facts.totals.keyframe_bytes);
    out.fact("unsealed_frames", facts.totals.hot_frames);
    out.fact("unsealed_bytes", facts.totals.hot_bytes);
    const std::uint64_t a_day = facts.bytes_a_day();
    out.fact("bytes_a_day", a_day == 0 ? Value() : Value(a_day));
    out.fact("recorder_pid", facts.recorder ? Value(*facts.recorder) : Value());
  }

  static void line(Output& out, std::string_view title, std::string_view text) {
    out.text(fmt::format("{:<10} {}", title, text));
  }

  static void print_text(Context& context, const Facts& facts) {
    Output& out = context.out();
    out.text(escape(facts.summary.path), Style::strong);
    if (!facts.sessions.empty()) print_host(out, facts.sessions.back());
    line(out, "Recorded",
         fmt::format("{} to {}, {} in {}", human_time(facts.from_us, TimeStyle::seconds),
                     human_time(facts.to_us, TimeStyle::seconds), human_duration(facts.span_us()),
                     counted(facts.totals.frames, "frame", "frames")));
    const std::size_t room = context.terminal_width() > 40 ? context.terminal_width() - 32 : 20;
    const std::string bar =
        coverage_bar(facts.unseen, facts.from_us, facts.to_us, std::min<std::size_t>(room, 72));
    const Style style = facts.unseen.empty() ? Style::good : Style::warning;
    // Rounded down: not all seen is never "100 %".
    const double percent = std::floor(facts.coverage_percent() * 100) / 100;
    line(out, "Coverage",
         fmt::format("{}  {:.4g} %{}", styled(bar, style, context.color()), percent,
                     facts.unseen.empty()
                         ? ""
                         : fmt::format(", {} not seen", human_duration(length_of(facts.unseen)))));
    print_size(out, facts);
    if (facts.recorder) line(out, "Now", fmt::format("being recorded by pid {}", *facts.recorder));
    print_limits(out, facts);
  }

  static void print_host(Output& out, const RecordedSession& session) {
    line(out, "Host",
         fmt::format("{}{}{}{}{}", escape(session.host_name),
                     session.kernel_release.empty() ? "" : ", ", escape(session.kernel_release),
                     session.zone.empty() ? "" : ", clock in ", escape(session.zone)));
  }

  static void print_size(Output& out, const Facts& facts) {
    const TimelineSummary& summary = facts.summary;
    std::string text = fmt::format(
        "{}: {} in {}, {} in {}, {} not sealed yet", human_bytes(summary.file_bytes),
        human_bytes(facts.totals.chunk_bytes), counted(facts.totals.chunks, "chunk", "chunks"),
        human_bytes(facts.totals.keyframe_bytes),
        counted(facts.totals.keyframes, "keyframe", "keyframes"),
        human_bytes(facts.totals.hot_bytes));
    line(out, "Size", text);
    if (const std::uint64_t a_day = facts.bytes_a_day(); a_day > 0)
      line(out, "A day", fmt::format("adds {} at this rate", human_bytes(a_day)));
  }

  /// What was not seen though the recorder ran: once each, however many sessions say it.
  static void print_limits(Output& out, const Facts& facts) {
    std::vector<std::string> limits;
    // A session's own words and its gaps often say the same.
    const auto add = [&](std::string text) {
      const auto says_it = [&](const std::string& other) { return text.ends_with(other); };
      if (!text.empty() && std::none_of(limits.begin(), limits.end(), says_it))
        limits.push_back(std::move(text));
    };
    for (const RecordedSession& session : facts.sessions) add(escape(session.not_seen));
    for (const RecordedGap& gap : facts.gaps) {
      const bool is_limit = gap.cause == GapCause::not_privileged ||
                            gap.cause == GapCause::namespace_unreadable ||
                            gap.cause == GapCause::process_unreadable ||
                            gap.cause == GapCause::unsupported || gap.cause == GapCause::left_out;
      if (is_limit) add(fmt::format("{}: {}", explain(gap.cause), escape(gap.text)));
    }
    for (std::size_t i = 0; i < limits.size(); ++i) line(out, i == 0 ? "Not seen" : "", limits[i]);
  }

  static void print_sessions(Output& out, const Facts& facts) {
    if (!facts.sessions.empty()) out.text("\nSessions");
    out.begin({"session",
               "sessions",
               {{"id", "#", Unit::number},
                {"started", "Started", Unit::instant_us},
                {"ended", "Ended", Unit::instant_us},
                {"first_frame", "First frame", Unit::number},
                {"interval_us", "Every", Unit::duration_us},
                {"capture", "Capture"},
                {"uid", "Uid", Unit::number},
                {"host", "", Unit::text, Place::machine},
                {"boot_id", "", Unit::text, Place::machine},
                {"machine_id", "", Unit::text, Place::machine},
                {"kernel", "", Unit::text, Place::machine},
                {"zone", "", Unit::text, Place::machine},
                {"limits", "", Unit::text, Place::machine},
                {"netrec", "netrec"},
                {"command", "Command", Unit::text, Place::everywhere, Fit::cut_end}}});
    for (const RecordedSession& session : facts.sessions)
      out.row({session.id, session.started_us, session.ended_us, session.first_sequence,
               session.interval_us, name(session.mode), session.uid, session.host_name,
               session.boot, session.machine, session.kernel_release, session.zone,
               session.not_seen, session.netrec_version, arguments_text(session.command_line)});
    out.end();
  }

  static void print_gaps(Output& out, const Facts& facts, const Timeline& timeline) {
    if (!facts.gaps.empty()) out.text("\nGaps and limits");
    out.begin({"gap",
               "gaps",
               {{"from", "From", Unit::instant_us},
                {"to", "To", Unit::instant_us},
                {"length_us", "Length", Unit::duration_us},
                {"cause", "Cause"},
                {"hides_time", "Unseen"},
                {"count", "Count", Unit::count},
                {"text", "What", Unit::text, Place::everywhere, Fit::cut_end}}});
    for (const RecordedGap& gap : facts.gaps) {
      const std::uint64_t end = gap_end(gap, timeline);
      const bool hides = hides_time(gap.cause);
      out.row({gap.from_us, end, end > gap.from_us ? end - gap.from_us : 0,
               Cell(netrec::name(gap.cause), hides ? Style::bad : Style::plain), hides,
               gap.count == 0 ? Value() : Value(gap.count), gap.text});
    }
    out.end();
  }
};

}  // namespace

std::unique_ptr<Command> info_command() { return std::make_unique<InfoCommand>(); }

}  // namespace netrec
