// `netrec show`: netstat, at any instant of the recording.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/commands.h"
#include "query/escape.h"
#include "query/sessions.h"
#include "query/socket_columns.h"
#include "query/socket_selection.h"

namespace netrec {

namespace {

using Sockets = std::vector<const Socket*>;

bool spans_namespaces(const Sockets& sockets) {
  return std::any_of(sockets.begin(), sockets.end(), [&](const Socket* socket) {
    return socket->network_namespace != sockets.front()->network_namespace;
  });
}

class ShowCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"show", Group::look, "Show the sockets at an instant, as netstat prints them",
            "netrec show | at the end of the recording\n"
            "netrec show --at 12:03:10 -tl | TCP servers at that time\n"
            "netrec show --at -2h dst 10.0.0.0/8 | connections into a network\n"
            "netrec show -e pid 812 | all that is known of a process's sockets\n"};
  }

  void declare(CLI::App& app) override {
    selection_.declare(app);
    app.add_flag("-e,--extended", extended_, "User, age, timers, TCP's figures, memory")
        ->group("What is shown of them");
    app.add_flag("-p,--processes", commands_, "The command line of the owner")
        ->group("What is shown of them");
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    const std::string at = context.options().at.empty() ? "end" : context.options().at;
    NETREC_TRY(timeline, context.timeline_at(at));
    FrameCursor cursor = timeline->cursor();
    NETREC_TRY(asked, context.seek(cursor, at));
    static_cast<void>(asked);
    context.note_damage(cursor.damage());
    const Snapshot& snapshot = cursor.snapshot();
    NETREC_TRY(sessions, timeline->sessions());
    const RecordedSession* session = session_of(sessions, cursor.frame().sequence);
    print_title(context.out(), cursor.frame(), session == nullptr ? "" : session->host_name);

    Sockets sockets;
    for (const Socket& socket : snapshot.of<Socket>())
      if (selection_.wants(socket, snapshot)) sockets.push_back(&socket);
    std::sort(sockets.begin(), sockets.end(),
              [](const Socket* one, const Socket* other) { return listed_before(*one, *other); });
    if (context.options().format == Format::table)
      print_tables(context, cursor, sockets);
    else
      print(context, cursor, sockets);
    return sockets.empty() ? Exit::no_match : Exit::answered;
  }

 private:
  SocketSelection selection_;
  bool extended_ = false;
  bool commands_ = false;

  static void print_title(Output& out, const Frame& frame, const std::string& host) {
    out.fact("host", host);
    out.fact("at", to_us(frame.wall), Unit::instant_us);
    out.fact("frame", frame.sequence);
    out.text(
        fmt::format("{}{}{} {}  (frame #{})", escape(host), host.empty() ? "" : ", ",
                    human_time(frame.wall, TimeStyle::full), zone_name(frame.wall), frame.sequence),
        Style::dim);
  }

  void print_tables(Context& context, const FrameCursor& cursor, const Sockets& sockets) const {
    Sockets internet;
    Sockets local;
    for (const Socket* socket : sockets)
      (is_internet(*socket) ? internet : local).push_back(socket);
    const std::string which =
        selection_.only_listening() ? "(only servers)" : "(servers and established)";
    Output& out = context.out();
    if (sockets.empty()) out.text("no socket matches");
    if (!internet.empty()) {
      out.text(fmt::format("Active Internet connections {}", which));
      print(context, cursor, internet);
    }
    if (!local.empty()) {
      out.text(fmt::format("Active UNIX domain sockets {}", which));
      print_local(context, cursor, local);
    }
    print_left_out(out, cursor.snapshot());
  }

  void print_left_out(Output& out, const Snapshot& snapshot) const {
    if (!selection_.leaves_out_local()) return;
    const auto& all = snapshot.of<Socket>();
    const auto count = static_cast<std::uint64_t>(
        std::count_if(all.begin(), all.end(), [](const Socket& s) { return !is_internet(s); }));
    if (count > 0)
      out.text(fmt::format("{} not shown (-x, or -a for all)",
                           counted(count, "local socket", "UNIX and other local sockets")),
               Style::dim);
  }

  /// netstat's columns for sockets that have no address but a path, and packet sockets with them.
  void print_local(Context& context, const FrameCursor& cursor, const Sockets& sockets) const {
    const Snapshot& names = cursor.snapshot();
    Output& out = context.out();
    out.begin({"socket",
               "sockets",
               {{"", "Proto"},
                {"", "Type"},
                {"", "State"},
                {"", "I-Node", Unit::number},
                {"", "Peer", Unit::number},
                {"", "PID/Program name", Unit::text, Place::table, Fit::cut_end},
                {"", "Path", Unit::text, Place::table, Fit::cut_end}}});
    for (const Socket* socket : sockets) {
      const Value peer = socket->peer_inode == 0 ? Value() : Value(socket->peer_inode);
      out.row({protocol_text(*socket), type_text(*socket),
               Cell(state_text(*socket), state_style(*socket)), socket->inode, peer,
               program_text(*socket, names), context.endpoint_names().local(*socket, names)});
      if (extended_) print_details(out, *socket, cursor);
    }
    out.end();
  }

  static void print_details(Output& out, const Socket& socket, const FrameCursor& cursor) {
    const std::uint64_t at_us = to_us(cursor.frame().wall);
    for (const std::string& line : socket_details(socket, cursor.snapshot(), at_us))
      out.detail(line);
  }

  void print(Context& context, const FrameCursor& cursor, const Sockets& sockets) const {
    SocketColumns columns;
    columns.commands = commands_;
    columns.every_field = extended_;
    columns.names_namespace = !sockets.empty() && spans_namespaces(sockets);
    Output& out = context.out();
    out.begin({"socket", "sockets", columns.columns()});
    for (const Socket* socket : sockets) {
      Row row;
      columns.append(row, *socket, cursor.snapshot(), context.endpoint_names());
      out.row(std::move(row));
      if (extended_) print_details(out, *socket, cursor);
    }
    out.end();
  }
};

}  // namespace

std::unique_ptr<Command> show_command() { return std::make_unique<ShowCommand>(); }

}  // namespace netrec
