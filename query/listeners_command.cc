// `netrec listeners`: what could be reached, which program offered it, since when and until when.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "query/commands.h"
#include "query/lifetime_text.h"
#include "query/lives.h"
#include "query/services.h"
#include "query/socket_selection.h"

namespace netrec {

namespace {

class ListenersCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"listeners", Group::analyse, "List services: which program, since when, until when",
            "netrec listeners -t | everything that accepted TCP connections\n"
            "netrec listeners --since -7d --new | what appeared this week\n"
            "netrec listeners --gone | what was stopped\n"};
  }

  void declare(CLI::App& app) override {
    selection_.declare(app);
    app.add_flag("--new", new_, "Only what was started in the range");
    app.add_flag("--gone", gone_, "Only what was stopped in the range");
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    NETREC_TRY(range, context.range());
    NETREC_CHECKED(context.note_gaps(range));
    LifeQuery query;
    query.range = range;
    query.filter = selection_.filter();
    NETREC_TRY(several, context.files());
    with_host_ = several != nullptr;
    std::map<std::string, Services> services;  // by host
    NETREC_CHECKED(for_each_life(context, "looking for services", query,
                                 [&](const Connection& life, const Snapshot& names) {
                                   if (selection_.wants(life, names))
                                     services[context.host()].add(life, names);
                                   return true;
                                 }));
    std::map<std::string, std::vector<Service>> results;
    for (const auto& [host, found] : services) results[host] = found.result();
    return print(context, range, results);
  }

 private:
  SocketSelection selection_;
  bool new_ = false;
  bool gone_ = false;
  bool with_host_ = false;

  bool wants(const ServiceRun& run, const TimeRange& range) const {
    const bool started = run.started_after_us != 0 && run.started_us >= to_us(range.from);
    const bool stopped = run.stopped_us != 0 && run.stopped_us <= to_us(range.to);
    return (!new_ || started) && (!gone_ || stopped);
  }

  Result<Exit> print(Context& context, const TimeRange& range,
                     const std::map<std::string, std::vector<Service>>& hosts) const {
    Output& out = context.out();
    const bool several = std::any_of(hosts.begin(), hosts.end(), [](const auto& host) {
      const std::vector<Service>& services = host.second;
      return std::any_of(services.begin(), services.end(), [&](const Service& s) {
        return s.key.network_namespace != services.front().key.network_namespace;
      });
    });
    std::vector<Column> columns = {
        {"proto", "Proto"},
        {"local", "Local Address", Unit::text, Place::table},
        {"local_address", "", Unit::text, Place::machine},
        {"local_port", "", Unit::number, Place::machine},
        {"path", "", Unit::text, Place::machine},
        {"", "Since", Unit::text, Place::table},
        {"", "Until", Unit::text, Place::table},
        {"started", "", Unit::instant_us, Place::machine},
        {"started_after", "", Unit::instant_us, Place::machine},
        {"stopped", "", Unit::instant_us, Place::machine},
        {"stopped_after", "", Unit::instant_us, Place::machine},
        {"sockets", "Sockets", Unit::count},
        {"pid", "", Unit::number, Place::machine},
        {"program", "", Unit::text, Place::machine},
        {"", "PID/Program", Unit::text, Place::table, Fit::cut_end},
        {"user", "User"},
        {"exe", "Executable", Unit::text, Place::everywhere, Fit::cut_start},
        {"exe_deleted", "", Unit::text, Place::machine}};
    columns.push_back({"namespace", "Namespace", Unit::text,
                       several ? Place::everywhere : Place::machine, Fit::cut_end});
    if (with_host_) columns.push_back({"host", "Host"});
    out.begin({"listener", "listeners", std::move(columns)});
    std::uint64_t found = 0;
    for (const auto& [host, services] : hosts)
      for (const Service& service : services)
        for (const ServiceRun& run : service.runs) {
          if (!wants(run, range)) continue;
          Row row = row_of(context, service, run);
          if (with_host_) row.emplace_back(host);
          out.row(std::move(row));
          ++found;
        }
    out.end();
    out.fact("found", found);
    out.text(found == 0 ? "no service matches"
                        : counted(found, "service", "services") +
                              "   (~ at the latest, ≤ there before recording)",
             Style::dim);
    return found == 0 ? Exit::no_match : Exit::answered;
  }

  static Row row_of(Context& context, const Service& service, const ServiceRun& run) {
    const ServiceKey& key = service.key;
    const TimeStyle times = context.times();
    const bool internet = key.family == Family::inet || key.family == Family::inet6;
    Socket socket;
    socket.transport = key.transport;
    socket.family = key.family;
    const std::string local = internet ? context.endpoint_names().endpoint(
                                             key.address, key.port, key.family, key.transport, "")
                                       : key.path;
    const Cell until = run.stopped_us == 0
                           ? Cell("still there", Style::good)
                           : Cell(moment_text(run.stopped_us, run.stopped_after_us, times));
    const std::string program = run.pid == 0 ? "-" : fmt::format("{}/{}", run.pid, key.program);
    const std::string exe = run.exe + (run.exe_deleted ? " (deleted)" : "");
    const bool table = context.options().format == Format::table;
    return {protocol_text(socket),
            local,
            internet ? Value(to_string(key.address, key.family)) : Value(),
            internet ? Value(key.port) : Value(),
            key.path.empty() ? Value() : Value(key.path),
            moment_text(run.started_us, run.started_after_us, times),
            until,
            run.started_us,
            run.started_after_us,
            run.stopped_us,
            run.stopped_after_us,
            run.sockets,
            run.pid == 0 ? Value() : Value(run.pid),
            key.program.empty() ? Value() : Value(key.program),
            program,
            run.user,
            Cell(table ? exe : run.exe, run.exe_deleted ? Style::bad : Style::plain),
            run.exe_deleted,
            service.network_namespace};
  }
};

}  // namespace

std::unique_ptr<Command> listeners_command() { return std::make_unique<ListenersCommand>(); }

}  // namespace netrec
