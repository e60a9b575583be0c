#include "store/row_batches.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "schema/utf8.h"

namespace netrec {

namespace {

// LIMIT 1 must not wait for hundreds of rows nobody wants: batches are small while SQLite waits.
constexpr std::size_t kSmallestBatch = 16;
constexpr std::size_t kLargestBatch = 1024;
constexpr std::size_t kBatchesAhead = 4;
constexpr std::chrono::milliseconds kLookForInterrupt{50};

}  // namespace

void CellColumn::number(std::uint64_t value) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  Cell& cell = cells_.emplace_back();
  cell.kind = Kind::number;
  cell.number = static_cast<std::int64_t>(std::min(value, kLargest));
}

void CellColumn::real(double value) {
  Cell& cell = cells_.emplace_back();
  cell.kind = Kind::real;
  cell.real = value;
}

void CellColumn::text(std::string_view bytes) {
  if (!is_plain_utf8(bytes)) return text(to_plain_utf8(bytes));
  if (arena_ != nullptr)
    if (const auto kept = arena_->keep(bytes)) return kept_text(*kept);
  const std::string& own = own_.emplace_back(bytes);
  Cell& cell = cells_.emplace_back();
  cell.kind = Kind::text;
  cell.text = own.data();
  cell.size = static_cast<std::uint32_t>(own.size());
}

void CellColumn::kept_text(std::string_view bytes) {
  Cell& cell = cells_.emplace_back();
  cell.kind = Kind::kept_text;
  cell.text = bytes.data();
  cell.size = static_cast<std::uint32_t>(bytes.size());
}

void CellColumn::write(std::size_t index, CellSink& out) const {
  const Cell& cell = cells_[index];
  switch (cell.kind) {
    case Kind::null:
      return out.null();
    case Kind::number:
      return out.number(static_cast<std::uint64_t>(cell.number));
    case Kind::real:
      return out.real(cell.real);
    case Kind::text:
      return out.text({cell.text, cell.size});
    case Kind::kept_text:
      return out.kept_text({cell.text, cell.size});
  }
}

RowBatches::RowBatches(TableContext& context, const Request& request, std::size_t columns,
                       Scan scan)
    : context_(context),
      scan_(std::move(scan)),
      place_(columns, -1),
      arena_(context.lease_arena()) {
  for (std::size_t i = 0; i < columns; ++i) {
    if (!request.uses(static_cast<int>(i))) continue;
    place_[i] = static_cast<int>(used_.size());
    used_.push_back(static_cast<int>(i));
  }
  filling_ = empty_batch();
  thread_ = std::thread([this] { run(); });
}

RowBatches::~RowBatches() {
  {
    const std::lock_guard lock(mutex_);
    unwanted_ = true;
  }
  changed_.notify_all();
  thread_.join();
  context_.give_back(arena_);
}

CellBatch RowBatches::empty_batch() const {
  CellBatch batch;
  batch.columns.assign(used_.size(), CellColumn(arena_.get()));
  return batch;
}

void RowBatches::run() {
  auto outcome = scan_(Offer(*this));
  if (filling_.rows > 0) hand_over(true);
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  finished_ = true;
  changed_.notify_all();
}

bool RowBatches::offer(const CellWriter& write) {
  for (std::size_t i = 0; i < used_.size(); ++i) write(used_[i], filling_.columns[i]);
  ++filling_.rows;
  return filling_.rows % kSmallestBatch != 0 || hand_over(false);
}

bool RowBatches::offer(std::size_t rows, const ColumnWriter& write) {
  std::size_t step = kSmallestBatch;
  for (std::size_t first = 0; first < rows; first += step) {
    if (first > 0) step = std::min(4 * step, kLargestBatch);
    const std::size_t last = std::min(first + step, rows);
    write(first, last, filling_.columns);
    filling_.rows += last - first;
    if (!hand_over(false)) return false;
    if (context_.interrupted()) return false;
  }
  return true;
}

bool RowBatches::hand_over(bool at_end) {
  std::unique_lock lock(mutex_);
  // While SQLite is behind, batches grow; they wait only when they are large.
  if (!at_end && filling_.rows < kLargestBatch && !ready_.empty() && !unwanted_) return true;
  changed_.wait(lock, [&] { return unwanted_ || ready_.size() < kBatchesAhead; });
  if (unwanted_) return false;
  ready_.push_back(std::exchange(filling_, empty_batch()));
  lock.unlock();
  changed_.notify_all();
  return true;
}

Result<bool> RowBatches::fetch() {
  std::unique_lock lock(mutex_);
  const auto something = [&] { return finished_ || !ready_.empty(); };
  while (!changed_.wait_for(lock, kLookForInterrupt, something))
    if (context_.interrupted()) return failure(ErrorKind::busy, "interrupted");
  if (!ready_.empty()) {
    current_ = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return true;
  }
  if (!outcome_) return tl::unexpected<Error>(outcome_.error());
  context_.add_damage(*outcome_);
  outcome_->clear();
  return false;
}

Result<bool> RowBatches::next() {
  if (++row_ < current_.rows) return true;
  row_ = 0;
  current_ = {};
  return fetch();
}

void RowBatches::cell(int column, CellSink& out) const {
  const int place = place_[static_cast<std::size_t>(column)];
  if (place < 0) return out.null();
  current_.columns[static_cast<std::size_t>(place)].write(row_, out);
}

}  // namespace netrec
