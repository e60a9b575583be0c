// `netrec diff`: what is different at two instants, a summary first.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/commands.h"
#include "query/diff_rows.h"
#include "query/escape.h"
#include "query/sessions.h"
#include "query/socket_diff.h"
#include "store/history.h"

namespace netrec {

namespace {

std::uint64_t servers_among(const std::vector<const Socket*>& sockets) {
  return static_cast<std::uint64_t>(std::count_if(
      sockets.begin(), sockets.end(), [](const Socket* socket) { return is_listening(*socket); }));
}

/// " (1 server)", or nothing.
std::string servers_text(const std::vector<const Socket*>& sockets) {
  const std::uint64_t count = servers_among(sockets);
  return count == 0 ? "" : fmt::format(" ({})", counted(count, "server", "servers"));
}

class DiffCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"diff", Group::look, "Tell what changed between two instants",
            "netrec diff 12:03 12:05 | opened, closed, changed\n"
            "netrec diff -10m end -l | servers that came or went\n"
            "netrec diff -a start end | also what came and went in between\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("T1", from_, "The first instant")->required();
    app.add_option("T2", to_, "The second instant")->required();
    selection_.declare(app);
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    NETREC_TRY(timeline, context.timeline_at(from_));
    NETREC_CHECKED(context.timeline_at(to_));
    FrameCursor before = timeline->cursor();
    NETREC_TRY(from, context.seek(before, from_));
    FrameCursor after = before.fork();
    NETREC_TRY(to, context.seek(after, to_));
    if (to < from)
      return failure(ErrorKind::invalid_argument, "'{}' is later than '{}'", escape(from_),
                     escape(to_));
    context.show_times_of({from, to});
    NETREC_CHECKED(context.note_gaps({from, to}));
    context.note_damage(before.damage());
    context.note_damage(after.damage());

    NETREC_TRY(sessions, timeline->sessions());
    const Boots boots = same_boot(sessions, before.frame().sequence, after.frame().sequence)
                            ? Boots::same
                            : Boots::other;
    const SocketDiff sockets = diff_sockets(before.snapshot(), after.snapshot(), boots, selection_);
    std::vector<InterfaceDiff> interfaces;  // Nobody who asks for some sockets asks for these.
    if (!selection_.is_narrow()) interfaces = diff_interfaces(before.snapshot(), after.snapshot());
    Passed passed{selection_, before.frame().wall, after.frame().wall};
    if (selection_.all()) NETREC_CHECKED(passed.count(context, *timeline));
    print_summary(context.out(), before, after, sockets, passed.found);
    DiffRows rows(context, before.snapshot(), after.snapshot());
    rows.begin();
    rows.add(sockets);
    if (passed.found > 0) NETREC_CHECKED(passed.print(context, *timeline, rows));
    rows.end();
    print_interfaces(context, before.snapshot(), after.snapshot(), interfaces);
    const bool same = sockets.opened.empty() && sockets.closed.empty() && sockets.changed.empty() &&
                      passed.found == 0 &&
                      std::none_of(interfaces.begin(), interfaces.end(),
                                   [](const InterfaceDiff& diff) { return diff.is_trouble(); });
    return same ? Exit::no_match : Exit::answered;
  }

 private:
  SocketSelection selection_;
  std::string from_;
  std::string to_;

  /// The sockets of neither instant, that opened and closed in between. History is read twice, so
  /// that none has to be kept: once to count them for the summary, once to print them.
  struct Passed {
    const SocketSelection& selection;
    WallTime from;
    WallTime to;
    std::uint64_t found = 0;

    template <class Visit>
    Status visit(Context& context, const Timeline& timeline, Visit visit) const {
      Wanted wanted;
      wanted.from = from;
      wanted.to = to;
      selection.narrow(wanted);
      Progress progress = context.progress("reading history");
      std::uint64_t seen = 0;
      const auto sink = [&](const Connection& connection, const Snapshot& names) {
        const bool inside = connection.is_closed() && connection.closed_us <= to_us(to) &&
                            connection.socket.opened_us > to_us(from);
        if (inside && selection.wants(connection, names)) visit(connection, names);
        return progress.update(++seen, 0);
      };
      NETREC_TRY(damage, scan_connections(timeline, wanted, sink));
      if (interrupted()) return tl::unexpected(interruption());
      context.note_damage(damage);
      return {};
    }

    Status count(Context& context, const Timeline& timeline) {
      return visit(context, timeline, [this](const Connection&, const Snapshot&) { ++found; });
    }

    Status print(Context& context, const Timeline& timeline, DiffRows& rows) const {
      return visit(context, timeline, [&](const Connection& connection, const Snapshot& names) {
        rows.add_passed(connection, names);
      });
    }
  };

  void print_summary(Output& out, const FrameCursor& before, const FrameCursor& after,
                     const SocketDiff& diff, std::uint64_t passed) const {
    const std::uint64_t from_us = to_us(before.frame().wall);
    const std::uint64_t until_us = to_us(after.frame().wall);
    out.fact("from", from_us, Unit::instant_us);
    out.fact("to", until_us, Unit::instant_us);
    out.fact("from_frame", before.frame().sequence);
    out.fact("to_frame", after.frame().sequence);
    out.fact("opened", diff.opened.size());
    out.fact("closed", diff.closed.size());
    out.fact("servers_started", servers_among(diff.opened));
    out.fact("servers_stopped", servers_among(diff.closed));
    out.fact("changed", diff.changed.size());
    out.fact("unchanged", diff.unchanged);
    out.fact("bytes_sent", diff.bytes_sent);
    out.fact("bytes_received", diff.bytes_received);
    if (selection_.all()) out.fact("came_and_went", passed);

    const bool one_day = same_local_day(before.frame().wall, after.frame().wall);
    std::string line = fmt::format("{} opened{}, {} closed{}, {} changed, {} as before",
                                   human_count(diff.opened.size()), servers_text(diff.opened),
                                   human_count(diff.closed.size()), servers_text(diff.closed),
                                   human_count(diff.changed.size()), human_count(diff.unchanged));
    if (selection_.all()) line += fmt::format(", {} came and went in between", human_count(passed));
    out.text(fmt::format("{} → {}  ({})", human_time(from_us, TimeStyle::full),
                         human_time(until_us, one_day ? TimeStyle::time_of_day : TimeStyle::full),
                         human_duration(until_us > from_us ? until_us - from_us : 0)),
             Style::dim);
    out.text(line, Style::strong);
    if (diff.bytes_sent + diff.bytes_received > 0)
      out.text(fmt::format("{} sent and {} received by sockets open at both times",
                           human_bytes(diff.bytes_sent), human_bytes(diff.bytes_received)));
  }
};

}  // namespace

std::unique_ptr<Command> diff_command() { return std::make_unique<DiffCommand>(); }

}  // namespace netrec
