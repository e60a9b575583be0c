// `netrec search`: every socket of the history that matches, and when it lived.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "query/commands.h"
#include "query/lifetime_text.h"
#include "query/lives.h"
#include "query/socket_columns.h"
#include "query/socket_selection.h"
#include "store/history.h"

namespace netrec {

namespace {

/// The states it went through, without those it was in twice in a row.
Value::List states_of(const Connection& connection) {
  Value::List states;
  for (const Transition& transition : connection.transitions)
    states.push_back(Value::Members{
        {"state", name(transition.state)},
        {"at", rfc3339(transition.at_us)},
        {"after", transition.after_us == 0 ? Value() : Value(rfc3339(transition.after_us))}});
  return states;
}

/// When it closed, and why where it failed or broke.
Cell closed_cell(const Connection& connection, TimeStyle times) {
  const std::string text = closed_text(connection, times);
  if (!connection.is_closed()) return Cell(text, Style::good);
  return connection.socket.error == 0 ? Cell(text) : Cell(text, Style::bad);
}

class SearchCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"search", Group::look, "Find every socket that ever matched, and when",
            "netrec search dst 203.0.113.7 | who ever talked to that address\n"
            "netrec search --since yesterday process curl and dport = :443 | \n"
            "netrec search state syn-sent and not state established | attempts that failed\n"};
  }

  void declare(CLI::App& app) override {
    selection_.declare(app);
    app.add_option("--limit", limit_, "Stop after so many")->type_name("N");
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    NETREC_TRY(range, context.range());
    NETREC_CHECKED(context.note_gaps(range));
    Wanted wanted;
    wanted.from = range.from;
    wanted.to = range.to;
    selection_.narrow(wanted);

    Output& out = context.out();
    out.fact("from", to_us(range.from), Unit::instant_us);
    out.fact("to", to_us(range.to), Unit::instant_us);
    NETREC_TRY(several, context.files());
    std::vector<Column> columns = all_columns();
    if (several != nullptr) columns.push_back({"host", "Host"});
    out.begin({"socket", "sockets", std::move(columns)});
    std::uint64_t seen = 0;
    std::uint64_t found = 0;
    bool wants_more = true;
    Progress progress = context.progress("searching");
    const auto sink = [&](const Connection& connection, const Snapshot& names) {
      if (selection_.wants(connection, names)) {
        print(context, connection, names, several != nullptr);
        if (++found == limit_) return wants_more = false;
      }
      return wants_more = progress.update(++seen, 0);
    };
    NETREC_CHECKED(scan_files(context, wanted, wants_more,
                              [&](const Timeline& timeline, const Wanted& narrowed) {
                                return scan_connections(timeline, narrowed, sink);
                              }));
    out.end();
    if (interrupted()) return tl::unexpected(interruption());
    out.fact("found", found);
    out.text(found == 0 ? "no socket matched" : counted(found, "socket", "sockets"), Style::dim);
    return found == 0 ? Exit::no_match : Exit::answered;
  }

 private:
  SocketSelection selection_;
  SocketColumns columns_;
  std::uint64_t limit_ = 0;

  std::vector<Column> all_columns() const {
    std::vector<Column> all = {{"first", "Opened", Unit::text, Place::table},
                               {"last", "Closed", Unit::text, Place::table},
                               {"life", "Lifetime", Unit::text, Place::table}};
    for (Column& column : columns_.columns()) {
      if (column.key == "recv_q" || column.key == "send_q") column.place = Place::machine;
      all.push_back(std::move(column));
    }
    for (Column column : std::initializer_list<Column>{
             {"bytes_sent", "Sent", Unit::bytes},
             {"bytes_received", "Received", Unit::bytes},
             {"closed", "", Unit::instant_us, Place::machine},
             {"closed_after", "", Unit::instant_us, Place::machine},
             {"last_seen", "", Unit::instant_us, Place::machine},
             {"lifetime_at_least_us", "", Unit::duration_us, Place::machine},
             {"lifetime_at_most_us", "", Unit::duration_us, Place::machine},
             {"lifetime_certain", "", Unit::text, Place::machine},
             {"states", "", Unit::text, Place::machine}})
      all.push_back(std::move(column));
    return all;
  }

  void print(Context& context, const Connection& connection, const Snapshot& names,
             bool with_host) const {
    const Socket& socket = connection.socket;
    const Lifetime lifetime = lifetime_of(connection);
    const TimeStyle times = context.times();
    Row row;
    row.push_back(moment_text(socket.opened_us, socket.opened_after_us, times));
    row.push_back(closed_cell(connection, times));
    row.push_back(lifetime_text(connection));
    columns_.append(row, socket, names, context.endpoint_names());
    row.push_back(socket.bytes_sent);
    row.push_back(socket.bytes_received);
    row.push_back(connection.closed_us);
    row.push_back(connection.closed_after_us);
    row.push_back(connection.last_seen_us);
    row.push_back(lifetime.at_least_us);
    row.push_back(lifetime.at_most_us == 0 ? Value() : Value(lifetime.at_most_us));
    row.push_back(lifetime.certain);
    row.push_back(states_of(connection));
    if (with_host) row.push_back(context.host());
    context.out().row(std::move(row));
  }
};

}  // namespace

std::unique_ptr<Command> search_command() { return std::make_unique<SearchCommand>(); }

}  // namespace netrec
