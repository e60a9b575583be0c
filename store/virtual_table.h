// A table that SQLite asks for rows and that answers from the log: the skeleton all of netrec's
// virtual tables hang on (https://sqlite.org/vtab.html). A table says what its columns are, which
// comparisons it can use, and gives a RowSource for a request; the skeleton speaks SQLite's
// protocol.
//
// What a table uses of a WHERE clause is a hint: SQLite checks every row again, except for hidden
// columns, which are arguments, and for what a table says it checks itself. The tables are
// eponymous (no CREATE), read-only and know nothing of who asks: netrec's own shell, the sqlite3
// program or Python.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"
#include "store/sql_cell.h"
#include "store/table_context.h"

struct sqlite3;

namespace netrec {

struct Neighbours;

/// How a column is compared in a WHERE clause. `inside` is ip_in(column, 'prefix').
enum class Comparison { equal, less, less_equal, greater, greater_equal, inside };

/// One comparison the table said it can use. More than one value: column IN (…).
struct Constraint {
  int column = 0;
  Comparison comparison = Comparison::equal;
  std::vector<SqlCell> values;
  bool is_final = false;  ///< SQLite does not check it again: VirtualTable::checks() said so
};

/// ORDER BY one column.
struct RowOrder {
  int column = 0;
  bool descending = false;
};

/// As one number: 0 for none, else the column from 1 on, negative if it descends.
inline int number_of(const std::optional<RowOrder>& order) {
  if (!order) return 0;
  return order->descending ? -(order->column + 1) : order->column + 1;
}

/// Frames that are neighbours in the log.
struct FrameRun {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct Request {
  std::vector<Constraint> constraints;
  std::optional<FrameRun> frames;                  ///< of a table of frames: no others
  std::optional<RowOrder> order;                   ///< the rows must come so: gives_order() said so
  std::uint64_t columns_used = ~std::uint64_t{0};  ///< bit 63: any of the columns from 63 on
  Neighbours* neighbours = nullptr;                ///< of a file of a set: for scans of history

  bool uses(int column) const { return (columns_used >> (column < 63 ? column : 63) & 1) != 0; }
};

/// The numbers of one column, of as many rows as are at hand.
struct alignas(32) NumberCells {          // found without a multiplication
  const std::uint64_t* values = nullptr;  ///< nullptr: they are not, or not only numbers
  const std::uint32_t* rows = nullptr;    ///< which of them each row has; nullptr: its own
  bool zero_is_null = false;

  std::int64_t operator[](std::size_t row) const {
    return sql_number(values[rows == nullptr ? row : rows[row]]);
  }
};

/// The rows of one request, pulled.
class RowSource {
 public:
  virtual ~RowSource() = default;
  /// Goes to the next of the rows at hand, which next() brings; false: next() is needed.
  bool step() {
    if (row_ + 1 >= rows_) return false;
    ++row_;
    return true;
  }
  /// Goes to the next row (at first: the first); false after the last.
  virtual Result<bool> next() = 0;
  /// The numbers of `column`, of which the row's is at row(); nullptr: not all are numbers.
  const NumberCells* numbers(int column) const {
    const auto place = static_cast<std::size_t>(column);
    return place < numbers_.size() && numbers_[place].values != nullptr ? &numbers_[place]
                                                                        : nullptr;
  }
  std::size_t row() const { return row_; }
  /// REQUIRES: next() was true.
  virtual void cell(int column, CellSink& out) const = 0;
  /// True: damage was met on the way to this row, so that without it this might not be the row.
  virtual bool is_in_doubt() const { return false; }

 protected:
  std::size_t row_ = 0;
  std::size_t rows_ = 0;              ///< at hand; 0: each takes next()
  std::vector<NumberCells> numbers_;  ///< of them, by column; may be empty
};

class VirtualTable {
 public:
  virtual ~VirtualTable() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view about() const = 0;
  virtual std::span<const SqlColumn> columns() const = 0;
  /// Names of the columns that together tell each row from all others, among the first 63.
  virtual std::span<const std::string_view> identity() const = 0;
  /// How much of the table is left by this comparison: 1 all of it, or not usable.
  virtual double selectivity(int column, Comparison comparison) const = 0;
  /// True if rows() gives only rows for which this comparison with `value` holds.
  virtual bool checks(int /*column*/, Comparison, const SqlCell& /*value*/) const { return false; }
  /// Rows in all, roughly, for the planner.
  virtual double rows_estimate() const { return 1e6; }
  /// True if rows() can give the rows of the timeline in this order, NULL as SQLite has it, where
  /// `constraints` (their values are not known) are asked for with it. REQUIRES: no set.
  virtual bool gives_order(TableContext& /*context*/, const RowOrder&,
                           std::span<const Constraint> /*constraints*/) const {
    return false;
  }
  virtual Result<std::unique_ptr<RowSource>> rows(TableContext& context,
                                                  const Request& request) const = 0;
};

/// Makes `table` known to `db` under its name. `context` must live until `db` is closed.
Status add_virtual_table(sqlite3* db, const VirtualTable& table,
                         std::shared_ptr<TableContext> context);

}  // namespace netrec
