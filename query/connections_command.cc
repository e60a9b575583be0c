// `netrec connections`: whole lives, how sure each end of them is, and what went over them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "query/commands.h"
#include "query/direction.h"
#include "query/lifetime_text.h"
#include "query/lives.h"
#include "query/socket_columns.h"
#include "query/socket_selection.h"

namespace netrec {

namespace {

using SortKey = std::uint64_t (*)(const Connection& life);

const std::map<std::string, SortKey>& sort_keys() {
  static const std::map<std::string, SortKey> keys = {
      {"opened", [](const Connection& c) { return c.socket.opened_us; }},
      {"closed",
       [](const Connection& c) { return c.is_closed() ? c.closed_us : std::uint64_t{~0ull}; }},
      {"duration", [](const Connection& c) { return lifetime_of(c).at_least_us; }},
      {"bytes", [](const Connection& c) { return c.socket.bytes_sent + c.socket.bytes_received; }},
      {"sent", [](const Connection& c) { return c.socket.bytes_sent; }},
      {"received", [](const Connection& c) { return c.socket.bytes_received; }},
      {"retransmits",
       [](const Connection& c) { return std::uint64_t{c.socket.total_retransmits}; }},
      {"rtt", [](const Connection& c) { return std::uint64_t{c.socket.rtt_us}; }}};
  return keys;
}

/// "2.00 s" if both ends are exact, else what it was at least and at most: "1.5 s ± 0.5 s".
std::string spread_text(const Connection& life) {
  const Lifetime time = lifetime_of(life);
  if (time.certain) return human_duration(time.at_least_us);
  if (time.at_most_us == 0 || !life.is_closed()) return "> " + human_duration(time.at_least_us);
  const std::uint64_t middle = time.at_least_us + (time.at_most_us - time.at_least_us) / 2;
  const std::uint64_t spread = (time.at_most_us - time.at_least_us + 1) / 2;
  if (spread == 0) return human_duration(middle);
  return fmt::format("{} ± {}", human_duration(middle), human_duration(spread));
}

/// "SYN_SENT +12 ms ESTABLISHED +2.0 s TIME_WAIT".
std::string states_text(const Connection& life) {
  std::string text;
  std::uint64_t before = 0;
  for (const Transition& transition : life.transitions) {
    if (before != 0)
      text += fmt::format(" +{} ",
                          human_duration(transition.at_us - std::min(before, transition.at_us)));
    text += name(transition.state);
    before = transition.at_us;
  }
  return text;
}

Value states_value(const Connection& life) {
  Value::List states;
  for (const Transition& transition : life.transitions)
    states.push_back(Value::Members{
        {"state", name(transition.state)},
        {"at", rfc3339(transition.at_us)},
        {"after", transition.after_us == 0 ? Value() : Value(rfc3339(transition.after_us))}});
  return states;
}

/// Why it ended, where that is more than "closed".
Style closed_style(const Connection& life) {
  if (!life.is_closed()) return Style::good;
  return life.socket.error != 0 ? Style::bad : Style::plain;
}

/// The rows kept for sorting: all, or the `limit` largest.
class SortedRows {
 public:
  SortedRows(std::uint64_t limit, bool ascending) : limit_(limit), ascending_(ascending) {}

  bool wants(std::uint64_t key) const {
    return limit_ == 0 || rows_.size() < limit_ || before(key, rows_.front().key);
  }
  struct Kept {
    std::uint64_t key;
    std::uint64_t order;  ///< as they came, where keys are equal
    Row row;
    std::string detail;
  };
  void add(std::uint64_t key, Row row, std::string detail) {
    const auto worse_first = [this](const Kept& a, const Kept& b) { return comes_before(a, b); };
    rows_.push_back({key, order_++, std::move(row), std::move(detail)});
    std::push_heap(rows_.begin(), rows_.end(), worse_first);
    if (limit_ == 0 || rows_.size() <= limit_) return;
    std::pop_heap(rows_.begin(), rows_.end(), worse_first);
    rows_.pop_back();
  }
  std::vector<Kept> take() {
    std::sort(rows_.begin(), rows_.end(),
              [this](const Kept& a, const Kept& b) { return comes_before(a, b); });
    return std::move(rows_);
  }

 private:
  bool before(std::uint64_t a, std::uint64_t b) const { return ascending_ ? a < b : a > b; }
  bool comes_before(const Kept& a, const Kept& b) const {
    return a.key == b.key ? a.order < b.order : before(a.key, b.key);
  }
  std::uint64_t limit_;
  bool ascending_;
  std::uint64_t order_ = 0;
  std::vector<Kept> rows_;  ///< a heap, the one to drop next in front
};

class ConnectionsCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"connections", Group::look, "List connections from open to close, with bytes and owner",
            "netrec connections --since -1h | those of the last hour\n"
            "netrec connections --sort bytes --limit 10 | the ten largest\n"
            "netrec connections --open --longer-than 8h | long ones that are still there\n"
            "netrec connections --states dst 203.0.113.7 | with each state and its time\n"};
  }

  void declare(CLI::App& app) override {
    selection_.declare(app);
    const std::string group = "Which of them, and in which order";
    std::vector<std::string> keys;
    for (const auto& [key, get] : sort_keys()) keys.push_back(key);
    app.add_option("--sort", sort_,
                   "opened (oldest first), closed, duration, bytes, sent, received, retransmits, "
                   "rtt (largest first); default: as they ended")
        ->type_name("BY")
        ->check(CLI::IsMember(keys).description(""))
        ->group(group);
    app.add_flag("--reverse", reverse_, "The other way round")->group(group);
    app.add_option("--limit", limit_, "Only so many")->type_name("N")->group(group);
    app.add_option("--longer-than", longer_than_, "Only those that lived longer: 90s, 8h")
        ->type_name("TIME")
        ->group(group);
    app.add_flag("--open", open_, "Only those not closed when the range ends")->group(group);
    app.add_flag("--states", states_, "Show the states it went through, and how long each took");
  }

  Result<Exit> run(Context& context) override {
    NETREC_CHECKED(selection_.prepare());
    if (!longer_than_.empty()) {
      NETREC_TRY(least, parse_duration(longer_than_));
      least_us_ = static_cast<std::uint64_t>(least.count());
    }
    NETREC_TRY(range, context.range());
    NETREC_CHECKED(context.note_gaps(range));
    range_ = range;
    Output& out = context.out();
    out.fact("from", to_us(range.from), Unit::instant_us);
    out.fact("to", to_us(range.to), Unit::instant_us);
    NETREC_TRY(several, context.files());
    with_host_ = several != nullptr;
    std::vector<Column> columns = all_columns();
    if (with_host_) columns.push_back({"host", "Host"});
    out.begin({"connection", "connections", std::move(columns)});
    NETREC_TRY(found, sort_.empty() ? print_as_they_come(context) : print_sorted(context));
    out.end();
    out.fact("found", found);
    out.text(found == 0 ? "no connection matches"
                        : counted(found, "connection", "connections") +
                              "   (~ at the latest, ≤ there before recording)",
             Style::dim);
    return found == 0 ? Exit::no_match : Exit::answered;
  }

 private:
  SocketSelection selection_;
  SocketColumns columns_;
  std::string sort_;
  std::string longer_than_;
  std::uint64_t limit_ = 0;
  std::uint64_t least_us_ = 0;
  bool reverse_ = false;
  bool open_ = false;
  bool states_ = false;
  bool with_host_ = false;
  TimeRange range_;

  bool wants(const Connection& life, const Snapshot& names) const {
    const Socket& socket = life.socket;
    // A UNIX socket has no remote address but, if it connected, the other end or its name.
    const bool connected = has_remote_end(socket) || socket.peer_inode != 0 ||
                           (socket.family == Family::unix && socket.remote_name != 0);
    if (!connected || !selection_.wants(life, names)) return false;
    if (open_ && life.is_closed() && life.closed_us <= to_us(range_.to)) return false;
    return least_us_ == 0 || lifetime_of(life).at_least_us > least_us_;
  }

  Status for_each(Context& context, const LifeSink& sink) const {
    LifeQuery query;
    query.range = range_;
    query.filter = selection_.filter();
    Wanted by_switches;
    selection_.narrow(by_switches);
    query.transports = by_switches.transports;
    return for_each_life(context, "reading connections", query,
                         [&](const Connection& life, const Snapshot& names) {
                           return !wants(life, names) || sink(life, names);
                         });
  }

  Result<std::uint64_t> print_as_they_come(Context& context) const {
    std::uint64_t found = 0;
    NETREC_CHECKED(for_each(context, [&](const Connection& life, const Snapshot& names) {
      context.out().row(row_of(context, life, names));
      if (states_) context.out().detail(states_text(life));
      return ++found != limit_;
    }));
    return found;
  }

  Result<std::uint64_t> print_sorted(Context& context) const {
    const SortKey key_of = sort_keys().at(sort_);
    const bool ascending = (sort_ == "opened" || sort_ == "closed") != reverse_;
    SortedRows rows(limit_, ascending);
    NETREC_CHECKED(for_each(context, [&](const Connection& life, const Snapshot& names) {
      const std::uint64_t key = key_of(life);
      if (rows.wants(key))
        rows.add(key, row_of(context, life, names), states_ ? states_text(life) : "");
      return true;
    }));
    std::uint64_t found = 0;
    for (auto& kept : rows.take()) {
      context.out().row(std::move(kept.row));
      if (states_) context.out().detail(kept.detail);
      ++found;
    }
    return found;
  }

  std::vector<Column> all_columns() const {
    std::vector<Column> all = {{"", "Opened", Unit::text, Place::table},
                               {"", "Closed", Unit::text, Place::table},
                               {"", "Lifetime", Unit::text, Place::table}};
    for (Column& column : columns_.columns()) {
      const bool queue = column.key == "recv_q" || column.key == "send_q";
      if (queue || column.key == "state") column.place = Place::machine;
      if (column.key == "owner") {
        all.push_back({"bytes_sent", "Sent", Unit::bytes});
        all.push_back({"bytes_received", "Received", Unit::bytes});
        all.push_back({"retransmits", "Retr", Unit::count});
        all.push_back({"rtt_us", "RTT", Unit::duration_us});
      }
      all.push_back(std::move(column));
    }
    for (Column column :
         std::initializer_list<Column>{{"bytes_retransmitted", "", Unit::bytes, Place::machine},
                                       {"error", "", Unit::number, Place::machine},
                                       {"closed", "", Unit::instant_us, Place::machine},
                                       {"closed_after", "", Unit::instant_us, Place::machine},
                                       {"last_seen", "", Unit::instant_us, Place::machine},
                                       {"lifetime_at_least_us", "", Unit::number, Place::machine},
                                       {"lifetime_at_most_us", "", Unit::number, Place::machine},
                                       {"lifetime_certain", "", Unit::text, Place::machine},
                                       {"states", "", Unit::text, Place::machine}})
      all.push_back(std::move(column));
    return all;
  }

  Row row_of(Context& context, const Connection& life, const Snapshot& names) const {
    const Socket& socket = life.socket;
    const Lifetime time = lifetime_of(life);
    Row row = {moment_text(socket.opened_us, socket.opened_after_us, context.times()),
               Cell(closed_text(life, context.times()), closed_style(life)), spread_text(life)};
    Row cells;
    columns_.append(cells, socket, names, context.endpoint_names());
    const std::vector<Column> columns = columns_.columns();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns[i].key == "owner") {
        row.emplace_back(socket.bytes_sent);
        row.emplace_back(socket.bytes_received);
        row.emplace_back(socket.total_retransmits,
                         socket.total_retransmits == 0 ? Style::dim : Style::warning);
        row.emplace_back(socket.rtt_us == 0 ? Value() : Value(socket.rtt_us));
      }
      row.push_back(std::move(cells[i]));
    }
    row.emplace_back(socket.bytes_retransmitted);
    row.emplace_back(socket.error == 0 ? Value() : Value(socket.error));
    row.emplace_back(life.closed_us);
    row.emplace_back(life.closed_after_us);
    row.emplace_back(life.last_seen_us);
    row.emplace_back(time.at_least_us);
    row.emplace_back(time.at_most_us == 0 ? Value() : Value(time.at_most_us));
    row.emplace_back(time.certain);
    row.emplace_back(states_value(life));
    if (with_host_) row.emplace_back(context.host());
    return row;
  }
};

}  // namespace

std::unique_ptr<Command> connections_command() { return std::make_unique<ConnectionsCommand>(); }

}  // namespace netrec
