// Turns a scan that pushes rows into a sink into rows that SQLite pulls: the scan runs on a thread
// of its own and hands over batches of finished cells.
//
// Refused: collecting everything first (memory without bound, and LIMIT 1 would read a month),
// coroutines with a stack of their own (a large dependency, and sanitizers lose their way).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "store/sql_cell.h"
#include "store/text_arena.h"
#include "store/virtual_table.h"

namespace netrec {

/// The cells of one column: as bare numbers, as long as nothing else came.
class CellColumn final : public CellSink {
 public:
  enum class Kind : std::uint8_t { null, number, identifier, real, text, kept_text };
  struct Cell {
    union {
      std::int64_t number = 0;
      double real;
      const char* text;
    };
    std::uint32_t size = 0;
    Kind kind = Kind::null;

    /// False: it points into its column.
    bool stands_alone() const { return kind != Kind::text; }
  };

  explicit CellColumn(TextArena* arena = nullptr) : arena_(arena) {}

  void null() override { new_cell(); }
  void number(std::uint64_t value) override;
  void identifier(std::uint64_t bits) override;
  void real(double value) override;
  void text(std::string_view bytes) override;
  void kept_text(std::string_view bytes) override;
  /// REQUIRES: it came as a cell, not by add_numbers() or show_numbers().
  const Cell& last() const { return cells_.back(); }
  /// REQUIRES: cell.stands_alone().
  void add(const Cell& cell) { new_cell() = cell; }
  /// number(), or number_or_null(), of each of `rows` of `values`.
  void add_numbers(std::span<const std::uint64_t> values, std::span<const std::uint32_t> rows,
                   bool zero_is_null);
  /// The same, where they lie: `keeper` keeps them and `rows` there.
  void show_numbers(std::shared_ptr<const void> keeper, std::span<const std::uint64_t> values,
                    std::span<const std::uint32_t> rows, bool zero_is_null);

  /// All of them, if they are bare numbers; valid until the next is added.
  NumberCells numbers() const;
  void write(std::size_t index, CellSink& out) const;

 private:
  Cell& new_cell() {
    if (count_ > 0) make_cells();
    return cells_.emplace_back();
  }
  void make_cells();

  /// Numbers that lie elsewhere: those of `values` at `rows`.
  struct Shown {
    std::shared_ptr<const void> keeper;  ///< nullptr: there are none
    std::span<const std::uint64_t> values;
    std::span<const std::uint32_t> rows;
  };

  TextArena* arena_;
  std::size_t count_ = 0;  ///< of bare numbers, instead of cells_:
  bool zero_is_null_ = false;
  Shown shown_;
  std::vector<std::uint64_t> own_numbers_;  ///< if none are shown
  std::vector<Cell> cells_;
  std::deque<std::string> own_;  ///< texts for which there is no room elsewhere
};

/// As many cells of each column in use.
struct CellBatch {
  std::size_t rows = 0;
  std::size_t damage = 0;  ///< met by the scan before the first of them
  std::vector<CellColumn> columns;

  /// Those that are bare numbers, where `places` are the columns' places (-1: not in use).
  void show_numbers(const std::vector<int>& places, std::vector<NumberCells>& numbers) const;
};

/// Writes one cell of the row the scan is at.
using CellWriter = std::function<void(int column, CellSink& out)>;

/// Writes the cells of rows [first, last) of what the scan is at; `out[i]` is for the i-th column
/// in use.
using ColumnWriter =
    std::function<void(std::size_t first, std::size_t last, std::span<CellColumn> out)>;

class RowBatches final : public RowSource {
 public:
  /// What the scan gives its rows to.
  class Offer {
   public:
    /// Offers a row; false: nobody wants more.
    bool operator()(const CellWriter& write) const { return batches_.offer(write); }
    /// Offers `rows` rows at once; false: nobody wants more.
    bool operator()(std::size_t rows, const ColumnWriter& write) const {
      return batches_.offer(rows, write);
    }
    /// Hands over what was offered, however little: the next row may be far. False: as above.
    bool give_now() const { return batches_.filling_.rows == 0 || batches_.hand_over(true); }
    /// The rows that follow come after so much of the damage that the scan returns: it is told even
    /// if nobody wants more.
    void damage_met(std::size_t damage) const { batches_.damage_met(damage); }
    /// The columns in use, in order.
    const std::vector<int>& used() const { return batches_.used_; }

   private:
    friend class RowBatches;
    explicit Offer(RowBatches& batches) : batches_(batches) {}
    RowBatches& batches_;
  };
  /// The scan: calls its argument for each row, on another thread; what it returns ends it.
  using Scan = std::function<Result<std::vector<Damage>>(const Offer& offer)>;

  /// Where the answer is kept, if it is small.
  struct Question {
    std::string text;           ///< question_of(); "": it is not kept
    std::uint64_t version = 0;  ///< of the timeline that is scanned
  };

  /// `columns`: how many the table has.
  RowBatches(TableContext& context, const Request& request, std::size_t columns, Scan scan,
             Question question);
  ~RowBatches() override;
  RowBatches(const RowBatches&) = delete;
  RowBatches& operator=(const RowBatches&) = delete;

  Result<bool> next() override;
  void cell(int column, CellSink& out) const override;
  bool is_in_doubt() const override { return damage_ != 0; }

 private:
  void run();
  void remember(const std::shared_ptr<const CellBatch>& batch);
  void damage_met(std::size_t damage);
  bool offer(const CellWriter& write);
  bool offer(std::size_t rows, const ColumnWriter& write);
  CellBatch empty_batch() const;
  bool hand_over(bool anyway);
  Result<bool> fetch();

  TableContext& context_;
  const Scan scan_;          ///< ends with this object, not with the thread: it holds a lease
  std::vector<int> used_;    ///< columns in use, in order
  std::vector<int> place_;   ///< of each column among those; -1: not in use
  std::size_t largest_ = 0;  ///< batch, in rows
  std::size_t step_ = 0;     ///< rows of the next one, of many at once

  const std::shared_ptr<TextArena> arena_;  ///< the scan's thread only, and as the next ones
  CellBatch filling_;
  // SQLite's thread only.
  std::shared_ptr<const CellBatch> current_;
  std::size_t damage_ = 0;  ///< met before its rows
  bool has_fetched_ = false;
  Question question_;
  CellBatches answer_;
  std::size_t answer_cells_ = 0;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const CellBatch>> ready_;
  Result<std::vector<Damage>> outcome_;
  bool is_patient_ = false;  ///< who waits for rows waits for some batches
  bool finished_ = false;
  bool unwanted_ = false;

  std::thread thread_;
};

/// The rows of a scan of `timeline`, or those it gave when the same was asked of the same file.
/// `table`: the name of the one that is asked, of `columns` columns.
std::unique_ptr<RowSource> scanned_rows(TableContext& context, std::string_view table,
                                        const Request& request, std::size_t columns,
                                        const Timeline& timeline, RowBatches::Scan scan);

}  // namespace netrec
