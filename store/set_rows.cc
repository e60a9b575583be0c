#include "store/set_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "store/database.h"
#include "store/plain_tables.h"
#include "store/rotation.h"
#include "store/wanted_of.h"

namespace netrec {

namespace {

enum class Origin : std::size_t { host, file };

/// What of the WHERE clause says which files and instants: the rest is the table's.
struct Asked {
  WallTime from = WallTime::min();
  WallTime to = WallTime::max();
  std::optional<WallTime> at;  ///< one instant; of a table of instants, its last if there is none
  bool is_range = false;
  int step_begins = -1;  ///< the constraint that says where a range with a step begins
};

bool is_step(const SqlColumn& column) { return column.hidden && column.name == "step"; }

class SetRows final : public RowSource {
 public:
  SetRows(TableContext& context, const VirtualTable& table, Request request, Asked asked)
      : context_(context),
        table_(table),
        request_(std::move(request)),
        asked_(asked),
        walk_(*context.set(), asked.from, asked.to) {}

  Result<bool> next() override {
    for (;;) {
      if (!source_) {
        NETREC_TRY(more, open_next());
        if (!more) return false;
        if (!source_) continue;
      }
      auto more = source_->next();
      if (!more) {
        NETREC_CHECKED(tell(more.error()));
        source_.reset();
        continue;
      }
      if (*more) return true;
      source_.reset();
    }
  }
  void cell(int column, CellSink& out) const override {
    const std::size_t own = table_.columns().size();
    const auto place = static_cast<std::size_t>(column);
    if (place >= own) return emit_origin(context_.set()->files()[file_], place - own, out);
    source_->cell(column, out);
  }
  bool is_in_doubt() const override { return source_->is_in_doubt(); }

 private:
  /// False: there is no file left. True without a source: that one could not be read, and is told.
  Result<bool> open_next() {
    const auto file = walk_.next();
    if (!file) return false;
    file_ = *file;
    if (!is_asked()) return true;
    Request request = request_;
    keep_step(request);
    std::erase_if(request.constraints,
                  [&](const Constraint& constraint) { return is_origin(constraint.column); });
    request.neighbours = &walk_.neighbours();
    auto source = table_.rows(context_.file(file_), request);
    if (source)
      source_ = *std::move(source);
    else
      NETREC_CHECKED(tell(source.error()));
    return true;
  }

  bool is_origin(int column) const {
    return static_cast<std::size_t>(column) >= table_.columns().size();
  }

  bool is_asked() const {
    const TimelineFile& about = context_.set()->files()[file_];
    for (const Constraint& constraint : request_.constraints) {
      if (!is_origin(constraint.column) || constraint.comparison != Comparison::equal) continue;
      const std::size_t place =
          static_cast<std::size_t>(constraint.column) - table_.columns().size();
      const std::string& value =
          place == static_cast<std::size_t>(Origin::host) ? about.host : about.path;
      if (std::none_of(constraint.values.begin(), constraint.values.end(),
                       [&](const SqlCell& cell) { return cell == SqlCell(value); }))
        return false;
    }
    return !is_of_instants() || asked_.is_range || is_in_force();
  }

  bool is_of_instants() const {
    const auto columns = table_.columns();
    return std::any_of(columns.begin(), columns.end(), is_step);
  }

  /// True if this file is the one that says how its host was at the instant.
  bool is_in_force() const {
    const auto& files = context_.set()->files();
    const WallTime at = asked_.at.value_or(WallTime::max());
    if (files[file_].first > at) return false;
    for (std::size_t later = file_ + 1; later < files.size(); ++later)
      if (files[later].machine == files[file_].machine && files[later].first <= at) return false;
    return true;
  }

  /// Instants with a step go on from file to file as they would in one.
  void keep_step(Request& request) const {
    if (!asked_.is_range || asked_.step_begins < 0) return;
    const auto step = std::find_if(
        request.constraints.begin(), request.constraints.end(), [&](const Constraint& constraint) {
          return !is_origin(constraint.column) &&
                 is_step(table_.columns()[static_cast<std::size_t>(constraint.column)]);
        });
    if (step == request.constraints.end()) return;
    double seconds = 0;
    if (const auto* whole = std::get_if<std::int64_t>(&step->values.front()))
      seconds = static_cast<double>(*whole);
    if (const auto* real = std::get_if<double>(&step->values.front())) seconds = *real;
    const auto step_us = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 3.2e8) * 1e6);
    const std::int64_t begin =
        std::max(asked_.from, context_.set()->first()).time_since_epoch().count();
    const std::int64_t first = context_.set()->files()[file_].first.time_since_epoch().count();
    if (step_us < 1 || first <= begin) return;
    const std::int64_t steps = (first - begin + step_us - 1) / step_us;
    request.constraints[static_cast<std::size_t>(asked_.step_begins)].values = {
        SqlCell(begin + steps * step_us)};
  }

  /// One file of many that cannot be read is told, and the others are.
  Status tell(const Error& error) {
    if (error.kind == ErrorKind::busy || error.kind == ErrorKind::invalid_argument)
      return tl::unexpected<Error>(error);
    const TimelineFile& about = context_.set()->files()[file_];
    const Damage damage{.from = about.first, .to = about.last, .what = error.message};
    context_.file(file_).add_damage({&damage, 1});
    return {};
  }

  TableContext& context_;
  const VirtualTable& table_;
  const Request request_;
  const Asked asked_;
  FileWalk walk_;
  std::size_t file_ = 0;
  std::unique_ptr<RowSource> source_;  ///< goes first: it holds on to the neighbours
};

/// Reads the range of time out of the constraints, as the tables do.
Result<Asked> asked_in(TableContext& context, const VirtualTable& table, const Request& request) {
  Asked asked;
  Wanted wanted;
  for (std::size_t i = 0; i < request.constraints.size(); ++i) {
    const Constraint& constraint = request.constraints[i];
    const auto place = static_cast<std::size_t>(constraint.column);
    if (place >= table.columns().size()) continue;
    const SqlColumn& column = table.columns()[place];
    if (column.hidden && column.name == "at") {
      NETREC_TRY(at, context.time(constraint.values.front()));
      const bool least = constraint.comparison == Comparison::greater ||
                         constraint.comparison == Comparison::greater_equal;
      asked.is_range = asked.is_range || constraint.comparison != Comparison::equal;
      if (constraint.comparison == Comparison::equal) asked.at = at;
      if (least) asked.from = std::max(asked.from, at), asked.step_begins = static_cast<int>(i);
      if (!least && !asked.at) asked.to = std::min(asked.to, at);
    } else if (is_instant_of_life(column.name)) {
      narrow(wanted, column.name, constraint);
    }
  }
  // One instant is answered from the file that was written last before it, however long before.
  if (asked.at && !asked.is_range) return asked;
  asked.from = std::max(asked.from, wanted.from);
  asked.to = std::min(asked.to, wanted.to);
  return asked;
}

/// A plain table's rows of one file, as SQLite gives them.
class PlainRows final : public RowSource {
 public:
  PlainRows(const PlainTable& plain, TableContext::Lease timeline, Query query)
      : plain_(plain), timeline_(std::move(timeline)), query_(std::move(query)) {}
  Result<bool> next() override {
    if (std::exchange(started_, true)) return query_.next();
    return query_.first();
  }
  void cell(int column, CellSink& out) const override {
    if (query_.is_null(column)) return out.null();
    // The tables are STRICT.
    if (plain_.columns[static_cast<std::size_t>(column)].type == "TEXT")
      return out.text(query_.bytes(column));
    out.number(static_cast<std::uint64_t>(query_.integer(column)));
  }

 private:
  const PlainTable& plain_;
  TableContext::Lease timeline_;
  Query query_;
  bool started_ = false;
};

class PlainVirtualTable final : public VirtualTable {
 public:
  explicit PlainVirtualTable(const PlainTable& plain) : plain_(plain) {
    // A session's own word for its host gives way to the column every table has.
    std::erase_if(plain_.columns, [](const SqlColumn& column) {
      const auto origin = origin_columns();
      return std::any_of(origin.begin(), origin.end(),
                         [&](const SqlColumn& other) { return other.name == column.name; });
    });
    for (const SqlColumn& column : plain_.columns) identity_.push_back(column.name);
  }
  std::string_view name() const override { return plain_.name; }
  std::string_view about() const override { return plain_.about; }
  std::span<const SqlColumn> columns() const override { return plain_.columns; }
  std::span<const std::string_view> identity() const override { return identity_; }
  double rows_estimate() const override { return 1e4; }
  double selectivity(int, Comparison) const override { return 1; }
  Result<std::unique_ptr<RowSource>> rows(TableContext& context, const Request&) const override {
    std::string sql;
    for (const SqlColumn& column : plain_.columns)
      sql += fmt::format("{}\"{}\"", sql.empty() ? "SELECT " : ", ", column.name);
    NETREC_TRY(timeline, context.lease());
    NETREC_TRY(query, timeline->database().prepare(sql + " FROM " + plain_.name));
    return std::make_unique<PlainRows>(plain_, std::move(timeline), std::move(query));
  }

 private:
  PlainTable plain_;
  std::vector<std::string_view> identity_;  ///< all columns
};

}  // namespace

std::span<const SqlColumn> origin_columns() {
  static const SqlColumn kColumns[] = {
      {"host", "TEXT", "The host's name, as its recorder wrote it", true},
      {"file", "TEXT", "The timeline the row is from: ids and sequences count in it", true}};
  return kColumns;
}

void emit_origin(const TimelineFile& file, std::size_t place, CellSink& out) {
  out.text_or_null(place == static_cast<std::size_t>(Origin::host) ? file.host : file.path);
}

Result<std::unique_ptr<RowSource>> rows_of_set(TableContext& context, const VirtualTable& table,
                                               Request request) {
  NETREC_TRY(asked, asked_in(context, table, request));
  return std::make_unique<SetRows>(context, table, std::move(request), asked);
}

std::span<const VirtualTable* const> plain_tables_of_set() {
  static const std::vector<PlainVirtualTable> kTables(plain_tables().begin(), plain_tables().end());
  static const std::vector<const VirtualTable*> kPointers = [] {
    std::vector<const VirtualTable*> all;
    all.reserve(kTables.size());
    for (const PlainVirtualTable& table : kTables) all.push_back(&table);
    return all;
  }();
  return kPointers;
}

}  // namespace netrec
