// connections (a row a life), transitions (a row a state entered), peers and dns: tables read by
// the scans of history.h, narrowed by what the WHERE clause says.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/entity_columns.h"
#include "store/history.h"
#include "store/life_cells.h"
#include "store/ordered_rows.h"
#include "store/row_batches.h"
#include "store/tables.h"
#include "store/wanted_of.h"

namespace netrec {

namespace {

using LifeRow = EntityRow<Socket>;
using Writer = void (*)(CellSink& out, const LifeRow& row, std::uint16_t field);

EntityColumn<Socket> life_column(std::string_view name, std::string_view type,
                                 std::string_view about, Writer emit,
                                 std::initializer_list<std::string_view> needs = {}) {
  EntityColumn<Socket> column;
  column.column = {
      .name = std::string(name), .type = std::string(type), .about = std::string(about)};
  column.emit = emit;
  for (const std::string_view field : needs) column.needs.set(field_called<Socket>(field));
  return column;
}

std::string_view reason_name(CloseReason reason) {
  switch (reason) {
    case CloseReason::gone:
      return "gone";
    case CloseReason::exact:
      return "exact";
    case CloseReason::replaced:
      return "replaced";
    case CloseReason::unseen:
      return "unseen";
  }
  return "";
}

void emit_closed(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number_or_null(row.connection->closed_us);
}

void emit_closed_after(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number_or_null(row.connection->closed_after_us);
}

void emit_last_seen(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number_or_null(row.connection->last_seen_us);
}

void emit_reason(CellSink& out, const LifeRow& row, std::uint16_t) {
  if (!row.connection->is_closed()) return out.null();
  out.text(reason_name(row.connection->reason));
}

void emit_lifetime(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number(lifetime_of(*row.connection).at_least_us);
}

void emit_longest(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number_or_null(lifetime_of(*row.connection).at_most_us);
}

void emit_exact(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number(lifetime_of(*row.connection).certain ? 1 : 0);
}

void emit_states(CellSink& out, const LifeRow& row, std::uint16_t) {
  std::string states;
  for (const Transition& transition : row.connection->transitions) {
    if (!states.empty()) states += ' ';
    states += name(transition.state);
  }
  out.text_or_null(states);
}

void emit_session(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number(row.connection->session);
}

const EntityColumns<Socket>& connection_columns() {
  static const EntityColumns<Socket> columns = [] {
    std::vector<EntityColumn<Socket>> all = {
        life_column("closed_us", "INTEGER", "It was gone by then; NULL: still there", emit_closed),
        life_column("lifetime_us", "INTEGER", "It lived at least so long", emit_lifetime,
                    {"opened_us", "opened_after_us"}),
        life_column("lifetime_at_most_us", "INTEGER",
                    "It lived at most so long; NULL: it was there before recording began",
                    emit_longest, {"opened_us", "opened_after_us"}),
        life_column("lifetime_exact", "INTEGER", "1: both ends are the kernel's own times",
                    emit_exact, {"opened_us", "opened_after_us"}),
        life_column("states", "TEXT", "The states it went through, oldest first", emit_states),
        life_column("close_reason", "TEXT",
                    "gone (by a tick), exact (the kernel said so), unseen (while nobody looked); "
                    "NULL: open",
                    emit_reason),
        life_column("closed_after_us", "INTEGER", "It was still there then; = closed_us: exact",
                    emit_closed_after),
        life_column("last_seen_us", "INTEGER", "The last frame that had it", emit_last_seen),
        life_column("session", "INTEGER", "session.id that saw it end, or saw it last",
                    emit_session)};
    for (auto& column : columns_of_entity<Socket>()) all.push_back(std::move(column));
    // Identity first, then its life.
    std::stable_partition(all.begin(), all.end(), [](const EntityColumn<Socket>& column) {
      constexpr std::string_view kIdentity[] = {"transport",      "local_address", "local_port",
                                                "remote_address", "remote_port",   "remote_name",
                                                "state",          "program",       "pid",
                                                "user",           "opened_us"};
      return std::find(std::begin(kIdentity), std::end(kIdentity), column.column.name) !=
             std::end(kIdentity);
    });
    return EntityColumns<Socket>(std::move(all));
  }();
  return columns;
}

const Transition& transition_of(const LifeRow& row) {
  return row.connection->transitions[row.transition];
}

void emit_at(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number(transition_of(row).at_us);
}

void emit_after(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.number_or_null(transition_of(row).after_us);
}

void emit_from_state(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.text_or_null(row.transition == 0
                       ? std::string_view{}
                       : name(row.connection->transitions[row.transition - 1].state));
}

void emit_to_state(CellSink& out, const LifeRow& row, std::uint16_t) {
  out.text_or_null(name(transition_of(row).state));
}

const EntityColumns<Socket>& transition_columns() {
  static const EntityColumns<Socket> columns = [] {
    std::vector<EntityColumn<Socket>> all = {
        life_column("at_us", "INTEGER", "It was in the state from then on", emit_at),
        life_column("after_us", "INTEGER",
                    "It was not yet in it then; = at_us: exact; NULL: it was first seen in it",
                    emit_after),
        life_column("from_state", "TEXT", "The state before; NULL: none was seen", emit_from_state),
        life_column("to_state", "TEXT", "The state entered", emit_to_state)};
    constexpr std::string_view kKept[] = {
        "cookie",      "transport",   "local_address", "local_port", "remote_address",
        "remote_port", "remote_name", "process",       "program",    "pid",
        "user",        "exe",         "namespace",     "opened_us"};
    for (auto& column : columns_of_entity<Socket>())
      if (std::find(std::begin(kKept), std::end(kKept), column.column.name) != std::end(kKept))
        all.push_back(std::move(column));
    return EntityColumns<Socket>(std::move(all));
  }();
  return columns;
}

/// True if a column tells of a life's end.
bool uses_ends(const Request& request) {
  const EntityColumns<Socket>& all = connection_columns();
  for (int i = 0; i < static_cast<int>(all.described().size()); ++i)
    if (request.uses(i) && all.at(i).source == CellSource::row && all.name_of(i) != "user" &&
        all.name_of(i) != "states" && all.name_of(i) != "session")
      return true;
  return false;
}

using Times = std::vector<std::optional<std::uint64_t>>;

/// The time that each row of `lives` shows in a column that tells one.
Times times_of(const ConnectionColumns& lives, std::string_view column) {
  static const std::uint16_t kOpened = field_called<Socket>("opened_us");
  Times times;
  times.reserve(lives.rows.size());
  for (const std::uint32_t row : lives.rows) {
    const std::uint64_t time =
        column == "opened_us" ? lives.value(kOpened, row) : lives.ends.closed_us[row];
    times.push_back(time == 0 ? std::nullopt : std::optional(time));
  }
  return times;
}

/// Of anything but an end: whether nothing is told long after it was is the clock's doing.
bool is_clock_steady(TableContext& context) {
  const auto timeline = context.lease();
  return timeline && (*timeline)->is_clock_steady();
}

class ConnectionsTable final : public VirtualTable {
 public:
  std::string_view name() const override { return "connections"; }
  std::string_view about() const override {
    return "The life of every socket: opened, closed, states, totals, owner";
  }
  std::span<const SqlColumn> columns() const override { return connection_columns().described(); }
  std::span<const std::string_view> identity() const override {
    static constexpr std::string_view kColumns[] = {"cookie", "opened_us"};
    return kColumns;
  }
  double selectivity(int column, Comparison comparison) const override {
    return selectivity_of(connection_columns(), column, comparison);
  }
  bool checks(int column, Comparison comparison, const SqlCell& value) const override {
    return test_of(connection_columns().at(column), comparison, value).has_value();
  }
  bool gives_order(TableContext& context, const RowOrder& order,
                   std::span<const Constraint> /*constraints*/) const override {
    const std::string_view column = connection_columns().name_of(order.column);
    return column == "closed_us" ||
           (column == "opened_us" && order.descending && is_clock_steady(context));
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    const EntityColumns<Socket>& all = connection_columns();
    NETREC_TRY(asked, wanted_by(all, request));
    Wanted wanted = std::move(asked);
    wanted.transitions = request.uses(all.index_of("states"));
    wanted.ends = uses_ends(request);
    NETREC_TRY(leased, context.lease());
    auto timeline = std::make_shared<TableContext::Lease>(std::move(leased));
    if (request.order) {
      const auto scan = [&context, wanted, timeline,
                         order = *request.order](const RowBatches::Offer& offer) {
        return scan_ordered(context, **timeline, wanted, order, offer);
      };
      return scanned_rows(context, name(), request, all.described().size(), **timeline, scan);
    }
    const auto scan = [&all, &context, wanted, timeline](const RowBatches::Offer& offer) {
      const ConnectionSink each = [&](const Connection& life, const Snapshot& names) {
        const LifeRow row{.entity = &life.socket, .names = &names, .connection = &life};
        return !context.interrupted() &&
               offer([&](int column, CellSink& out) { all.emit(column, out, row); });
      };
      LifeCells cells(all, offer.used());
      const ConnectionColumnsSink many = [&](const auto& lives) {
        cells.begin(lives);
        return offer(lives->rows.size(),
                     [&](std::size_t first, std::size_t last, std::span<CellColumn> out) {
                       cells.write(first, last, out);
                     }) &&
               offer.give_now();
      };
      return scan_connections(**timeline, wanted, each, many);
    };
    return scanned_rows(context, name(), request, all.described().size(), **timeline, scan);
  }

 private:
  static Result<std::vector<Damage>> scan_ordered(TableContext& context, const Timeline& timeline,
                                                  Wanted wanted, const RowOrder& order,
                                                  const RowBatches::Offer& offer) {
    const EntityColumns<Socket>& all = connection_columns();
    const std::string_view column = all.name_of(order.column);
    const auto time = column == "closed_us" ? HistoryOrder::Time::end : HistoryOrder::Time::earlier;
    LifeCells cells(all, offer.used());
    return scan_in_order(
        offer, order, time, timeline, [&](const HistoryOrder& asked, OrderedRows& rows) {
          wanted.order = &asked;
          const ConnectionSink each = [&](const Connection& life, const Snapshot& names) {
            const LifeRow row{.entity = &life.socket, .names = &names, .connection = &life};
            return !context.interrupted() &&
                   rows.add([&](int i, CellSink& out) { all.emit(i, out, row); });
          };
          const ConnectionColumnsSink many = [&](const auto& lives) {
            cells.begin(lives);
            std::vector<std::uint32_t> places;
            return !context.interrupted() &&
                   rows.add(times_of(*lives, column),
                            [&](std::span<const std::uint32_t> some, std::span<CellColumn> out) {
                              places.clear();
                              for (const std::uint32_t i : some) places.push_back(lives->rows[i]);
                              cells.write(places, out);
                            });
          };
          return scan_connections(timeline, wanted, each, many);
        });
  }
};

class TransitionsTable final : public VirtualTable {
 public:
  std::string_view name() const override { return "transitions"; }
  std::string_view about() const override {
    return "Every change of state of every socket, with its time";
  }
  std::span<const SqlColumn> columns() const override { return transition_columns().described(); }
  std::span<const std::string_view> identity() const override {
    static constexpr std::string_view kColumns[] = {"cookie", "opened_us", "at_us", "from_state",
                                                    "to_state"};
    return kColumns;
  }
  double rows_estimate() const override { return 5e6; }
  double selectivity(int column, Comparison comparison) const override {
    return selectivity_of(transition_columns(), column, comparison);
  }
  bool checks(int column, Comparison comparison, const SqlCell& value) const override {
    return test_of(transition_columns().at(column), comparison, value).has_value();
  }
  bool gives_order(TableContext& context, const RowOrder& order,
                   std::span<const Constraint> /*constraints*/) const override {
    return transition_columns().name_of(order.column) == "at_us" && order.descending &&
           is_clock_steady(context);
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    const EntityColumns<Socket>& all = transition_columns();
    NETREC_TRY(wanted, wanted_by(all, request));
    NETREC_TRY(leased, context.lease());
    auto timeline = std::make_shared<TableContext::Lease>(std::move(leased));
    if (request.order) {
      const auto scan = [&context, wanted, timeline,
                         order = *request.order](const RowBatches::Offer& offer) {
        return scan_ordered(context, **timeline, wanted, order, offer);
      };
      return scanned_rows(context, name(), request, all.described().size(), **timeline, scan);
    }
    const auto scan = [&all, &context, wanted, timeline](const RowBatches::Offer& offer) {
      return scan_connections(
          **timeline, wanted, [&](const Connection& life, const Snapshot& names) {
            LifeRow row{.entity = &life.socket, .names = &names, .connection = &life};
            const auto write = [&](int column, CellSink& out) { all.emit(column, out, row); };
            for (; row.transition < life.transitions.size(); ++row.transition)
              if (context.interrupted() || !offer(write)) return false;
            return true;
          });
    };
    return scanned_rows(context, name(), request, all.described().size(), **timeline, scan);
  }

 private:
  /// A row of a chunk, and one of its states.
  struct Entered {
    std::uint32_t row = 0;
    std::uint32_t transition = 0;
  };

  static Result<std::vector<Damage>> scan_ordered(TableContext& context, const Timeline& timeline,
                                                  Wanted wanted, const RowOrder& order,
                                                  const RowBatches::Offer& offer) {
    return scan_in_order(
        offer, order, HistoryOrder::Time::earlier, timeline,
        [&](const HistoryOrder& asked, OrderedRows& rows) {
          wanted.order = &asked;
          const ConnectionSink each = [&](const Connection& life, const Snapshot& names) {
            LifeRow row{.entity = &life.socket, .names = &names, .connection = &life};
            const auto write = [&](int i, CellSink& out) {
              transition_columns().emit(i, out, row);
            };
            for (; row.transition < life.transitions.size(); ++row.transition)
              if (context.interrupted() || !rows.add(write)) return false;
            return true;
          };
          const ConnectionColumnsSink many = [&](const auto& lives) {
            return !context.interrupted() && add_all(*lives, offer.used(), rows);
          };
          return scan_connections(timeline, wanted, each, many);
        });
  }

  static bool add_all(const ConnectionColumns& lives, const std::vector<int>& used,
                      OrderedRows& rows) {
    std::vector<Entered> entered;
    Times times;
    for (const std::uint32_t row : lives.rows) {
      const auto states = lives.transitions.of(row);
      for (std::uint32_t i = 0; i < states.size(); ++i) {
        entered.push_back({row, i});
        times.push_back(states[i].at_us);
      }
    }
    return rows.add(times, [&](std::span<const std::uint32_t> some, std::span<CellColumn> out) {
      Connection life;
      for (const std::uint32_t place : some) {
        lives.read(entered[place].row, life);
        const LifeRow row{.entity = &life.socket,
                          .names = lives.names.get(),
                          .connection = &life,
                          .transition = entered[place].transition};
        for (std::size_t i = 0; i < out.size(); ++i)
          transition_columns().emit(used[i], out[i], row);
      }
    });
  }
};

// peers and dns differ in their entity and their scan only.
template <class T, auto scan_entities>
class EntityScanTable final : public VirtualTable {
 public:
  /// `times`: columns that tell when something was, never after the row went.
  EntityScanTable(std::string_view name, std::string_view about,
                  std::vector<std::string_view> times)
      : name_(name), about_(about), times_(std::move(times)) {}
  std::string_view name() const override { return name_; }
  std::string_view about() const override { return about_; }
  std::span<const SqlColumn> columns() const override { return all().described(); }
  std::span<const std::string_view> identity() const override {
    static constexpr std::string_view kColumns[] = {"id"};
    return kColumns;
  }
  double rows_estimate() const override { return 1e5; }
  double selectivity(int column, Comparison comparison) const override {
    return narrowing(all().name_of(column), comparison);
  }
  bool gives_order(TableContext& context, const RowOrder& order,
                   std::span<const Constraint> /*constraints*/) const override {
    const auto is_time = std::find(times_.begin(), times_.end(), all().name_of(order.column));
    return is_time != times_.end() && order.descending && is_clock_steady(context);
  }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                          const Request& request) const override {
    Wanted wanted;
    for (const Constraint& constraint : request.constraints)
      narrow(wanted, all().name_of(constraint.column), constraint);
    wanted.neighbours = request.neighbours;
    NETREC_TRY(leased, context.lease());
    auto timeline = std::make_shared<TableContext::Lease>(std::move(leased));
    const auto scan = [&context, wanted, timeline,
                       order = request.order](const RowBatches::Offer& offer) {
      return order ? scan_ordered(context, **timeline, wanted, *order, offer)
                   : scan_to(context, **timeline, wanted, offer);
    };
    return scanned_rows(context, name(), request, all().described().size(), **timeline, scan);
  }

 private:
  static const EntityColumns<T>& all() {
    static const EntityColumns<T> columns(columns_of_entity<T>());
    return columns;
  }
  template <class Take>
  static Result<std::vector<Damage>> scan_to(TableContext& context, const Timeline& timeline,
                                             const Wanted& wanted, Take& take) {
    return scan_entities(timeline, wanted, [&](const T& entity, const Snapshot& names) {
      const EntityRow<T> row{.entity = &entity, .names = &names};
      return !context.interrupted() &&
             take([&](int column, CellSink& out) { all().emit(column, out, row); });
    });
  }
  static Result<std::vector<Damage>> scan_ordered(TableContext& context, const Timeline& timeline,
                                                  Wanted wanted, const RowOrder& order,
                                                  const RowBatches::Offer& offer) {
    return scan_in_order(offer, order, HistoryOrder::Time::earlier, timeline,
                         [&](const HistoryOrder& asked, OrderedRows& rows) {
                           wanted.order = &asked;
                           const auto take = [&](const CellWriter& write) {
                             return rows.add(write);
                           };
                           return scan_to(context, timeline, wanted, take);
                         });
  }

  std::string_view name_;
  std::string_view about_;
  std::vector<std::string_view> times_;
};

}  // namespace

const VirtualTable& connections_table() {
  static const ConnectionsTable table;
  return table;
}

const VirtualTable& transitions_table() {
  static const TransitionsTable table;
  return table;
}

const VirtualTable& peers_table() {
  static const EntityScanTable<Peer, scan_peers> table(
      "peers", "Whom sockets without a connection talked to (UDP, raw, …), in bytes and packets",
      {"first_us", "last_us"});
  return table;
}

const VirtualTable& dns_table() {
  static const EntityScanTable<Resolution, scan_resolutions> table(
      "dns", "Names programs asked for and the addresses they were given", {"answered_us"});
  return table;
}

}  // namespace netrec
