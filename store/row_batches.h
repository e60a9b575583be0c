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
#include <mutex>
#include <thread>
#include <vector>

#include "store/sql_cell.h"
#include "store/virtual_table.h"

namespace netrec {

/// The cells of one row after another, only those of the columns in use.
class CellBatch final : public CellSink {
 public:
  void null() override { cells_.emplace_back(); }
  void number(std::uint64_t value) override;
  void real(double value) override { cells_.emplace_back(value); }
  void text(std::string_view bytes) override;

  const SqlCell& cell(std::size_t index) const { return cells_[index]; }
  std::size_t rows = 0;

 private:
  std::vector<SqlCell> cells_;
};

/// Writes what a cell holds into another sink.
void write_cell(const SqlCell& cell, CellSink& out);

/// Writes one cell of the row the scan is at.
using CellWriter = std::function<void(int column, CellSink& out)>;

class RowBatches final : public RowSource {
 public:
  /// Offers a row; false: nobody wants more.
  using Offer = std::function<bool(const CellWriter& write)>;
  /// The scan: calls its argument for each row, on another thread; what it returns ends it.
  using Scan = std::function<Result<std::vector<Damage>>(const Offer& offer)>;

  /// `columns`: how many the table has.
  RowBatches(TableContext& context, const Request& request, std::size_t columns, Scan scan);
  ~RowBatches() override;
  RowBatches(const RowBatches&) = delete;
  RowBatches& operator=(const RowBatches&) = delete;

  Result<bool> next() override;
  void cell(int column, CellSink& out) const override;

 private:
  void run();
  bool offer(const CellWriter& write);
  bool hand_over(bool at_end);
  Result<bool> fetch();

  TableContext& context_;
  const Scan scan_;         ///< ends with this object, not with the thread: it holds a lease
  std::vector<int> used_;   ///< columns in use, in order
  std::vector<int> place_;  ///< of each column among those; -1: not in use

  CellBatch filling_;  ///< the scan's thread only
  CellBatch current_;  ///< SQLite's thread only
  std::size_t row_ = 0;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<CellBatch> ready_;
  Result<std::vector<Damage>> outcome_;
  bool finished_ = false;
  bool unwanted_ = false;

  std::thread thread_;
};

}  // namespace netrec
