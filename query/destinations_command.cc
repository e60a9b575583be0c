// `netrec destinations`: who was talked to, from which program, since when, how much went out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "query/commands.h"
#include "query/destinations.h"
#include "query/lives.h"

namespace netrec {

namespace {

using Order = std::uint64_t (*)(const Destination& row);

const std::map<std::string, Order>& orders() {
  static const std::map<std::string, Order> all = {
      {"connections", [](const Destination& row) { return row.connections; }},
      {"bytes", [](const Destination& row) { return row.bytes_sent + row.bytes_received; }},
      {"sent", [](const Destination& row) { return row.bytes_sent; }},
      {"received", [](const Destination& row) { return row.bytes_received; }},
      {"first", [](const Destination& row) { return ~row.first_us; }},
      {"last", [](const Destination& row) { return row.last_us; }}};
  return all;
}

const std::map<std::string, GroupBy>& groupings() {
  static const std::map<std::string, GroupBy> all = {{"endpoint", GroupBy::endpoint},
                                                     {"address", GroupBy::address},
                                                     {"network", GroupBy::network},
                                                     {"program", GroupBy::program}};
  return all;
}

std::string joined(const std::set<std::string>& words, std::size_t most) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return words.size() < most ? text : text + ", …";
}

Value list_of(const std::set<std::string>& words) {
  Value::List list;
  for (const std::string& word : words) list.emplace_back(word);
  return list;
}

class DestinationsCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"destinations", Group::analyse, "Add up who was talked to, by which program, how much",
            "netrec destinations --sort sent | where most bytes went\n"
            "netrec destinations --by network process curl | a program's networks\n"
            "netrec destinations --incoming | who called our services\n"};
  }

  void declare(CLI::App& app) override {
    app.add_option("--by", by_, "endpoint (program, address and port), address, network, program")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"endpoint", "address", "network", "program"}).description(""));
    app.add_option("--sort", sort_, "connections, bytes, sent, received, first, last")
        ->type_name("BY")
        ->check(CLI::IsMember({"connections", "bytes", "sent", "received", "first", "last"})
                    .description(""));
    app.add_option("--limit", limit_, "Only so many")->type_name("N");
    app.add_flag("--incoming", incoming_, "Who called us, not whom we called");
    app.add_option("FILTER", words_, "Which connections (see netrec help filter)");
  }

  Result<Exit> run(Context& context) override {
    LifeQuery query;
    NETREC_TRY(filter, Filter::parse(words_));
    NETREC_TRY(range, context.range());
    NETREC_CHECKED(context.note_gaps(range));
    query.range = range;
    query.fields = {"family",      "transport",   "network_namespace", "local_high",
                    "local_low",   "local_port",  "remote_high",       "remote_low",
                    "remote_port", "remote_name", "process",           "opened_us",
                    "state",       "bytes_sent",  "bytes_received"};
    const GroupBy by = groupings().at(by_);
    const bool with_peers = filter.matches_everything();
    NETREC_TRY(several, context.files());
    with_host_ = several != nullptr;
    ByHost hosts;
    const auto rows = [&]() -> Destinations& {
      const Direction direction = incoming_ ? Direction::incoming : Direction::outgoing;
      return hosts.try_emplace(context.host(), by, direction).first->second;
    };
    NETREC_CHECKED(for_each_life(context, "looking for what listened", query,
                                 [&](const Connection& life, const Snapshot&) {
                                   rows().learn(life);
                                   return true;
                                 }));
    query.filter = std::move(filter);
    NETREC_CHECKED(for_each_life(context, "adding up destinations", query,
                                 [&](const Connection& life, const Snapshot& names) {
                                   rows().add(life, names);
                                   return true;
                                 }));
    if (with_peers) NETREC_CHECKED(add_peers(context, range, rows));
    return print(context, range, by, hosts);
  }

 private:
  std::vector<std::string> words_;
  std::string by_ = "endpoint";
  std::string sort_ = "connections";
  std::size_t limit_ = 0;
  bool incoming_ = false;
  bool with_host_ = false;

  using ByHost = std::map<std::string, Destinations>;
  using Found = std::pair<const std::string*, const Destination*>;

  template <class Rows>
  static Status add_peers(Context& context, const TimeRange& range, const Rows& rows) {
    Wanted wanted;
    wanted.from = range.from;
    wanted.to = range.to;
    Progress progress = context.progress("adding up peers");
    std::uint64_t seen = 0;
    bool wants_more = true;
    const auto sink = [&](const Peer& peer, const Snapshot& names) {
      rows().add(peer, names);
      return wants_more = progress.update(++seen, 0);
    };
    NETREC_CHECKED(scan_files(context, wanted, wants_more,
                              [&](const Timeline& timeline, const Wanted& narrowed) {
                                return scan_peers(timeline, narrowed, sink);
                              }));
    if (interrupted()) return tl::unexpected(interruption());
    return {};
  }

  std::vector<Found> sorted(const ByHost& hosts) const {
    std::vector<Found> rows;
    for (const auto& [host, all] : hosts)
      for (const auto& [key, row] : all.rows()) rows.emplace_back(&host, &row);
    const Order order = orders().at(sort_);
    std::stable_sort(rows.begin(), rows.end(), [&](const Found& a, const Found& b) {
      return order(*a.second) > order(*b.second);
    });
    if (limit_ != 0 && rows.size() > limit_) rows.resize(limit_);
    return rows;
  }

  static std::vector<Column> columns_by(GroupBy by) {
    const auto only = [&](bool wanted, Place place) { return wanted ? place : Place::machine; };
    const bool is_program = by == GroupBy::program;
    const bool is_endpoint = by == GroupBy::endpoint;
    return {{"program", "Program", Unit::text, only(is_program || is_endpoint, Place::everywhere),
             Fit::cut_end},
            {"proto", "Proto", Unit::text, only(is_endpoint, Place::everywhere)},
            {"remote", by == GroupBy::network ? "Network" : "Remote", Unit::text,
             is_program ? Place::machine : Place::table, Fit::cut_end},
            {"remote_address", "", Unit::text, Place::machine},
            {"port", "", Unit::number, Place::machine},
            {"names", "Names", Unit::text, Place::everywhere, Fit::cut_end},
            {"connections", "Connections", Unit::count},
            {"open", "Open", Unit::count},
            {"addresses", "Addresses", Unit::count,
             only(is_program || by == GroupBy::network, Place::everywhere)},
            {"bytes_sent", "Sent", Unit::bytes},
            {"bytes_received", "Received", Unit::bytes},
            {"first_seen", "First seen", Unit::instant_us},
            {"last_seen", "Last seen", Unit::instant_us},
            {"programs", "Programs", Unit::text,
             only(!is_program && !is_endpoint, Place::everywhere), Fit::cut_end}};
  }

  Result<Exit> print(Context& context, const TimeRange& range, GroupBy by,
                     const ByHost& hosts) const {
    Output& out = context.out();
    out.fact("from", to_us(range.from), Unit::instant_us);
    out.fact("to", to_us(range.to), Unit::instant_us);
    const auto rows = sorted(hosts);
    std::size_t found = 0;
    for (const auto& [host, all] : hosts) found += all.rows().size();
    std::vector<Column> columns = columns_by(by);
    if (with_host_) columns.push_back({"host", "Host"});
    out.begin({"destination", "destinations", std::move(columns)});
    for (const auto& [host, destination] : rows) {
      Row row = row_of(context, by, *destination);
      if (with_host_) row.emplace_back(*host);
      out.row(std::move(row));
    }
    out.end();
    out.fact("found", found);
    std::string summary =
        found == 0 ? "no connection matches" : counted(found, "destination", "destinations");
    if (rows.size() < found) summary += fmt::format(", {} shown", rows.size());
    out.text(summary, Style::dim);
    return rows.empty() ? Exit::no_match : Exit::answered;
  }

  static std::string remote_text(Context& context, GroupBy by, const DestinationKey& key) {
    EndpointNames& names = context.endpoint_names();
    if (by == GroupBy::program) return "";
    if (by == GroupBy::address) return names.address(key.remote, key.family, "");
    const int bits = key.family == Family::inet ? 24 : 48;
    if (by == GroupBy::network)
      return fmt::format("{}/{}", to_string(key.remote, key.family), bits);
    return names.endpoint(key.remote, key.port, key.family, key.transport, "");
  }

  Row row_of(Context& context, GroupBy by, const Destination& row) const {
    const DestinationKey& key = row.key;
    const bool table = context.options().format == Format::table;
    const bool has_address = by != GroupBy::program;
    Socket socket;
    socket.transport = key.transport;
    socket.family = key.family;
    // Incoming: the address is theirs, the port ours.
    const std::string remote =
        incoming_ && by == GroupBy::endpoint
            ? fmt::format("{} -> :{}", context.endpoint_names().address(key.remote, key.family, ""),
                          key.port)
            : remote_text(context, by, key);
    return {key.program.empty() && table ? Value("-") : Value(key.program),
            key.transport == Transport::unknown ? Value() : Value(protocol_text(socket)),
            remote.empty() ? Value() : Value(remote),
            has_address ? Value(to_string(key.remote, key.family)) : Value(),
            by == GroupBy::endpoint ? Value(key.port) : Value(),
            table ? Value(joined(row.names, Destinations::kMostNames)) : list_of(row.names),
            row.connections,
            row.open,
            row.addresses.size(),
            row.bytes_sent,
            row.bytes_received,
            row.first_us,
            row.last_us,
            table ? Value(joined(row.programs, Destinations::kMostNames)) : list_of(row.programs)};
  }
};

}  // namespace

std::unique_ptr<Command> destinations_command() { return std::make_unique<DestinationsCommand>(); }

}  // namespace netrec
