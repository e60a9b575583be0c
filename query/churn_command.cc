// `netrec churn`: TIME_WAIT and ephemeral ports over time, and who wears them out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "query/churn.h"
#include "query/commands.h"
#include "query/lives.h"
#include "query/sparkline.h"

namespace netrec {

namespace {

constexpr std::size_t kColumns = 32;  ///< of the activity line
constexpr double kNear = 50;          ///< percent of the ports from which on it is worth a word
constexpr double kExhausted = 90;

Style style_of(double percent) {
  if (percent >= kExhausted) return Style::bad;
  return percent >= kNear ? Style::warning : Style::plain;
}

Value samples(const std::vector<std::uint64_t>& values) {
  Value::List list;
  for (const std::uint64_t value : values) list.emplace_back(value);
  return list;
}

double per_second(std::uint64_t count, const TimeRange& range) {
  const double us = us_between(range.from, range.to);
  return us <= 0 ? 0 : static_cast<double>(count) * 1e6 / us;
}

class ChurnCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"churn", Group::analyse, "Who wears out ports: TIME_WAIT and ephemeral ports over time",
            "netrec churn | the busiest ends of the whole recording\n"
            "netrec churn --since 12:00 --until 12:10 | of ten minutes\n"
            "netrec churn dst 10.0.0.9 | towards one server\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("--limit", limit_, "Follow so many ends, the busiest (10)")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    app.add_option("FILTER", words_, "Which connections (see netrec help filter)");
  }

  Result<Exit> run(Context& context) override {
    LifeQuery query;
    NETREC_TRY(filter, Filter::parse(words_));
    NETREC_TRY(range, context.range());
    query.range = range;
    query.transports = {Transport::tcp};
    query.fields = {"family",     "transport", "network_namespace", "local_high", "local_low",
                    "local_port", "state",     "remote_high",       "remote_low", "remote_port",
                    "process",    "opened_us", "state_since_us"};
    NETREC_TRY(several, context.files());
    if (several != nullptr && several->hosts() > 1)
      return failure(ErrorKind::invalid_argument,
                     "ports are a host's own, and -f names files of {} hosts: name those of one",
                     several->hosts());
    NETREC_CHECKED(context.note_gaps(range));
    ChurnAnalysis analysis(range, kColumns);
    NETREC_CHECKED(for_each_life(context, "looking for what listened", query,
                                 [&](const Connection& life, const Snapshot&) {
                                   analysis.learn(life);
                                   return true;
                                 }));
    query.filter = std::move(filter);
    NETREC_CHECKED(for_each_life(context, "counting connections", query,
                                 [&](const Connection& life, const Snapshot& names) {
                                   analysis.tally(life, names);
                                   return true;
                                 }));
    analysis.choose(limit_);
    NETREC_CHECKED(for_each_life(context, "following ports in time", query,
                                 [&](const Connection& life, const Snapshot& names) {
                                   analysis.follow(life, names);
                                   return true;
                                 }));
    const Churn churn = analysis.result();
    print(context, range, churn);
    return churn.ends.empty() ? Exit::no_match : Exit::answered;
  }

 private:
  std::vector<std::string> words_;
  std::size_t limit_ = 10;

  void print(Context& context, const TimeRange& range, const Churn& churn) const {
    Output& out = context.out();
    out.fact("from", to_us(range.from), Unit::instant_us);
    out.fact("to", to_us(range.to), Unit::instant_us);
    out.fact("ends_in_all", churn.ends_in_all);
    if (churn.ends.empty()) return out.text("no TCP connection matches");
    print_verdicts(context, churn);
    print_ends(context, range, churn);
    out.text("");
    print_namespaces(context, range, churn);
    if (churn.ends_in_all > churn.ends.size())
      out.text(fmt::format("{} more ends with fewer connections (--limit)",
                           human_count(churn.ends_in_all - churn.ends.size())),
               Style::dim);
  }

  static void print_verdicts(Context& context, const Churn& churn) {
    Output& out = context.out();
    const TimeStyle times = context.times();
    bool told = false;
    for (const ChurnRow& row : churn.ends) {
      if (row.end.direction != Direction::outgoing || (told && row.percent() < kNear)) continue;
      out.text(verdict(row, times), style_of(row.percent()));
      told = true;
    }
    for (const TimeWaitRow& row : churn.namespaces)
      if (row.percent() >= kNear)
        out.text(fmt::format("TIME_WAIT: {} of {} at {} ({:.0f} %): beyond that the kernel drops "
                             "them early",
                             human_count(row.at_once.value), human_count(row.limit),
                             human_time(row.at_once.at_us, times), row.percent()),
                 style_of(row.percent()));
    if (told) out.text("");
  }

  static void print_ends(Context& context, const TimeRange& range, const Churn& churn) {
    Output& out = context.out();
    out.begin({"end",
               "ends",
               {{"direction", "", Unit::text, Place::machine},
                {"from", "From", Unit::text, Place::table, Fit::cut_end},
                {"to", "To", Unit::text, Place::table, Fit::cut_end},
                {"local_address", "", Unit::text, Place::machine},
                {"local_port", "", Unit::number, Place::machine},
                {"remote_address", "", Unit::text, Place::machine},
                {"remote_port", "", Unit::number, Place::machine},
                {"opened", "Opened", Unit::count},
                {"closed", "Closed", Unit::count},
                {"time_waits", "TIME_WAITs", Unit::count},
                {"opened_per_second", "Opened/s", Unit::per_second},
                {"closed_per_second", "", Unit::per_second, Place::machine},
                {"time_waits_per_second", "", Unit::per_second, Place::machine},
                {"opened_peak_per_second", "most/s", Unit::count},
                {"opened_peak_at", "", Unit::instant_us, Place::machine},
                {"peak_ports", "Ports", Unit::count},
                {"ports_there", "of", Unit::count},
                {"peak_percent", "", Unit::percent},
                {"peak_at", "at", Unit::instant_us},
                {"peak_time_waits", "", Unit::count, Place::machine},
                {"peak_time_waits_at", "", Unit::instant_us, Place::machine},
                {"program", "Program", Unit::text, Place::everywhere, Fit::cut_end},
                {"pid", "", Unit::number, Place::machine},
                {"processes", "", Unit::number, Place::machine},
                {"activity", "Ports over time"}}});
    for (const ChurnRow& row : churn.ends) print_end(context, range, row);
    out.end();
  }

  static void print_end(Context& context, const TimeRange& range, const ChurnRow& row) {
    const ChurnEnd& end = row.end;
    const bool outgoing = end.direction == Direction::outgoing;
    const Style style = style_of(row.percent());
    EndpointNames& names = context.endpoint_names();
    const std::string local =
        outgoing ? names.address(end.local, end.family, "")
                 : names.endpoint(end.local, end.local_port, end.family, Transport::tcp, "");
    const std::string remote =
        outgoing ? names.endpoint(end.remote, end.remote_port, end.family, Transport::tcp, "") : "";
    const bool table = context.options().format == Format::table;
    const auto number_or_nothing = [](std::uint64_t number) {
      return number == 0 ? Value() : Value(number);
    };
    context.out().row({outgoing ? "outgoing" : "incoming",
                       outgoing ? local : "any",
                       outgoing ? remote : local,
                       to_string(end.local, end.family),
                       number_or_nothing(end.local_port),
                       outgoing ? Value(to_string(end.remote, end.family)) : Value(),
                       number_or_nothing(end.remote_port),
                       row.opened,
                       row.closed,
                       row.time_waits,
                       per_second(row.opened, range),
                       per_second(row.closed, range),
                       per_second(row.time_waits, range),
                       row.opened_a_second.value,
                       row.opened_a_second.at_us,
                       Cell(row.ports.value, style),
                       number_or_nothing(row.ports_there),
                       row.ports_there == 0 ? Cell() : Cell(row.percent(), style),
                       row.ports.at_us,
                       row.in_time_wait.value,
                       row.in_time_wait.at_us,
                       program(row, table),
                       number_or_nothing(row.pid),
                       row.processes,
                       table ? Value(sparkline(row.activity)) : samples(row.activity)});
  }

  static Value program(const ChurnRow& row, bool table) {
    if (row.program.empty()) return {};
    if (!table) return row.program;
    if (row.pid != 0) return fmt::format("{}[{}]", row.program, row.pid);
    return fmt::format("{} ({})", row.program, counted(row.processes, "process", "processes"));
  }

  static void print_namespaces(Context& context, const TimeRange& range, const Churn& churn) {
    Output& out = context.out();
    const bool table = context.options().format == Format::table;
    out.begin({"namespace",
               "namespaces",
               {{"namespace", "Namespace"},
                {"time_waits", "TIME_WAITs", Unit::count},
                {"time_waits_per_second", "a second", Unit::per_second},
                {"peak_time_waits", "At once", Unit::count},
                {"limit", "of", Unit::count},
                {"peak_percent", "", Unit::percent},
                {"peak_at", "at", Unit::instant_us},
                {"activity", "TIME_WAITs over time"}}});
    for (const TimeWaitRow& row : churn.namespaces) {
      const Style style = style_of(row.percent());
      out.row({row.name.empty() && table ? "(the recorder's)" : row.name, row.entered,
               per_second(row.entered, range), Cell(row.at_once.value, style),
               row.limit == 0 ? Value() : Value(row.limit),
               row.limit == 0 ? Cell() : Cell(row.percent(), style), row.at_once.at_us,
               table ? Value(sparkline(row.activity)) : samples(row.activity)});
    }
    out.end();
  }
};

}  // namespace

std::unique_ptr<Command> churn_command() { return std::make_unique<ChurnCommand>(); }

}  // namespace netrec
