// `netrec counters`: netstat -s over a range: which protocol counters grew, and which of them mean
// trouble.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <tuple>

#include "query/commands.h"
#include "query/interface_growth.h"
#include "query/names.h"
#include "query/range_states.h"
#include "query/wildcards.h"

namespace netrec {

namespace {

/// One counter over the range.
struct Grown {
  std::string name;
  std::string network_namespace;
  std::uint64_t value = 0;
  std::uint64_t growth = 0;
  CounterNote note;
};

class CountersCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"counters", Group::analyse, "Show which protocol counters grew (netstat -s)",
            "netrec counters --since -10m | what grew in ten minutes\n"
            "netrec counters --trouble | only what should not\n"
            "netrec counters --all 'Tcp*' | every TCP counter, grown or not\n"};
  }

  void declare(CLI::App& app) override {
    app.add_flag("--all", all_, "Those that did not grow, too");
    app.add_flag("--trouble", trouble_, "Only those whose growth means trouble");
    app.add_option("NAME", patterns_, "Only these: TcpExt.ListenDrops, 'Udp*'");
  }

  Result<Exit> run(Context& context) override {
    NETREC_TRY(range, context.range());
    NETREC_TRY(states, states_of(context, range));
    std::vector<Grown> counters = collect(states);
    print(context, states, counters);
    return counters.empty() ? Exit::no_match : Exit::answered;
  }

 private:
  std::vector<std::string> patterns_;
  bool all_ = false;
  bool trouble_ = false;

  bool wants(const Grown& counter) const {
    if (!all_ && counter.growth == 0) return false;
    if (trouble_ && !counter.note.bad) return false;
    return patterns_.empty() ||
           std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
             return wildcards_match(pattern, counter.name);
           });
  }

  std::vector<Grown> collect(const RangeStates& states) const {
    std::vector<Grown> counters;
    for (const Counter& now : states.after.of<Counter>()) {
      const Counter* then = states.before.of<Counter>().find(key_of(now));
      Grown counter;
      counter.name = states.after.text(now.name);
      counter.network_namespace = namespace_text(now.network_namespace, states.after);
      counter.value = now.value;
      // A gauge: it goes up and down.
      if (counter.name != "Tcp.CurrEstab")
        counter.growth = growth(then == nullptr ? 0 : then->value, now.value);
      counter.note = note_on_counter(counter.name);
      if (wants(counter)) counters.push_back(std::move(counter));
    }
    std::sort(counters.begin(), counters.end(), [](const Grown& a, const Grown& b) {
      return std::tie(a.network_namespace, a.name) < std::tie(b.network_namespace, b.name);
    });
    return counters;
  }

  static void print(Context& context, const RangeStates& states,
                    const std::vector<Grown>& counters) {
    Output& out = context.out();
    out.fact("from", to_us(states.before_at), Unit::instant_us);
    out.fact("to", to_us(states.after_at), Unit::instant_us);
    const bool several = std::any_of(counters.begin(), counters.end(), [&](const Grown& c) {
      return c.network_namespace != counters.front().network_namespace;
    });
    const auto us = std::max<std::int64_t>(1, (states.after_at - states.before_at).count());
    out.begin(
        {"counter",
         "counters",
         {{"counter", "Counter"},
          {"growth", "Grew by", Unit::count},
          {"growth_per_second", "a second", Unit::per_second},
          {"value", "Value", Unit::count},
          {"trouble", "", Unit::text, Place::machine},
          {"about", "Meaning"},
          {"namespace", "Namespace", Unit::text, several ? Place::everywhere : Place::machine}}});
    for (const Grown& counter : counters) {
      const bool bad = counter.note.bad && counter.growth > 0;
      out.row({counter.name, Cell(counter.growth, bad ? Style::warning : Style::plain),
               static_cast<double>(counter.growth) * 1e6 / static_cast<double>(us), counter.value,
               bad, counter.note.about, counter.network_namespace});
    }
    out.end();
    if (counters.empty()) out.text("no counter of that name grew", Style::dim);
  }
};

}  // namespace

std::unique_ptr<Command> counters_command() { return std::make_unique<CountersCommand>(); }

}  // namespace netrec
