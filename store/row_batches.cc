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
constexpr std::size_t kLargestBatch = 512;
constexpr std::size_t kBatchesAhead = 4;
constexpr std::chrono::milliseconds kLookForInterrupt{50};

}  // namespace

void CellBatch::number(std::uint64_t value) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  cells_.emplace_back(static_cast<std::int64_t>(std::min(value, kLargest)));
}

void CellBatch::text(std::string_view bytes) {
  if (is_plain_utf8(bytes))
    cells_.emplace_back(std::in_place_type<std::string>, bytes);
  else
    cells_.emplace_back(to_plain_utf8(bytes));
}

void write_cell(const SqlCell& cell, CellSink& out) {
  if (const auto* number = std::get_if<std::int64_t>(&cell))
    out.number(static_cast<std::uint64_t>(*number));
  else if (const auto* text = std::get_if<std::string>(&cell))
    out.text(*text);
  else if (const auto* real = std::get_if<double>(&cell))
    out.real(*real);
  else
    out.null();
}

RowBatches::RowBatches(TableContext& context, const Request& request, std::size_t columns,
                       Scan scan)
    : context_(context), scan_(std::move(scan)), place_(columns, -1) {
  for (std::size_t i = 0; i < columns; ++i) {
    if (!request.uses(static_cast<int>(i))) continue;
    place_[i] = static_cast<int>(used_.size());
    used_.push_back(static_cast<int>(i));
  }
  thread_ = std::thread([this] { run(); });
}

RowBatches::~RowBatches() {
  {
    const std::lock_guard lock(mutex_);
    unwanted_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RowBatches::run() {
  auto outcome = scan_([this](const CellWriter& write) { return offer(write); });
  if (filling_.rows > 0) hand_over(true);
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  finished_ = true;
  changed_.notify_all();
}

bool RowBatches::offer(const CellWriter& write) {
  for (const int column : used_) write(column, filling_);
  ++filling_.rows;
  return filling_.rows % kSmallestBatch != 0 || hand_over(false);
}

bool RowBatches::hand_over(bool at_end) {
  std::unique_lock lock(mutex_);
  // While SQLite is behind, batches grow; they wait only when they are large.
  if (!at_end && filling_.rows < kLargestBatch && !ready_.empty() && !unwanted_) return true;
  changed_.wait(lock, [&] { return unwanted_ || ready_.size() < kBatchesAhead; });
  if (unwanted_) return false;
  ready_.push_back(std::exchange(filling_, {}));
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
  write_cell(current_.cell(row_ * used_.size() + static_cast<std::size_t>(place)), out);
}

}  // namespace netrec
