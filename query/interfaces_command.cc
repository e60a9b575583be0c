// `netrec interfaces`: netstat -i at an instant, and what changed over a range.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/commands.h"
#include "query/escape.h"
#include "query/interface_growth.h"
#include "query/names.h"
#include "query/range_states.h"

namespace netrec {

namespace {

bool several_namespaces(const Snapshot& snapshot) {
  const auto& all = snapshot.of<Interface>();
  return std::any_of(all.begin(), all.end(), [&](const Interface& one) {
    return one.network_namespace != all.begin()->network_namespace;
  });
}

Cell bad_if_any(std::uint64_t count) { return {count, count == 0 ? Style::plain : Style::warning}; }

class InterfacesCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"interfaces", Group::analyse,
            "Show interfaces at an instant, or what they did in a range",
            "netrec interfaces | as netstat -i, at the end of the recording\n"
            "netrec interfaces --at 12:03 | at that time\n"
            "netrec interfaces --since -1h | what passed in the last hour, errors and drops\n"};
  }

  void declare(CLI::App& app) override { app.add_option("NAME", names_, "Only these interfaces"); }

  Result<Exit> run(Context& context) override {
    const GlobalOptions& options = context.options();
    if (!options.since.empty() || !options.until.empty()) return run_range(context);
    const std::string at = options.at.empty() ? "end" : options.at;
    NETREC_TRY(timeline, context.timeline_at(at));
    FrameCursor cursor = timeline->cursor();
    NETREC_TRY(asked, context.seek(cursor, at));
    static_cast<void>(asked);
    context.note_damage(cursor.damage());
    return print_instant(context, cursor);
  }

 private:
  std::vector<std::string> names_;

  bool wants(const std::string& name) const {
    return names_.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  Result<Exit> print_instant(Context& context, const FrameCursor& cursor) const {
    const Snapshot& state = cursor.snapshot();
    Output& out = context.out();
    out.fact("at", to_us(cursor.frame().wall), Unit::instant_us);
    out.text(fmt::format("Interfaces at {}", human_time(cursor.frame().wall, TimeStyle::full)),
             Style::dim);
    std::vector<Column> columns = {{"interface", "Iface"},
                                   {"mtu", "MTU", Unit::number},
                                   {"receive_packets", "RX-OK", Unit::number},
                                   {"receive_errors", "RX-ERR", Unit::number},
                                   {"receive_dropped", "RX-DRP", Unit::number},
                                   {"receive_over_errors", "RX-OVR", Unit::number},
                                   {"transmit_packets", "TX-OK", Unit::number},
                                   {"transmit_errors", "TX-ERR", Unit::number},
                                   {"transmit_dropped", "TX-DRP", Unit::number},
                                   {"transmit_fifo_errors", "TX-OVR", Unit::number},
                                   {"receive_bytes", "RX bytes", Unit::bytes},
                                   {"transmit_bytes", "TX bytes", Unit::bytes},
                                   {"operational_state", "State"},
                                   {"flags", "Flags"}};
    columns.push_back({"namespace", "Namespace", Unit::text,
                       several_namespaces(state) ? Place::everywhere : Place::machine});
    out.begin({"interface", "interfaces", std::move(columns)});
    std::uint64_t found = 0;
    for (const InterfacePair& pair : pair_interfaces(state, state))
      if (wants(interface_name(*pair.after, state))) {
        out.row(instant_row(*pair.after, state));
        ++found;
      }
    out.end();
    if (found == 0) out.text("no such interface");
    return found == 0 ? Exit::no_match : Exit::answered;
  }

  static Row instant_row(const Interface& i, const Snapshot& names) {
    const std::string_view state = operational_state_name(i.operational_state);
    return {interface_name(i, names),
            i.mtu,
            i.receive_packets,
            bad_if_any(i.receive_errors),
            bad_if_any(i.receive_dropped),
            bad_if_any(i.receive_over_errors),
            i.transmit_packets,
            bad_if_any(i.transmit_errors),
            bad_if_any(i.transmit_dropped),
            bad_if_any(i.transmit_fifo_errors),
            i.receive_bytes,
            i.transmit_bytes,
            Cell(state, state == "down" ? Style::warning : Style::plain),
            interface_flags_text(i.flags),
            namespace_text(i.network_namespace, names)};
  }

  Result<Exit> run_range(Context& context) const {
    NETREC_TRY(range, context.range());
    NETREC_TRY(states, states_of(context, range));
    Output& out = context.out();
    out.fact("from", to_us(states.before_at), Unit::instant_us);
    out.fact("to", to_us(states.after_at), Unit::instant_us);
    std::vector<InterfacePair> pairs = pair_interfaces(states.before, states.after);
    std::erase_if(pairs, [&](const InterfacePair& pair) { return !wants(name_of(pair, states)); });
    print_verdicts(out, states, pairs);
    print_growth(context, states, pairs);
    return pairs.empty() ? Exit::no_match : Exit::answered;
  }

  static std::string name_of(const InterfacePair& pair, const RangeStates& states) {
    return pair.after != nullptr ? interface_name(*pair.after, states.after)
                                 : interface_name(*pair.before, states.before);
  }

  static void print_verdicts(Output& out, const RangeStates& states,
                             const std::vector<InterfacePair>& pairs) {
    bool all_well = true;
    for (const InterfacePair& pair : pairs) {
      const std::string name = escape(name_of(pair, states));
      if (pair.before == nullptr) out.text(fmt::format("{}: came", name), Style::good);
      if (pair.after == nullptr) out.text(fmt::format("{}: went", name), Style::warning);
      if (pair.before != nullptr && pair.after != nullptr &&
          pair.before->operational_state != pair.after->operational_state)
        out.text(fmt::format("{}: was {}, is {}", name,
                             operational_state_name(pair.before->operational_state),
                             operational_state_name(pair.after->operational_state)),
                 Style::warning);
      for (const Trouble& trouble : troubles(pair)) {
        all_well = false;
        out.text(fmt::format("{}: {} {} ({:.2g} %): {}", name, human_count(trouble.count),
                             trouble.what, trouble.percent, trouble.hint),
                 trouble.percent >= 1 ? Style::bad : Style::warning);
      }
    }
    out.fact("errors_or_drops", !all_well);
    if (all_well) out.text("no errors and no drops in this time", Style::good);
    out.text("");
  }

  static void print_growth(Context& context, const RangeStates& states,
                           const std::vector<InterfacePair>& pairs) {
    Output& out = context.out();
    out.begin({"interface",
               "interfaces",
               {{"interface", "Iface"},
                {"receive_packets", "RX packets", Unit::count},
                {"receive_bytes", "RX bytes", Unit::bytes},
                {"receive_bytes_per_second", "RX/s", Unit::bytes},
                {"receive_errors", "RX-ERR", Unit::count},
                {"receive_dropped", "RX-DRP", Unit::count},
                {"receive_over_errors", "RX-OVR", Unit::count},
                {"transmit_packets", "TX packets", Unit::count},
                {"transmit_bytes", "TX bytes", Unit::bytes},
                {"transmit_bytes_per_second", "TX/s", Unit::bytes},
                {"transmit_errors", "TX-ERR", Unit::count},
                {"transmit_dropped", "TX-DRP", Unit::count},
                {"collisions", "Colls", Unit::count},
                {"carrier_changes", "Link", Unit::count},
                {"namespace", "Namespace", Unit::text,
                 several_namespaces(states.after) ? Place::everywhere : Place::machine}}});
    for (const InterfacePair& pair : pairs)
      if (pair.after != nullptr) out.row(growth_row(pair, states));
    out.end();
  }

  static Row growth_row(const InterfacePair& pair, const RangeStates& states) {
    static const Interface kNew;
    const Interface& then = pair.before == nullptr ? kNew : *pair.before;
    const Interface& now = *pair.after;
    const auto us = std::max<std::int64_t>(1, (states.after_at - states.before_at).count());
    const auto grown = [&](auto member) { return growth(then.*member, now.*member); };
    const auto rate = [&](auto member) {
      return static_cast<std::uint64_t>(static_cast<double>(grown(member)) * 1e6 /
                                        static_cast<double>(us));
    };
    return {interface_name(now, states.after),
            grown(&Interface::receive_packets),
            grown(&Interface::receive_bytes),
            rate(&Interface::receive_bytes),
            bad_if_any(grown(&Interface::receive_errors)),
            bad_if_any(grown(&Interface::receive_dropped)),
            bad_if_any(grown(&Interface::receive_over_errors)),
            grown(&Interface::transmit_packets),
            grown(&Interface::transmit_bytes),
            rate(&Interface::transmit_bytes),
            bad_if_any(grown(&Interface::transmit_errors)),
            bad_if_any(grown(&Interface::transmit_dropped)),
            bad_if_any(grown(&Interface::collisions)),
            bad_if_any(growth(then.carrier_changes, now.carrier_changes)),
            namespace_text(now.network_namespace, states.after)};
  }
};

}  // namespace

std::unique_ptr<Command> interfaces_command() { return std::make_unique<InterfacesCommand>(); }

}  // namespace netrec
